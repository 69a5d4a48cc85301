"""Films (.avi, .mp4, .mov, .mkv …): any frame on request, its true stamp kept, colours made grey."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.base import ImportOptions
from tandem_em.importers.microscope_guard import DamagedError
from tandem_em.importers.microscope_signal import Axis, Facts, Found
from tandem_em.importers.microscope_sources import read_frames
from tandem_em.importers.microscope_times import parse_iso
from tandem_em.importers.microscope_views import grey
from tandem_em.jobs import Job, Progress
from tandem_em.model.arrays import AnyArray
from tandem_em.notices import UserError

AHEAD = 64
"""Decoding on is cheaper than jumping for this many frames."""


def library() -> Any:
    """PyAV, silent on the screen."""
    import av

    av.logging.set_level(None)
    return av


def read(path: Path, options: ImportOptions) -> Job[list[Found]]:
    """The first video stream; its packets are listed, not decoded."""
    av = library()
    with av.open(str(path), metadata_errors="replace") as container:
        if not container.streams.video:
            raise UserError(f"{path.name} contains no film, only sound or text.", "Choose another file.")
        stream = container.streams.video[0]
        pts, problems = yield from _packets(container, stream, path)
        shape = (int(stream.codec_context.height), int(stream.codec_context.width))
        if min(shape) < 1 or max(shape) > 1 << 14:
            raise DamagedError(f"its frames would be {shape[1]} × {shape[0]} pixels")
        seconds = pts * float(stream.time_base) if stream.time_base else pts.astype(np.float64)
        deep = _is_deep(stream)
        container_name = str(container.format.name)
        created = parse_iso(str(container.metadata.get("creation_time", "")))
        sound = stream.codec_context.name
    source = VideoFrames(path, pts, shape, np.dtype(np.uint16 if deep else np.uint8))
    source.one(0)
    facts = Facts(start_iso=created.isoformat() if created is not None else "", instrument={"codec": sound})
    found = Found(source, [Axis(len(pts)), Axis(shape[0]), Axis(shape[1])], facts=facts, problems=problems)
    found.times_s = seconds - seconds[0]
    # AVI has one rate for all frames: nobody stamped them
    found.times_from = "nominal" if container_name == "avi" else "file"
    found.axis0_is_time = True
    return [found]


def _packets(container: Any, stream: Any, path: Path) -> Job[tuple[NDArray[np.int64], list[str]]]:
    """Presentation stamps of all frames in showing order."""
    stamps: list[int] = []
    problems: list[str] = []
    unstamped = broken = 0
    size = path.stat().st_size
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            broken += int(packet.is_corrupt)
            if stamp is None:
                unstamped += 1
                stamp = (stamps[-1] if stamps else -1) + 1
            stamps.append(int(stamp))
            if len(stamps) % 1000 == 0:
                yield Progress(packet.pos or 0, size, f"Listing the frames of {path.name}")
    except Exception as error:
        if not stamps:
            raise DamagedError(f"no frame can be found in it ({type(error).__name__})") from error
        problems.append(f"{path.name} was cut off or is damaged after frame {len(stamps)}.")
    if not stamps:
        raise DamagedError("no frame can be found in it")
    if unstamped:
        problems.append(f"{unstamped} frames of {path.name} have no stamp of their own: they were counted.")
    if broken:
        problems.append(f"{broken} frames of {path.name} are marked as damaged.")
    unique = np.unique(np.array(stamps, np.int64))
    if len(unique) < len(stamps):
        problems.append(
            f"{len(stamps) - len(unique)} frames of {path.name} share the stamp of another and were left out."
        )
    return unique, problems


def _is_deep(stream: Any) -> bool:
    pixels = stream.codec_context.format
    return pixels is not None and any(component.bits > 8 for component in pixels.components)


class VideoFrames:
    """Frames of a film by number: decodes on when the next one is near, jumps to the key frame before it otherwise."""

    def __init__(
        self, path: Path, pts: NDArray[np.int64], shape: tuple[int, int], dtype: np.dtype[Any]
    ) -> None:
        self.path, self.pts = path, pts
        self._shape, self._dtype = shape, dtype
        self._lock = threading.Lock()
        self._container: Any = None
        self._frames: Any = None
        self._at = -1
        self._last: AnyArray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.pts), *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def read(self, index: Any) -> AnyArray:
        return read_frames(self, index)

    def one(self, number: int) -> AnyArray:
        with self._lock:
            if number == self._at and self._last is not None:
                return self._last
            try:
                frame = self._decode(number)
            except UserError:
                raise
            except Exception as error:
                self._forget()
                raise UserError(
                    f"Frame {number + 1} of {self.path.name} cannot be decoded ({type(error).__name__}).",
                    "The film goes on after it.",
                ) from error
            self._at, self._last = number, frame
            frame.flags.writeable = False
            return frame

    def _decode(self, number: int) -> AnyArray:
        wanted = int(self.pts[number])
        if self._container is None:
            self._container = library().open(str(self.path), metadata_errors="replace")
            self._container.streams.video[0].thread_type = "AUTO"
            self._frames, self._at = self._container.decode(video=0), -1
        if not self._at < number <= self._at + AHEAD:
            stream = self._container.streams.video[0]
            self._container.seek(wanted, stream=stream, backward=True, any_frame=False)
            self._frames = self._container.decode(video=0)
        counted = self._at
        for frame in self._frames:
            counted += 1
            stamp = frame.pts if frame.pts is not None else frame.dts
            if (stamp if stamp is not None else counted) >= wanted:
                return self._grey(frame)
        self._forget()
        raise UserError(
            f"Frame {number + 1} of {self.path.name} is missing.", "The film was cut off or is damaged."
        )

    def _grey(self, frame: Any) -> AnyArray:
        name = frame.format.name
        if self._dtype == np.uint16:
            out = frame.to_ndarray(format="gray16le")
        elif name.startswith(("rgb", "bgr", "argb", "abgr", "gbr", "pal8", "0rgb")):
            out = grey(frame.to_ndarray(format="rgb24"))
        else:
            out = frame.to_ndarray(format="gray")
        if out.shape != self._shape:
            raise UserError(
                f"A frame of {self.path.name} has another size than the first.", "Cut the film there."
            )
        return np.ascontiguousarray(out)

    def _forget(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._frames, self._at, self._last = None, None, -1, None

    def close(self) -> None:
        with self._lock:
            self._forget()
