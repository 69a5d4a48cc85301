"""Runs made ready for the lanes: sorted stamps, gaps and levels, built in jobs when they are long and grown when live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, run_to_end
from tandem_em.desk.desk import Desk
from tandem_em.desk.lanes.derived import Derivation
from tandem_em.desk.lanes.ordered import CHUNK, ordered
from tandem_em.model.curves import BiasRun, usual_gap_limit
from tandem_widgets.panes.biasing.derived import Derived, deriving
from tandem_widgets.panes.biasing.ready import Ready, making_ready
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.levels import Levels


class RunSeries:
    """One run as the lanes need it. Until its job is done the answer is coarse."""

    def __init__(self, run: BiasRun) -> None:
        self.run = run
        self.ready: Ready | None = None
        self.derived: dict[str, Derived] = {}
        self.pending: dict[str, tuple[Any, ...]] = {}
        """Derived quantities that are being computed, and with what."""
        self.size = 0
        self.early: dict[str, Levels] = {}
        """Levels of columns that were wanted before the job was done."""
        self.key = self.input_key()

    def input_key(self) -> tuple[Any, ...]:
        """When this changes, everything is prepared anew."""
        run = self.run
        return run.gap_limit_s, tuple(run.columns), id(run.times), len(run.segment_starts)

    def job(self) -> Job[Ready]:
        """The work that makes the run ready, on as many samples as there are now."""
        run = self.run
        self.size = len(run)
        columns = {name: column.values.view[: self.size] for name, column in run.columns.items()}
        return making_ready(run.times.view[: self.size], columns, run.gap_limit_s, list(run.segment_starts))

    def take(self, ready: Ready) -> bool:
        """Use what the job found, and catch up with samples that came meanwhile. False: start again."""
        self.ready = ready
        self.early = {}
        return self.catch_up()

    def catch_up(self) -> bool:
        """New samples at the end cost what they are. False when they run backwards and all must be sorted."""
        ready, run = self.ready, self.run
        if ready is None or len(run) == self.size:
            return True
        times = run.times.view
        # with the last known sample, for the step between old and new
        tail = times[max(self.size - 1, 0) :]
        # out of order: appending is not enough
        if ready.order is not None or not bool(np.all(np.diff(tail) >= 0)):
            return False
        if not np.isfinite(ready.gap_limit_s) and run.gap_limit_s is None and len(run) < CHUNK:
            ready.gap_limit_s = usual_gap_limit(times)
        jumps = np.flatnonzero(np.diff(tail) > ready.gap_limit_s) + max(self.size, 1)
        starts = [s for s in run.segment_starts if self.size <= s < len(run) and s]
        if len(jumps) or starts:
            ready.gaps = np.union1d(ready.gaps, np.concatenate([jumps, starts])).astype(np.intp)
        if ready.even is not None:
            ready.even = ready.even.taking(times, self.size)
        ready.x = times
        self.size = len(run)
        for name, column in run.columns.items():
            if name in ready.levels:
                ready.levels[name].grow(column.values.view[: self.size])
        for derived in self.derived.values():
            derived.catch_up(run, ready)
        return True

    def derived_curve(self, derived: Derived, label: str, colour: str) -> Curve:
        """A derived quantity over time."""
        assert self.ready is not None
        made = Curve(f"{self.run.id}:{derived.name}", label, colour, self.ready.x[: len(derived)], derived.y)
        self._place(made)
        made.gaps, made.levels, made.hold_s = self.ready.gaps, derived.levels, self.ready.hold_s
        made.error, made.even = derived.error, self.ready.even
        return made

    def _place(self, curve: Curve) -> None:
        clock = self.run.clock
        curve.offset_s, curve.rate = clock.offset_s, 1.0 + clock.rate_ppm * 1e-6

    def curve(self, quantity: str, label: str, colour: str) -> Curve:
        """A column over time, in its stored unit."""
        run, ready = self.run, self.ready
        y: NDArray[Any] = run.values(quantity)
        made = Curve(
            f"{run.id}:{quantity}",
            label,
            colour,
            run.times.view,
            y,
            is_step=run.columns[quantity].is_step,
        )
        self._place(made)
        if ready is not None and quantity in ready.levels:
            made.x, made.gaps, made.levels = ready.x, ready.gaps, ready.levels[quantity]
            made.even = ready.even
            made.y = made.levels.values
            made.hold_s = ready.hold_s
        elif quantity in self.early:
            self.early[quantity].grow(y)
            made.levels = self.early[quantity]
        elif made.known_levels is not None:
            self.early[quantity] = made.known_levels
        return made


class SeriesStore:
    """All runs of the session as series; tells `on_change` when one has become better or longer."""

    def __init__(self, desk: Desk, bindings: Bindings, on_change: Callable[[], None]) -> None:
        self._desk = desk
        self._on_change = on_change
        self._series: dict[str, RunSeries] = {}
        self.growing: set[str] = set()
        """Runs that samples have been added to since they are shown."""
        self._heard: dict[str, Callable[[int, int], None]] = {}
        self.bindings = bindings

    def of(self, run: BiasRun) -> RunSeries:
        """The series of a run, made anew when what it rests on has changed."""
        series = self._series.get(run.id)
        # another run may stand under the same id
        if series is None or series.run is not run or series.key != series.input_key():
            series = self._series[run.id] = RunSeries(run)
            self._prepare(series)
            self._listen(run)
        return series

    def derived(self, run: BiasRun, what: Derivation) -> Derived | None:
        """A derived quantity of a run; None while it is being computed."""
        series = self.of(run)
        ready = series.ready
        name, key = what.name, what.key(run)
        found = series.derived.get(name)
        if found is not None and found.key == key:
            return found
        if ready is None or series.pending.get(name) == key:
            return found
        job = deriving(what, key, run, ready)
        if len(run) <= levels.SMALL:
            series.derived[name] = run_to_end(job)
            return series.derived[name]
        series.pending[name] = key
        self._desk.start(
            f"Computing the {name} of {run.name}",
            job,
            lambda made: self._take_derived(series, made),
            key=f"derived {name} {run.id}",
        )
        return found

    def _take_derived(self, series: RunSeries, made: Derived) -> None:
        series.pending.pop(made.name, None)
        if self._series.get(series.run.id) is series and series.ready is not None:
            series.derived[made.name] = made
            made.catch_up(series.run, series.ready)
            self._on_change()

    def _listen(self, run: BiasRun) -> None:
        if run.id in self._heard:
            return

        def heard(_start: int, _end: int) -> None:
            self._appended(run)

        self._heard[run.id] = heard
        self.bindings.on(run.appended, heard)

    def _prepare(self, series: RunSeries) -> None:
        # a thread costs more than the work
        if len(series.run) <= levels.SMALL:
            series.take(_at_once(series))
            return
        self._desk.start(
            f"Preparing {series.run.name}",
            series.job(),
            lambda ready: self._take(series, ready),
            key=f"series {series.run.id}",
        )

    def _take(self, series: RunSeries, ready: Ready) -> None:
        # a newer series has taken its place meanwhile
        if self._series.get(series.run.id) is not series:
            return
        # samples came out of order while it was made
        if not series.take(ready):
            self._prepare(series)
        self._on_change()

    def _appended(self, run: BiasRun) -> None:
        self.growing.add(run.id)
        series = self._series.get(run.id)
        if series is not None and not series.catch_up():
            self._series[run.id] = series = RunSeries(run)
            self._prepare(series)
        self._on_change()


def _at_once(series: RunSeries) -> Ready:
    """Short runs are made ready where they stand: a few milliseconds, and no numba."""
    run = series.run
    series.size = len(run)
    known = ordered(run)
    ready = Ready(known.x, known.order, known.gap_limit_s, known.gaps)
    for name, column in run.columns.items():
        values = column.values.view if ready.order is None else column.values.view[ready.order]
        ready.levels[name] = Levels(values)
        ready.levels[name].grow(values)
    return ready
