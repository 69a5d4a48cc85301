"""Films (.avi, .mp4, .mov, .mkv …): any frame on request, its true stamp kept, colours made grey."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.core.views import grey
from tandem_em.importers.movies.video_index import Listing, Packet, decoded, key_before, listing
from tandem_em.model.arrays import FrameByFrame

if TYPE_CHECKING:
    import av
    from av.video import VideoFrame, VideoStream

AHEAD = 64
"""Decoding on is cheaper than jumping for this many frames."""


def library() -> Any:
    """PyAV, silent on the screen."""
    import av

    av.logging.set_level(None)
    return av


def read(path: Path, options: ImportOptions) -> Job[list[Found]]:
    """The first video stream. It is decoded once to know which frames there are; pixels are read again on request."""
    film, facts, shape, dtype = yield from _look_through(path, "AUTO")
    if film.is_damaged:  # decoders on several threads lose more around a damaged place than they have to
        film, facts, shape, dtype = yield from _look_through(path, "NONE")
    source = VideoFrames(path, film, shape, dtype)
    # fails at import rather than at the first look
    source.one(0)
    found = Found(source, [Axis(len(film.good)), Axis(shape[0]), Axis(shape[1])], facts=facts)
    found.problems = film.problems
    found.times_s = np.asarray((film.stamps - film.first_stamp) * (film.seconds_per_tick or 1.0), np.float64)
    # AVI has one rate for all frames: nobody stamped them
    found.times_from = "nominal" if film.is_avi else "file"
    found.axis0_is_time = True
    return [found]


def _look_through(path: Path, threads: str) -> Job[tuple[Listing, Facts, tuple[int, int], np.dtype[Any]]]:
    with library().open(str(path), metadata_errors="replace") as container:
        if not container.streams.video:
            raise UserError(f"{path.name} contains no video, only sound or text.", "Choose another file.")
        stream = container.streams.video[0]
        stream.thread_type = threads
        shape = (int(stream.codec_context.height), int(stream.codec_context.width))
        # a broken header would have the decoder ask for gigabytes
        if min(shape) < 1 or max(shape) > 1 << 14:
            raise DamagedError(f"its frames would be {shape[1]} × {shape[0]} pixels")
        film = yield from listing(container, stream, path)
        created = parse_iso(str(container.metadata.get("creation_time", "")))
        codec = stream.codec_context.name
        facts = Facts(
            start_iso=created.isoformat() if created is not None else "", instrument={"codec": codec}
        )
        return film, facts, shape, np.dtype(np.uint16 if _is_deep(stream) else np.uint8)


def _is_deep(stream: VideoStream) -> bool:
    pixels = stream.codec_context.format
    return pixels is not None and any(component.bits > 8 for component in pixels.components)


class VideoFrames(FrameByFrame):
    """Frames of a film by number: decodes on when the next one is near, jumps to the key frame before it otherwise.

    Each packet goes into the decoder with its number in the file, and the frame made of it comes out with that number:
    a frame is the same however it was reached."""

    def __init__(self, path: Path, found: Listing, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        super().__init__(len(found.good), shape, dtype)
        self.path = path
        self._found, self._good = found, np.array(found.good, np.int64)
        places = [packet.pos for packet in found.packets]
        self._by_place = found.is_avi and None not in places and len(set(places)) == len(places)
        self._numbers: dict[int | None, int] = {}
        for number, packet in enumerate(found.packets):
            self._numbers.setdefault(self._mark(packet), number)
        self._lock = threading.Lock()
        self._container: Any = None
        self._frames: Iterator[tuple[int, Any]] = iter(())
        self._at = -1
        self._last: AnyArray | None = None

    def one(self, number: int) -> AnyArray:
        """Frame `number` in grey; the last one is kept, as panes ask for it several times."""
        with self._lock:
            if number == self._at and self._last is not None:
                return self._last
            try:
                frame = self._decode(number)
            except UserError:
                raise
            except Exception as error:
                # the decoder is in an unknown state: the next frame starts it anew
                self._forget()
                raise UserError(
                    f"Frame {number + 1} of {self.path.name} cannot be decoded ({type(error).__name__}).",
                    "The frames after it can be read.",
                ) from error
            self._at, self._last = number, frame
            # it is handed out again for the same number: nobody may write into it
            frame.flags.writeable = False
            return frame

    def _decode(self, number: int) -> AnyArray:
        wanted = int(self._good[number])
        if self._container is not None and self._at < number <= self._at + AHEAD:
            frame = self._come_to(wanted)
            if frame is not None:
                return self._grey(frame)
        for jumps in (True, False):  # where a jump goes wrong, all of it is read
            self._open(key_before(self._found, wanted) if jumps else 0)
            frame = self._come_to(wanted)
            if frame is not None:
                return self._grey(frame)
        self._forget()
        raise UserError(
            f"Frame {number + 1} of {self.path.name} can no longer be found.",
            "Check whether the file has changed since it was imported.",
        )

    def _come_to(self, wanted: int) -> Any:
        """The frame of packet `wanted`, if it is among the next to come out."""
        stamp, later = self._found.packets[wanted].stamp, 0
        for number, frame in self._frames:
            if number == wanted:
                return frame
            # frames come out in showing order: this many later ones, and it will not come
            later += self._found.packets[number].stamp > stamp
            if later > AHEAD:
                break
        return None

    def _open(self, key: int) -> None:
        """Begin to decode at a key packet, 0: at the beginning."""
        if self._container is None or not key:
            self._forget()
            self._container = library().open(str(self.path), metadata_errors="replace")
            self._container.streams.video[0].thread_type = "NONE" if self._found.is_damaged else "AUTO"
        if key:
            packet = self._found.packets[key]
            by_file = packet.dts if packet.pts is None or self._seeks_in_order_of_file() else packet.pts
            stream = self._container.streams.video[0]
            self._container.seek(by_file, stream=stream, backward=True, any_frame=False)
        self._frames = self._run(key)

    def _run(self, key: int) -> Iterator[tuple[int, Any]]:
        """(number of its packet, frame) as they come out; nothing when the jump went beyond the key packet."""
        begun = False
        for packet in self._container.demux(self._container.streams.video[0]):
            number = self._numbers.get(self._mark(packet)) if packet.size else None
            if packet.size:
                # beyond the key packet: frames before would be missing, so the jump is given up
                if number is None or (not begun and number > key):
                    if number is not None:
                        return
                    continue
                begun = True
                # the decoder carries this number through to the frame
                packet.pts = number
            elif packet.dts is not None:
                continue
            for frame in decoded(packet):
                if frame.pts is not None and 0 <= frame.pts < len(self._found.packets):
                    yield int(frame.pts), frame

    def _mark(self, packet: av.Packet | Packet) -> int | None:
        """By what a packet is known again: its stamp; in AVI, which only counts them, its place."""
        if self._by_place:
            return None if packet.pos is None else int(packet.pos)
        stamp = packet.dts if self._found.is_avi or packet.pts is None else packet.pts
        return None if stamp is None else int(stamp)

    def _seeks_in_order_of_file(self) -> bool:
        return self._found.is_avi or "mp4" in self._container.format.name

    def _grey(self, frame: VideoFrame) -> AnyArray:
        name = frame.format.name
        # deep films keep their 16 bits
        if self.dtype == np.uint16:
            out = frame.to_ndarray(format="gray16le")
        elif name.startswith(("rgb", "bgr", "argb", "abgr", "gbr", "pal8", "0rgb")):
            out = grey(frame.to_ndarray(format="rgb24"))
        else:
            out = frame.to_ndarray(format="gray")
        if out.shape != self.shape[1:]:
            raise UserError(
                f"A frame of {self.path.name} has another size than the first.",
                "Split the video at that frame.",
            )
        return np.ascontiguousarray(out)

    def _forget(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._frames, self._at, self._last = None, iter(()), -1, None

    def close(self) -> None:
        """Close the film; a later frame opens it again."""
        with self._lock:
            self._forget()
