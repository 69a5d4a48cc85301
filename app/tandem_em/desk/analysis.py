"""What every analysis is: one piece of work that leaves a result or changes an item, and can be made again.

An `Analysis` says how it is asked for, run and kept, what its outcome comes to in a line, how a methods section speaks
of it and which line of Python does the same. It is known by its name (`desk.analyses`); plug-ins add their own.
A `Request` is one analysis asked for. Its step is written when it is asked for: what changes while it runs makes the
outcome stale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tandem_em.core.jobs import Job, Progress, Task
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, ChangeFields, Edit, RemoveItem, Together
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.base import TypedResult
from tandem_em.model.session import Session


@dataclass
class Outcome:
    """What keeping an outcome does to the session: one undoable step; and the items that hold the outcome then."""

    label: str
    edits: list[Edit]
    items: list[Item]
    remarks: list[str] = field(default_factory=list)
    """What a person should know of it besides."""
    failures: list[UserError] = field(default_factory=list)
    """What went wrong with a part of it; the rest is kept."""

    def tell(self, notices: Notices) -> None:
        """Put remarks and failures before the person; called on the session's thread."""
        for sentence in self.remarks:
            notices.info(sentence)
        for error in self.failures:
            notices.tell(error)


@dataclass(eq=False)
class Request:
    """One analysis asked for: of what, from what besides, with which parameters."""

    analysis: Analysis
    owner: Item
    inputs: list[Item]
    """All it depends on: the outcome is stale when one of them changes."""
    parameters: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    """Of the result; empty: as the analysis calls it."""
    scheduler: str = ""
    """Address of a Dask cluster to work on, for analyses that can; the outcome is the same."""
    step: Step = field(init=False)

    def __post_init__(self) -> None:
        what, name = self.analysis.title(self), self.analysis.name
        # Now, not when the job ends: revisions of the inputs are those the job sees.
        self.step = step_for(what, self.inputs, self.parameters, analysis=name)

    def job(self, session: Session) -> Job[Any]:
        """The work, on the inputs as they are now."""
        return self.analysis.job(session, self)

    def keep(self, session: Session, found: Any, replaced: Sequence[MadeItem] = ()) -> list[Item]:
        """Keep what was found as one undoable step, in place of an older outcome when one is given."""
        return self.keep_outcome(session, found, replaced).items

    def keep_outcome(self, session: Session, found: Any, replaced: Sequence[MadeItem] = ()) -> Outcome:
        """The same; also what there is to tell of it."""
        outcome = self.analysis.outcome(session, self, found, replaced)
        if outcome.edits:
            session.history.do(Together(outcome.label, outcome.edits))
        return outcome

    def start(
        self,
        desk: Desk,
        kept: Callable[[list[Item]], None] | None = None,
        *,
        replaced: Sequence[MadeItem] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Task[Any]:
        """Run it beside the window and keep what it finds, unless what it is about was removed meanwhile."""

        def finished(found: Any) -> None:
            # Same id is not enough: undoing and importing again may have put another item there.
            if desk.session.find(self.owner.id) is not self.owner:
                return
            outcome = self.keep_outcome(desk.session, found, replaced)
            outcome.tell(desk.notices)
            if kept is not None:
                kept(outcome.items)

        label, key = self.analysis.working(self), self.analysis.key(self)
        if replaced:
            # Of several results of one owner being updated, none must cancel another.
            label, key = f"Updating {', '.join(item.name for item in replaced)}", f"update {replaced[0].id}"
        return desk.start(label, self.job(desk.session), finished, on_progress=on_progress, key=key)


class Analysis(ABC):
    """One kind of work. Stateless: all that belongs to one use of it is in its `Request`."""

    name: ClassVar[str]
    """In files, commands and Python; never changes."""
    menu: ClassVar[str] = ""
    """The entry of a menu."""
    owner: ClassVar[type[Item]]
    """What it can be asked of."""
    makes: ClassVar[type]
    """A typed result, or the class of the items it makes or changes."""

    @abstractmethod
    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """A request; UserError says why it cannot be done. `inputs`: other items it is made from, as the analysis wants."""

    @abstractmethod
    def job(self, session: Session, request: Request) -> Job[Any]:
        """The work itself. Called on the session's thread to take what it needs; the job runs on another."""

    @abstractmethod
    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """How to keep what a job has found; `replaced`: stale items that are to hold it now."""

    @abstractmethod
    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """The request that `items` came from, with everything as it is now; None when something is gone."""

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether it can be asked of this item."""
        return isinstance(owner, self.owner)

    def title(self, request: Request) -> str:
        """What was done to what; the name of the step."""
        return f"{self.name} of {request.owner.name}"

    def working(self, request: Request) -> str:
        """What a person reads while it runs."""
        title = self.title(request)
        return title[:1].upper() + title[1:]

    def key(self, request: Request) -> str:
        """A newer task with the same key takes the place of one that still runs."""
        return f"{self.name} {request.owner.id}"

    def is_stale(self, session: Session, item: MadeItem) -> bool:
        """Whether a change of the inputs makes another outcome; asked only when they have changed."""
        return True

    def summary(self, item: Item) -> str:
        """One line for a person: what the outcome comes to."""
        return ""

    def method(self, session: Session, step: Step) -> str:
        """How it was done, as a methods section says it: a clause without its full stop."""
        return described(step)

    def subject(self, session: Session, step: Step) -> str:
        """What was done to what, to begin a sentence with."""
        owner = session.find(self.owner_of(session, step))
        is_bare = owner is not None and step.what.lower() == self.name.lower()  # as older versions wrote it
        text = f"{step.what} of {owner.name}" if is_bare and owner is not None else step.what
        return text[:1].upper() + text[1:]

    def code(self, session: Session, step: Step) -> str:
        """One line of Python that does the same; items by their names."""
        owner = session.find(self.owner_of(session, step))
        given = [repr(self.name), repr(owner.name if owner is not None else "")]
        if others := [item.name for item in self.others(session, step)]:
            given.append(repr(others))
        given += [
            f"{key}={value!r}" for key, value in self.code_parameters(step).items() if value is not None
        ]
        return f"session.analyse({', '.join(given)})"

    def others(self, session: Session, step: Step) -> list[Item]:
        """Items that have to be named besides its owner to do it again."""
        return []

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """What has to be given to `ask` to do it again."""
        return step.parameters

    def owner_of(self, session: Session, step: Step) -> str:
        """Id of what a step was asked of."""
        return next((i for i in (*step.inputs, *step.outputs) if isinstance(session.find(i), self.owner)), "")


def described(step: Step) -> str:
    """Name and parameters of a step: `PCA of SI (components 4)`."""
    given = ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in step.parameters.items() if value is not None
    )
    return f"{step.what[:1].upper()}{step.what[1:]}{f' ({given})' if given else ''}"


class ResultAnalysis(Analysis):
    """An analysis that leaves a typed result."""

    makes: ClassVar[type[TypedResult]]

    def typed(self, session: Session, request: Request, found: Any) -> TypedResult:
        """What the job has found, as the result it leaves."""
        assert isinstance(found, TypedResult)
        return found

    def about(self, session: Session, request: Request) -> Item:
        """The item that the result belongs to."""
        return request.owner

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """Results that a new one takes the place of, when it is asked for anew."""
        return ()

    def label(self, request: Request) -> str:
        """The undo step when it was asked for anew."""
        return self.working(request)

    def also(self, session: Session, request: Request, label: str) -> list[Edit]:
        """Edits that belong to it besides."""
        return []

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """The typed result as a new item, or its content put into the first of `replaced`."""
        made = self.typed(session, request, found).to_result(
            request.name or self.title(request), self.about(session, request)
        )
        label = f"Update {replaced[0].name}" if replaced else self.label(request)
        also = self.also(session, request, label)
        if replaced:
            return Outcome(
                label, [*also, *in_place_of(replaced[0], made, request.step, label)], [replaced[0]]
            )
        gone = [RemoveItem(label, old) for old in self.older(session, request)]
        return Outcome(label, [*gone, *also, *added([made], request.step, label)], [made])

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """Asked anew of the same items; None when an input was removed or `ask` refuses today."""
        owner = session.find(self.owner_of(session, step))
        # With an input gone it would be another analysis, not the same one again.
        if owner is None or len(inputs := inputs_of(session, step)) < len(step.inputs):
            return None
        try:
            return self.ask(
                session, owner, [i for i in inputs if i is not owner], **self.code_parameters(step)
            )
        except UserError:
            return None

    def of(self, item: Item) -> Any:
        """An item as the typed result of this analysis; None when it is not."""
        return self.makes.of(item) if isinstance(item, ResultSet) else None


def inputs_of(session: Session, step: Step) -> list[Item]:
    """The inputs of a step that are still there."""
    return [item for item in map(session.find, step.inputs) if item is not None]


def added(items: Sequence[MadeItem], step: Step, label: str) -> list[Edit]:
    """New items beside the step that made them."""
    step.outputs = [item.id for item in items]
    for item in items:
        item.made_by = step.id
    return [AddItem(label, step), *(AddItem(label, item) for item in items)]


def in_place_of(old: MadeItem, made: ResultSet, step: Step, label: str) -> list[Edit]:
    """A new result in a stale one: it stays who it is, for what was made from it and for what shows it."""
    # The step names the item that stays, for the made item is thrown away.
    step.outputs = [old.id]
    names = ("name", "arrays", "values", "units", "simulated")
    fields = {name: getattr(made, name) for name in names} | {"made_by": step.id}
    return [AddItem(label, step), ChangeFields(label, old.id, fields)]
