"""Image stacks: frames with their own time stamps, calibration and drift."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import ArraySource, GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.items import ColouredItem

TimesFrom = Literal["file", "frame files", "companion log", "nominal", "none"]


@dataclass(eq=False, kw_only=True)
class FrameStack(ColouredItem):
    """A movie. `times` are device seconds of each frame; `t` session seconds; NaN where a frame has no stamp."""

    kind: ClassVar[str] = "stack"
    appended: ClassVar[Signal] = Signal(int, int)
    not_stored: ClassVar[frozenset[str]] = frozenset({"source", "_growing", "_order"})

    source: ArraySource = field(default_factory=lambda: MemoryArray(np.zeros((0, 1, 1), np.uint16)))
    clock: Clock = field(default_factory=Clock)
    times: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    times_from: TimesFrom = "none"
    axis0_is_time: bool | None = True
    """None: the file does not say and the user has not been asked."""
    frame_numbers: NDArray[np.int64] | None = None
    exposure_s: float | None = None
    pixel_nm: float | None = None
    pixel_from: str = ""
    """Where the calibration comes from: "file", "scale bar", "typed", "magnification memory"."""
    magnification: float | None = None
    counts_per_electron: float | None = None
    counts_offset: float = 0.0
    unit: str = "counts"
    bad_frames: list[int] = field(default_factory=list)
    drift_px: NDArray[np.float64] | None = None
    """(T, 2): how far the content of each frame lies from where it is in frame 0, x then y. Applied on view only."""
    source_id: str = ""
    instrument: dict[str, Any] = field(default_factory=dict)
    _growing: dict[str, tuple[GrowingArray, AnyArray]] = field(default_factory=dict, repr=False)
    _order: tuple[AnyArray | None, bool] = field(default=(None, True), repr=False)
    """Which stamps were looked at, and whether they are in order."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, height, width)."""
        frames, height, width = self.source.shape
        return frames, height, width

    def __len__(self) -> int:
        return int(self.source.shape[0])

    @property
    def t(self) -> NDArray[np.float64]:
        """Session time of every frame (s)."""
        return self.clock.to_session(self.times)

    def frame(self, index: int) -> AnyArray:
        """The raw frame (Y, X). Slow disks make it slow: call it in a job."""
        return self.source.read(index)

    def index_at(self, t: float) -> int:
        """The frame to show at session time t: the newest one that is not later; the first one before the start."""
        if len(self) == 0:
            return 0
        times = self.times[: len(self)]
        if len(times) == 0:
            return 0
        if self._is_in_order():  # the case while filming, for hours: no copy of all stamps
            # 1 ns: a cursor set to a frame's own stamp must show that frame in spite of rounding
            at = float(self.clock.to_device(t + 1e-9))
            return max(int(np.searchsorted(times, at, side="right")) - 1, 0)
        times = self.clock.to_session(times)
        # frames without a stamp go to the end of the order, so that they are not found by time
        order = np.argsort(np.where(np.isnan(times), np.inf, times), kind="stable")
        position = int(np.searchsorted(times[order], t + 1e-9, side="right")) - 1
        return int(order[max(position, 0)])

    def _is_in_order(self) -> bool:
        """Whether the stamps ascend and none is missing; looked at once, and then what is appended."""
        if self._order[0] is not self.times:
            self._order = self.times, _ascends(self.times)
        return self._order[1]

    @property
    def time_span(self) -> tuple[float, float] | None:
        """Session time of the first and the last frame that have a stamp."""
        times = self.times
        if not len(times):
            return None
        if self._is_in_order():
            ends = times[0], times[-1]
        else:
            known = times[np.isfinite(times)]
            if not len(known):
                return None
            ends = known.min(), known.max()
        return float(self.clock.to_session(float(ends[0]))), float(self.clock.to_session(float(ends[1])))

    def time_of(self, index: int) -> float:
        """Session second of a frame; NaN where it has no stamp."""
        return float(self.clock.to_session(float(self.times[index])))

    def drift_at(self, index: int) -> tuple[float, float]:
        """Drift of a frame (px); while filming, frames for which it is not known yet have that of the last known one."""
        if self.drift_px is None or not len(self.drift_px):
            return 0.0, 0.0
        dx, dy = self.drift_px[min(index, len(self.drift_px) - 1)]
        return float(dx), float(dy)

    def append(self, times: NDArray[np.float64], numbers: NDArray[np.int64] | None = None) -> None:
        """Tell that the source has grown by frames with these device times (and numbers of the camera)."""
        start, was_in_order = len(self.times), self._is_in_order()
        self.times = self._grown("times", self.times, times)
        self._order = self.times, was_in_order and _ascends(self.times[max(start - 1, 0) :])
        if numbers is not None and self.frame_numbers is not None:
            self.frame_numbers = self._grown("frame_numbers", self.frame_numbers, numbers)
        self.appended.emit(start, len(self.times))

    def _grown(self, name: str, before: AnyArray, more: AnyArray) -> AnyArray:
        """An array with more at its end, without copying hours of it each time."""
        growing = self._growing.get(name)
        # somebody else set the stamps since: what grows starts anew from those
        if growing is None or before is not growing[1]:
            array = GrowingArray(before, before.dtype)
        else:
            array = growing[0]
        array.append(more)
        self._growing[name] = array, array.view
        return self._growing[name][1]


def _ascends(times: NDArray[np.float64]) -> bool:
    if not len(times):
        return True
    return bool(np.isfinite(times[0]) and np.all(times[1:] >= times[:-1]))


@dataclass(eq=False, kw_only=True)
class Preview(FrameStack):
    """A stack made small for the screen: means of blocks of pixels, kept where unpacking whole frames takes long."""

    kind: ClassVar[str] = "preview"

    of_id: str = ""
    """The stack this is a preview of."""
    block_px: int = 4
