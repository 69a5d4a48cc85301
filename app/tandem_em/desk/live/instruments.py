"""The instruments of this bench: which ones there are, how they are set up, what they say before anything is recorded."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.live import setup
from tandem_em.sources.core.base import EventBlock, FrameBlock

if TYPE_CHECKING:
    from tandem_em.sources.core.base import Source
    from tandem_em.sources.core.entry import FoundInstrument, Simulation
    from tandem_em.sources.core.tables import SourceTable
    from tandem_em.sources.setup import Setup as Setup

log = logging.getLogger(__name__)
READ_S = 0.1
KEPT_S = 60.0
"""How much of the past a test shows."""
MOVIE_FRAMES = 40


@dataclass(frozen=True, eq=False)
class Look:
    """What a source says right now: newest values and frame, counters, state."""

    state: str = "idle"
    message: str = ""
    label: str = ""
    rate_hz: float = 0.0
    received: int = 0
    refused: int = 0
    simulated: bool = False
    times: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    frame: NDArray[Any] | None = None
    frame_number: int = -1
    said: list[str] = field(default_factory=list)


class Probe:
    """Runs one source without recording it. `look()` from any thread; `close()` takes its time: not on the GUI thread."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, dict[str, float]]] = deque(maxlen=3000)
        self._said: deque[str] = deque(maxlen=6)
        self._frame: NDArray[Any] | None = None
        self._frame_number = -1
        self._closing = threading.Event()
        source.start()
        self._thread = threading.Thread(target=self._read, name=f"test {source.name}", daemon=True)
        self._thread.start()

    def look(self) -> Look:
        """A copy of the newest values, frame and counters; frame None until one has come."""
        status, about = self.source.status(), self.source.describe()
        with self._lock:
            samples, said = list(self._samples), list(self._said)
            frame, number = self._frame, self._frame_number
        names = list(samples[-1][1]) if samples else []
        return Look(
            state=status.state,
            message=status.message,
            label=friendly(about.label),
            rate_hz=status.rate_hz,
            received=status.received,
            refused=status.refused,
            simulated=about.simulated,
            times=np.array([t for t, _ in samples]),
            columns={name: np.array([row.get(name, np.nan) for _, row in samples]) for name in names},
            units=dict(about.units),
            frame=frame,
            frame_number=number,
            said=said,
        )

    def close(self) -> None:
        """Close the source and wait up to 2 s for the reading thread."""
        self._closing.set()
        self.source.close()
        self._thread.join(2.0)

    def _read(self) -> None:
        while not self._closing.is_set():
            block = self.source.read(READ_S)
            with self._lock:
                if isinstance(block, FrameBlock):
                    self._frame, self._frame_number = block.frame, block.frame_number
                elif isinstance(block, EventBlock):
                    self._said.append(block.text)
                elif block is not None:
                    self._keep(block.host_times, block.columns)
            # Such a source answers at once: without a rest this would be a busy loop.
            if block is None and self.source.status().state in ("stopped", "failed"):
                self._closing.wait(READ_S)

    def _keep(self, times: NDArray[np.float64], columns: dict[str, NDArray[np.float64]]) -> None:
        stride = max(1, len(times) // 200)
        for row in range(0, len(times), stride):
            self._samples.append((float(times[row]), {key: float(v[row]) for key, v in columns.items()}))
        # By the newest sample, not by the clock: what an instrument last said stays to be seen.
        while self._samples and self._samples[0][0] < self._samples[-1][0] - KEPT_S:
            self._samples.popleft()


def friendly(label: str) -> str:
    """What an instrument calls itself, shorter: "KEITHLEY INSTRUMENTS INC.,MODEL 2400,…" gives "Keithley 2400"."""
    maker, _, rest = label.partition(",")
    if not rest.upper().startswith("MODEL "):
        return label
    return f"{maker.split()[0].title()} {rest.split(',')[0][6:].strip()}"


def set_field(table: Any, key: str, value: Any) -> None:
    """Change one field of a set-up table; raises UserError for what does not fit."""
    from pydantic import ValidationError

    try:
        setattr(table, key, value)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"Not valid: {first['msg'][0].lower()}{first['msg'][1:]}.", "") from error


class Instruments:
    """The set-up somebody works with, the tests that run on it and the simulators that were started for it."""

    changed = Signal()

    def __init__(self) -> None:
        from tandem_em.sources.setup import Setup

        self.setup = Setup()
        self.probes: dict[str, Probe] = {}
        self._simulations: list[Simulation] = []

    # --- the set-up ----------------------------------------------------------------------------------------------

    def table(self, name: str) -> SourceTable | None:
        """The set-up of the source with that name; None when there is none."""
        return next((table for table in self.setup.source if table.name == name), None)

    def add(self, table: Any) -> Any:
        """Add a source; its name is made unlike the others."""
        names = {each.name for each in self.setup.source}
        free = (f"{table.name}{'' if number == 1 else f' {number}'}" for number in range(1, 1000))
        table = table.model_copy(update={"name": next(name for name in free if name not in names)})
        self.setup.source.append(table)
        self.changed.emit()
        return table

    def add_kind(self, kind: str, name: str) -> Any:
        """Add a source of a kind with everything at its default; paths are still to be chosen."""
        from tandem_em.sources import registry

        return self.add(registry.entry(kind).blank(name))

    def edit(self, name: str, /, **fields: Any) -> Any:
        """Change fields of the source called `name`, its name too; raises UserError for what does not fit."""
        table = next(table for table in self.setup.source if table.name == name)
        if fields.get("name", name) != name and self.table(fields["name"]) is not None:
            raise UserError(f'Another source is called "{fields["name"]}".', "Give each its own name.")
        for key, value in fields.items():
            set_field(table, key, value)
        program = self.setup.program
        # The program goes by the name of its source.
        if program is not None and program.source == name:
            program.source = table.name
        self.changed.emit()
        return table

    def remove(self, name: str) -> None:
        """Take a source out of the set-up; a test that runs on it goes on until it is closed."""
        self.setup.source = [table for table in self.setup.source if table.name != name]
        self.changed.emit()

    def read(self, path: Path) -> None:
        """Use the set-up of a SETUP.toml; UserError when it is not valid, and the old one stays."""
        from tandem_em.sources.setup import read_setup

        self.setup = read_setup(path)
        self.changed.emit()

    def write(self, path: Path) -> None:
        """Save for `tandem record --setup` and for the next time."""
        from tandem_em.sources.setup import write_setup

        write_setup(self.setup, path)

    def recall(self, path: Path) -> None:
        """The set-up of the last time, if there was one that can still be read."""
        if path.exists():
            try:
                self.read(path)
            except UserError as error:
                log.info("the set-up of the last time is not used: %s", error)

    def remember(self, path: Path) -> None:
        """Keep the set-up for the next time; simulated instruments are gone with the program."""
        from tandem_em.sources.setup import write_setup

        real = [table for table in self.setup.source if not table.simulated]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_setup(self.setup.model_copy(update={"source": real}), path)
        except OSError as error:
            log.warning("the set-up is not kept for the next time: %s", error)

    # --- trying out ----------------------------------------------------------------------------------------------

    def find(self) -> Job[list[FoundInstrument]]:
        """Look for instruments; those already in the set-up are left out."""
        from tandem_em.sources.discovery import find_sources

        found = yield from find_sources()
        known = {getattr(table, "address", None) for table in self.setup.source}
        return [each for each in found if getattr(each.table, "address", None) not in known]

    def simulate(self, kind: str) -> Job[Any]:
        """Start a simulated instrument and return the table that connects to it."""
        from tandem_em.sources.simulators import particle_movie, simulate, simulators

        yield Progress(0, 2, "Starting the simulator")
        simulator, movie = simulators()[kind], None
        if simulator.shows_movie:
            once = particle_movie(MOVIE_FRAMES)
            movie = np.concatenate([once, once[::-1]])  # it grows and shrinks without a jump
        yield Progress(1, 2, "Starting the simulator")
        running = simulate(kind, simulator.title, movie=movie, rate_hz=10.0)
        self._simulations.append(running)
        return running.table

    @property
    def simulations(self) -> list[Simulation]:
        """The simulated instruments that were started here and still run."""
        return list(self._simulations)

    def test(self, name: str, read_file: Callable[[Path], Any] | None = None) -> Job[Probe]:
        """Connect to a source and look at what it says."""
        from tandem_em.sources.registry import create_source

        yield Progress(0, 0, f"Connecting to {name}")
        table = self.table(name)
        if table is None:
            raise UserError(f"There is no source called {name}.", "Add the source first.")
        if getattr(table, "path", None) == Path():
            raise UserError(f"{name} has no path yet.", "Choose the file or folder to watch.")
        if getattr(table, "address", None) == "":
            raise UserError(f"{name} has no address yet.", "Enter an address, or press Find.")
        # Most instruments allow one connection only: the old one has to go first.
        before = self.probes.pop(name, None)
        if before is not None:
            before.close()
        made = create_source(table, self.setup.limits, read_file or setup.read_file, setup.owner())
        probe = Probe(made)
        self.probes[name] = probe
        return probe

    def end_tests(self, *names: str) -> Job[None]:
        """Close the tests of these sources, of all when none is named: then they can be recorded."""
        chosen = names or tuple(self.probes)
        for number, name in enumerate(chosen):
            yield Progress(number, len(chosen), f"Closing {name}")
            probe = self.probes.pop(name, None)
            if probe is not None:
                probe.close()

    def close(self) -> None:
        """End tests and simulators; the program ends."""
        for probe in self.probes.values():
            probe.close()
        self.probes.clear()
        for running in self._simulations:
            running.close()
        self._simulations.clear()
