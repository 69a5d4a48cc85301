"""Which frames a film really gives and when: every packet is decoded once, those that give nothing are counted.

A frame that is predicted from a lost one looks whole and shows what was before: it is left out as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.texts import counted
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.movies import h264 as movies_h264
from tandem_em.importers.movies import mpeg4 as movies_mpeg4

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video import VideoFrame, VideoStream

LEAST_BYTES = 10
"""Smaller packets say "the same again": nothing is lost when no frame comes out."""
CHUNK_HEAD_BYTES = 8
"""The index of an AVI tells where the head of a packet is."""
FARTHEST = 64
"""Frames between the place in the file and the place in showing order; more is a misreading."""


@dataclass(slots=True)
class Packet:
    """One packet in the order of the file. `stamp` is when its frame is shown, in units of the stream."""

    pts: int | None
    dts: int | None
    pos: int | None
    size: int
    is_key: bool
    picture: movies_h264.Picture | None = None
    vop: movies_mpeg4.Picture | None = None
    is_disposable: bool = False
    """Whether no other frame is predicted from it, as far as its head tells."""
    is_shown: bool = True
    stamp: int = 0


@dataclass
class Listing:
    """All packets of a film, in the order of the file, and what came out of the decoder."""

    is_avi: bool
    packets: list[Packet] = field(default_factory=list)
    came: list[int] = field(default_factory=list)
    """Numbers of the packets whose frames came out whole, in the order they came."""
    corrupt: set[int] = field(default_factory=set)
    """Numbers of the packets that are marked as damaged, by the file or the decoder."""
    h264: movies_h264.Pictures | None = None
    mpeg4: movies_mpeg4.Pictures | None = None
    seconds_per_tick: float = 0.0
    problems: list[str] = field(default_factory=list)
    is_damaged: bool = False
    """Whether something is lost."""
    good: list[int] = field(default_factory=list)
    """Numbers of the packets whose frames are kept, in showing order."""

    @property
    def stamps(self) -> NDArray[np.int64]:
        """When the kept frames are shown, in ticks of the stream."""
        return np.array([self.packets[number].stamp for number in self.good], np.int64)

    @property
    def first_stamp(self) -> int:
        """Of the first frame, whether it can be decoded or not."""
        return min(packet.stamp for packet in self.packets if packet.is_shown)


def listing(container: InputContainer, stream: VideoStream, path: Path) -> Job[Listing]:
    """Decode the whole film once, without keeping a pixel."""
    found = Listing(container.format.name == "avi", seconds_per_tick=float(stream.time_base or 0))
    extradata = bytes(stream.codec_context.extradata or b"")
    if stream.codec_context.name == "h264":
        found.h264 = movies_h264.Pictures(extradata)
    elif stream.codec_context.name == "mpeg4":
        found.mpeg4 = movies_mpeg4.Pictures(extradata)
    cut = yield from _decode_all(container, stream, path, found)
    found.came = [number for number in found.came if number not in found.corrupt]
    if not found.came:
        raise DamagedError("no frame can be found in it" + (f" ({cut})" if cut else ""))
    if cut:
        found.problems.append(f"{path.name} was cut off or is damaged after frame {len(found.packets)}.")
    elif stream.frames > len(found.packets):
        found.problems.append(
            f"{path.name} announces {counted(stream.frames, 'frame')} and has {len(found.packets)}: it was cut off."
        )
    _doubt(found)
    _stamp(found, path)
    if not cut and len(container.streams) == 1 and container.format.name.startswith("matroska"):
        _compare_lengths(found, (container.duration or 0) / 1e6, path)
    _choose(found, path)
    return found


def _decode_all(container: InputContainer, stream: VideoStream, path: Path, found: Listing) -> Job[str]:
    """Fill in packets and what came of them; returns what stopped it, or nothing."""
    size, done = path.stat().st_size, 0
    places = _expect(found, stream)
    is_first = True
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except Exception as error:  # noqa: BLE001  whatever the library stumbles over: what came before counts
            _take(_left_in(stream), found)
            return type(error).__name__
        if packet is None:
            return ""
        if not packet.size and packet.dts is not None:
            continue  # an empty place in an AVI: the decoder would take it for the end
        if is_first and packet.pos not in places:  # the index tells of other places
            places.clear()
            found.packets.clear()
        is_first = False
        if packet.size and not _enter(packet, stream.codec_context.name, found, places):
            continue
        _take(decoded(packet), found)
        done += 1
        if done % 100 == 0:
            yield Progress(packet.pos or 0, size, f"Listing the frames of {path.name}")


def _expect(found: Listing, stream: VideoStream) -> dict[int, int]:
    """The packets that the index of an AVI tells of, by their places: one that is not found there has a time all the same."""
    entries = [each for each in getattr(stream, "index_entries", ()) or () if each.size > 0]
    if not found.is_avi:
        return {}
    for entry in entries:
        place = int(entry.pos) + CHUNK_HEAD_BYTES
        found.packets.append(
            Packet(None, int(entry.timestamp), place, int(entry.size), bool(entry.is_keyframe))
        )
    return {packet.pos: number for number, packet in enumerate(found.packets) if packet.pos is not None}


def _enter(packet: av.Packet, codec: str, found: Listing, places: dict[int, int]) -> bool:
    """Number a packet for the decoder; False for one that the index does not know."""
    described = _described(packet, codec, found)
    # the index of a film that was cut off is made of its beginning only
    if not places or (packet.pos or 0) > next(reversed(places)):
        found.packets.append(described)
        packet.pts = len(found.packets) - 1
    elif packet.pos in places:
        packet.pts = number = places[packet.pos]
        described.dts = found.packets[number].dts
        found.packets[number] = described
    else:
        return False
    if packet.is_corrupt:
        found.corrupt.add(int(packet.pts))
    return True


def decoded(packet: av.Packet) -> list[VideoFrame]:
    """The frames that come out when a packet goes in; none when it is damaged."""
    try:
        return cast("list[VideoFrame]", list(packet.decode()))
    except Exception:  # noqa: BLE001  FFmpeg's errors have many classes; what gives no frame is counted
        return []


def _left_in(stream: VideoStream) -> list[VideoFrame]:
    """The frames a decoder still holds back when no packet follows."""
    try:
        return list(stream.decode(None))
    except Exception:  # noqa: BLE001  as above
        return []


def _take(frames: list[VideoFrame], found: Listing) -> None:
    for frame in frames:
        if frame.pts is not None and 0 <= frame.pts < len(found.packets):
            found.came.append(int(frame.pts))
            if frame.is_corrupt:
                found.corrupt.add(int(frame.pts))


def _described(packet: av.Packet, codec: str, found: Listing) -> Packet:
    described = Packet(packet.pts, packet.dts, packet.pos, packet.size, bool(packet.is_keyframe))
    if found.h264 is not None:
        picture = described.picture = found.h264.read(bytes(packet))
        described.is_disposable = picture is not None and not picture.is_reference
        described.is_shown = picture is None or not picture.is_second_field
    elif found.mpeg4 is not None:
        vop = described.vop = found.mpeg4.read(bytes(packet))
        described.is_disposable = vop is not None and vop.is_between
    elif codec == "vp8":
        described.is_shown = bool(bytes(packet)[0] & 0x10)
    described.is_shown &= not packet.is_discard
    return described


def _compare_lengths(found: Listing, promised_s: float, path: Path) -> None:
    """A Matroska film that was cut off only ends early."""
    stamps = np.unique([packet.stamp for packet in found.packets])
    if len(stamps) < 2:
        return
    ends_s = (stamps[-1] - min(stamps[0], 0) + np.diff(stamps).max()) * found.seconds_per_tick
    if promised_s > ends_s + 0.1:
        found.problems.append(
            f"{path.name} announces {promised_s:.4g} s and ends after {ends_s:.4g} s: it was cut off."
        )


def _doubt(found: Listing) -> None:
    """The head of a picture that did not come out counts when its number is the one that had to come."""
    if found.h264 is None:
        return
    came = set(found.came)
    for number, packet in enumerate(found.packets):
        before = found.packets[number - 1].picture if number else None
        if number in came or packet.picture is None or packet.picture.is_second_field:
            continue
        if before is None or packet.picture.number != found.h264.number_after(before):
            packet.picture, packet.is_disposable = None, False


def _stamp(found: Listing, path: Path) -> None:
    """When each frame is shown. AVI keeps the order of the file only: there the pictures themselves have to tell."""
    unstamped, last = 0, -1
    for packet in found.packets:
        stamp = packet.pts if packet.pts is not None else packet.dts
        unstamped += stamp is None
        # packets without a stamp follow the one before
        packet.stamp = last = last + 1 if stamp is None else int(stamp)
    if unstamped:
        found.problems.append(
            f"{counted(unstamped, 'frame')} of {path.name} without a time stamp: the time follows from the frame rate."
        )
    if not found.is_avi or any(packet.dts is None for packet in found.packets):
        return
    stamps = _at_places(found, _places_h264(found)) or _at_places(found, _places_mpeg4(found))
    if stamps is None and (found.came == sorted(found.came) or not _ascends(found)):
        stamps = _by_coming(found)
    for number, stamp in enumerate(stamps or ()):
        found.packets[number].stamp = stamp


def _ascends(found: Listing) -> bool:
    return all(np.diff([found.packets[number].stamp for number in found.came]) > 0)


def _places_h264(found: Listing) -> list[int] | None:
    """The n-th picture after a key picture in showing order has the n-th place after it in the file."""
    if found.h264 is None:
        return None
    orders = found.h264.orders([packet.picture for packet in found.packets])
    if any(orders[number] is None for number in found.came):
        return None
    written = [order for order in orders if order is not None]
    # encoders count places in ones or in twos
    step = math.gcd(*written) or 1
    places: list[int] = []
    key, base = 0, written[0]
    for number, (packet, order) in enumerate(zip(found.packets, orders, strict=True)):
        if packet.is_key and (packet.picture is None or packet.picture.is_key):
            key, base = number, order or 0
        places.append(number if order is None else key + (order - base) // step)
    return places


def _places_mpeg4(found: Listing) -> list[int] | None:
    if found.mpeg4 is None:
        return None
    vops = [packet.vop for packet in found.packets]
    places = found.mpeg4.places(vops, found.seconds_per_tick)
    if places is None or any(vops[number] is None for number in found.came):
        return None
    taken = {place for place, vop in zip(places, vops, strict=True) if vop is not None}
    for number, packet in enumerate(found.packets):
        if packet.vop is None and number and number - 1 not in taken and not packet.is_key:
            places[number], packet.is_disposable = number - 1, True  # only one in between has its place there
    return places


def _at_places(found: Listing, places: list[int] | None) -> list[int] | None:
    """Stamps of these places; None where they cannot be right."""
    if places is None:
        return None
    came = [places[number] for number in found.came]
    far = max(abs(place - number) for number, place in enumerate(places))
    if len(set(came)) < len(came) or min(places) < 0 or far > FARTHEST:
        return None
    times = [int(packet.dts or 0) for packet in found.packets]
    times += [times[-1] + each for each in range(1, FARTHEST + 1)]
    return [times[place] for place in places]


def _by_coming(found: Listing) -> list[int]:
    """The order in which the decoder gives them; a lost one keeps the place it has in the file."""
    stamps = [int(packet.dts or 0) for packet in found.packets]
    free = sorted(stamps[number] for number in found.came)
    for number, stamp in zip(found.came, free, strict=True):
        stamps[number] = stamp
    return stamps


def _choose(found: Listing, path: Path) -> None:
    """Keep what came out and is built on nothing that is lost; count the others."""
    shown = [number for number, packet in enumerate(found.packets) if packet.is_shown]
    came = set(found.came)
    lost = [
        number
        for number in shown
        if number not in came and (found.packets[number].size >= LEAST_BYTES or found.packets[number].is_key)
    ]
    leaning = _leaning(found, set(lost)) & came
    kept: dict[int, int] = {}
    for number in shown:
        if number in came and number not in leaning:
            # two frames of one stamp: the first one is kept
            kept.setdefault(found.packets[number].stamp, number)
    same = len(came.intersection(shown)) - len(leaning.intersection(shown)) - len(kept)
    found.good = [kept[stamp] for stamp in sorted(kept)]
    if not found.good:
        raise DamagedError("no frame of it can be decoded")
    found.is_damaged = bool(lost)
    for count, what in (
        (len(lost), "could not be decoded"),
        (len(leaning), "depend on frames that were lost"),
        (same, "had the time stamp of another frame"),
    ):
        if count:
            frames, are = ("frame", "is") if count == 1 else ("frames", "are")
            found.problems.append(f"{count} {frames} of {path.name} {what} and {are} left out.")


def _leaning(found: Listing, lost: set[int]) -> set[int]:
    """What is predicted from a lost frame: all up to the next key frame, and what is shown before that one."""
    leaning: set[int] = set()
    is_broken, leading, until = False, 0, -1
    for number, packet in enumerate(found.packets):
        if packet.is_key and number not in lost and is_broken:
            is_broken, leading, until = False, packet.stamp, number + FARTHEST
        elif is_broken or (number <= until and packet.stamp < leading):
            leaning.add(number)
        if number in lost and not packet.is_disposable and not _was_disposable(found, number):
            is_broken = True
    return leaning


def _was_disposable(found: Listing, lost: int) -> bool:
    """A lost H.264 picture without a legible head: the number of the next one tells whether it was counted."""
    if found.h264 is None or found.packets[lost].picture is not None or not 0 < lost < len(found.packets) - 1:
        return False
    before, after = found.packets[lost - 1].picture, found.packets[lost + 1].picture
    if before is None or after is None or found.packets[lost].is_key:
        return False
    return not after.is_key and after.number == found.h264.number_after(before)


def key_before(found: Listing, number: int) -> int:
    """The packet from which decoding has to begin for the frame of packet `number`."""
    for key in range(number, 0, -1):
        if found.packets[key].is_key and found.packets[key].stamp <= found.packets[number].stamp:
            return key
    return 0
