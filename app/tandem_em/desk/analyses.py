"""All analyses by name: what recomputing, the methods paragraph, commands, menus and plug-ins go by.

A plug-in adds its own with `register`. A session may hold results of an analysis that is not known here: they are
shown as they are stored, and cannot be made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tandem_em.core.notices import UserError
from tandem_em.desk.analysis import Analysis, Request, described
from tandem_em.desk.biasing.results import FIND_CYCLES, TITRATE
from tandem_em.desk.eels.analyses import MAPS, MLLS, NMF, PCA, QUANTIFICATION, ZERO_LOSS
from tandem_em.desk.eels.derived import ALIGN, RECONSTRUCTION, SINGLE_SCATTERING
from tandem_em.desk.eels.lithium_of_sites import LITHIUM
from tandem_em.desk.outlines.drift import DRIFT
from tandem_em.desk.outlines.follow import FOLLOW
from tandem_em.desk.outlines.kinetics import FIT_KINETICS
from tandem_em.desk.stacks.dose import MAP_DOSE, MEASURE_DOSE
from tandem_em.desk.stacks.layers import FOLLOW_LAYERS
from tandem_em.desk.stacks.stack import MEASURE_REGION
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Particle

BUILT_IN: tuple[Analysis, ...] = (
    DRIFT, FOLLOW, FIT_KINETICS, MEASURE_REGION, FOLLOW_LAYERS, MEASURE_DOSE, MAP_DOSE, FIND_CYCLES, TITRATE, ZERO_LOSS,
    SINGLE_SCATTERING, ALIGN, PCA, NMF, RECONSTRUCTION, MLLS, MAPS, QUANTIFICATION, LITHIUM,
)  # fmt: skip
"""In the order of menus."""
_known: dict[str, Analysis] = {analysis.name: analysis for analysis in BUILT_IN}


def known() -> Iterator[Analysis]:
    """Every analysis, those of plug-ins last."""
    # A copy: a plug-in may register or be taken away while somebody goes through them.
    yield from list(_known.values())


def register(analysis: Analysis) -> None:
    """Make an analysis known that is not built in. Its name must be its own: files go by it."""
    if analysis.name in _known:
        raise ValueError(f"there is already an analysis called {analysis.name}")
    _known[analysis.name] = analysis


def forget(name: str) -> None:
    """Take an analysis of a plug-in away again."""
    if any(analysis.name == name for analysis in BUILT_IN):
        raise ValueError(f"{name} is built in")
    _known.pop(name, None)


def find(name: str) -> Analysis | None:
    """The analysis of that name; None when neither TandEM nor a loaded plug-in has it."""
    return _known.get(name)


def ask(session: Session, name: str, owner: Item, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
    """A request for an analysis by its name; UserError says why it cannot be done."""
    analysis = find(name)
    if analysis is None:
        raise UserError(f"There is no analysis called {name}.", f"There are: {', '.join(_known)}.")
    if not isinstance(owner, analysis.owner):
        raise UserError(f"{owner.name} is nothing for “{name}”.", f"It works on a {analysis.owner.kind}.")
    return analysis.ask(session, owner, inputs, **parameters)


def offered(session: Session, owner: Item) -> list[Analysis]:
    """Those that can be asked of an item, for its menu."""
    return [analysis for analysis in known() if analysis.fits(session, owner)]


def of_step(session: Session, step: Step) -> Analysis | None:
    """The analysis a step is one of; None for other work, and for analyses that nobody knows here."""
    # Steps of older versions name no analysis.
    return find(step.analysis or _older_name(session, step))


def _older_name(session: Session, step: Step) -> str:
    """Steps did not always say it: what they have made does."""
    for item in map(session.find, step.outputs):
        if isinstance(item, ResultSet):
            return item.analysis
        if isinstance(item, Particle):
            return FOLLOW.name
        if isinstance(item, SpectrumImage):
            return step.what
        if isinstance(item, FrameStack):
            return step.what.lower()
    return ""


def of_item(session: Session, item: MadeItem) -> Analysis | None:
    """The analysis that made an item."""
    step = session.steps.get(item.made_by)
    if step is not None and (found := of_step(session, step)) is not None:
        return found
    return find(item.analysis) if isinstance(item, ResultSet) else None


def summary(session: Session, item: MadeItem) -> str:
    """What an item comes to, in one line; empty where nobody knows."""
    analysis = of_item(session, item)
    return analysis.summary(item) if analysis is not None else ""


def method(session: Session, step: Step) -> str:
    """How a step was done, for a methods section."""
    analysis = of_step(session, step)
    try:
        return analysis.method(session, step) if analysis is not None else described(step)
    except (KeyError, TypeError, ValueError, IndexError):  # a step of another version or hand
        return described(step)


def is_superseded(session: Session, step: Step) -> bool:
    """Whether nothing of what a step has made is left: removed, or made again by a later one."""
    # An item that was made again bears the id of the later step.
    left = [item for item in map(session.find, step.outputs) if item is not None]
    remade = [
        item
        for item in left
        if isinstance(item, ResultSet | SpectrumImage) and item.made_by not in ("", step.id)
    ]
    return bool(step.outputs) and len(remade) == len(left)
