"""Following outlines through a movie, as an analysis: of particles of the session, or of new ones it adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk.analysis import Analysis, Outcome, Request
from tandem_em.desk.outlines import following
from tandem_em.desk.outlines.following import DOUBT, Followed
from tandem_em.model.edits import AddItem, ChangeFields, Edit
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import Step
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle

EXACT = "exact_keys"
"""In `Particle.extra`: key frames that were corrected by hand and stay as drawn (the first drawing snaps to the edge)."""
BLANK = "blank_frames"
"""In `Particle.extra`: frames without beam, where nobody can outline anything."""
OUTSIDE = "outside_frames"
"""In `Particle.extra`: frames in which it does not lie in the picture."""
Span = tuple[int, int]


@dataclass(eq=False)
class FollowRequest(Request):
    """Which particles, and what they looked like when it was asked for."""

    particles: list[Particle] = field(default_factory=list)
    began_with: list[dict[int, Outline]] = field(default_factory=list)
    new: frozenset[str] = frozenset()
    """Those that are not in the session yet."""

    @property
    def names(self) -> str:
        """The names of the particles, separated by commas, for titles."""
        return ", ".join(particle.name for particle in self.particles)

    @property
    def span(self) -> Span | None:
        """First and last frame to follow in; None: the whole movie."""
        span = self.parameters["span"]
        return (span[0], span[1]) if span else None

    def changed(self, session: Session) -> list[bool]:
        """Whether each may be changed: whoever was deleted or corrected meanwhile is left alone."""
        return [
            particle.id in self.new
            or (session.particles.get(particle.id) is particle and particle.outlines is before)
            for particle, before in zip(self.particles, self.began_with)
        ]


class FollowOutlines(Analysis):
    """Asked of a stack, with particles as inputs; parameters: `span`, and whether it asks where it would be guessing."""

    name = "follow outlines"
    menu = "Follow"
    owner = FrameStack
    makes = Particle

    def ask(
        self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any
    ) -> FollowRequest:
        """`inputs` are the particles, `span` the frames (None: all); UserError without a particle."""
        chosen = [item for item in inputs if isinstance(item, Particle)]
        span = parameters.get("span")
        exact = {
            int(frame) for each in chosen for frame in (each.keys if span else each.extra.get(EXACT, []))
        }
        given = {
            "span": list(span) if span else None, "exact_keys": sorted(exact),
            "stop_below": DOUBT if parameters.get("ask", True) else None,
        }  # fmt: skip
        if not chosen:
            raise UserError("There is no outline to follow.", "Draw one around a particle.")
        request = FollowRequest(
            # The dictionaries themselves: edits replace them, so identity tells a change.
            self, owner, [owner], given, particles=chosen, began_with=[each.outlines for each in chosen],
            new=frozenset(each.id for each in chosen if each.id not in session.particles),
        )  # fmt: skip
        # Known before it runs: following changes particles, it makes none.
        request.step.outputs = [particle.id for particle in chosen]
        return request

    def title(self, request: Request) -> str:
        """Names all particles."""
        assert isinstance(request, FollowRequest)
        return f"Follow {request.names}"

    def working(self, request: Request) -> str:
        """Names all particles."""
        assert isinstance(request, FollowRequest)
        return f"Following {request.names}"

    def key(self, request: Request) -> str:
        """By the particles, so that following others goes on beside it."""
        assert isinstance(request, FollowRequest)
        return "follow " + " ".join(sorted(particle.id for particle in request.particles))

    def job(self, session: Session, request: Request) -> Job[list[Followed]]:
        """Follows copies of the particles; outlines drawn meanwhile do not disturb it."""
        assert isinstance(request, FollowRequest)
        assert isinstance(request.owner, FrameStack)
        # Copies: particles belong to the session's thread.
        drawn = [replace(particle, outlines=dict(particle.outlines)) for particle in request.particles]
        return following.follow(
            request.owner, drawn, exact_keys=frozenset(request.parameters["exact_keys"]), span=request.span,
            stop_below=request.parameters["stop_below"], scheduler=request.scheduler,
        )  # fmt: skip

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """New outlines of each particle that is still as it was; where it was lost becomes a remark."""
        assert isinstance(request, FollowRequest)
        label = self.title(request)
        outcome = Outcome(label, [], [])
        for particle, followed, is_free in zip(request.particles, found, request.changed(session)):
            if is_free:
                outcome.edits.append(self._kept(request, particle, followed, label))
                outcome.items.append(particle)
                outcome.remarks += following.where_lost(particle.name, followed, first=1)
                if (failed := following.failed(particle.name, followed, first=1)) is not None:
                    outcome.failures.append(failed)
        if outcome.edits:
            outcome.edits.insert(0, AddItem(label, request.step))
        return outcome

    def _kept(self, request: FollowRequest, particle: Particle, followed: Followed, label: str) -> Edit:
        assert isinstance(request.owner, FrameStack)
        fields: dict[str, Any] = {
            "outlines": followed.outlines, "made_by": request.step.id,
            "followed": _through(request.owner, particle, followed, request.span),
        }  # fmt: skip
        if extra := _without_outline(particle, followed, request.span):
            fields["extra"] = {**particle.extra, **extra}
        if particle.id not in request.new:
            return ChangeFields(label, particle.id, fields)
        for name, value in fields.items():
            setattr(particle, name, value)
        return AddItem(label, particle)

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """Follow all frames again from the keys; None when a particle has no key or the stack is gone."""
        chosen = [item for item in items if isinstance(item, Particle)]
        stack = session.stacks.get(chosen[0].stack_id) if chosen else None
        if stack is None or not all(particle.keys for particle in chosen):
            return None
        return self.ask(session, stack, chosen)

    def summary(self, item: Item) -> str:
        """How many outlines there are, and how many of them can be trusted."""
        if not isinstance(item, Particle):
            return ""
        sure = sum(outline.confidence >= DOUBT for outline in item.outlines.values())
        return f"{len(item.outlines)} outlines, {sure} of them sure."

    def method(self, session: Session, step: Step) -> str:
        """Which particles, frames and rule for giving up."""
        span = step.parameters.get("span")
        where = f" in frames {span[0] + 1} to {span[1] + 1}" if span else ""
        names = [found.name for i in step.outputs if (found := session.particles.get(i)) is not None]
        rule = (
            ", given up where they became uncertain" if step.parameters.get("stop_below") is not None else ""
        )
        until = ", stopped by hand" if step.parameters.get("stopped") else rule
        return f"Outlines of {', '.join(names)}: edges followed frame by frame from those drawn by hand{where}{until}"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """`span` and `ask`, in the words `ask` takes; key frames are fields of the particles."""
        given = step.parameters
        return {"span": given.get("span"), "ask": given.get("stop_below") is not None}

    def others(self, session: Session, step: Step) -> list[Item]:
        """The followed particles: the owner is the stack."""
        return [found for i in step.outputs if (found := session.particles.get(i)) is not None]


FOLLOW = FollowOutlines()


def _without_outline(particle: Particle, followed: Followed, span: Span | None) -> dict[str, list[int]]:
    """Frames in which there is nothing to outline, for `Particle.extra`."""
    found: dict[str, list[int]] = {BLANK: sorted(followed.blank)} if followed.blank else {}
    before = particle.extra.get(OUTSIDE, [])
    # Outside of the span nobody has looked again.
    stay = {frame for frame in before if span is not None and not span[0] <= frame <= span[1]}
    if before or followed.outside:
        found[OUTSIDE] = sorted(stay | followed.outside)
    return found


def _through(stack: FrameStack, particle: Particle, followed: Followed, span: Span | None) -> Span:
    """First and last frame that have been tried: to where it stopped, else to the ends."""
    keys = particle.keys
    low, high = span or (0, len(stack) - 1)
    for frame in followed.stopped:
        if frame > max(keys, default=0):
            high = min(high, frame)
        elif frame < min(keys, default=0):
            low = max(low, frame)
    return (low, high) if span is None else joined(particle.followed, (low, high))


def joined(followed: Span | None, span: Span) -> Span:
    """Two stretches of frames as one."""
    return span if followed is None else (min(followed[0], span[0]), max(followed[1], span[1]))
