"""Live set-ups: from a SETUP.toml to sources, cell and program. The dialog and `tandem record` both come here."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.document import files
from tandem_em.desk.live.guardian import capacity_C
from tandem_em.desk.live.recorder import Recorder
from tandem_em.desk.settings import config_folder
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.curves import Cell
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.session import Session
from tandem_em.sources.core.base import Source

if TYPE_CHECKING:
    from tandem_em.desk.live.follow import Lag
    from tandem_em.sources.core.ownership import Owner
    from tandem_em.sources.setup import Setup


MOST_FRAMES = 2000


def read_setup(path: Path) -> Setup:
    """The set-up in a SETUP.toml; UserError says which entry is not valid."""
    from tandem_em.sources import setup

    return setup.read_setup(path)


def session_for(setup: Setup, fallback_name: str) -> Session:
    """An empty session with the name and the cell of the set-up."""
    session = Session(setup.session.name or fallback_name)
    typed = setup.cell.model_dump(exclude_none=True)
    if any(typed.values()):
        session.cells.add(Cell(**(typed | {"name": typed.get("name") or "cell"})))
    return session


def owner(program: str = "TandEM") -> Owner:
    """Under which name this program owns instruments."""
    from tandem_em.sources.core.ownership import Owner

    return Owner(config_folder() / "owners", program)


def make_sources(setup: Setup, program: str = "TandEM") -> list[Source]:
    """One source for each [[source]]; nothing is opened yet. UserError when another program owns an instrument."""
    from tandem_em.sources.registry import create_source

    if not setup.source:
        raise UserError("The set-up names no source.", 'Add a [[source]] table, for example kind = "text".')
    made: list[Source] = []
    try:
        for table in setup.source:
            plays = _plays_session(table)
            made.append(
                _session_replay(table)
                if plays
                else create_source(table, setup.limits, read_file, owner(program))
            )
    except UserError:
        # Those already made own their instruments and would go on owning them.
        for source in made:
            source.close()
        raise
    return made


def _plays_session(table: Any) -> bool:
    return table.kind == "replay" and files.is_session_file(table.path)


def _session_replay(table: Any) -> Source:
    """A recorded session as one source; its file stays open for reading while it plays."""
    from tandem_em.sources.registry import create_source

    opened = run_to_end(files.open_session(table.path, readonly=True))
    items = [*opened.session.runs, *opened.session.stacks]
    try:
        source = create_source(table, read_file=lambda _path: items)
    except UserError:
        opened.store.close()
        raise
    # The frames are read from the file until the source lets go.
    source.released.connect(opened.store.close)  # type: ignore[attr-defined]
    return source


def read_file(path: Path) -> list[Item]:
    """What watched folders use to read a finished file."""
    from tandem_em.importers import registry

    return run_to_end(registry.read(path, ImportOptions(axis0_is_time=True))).items


def cell_of(setup: Setup) -> Cell:
    """The cell the set-up describes."""
    return Cell(**setup.cell.model_dump(exclude_none=True))


def beating(recorder: Recorder) -> list[Callable[[], None]]:
    """Heartbeats that the window gives from now on (every 0.2 s): a frozen window then counts as dead."""
    guarded: list[Any] = [source for source in recorder.sources if hasattr(source, "beats_itself")]
    for source in guarded:
        source.beats_itself = False
    return [source.beat for source in guarded]


def newest_moment(session: Session, elapsed_s: float) -> float:
    """The newest session second of which there is a sample or a frame; `elapsed_s` while there is none."""
    newest = -math.inf
    for run in session.runs:
        if len(run.times):
            newest = max(newest, float(run.clock.to_session(float(run.times.view[-1]))))
    for stack in session.stacks:
        if len(stack.times):
            newest = max(newest, float(stack.clock.to_session(float(stack.times[-1]))))
    return newest if math.isfinite(newest) else elapsed_s


def newest_voltage(session: Session) -> float | None:
    """What the cell has now (V), as the newest run says."""
    for run in reversed(list(session.runs)):
        if len(run.times) and "voltage" in run.columns:
            return float(run.values("voltage")[-1])
    return None


def frames_within(stack: FrameStack, seconds: float) -> int:
    """How many of the newest frames came within this time."""
    times = stack.times
    return int(np.count_nonzero(times[-MOST_FRAMES:] > times[-1] - seconds)) if len(times) else 0


def lag_text(lag: Lag) -> str:
    """How honest live outlines are, in a few words."""
    every = round(lag.every)
    parts = [f"outlines {lag.behind_s:.1f} s behind" if lag.behind_s >= 0.05 else "outlines up to date"]
    if every > 1:
        parts.append(f"one frame of {every}")
    return " · ".join(parts)


def start_program(setup: Setup, recorder: Recorder) -> None:
    """Hand the biasing program to the guardian of its source."""
    if setup.program is None:
        return
    try:
        text = setup.program.file.read_text("utf-8")
    except OSError as error:
        raise UserError(
            f"The program {setup.program.file} cannot be read: {error.strerror}.",
            "Check the path in [program].",
        ) from error
    sources: list[Any] = [s for s in recorder.sources if hasattr(s, "run_program")]
    wanted = [s for s in sources if setup.program.source in ("", s.name)]
    if len(wanted) != 1:
        raise UserError(
            "It is not clear which source runs the program.", 'Name it: [program] source = "bias".'
        )
    wanted[0].run_program(text, setup.program.file.name, capacity_C=capacity_C(cell_of(setup)))
