"""The one interface of all live sources: blocks of samples, frames and events, and how a source is doing.

    source = create_source(table)        # nothing is opened yet
    source.start()                       # connects in its own thread, returns at once
    block = source.read(timeout=0.5)     # next block, None when nothing came; the recorder calls it in a loop
    source.stop()                        # stops taking data; what is queued can still be read
    source.close()                       # frees threads, sockets, processes; can be called twice

Every block carries the device's own time and the host's monotonic time (`host_now`). The device timeline of one source
never runs backwards: a source whose instrument restarts its clock anchors the new stretch behind the old one and marks
the first block of it with `new_segment`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.clock import Origin

host_now = time.perf_counter
"""The host clock of every block (s): monotonic, the same in all processes of one computer, fine on Windows too."""

State = Literal["idle", "connecting", "waiting", "running", "paused", "lost", "stopped", "failed"]
EventCategory = Literal["bias", "contact", "beam", "warning", "note"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SampleBlock:
    """Rows of one instrument. All arrays have one length; columns are in SI units (`model.curves.SI_UNITS`)."""

    source: str
    times: NDArray[np.float64]
    host_times: NDArray[np.float64]
    columns: dict[str, NDArray[np.float64]]
    new_segment: bool = False
    """Nothing may be joined between the block before and this one."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def nbytes(self) -> int:
        """What it weighs in a queue: the columns and both times."""
        return 8 * len(self.times) * (2 + len(self.columns))


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameBlock:
    """One frame (Y, X) as it came, in native byte order. `time` is NaN when the camera gives no stamp."""

    source: str
    frame: NDArray[Any]
    time: float
    host_time: float
    frame_number: int
    new_segment: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    """What this frame's header says beyond that: exposure_s, pixel_nm, file name, …"""

    def __len__(self) -> int:
        return 1

    @property
    def nbytes(self) -> int:
        """What it weighs in a queue: the pixels."""
        return int(self.frame.nbytes)


@dataclass(frozen=True, eq=False, kw_only=True)
class EventBlock:
    """Something that happened, said in a sentence. `time` is device time where there is one, else NaN."""

    source: str
    host_time: float
    text: str
    category: EventCategory = "note"
    time: float = float("nan")
    data: dict[str, Any] = field(default_factory=dict)

    # Events are few: they never count against a queue's limit.
    nbytes = 0

    def __len__(self) -> int:
        return 1


Block = SampleBlock | FrameBlock | EventBlock


@dataclass(frozen=True, kw_only=True)
class SourceDescription:
    """What a source is and delivers. Fields fill up as the instrument answers; ask again after the first block."""

    name: str
    kind: str
    label: str = ""
    units: dict[str, str] = field(default_factory=dict)
    """Quantity to unit, for sources of samples."""
    frame_shape: tuple[int, int] | None = None
    frame_dtype: str = ""
    pixel_nm: float | None = None
    sync: Origin = "provisional"
    simulated: bool = False
    replay: bool = False
    instrument: dict[str, Any] = field(default_factory=dict)
    """As the instrument tells it: idn, firmware, exposure_s, …"""


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """How a source is doing right now; a snapshot that may be kept."""

    state: State
    message: str = ""
    """A sentence for the user; says what to do when the state is lost or failed."""
    received: int = 0
    """Samples or frames that arrived here."""
    delivered: int = 0
    """… of them handed out by `read`."""
    dropped: int = 0
    """… of them thrown away here because nobody read in time."""
    missed: int = 0
    """Lost before they arrived: holes in the frame numbers."""
    refused: int = 0
    """Messages that were malformed, too large or not understood."""
    queued: int = 0
    queued_bytes: int = 0
    rate_hz: float = 0.0
    """Samples or frames per second over the last seconds."""
    segments: int = 0
    last_host_time: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class ClockFit:
    """host time = offset_s + device time × (1 + rate_ppm · 1e-6), and how far that can be trusted."""

    offset_s: float = float("nan")
    rate_ppm: float = 0.0
    uncertainty_s: float = float("inf")
    origin: Origin = "provisional"
    samples: int = 0
    span_s: float = 0.0

    def to_host(self, device: float) -> float:
        """Host time (s) of a device time (s); NaN while nothing was fitted."""
        return self.offset_s + device * (1.0 + self.rate_ppm * 1e-6)


@runtime_checkable
class Source(Protocol):
    """All a recorder needs to know. `read` may be called from one thread only; the others from any."""

    @property
    def name(self) -> str:
        """The name in the set-up, unique among the sources of a session."""

    def describe(self) -> SourceDescription:
        """What it delivers, as far as the instrument has said so by now."""

    def start(self) -> None:
        """Begin to connect, in its own thread; returns at once."""

    def read(self, timeout: float) -> Block | None:
        """The next block; None when nothing came within `timeout` (s)."""

    def stop(self) -> None:
        """Take no more data; what is queued can still be read."""

    def close(self) -> None:
        """Free threads, sockets and processes; can be called twice."""

    def status(self) -> SourceStatus:
        """How it is doing now."""

    def clock_fit(self) -> ClockFit:
        """How device and host time are related, as far as is known by now."""
