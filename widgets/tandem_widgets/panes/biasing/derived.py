"""Quantities made of a run's columns, kept in step while it grows: charge by integration, resistance by division."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk.lanes.numbers import resistance, resistance_threshold
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.ready import CHUNK, Ready
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.levels import Levels


class Derived:
    """One derived quantity of one run, sample by sample in the order of the run's `Ready`."""

    def __init__(
        self, name: str, key: tuple[Any, ...], values: NDArray[np.float64], error: NDArray[Any] | None = None
    ) -> None:
        self.name = name
        self.key = key
        self._values = GrowingArray(values)
        self._error = None if error is None else GrowingArray(error, np.float32)
        self.levels = Levels(self._values.view)
        self.threshold = 0.0

    def __len__(self) -> int:
        return len(self._values)

    @property
    def y(self) -> NDArray[np.float64]:
        return self._values.view

    @property
    def error(self) -> NDArray[Any] | None:
        return None if self._error is None else self._error.view

    def catch_up(self, run: BiasRun, ready: Ready) -> None:
        """Add what was recorded since; costs what was added."""
        done, total = len(self), len(ready.x)
        if ready.order is not None or total <= done:
            return
        if self.name == "charge":
            charge, error = _charge(run, ready, max(done - 1, 0), total)
            before = float(self.y[-1]) if done else 0.0
            self._values.append(before + charge[min(done, 1) :])
            if self._error is not None:
                self._error.append((float(self._error.view[-1]) if done else 0.0) + error[min(done, 1) :])
        else:
            part = slice(done, total)
            self._values.append(resistance(run.values("voltage")[part], run.current_in(part), self.threshold))
        self.levels.grow(self._values.view)


def derived_key(run: BiasRun, name: str) -> tuple[Any, ...]:
    """What a derived quantity depends on besides the samples."""
    zero = (run.zero_current_A, run.zero_current_error_A)
    return (name, *zero, run.gap_limit_s, len(run.segment_starts) if name == "charge" else 0)


def can_derive(run: BiasRun, name: str) -> bool:
    return "current" in run.columns and (name == "charge" or "voltage" in run.columns)


def deriving(name: str, key: tuple[Any, ...], run: BiasRun, ready: Ready) -> Job[Derived]:
    """Compute a derived quantity of all samples there are now."""
    total = len(ready.x)
    yield Progress(0, 2, f"Computing the {name} of {run.name}")
    if name == "charge":
        charge, error = yield from _whole_charge(run, ready, total)
        made = Derived(name, key, charge, error if run.zero_current_error_A else None)
    else:
        current, voltage = run.current, np.asarray(run.values("voltage"), np.float64)
        if ready.order is not None:
            current, voltage = current[ready.order], voltage[ready.order]
        threshold = resistance_threshold(current[:total])
        made = Derived(name, key, resistance(voltage[:total], current[:total], threshold))
        made.threshold = threshold
    yield Progress(1, 2, f"Computing the {name} of {run.name}")
    if total > levels.SMALL:
        yield from made.levels.building()
    else:
        made.levels.grow(made.y)
    return made


def _whole_charge(
    run: BiasRun, ready: Ready, total: int
) -> Job[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The charge of all samples, in pieces that share a sample: hours at 1 kS/s need no gigabytes beside them."""
    if ready.order is not None:
        charge, error = _charge(run, ready, 0, total)
        return charge[ready.order], error[ready.order]
    charge, error = np.zeros(total), np.zeros(total)
    current = run.values("current")
    first = 0
    while first < total:
        last = min(first + CHUNK + 1, total)
        while last < total and not np.isfinite(current[last - 1]):
            last += 1  # the shared sample must have a value
        part, part_error = _charge(run, ready, first, last)
        charge[first:last] = charge[first] + part
        error[first:last] = error[first] + part_error
        yield Progress(last, total, f"Computing the charge of {run.name}")
        first = last - 1 if last < total else total
    return charge, error


def _charge(
    run: BiasRun, ready: Ready, first: int, last: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from tandem_em.analysis.cycling.charge import Zero, integrate

    if ready.order is not None:
        first, last = 0, len(run)
    starts = [start - first for start in run.segment_starts if first < start < last]
    zero = Zero(run.zero_current_A, run.zero_current_error_A)
    limit = ready.gap_limit_s
    current = np.asarray(run.values("current")[first:last], np.float64)
    found = integrate(run.times.view[first:last], current, zero, limit, starts)
    return found.charge_C, found.error_C
