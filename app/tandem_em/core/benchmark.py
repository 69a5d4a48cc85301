"""Honest timing: the figures every benchmark returns, and the clock it reads them from."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number. `ratio` compares with `peer` (how many times better we are), `goal` says what was asked."""

    what: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    remark: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as they go into the JSON of `tandem bench`."""
        return asdict(self)


@dataclass(frozen=True)
class Timing:
    """What a call took (ms): medians of wall and CPU time, and the slowest run."""

    wall_ms: float
    cpu_ms: float
    worst_wall_ms: float


def time_call(call: Callable[[], Any], runs: int = 7, warmup: int = 1) -> Timing:
    """Median wall and CPU time (all threads of this process) of a call."""
    for _ in range(warmup):
        call()
    walls, cpus = [], []
    # CPU time beside wall time: a busy machine slows the wall clock only, and threads cost CPU.
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return Timing(statistics.median(walls), statistics.median(cpus), max(walls))


def time_pair(
    ours: Callable[[], Any], theirs: Callable[[], Any], runs: int = 7, warmup: int = 1
) -> tuple[Timing, Timing]:
    """Time two calls in turn (A B A B …), so that a machine that drifts slows both alike."""
    for _ in range(warmup):
        ours()
        theirs()
    rows: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for _ in range(runs):
        for row, call in zip(rows, (ours, theirs)):
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            row.append(((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3))
    timings = [
        Timing(
            statistics.median(w for w, _ in row), statistics.median(c for _, c in row), max(w for w, _ in row)
        )
        for row in rows
    ]
    return timings[0], timings[1]
