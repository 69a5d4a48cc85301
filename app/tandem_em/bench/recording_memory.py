"""What a recorded frame leaves in memory for the rest of the day, once the buffers that every recording fills are full."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tandem_em.bench.recording_at_work import memory_MiB, recording
from tandem_em.core.benchmark import Figure
from tandem_em.sources.core.base import SourceDescription
from tandem_em.sources.core.threaded import ThreadedSource

# So many a second that hours of a camera are recorded in a minute.
RATE_HZ = 5000
FILLED = 220_000
"""Frames after which HDF5's caches are full and the stamps lie on disk."""
# Frames after those, over which the slope is taken.
LOOKED_AT = 130_000
MOST_LEFT = 4.0
"""Bytes a frame: 12 hours at 20 frames/s in 3.5 MB."""


class _TinyFrames(ThreadedSource):
    """Frames so small that hours of them are recorded in a minute: all but its pixels costs a frame the same."""

    kind: ClassVar[Any] = "zmq"
    patience_s: ClassVar[float] = 1.0

    def __init__(self) -> None:
        super().__init__("camera")
        self._count = 0
        self._frame = np.zeros((16, 16), np.uint16)

    def describe(self) -> SourceDescription:
        return SourceDescription(name=self.name, kind=self.kind, simulated=True)

    def _connect(self) -> None:
        pass

    def _disconnect(self) -> None:
        pass

    def _pump(self) -> None:
        # A hundredth of a second's frames at once: sleeping for each would be far too slow.
        for _ in range(RATE_HZ // 100):
            self._count += 1
            self._put_frame(self._frame, self._count / RATE_HZ, self._count)
        time.sleep(0.01)


def left_behind(folder: Path) -> Figure:
    """Bytes of memory for each frame, long after the beginning."""
    counts, sizes = _recorded(folder / "tiny.nxs")
    late = counts > FILLED
    left = float(np.polyfit(counts[late], sizes[late], 1)[0]) * 2**20
    return Figure(
        f"memory left by a recorded frame, after the first {FILLED}", left, "bytes",
        goal=f"below {MOST_LEFT:.0f}: 12 hours at 20 frames/s in 3.5 MB", met=left < MOST_LEFT,
        remark=f"{sizes[0]:.1f} MiB at the start, {sizes[late][0]:.1f} and {sizes[-1]:.1f} around {LOOKED_AT} frames",
    )  # fmt: skip


def _recorded(path: Path) -> tuple[Any, Any]:
    """Frames that were safe and memory in MiB, twice a second."""
    found: list[tuple[int, float]] = [(0, memory_MiB())]
    with recording(path, [_TinyFrames()]) as (recorder, _session, work_off):
        next_look = 0.0
        while found[-1][0] < FILLED + LOOKED_AT:
            work_off(0.05)
            if time.monotonic() > next_look:
                next_look = time.monotonic() + 0.5
                found.append((recorder.counters()["camera"].acknowledged, memory_MiB()))
    path.unlink()
    counts, sizes = np.array(found).T
    return counts, sizes
