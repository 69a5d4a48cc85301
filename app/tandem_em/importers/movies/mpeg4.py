"""What the head of an MPEG-4 picture says: the part of a second it is shown at, and whether others are predicted from it.

AVI keeps no presentation stamps; in the order of the file a picture others are predicted from comes before those in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tandem_em.importers.movies.bits import Bits

PICTURE, LAYER = b"\0\0\1\xb6", range(0x20, 0x30)
HEAD_BYTES = 64
# the code of pictures predicted from both sides
BETWEEN = 2
FARTHEST = 8
"""Places between the order of the file and the order of showing."""


@dataclass(frozen=True)
class Picture:
    """What the head of one picture says."""

    ticks: int
    """Since the last full second."""
    is_between: bool
    """Predicted from others, and no other from it."""


class Pictures:
    """Fed with the packets of a film one after the other."""

    def __init__(self, extradata: bytes) -> None:
        self.ticks_per_s = 0
        self._learn(extradata)

    def read(self, packet: bytes) -> Picture | None:
        """The picture in a packet; None when there is none, or its head is damaged."""
        self._learn(packet)
        at = packet.find(PICTURE)
        if at < 0 or not self.ticks_per_s:
            return None
        try:
            bits = Bits(packet[at + 4 : at + 4 + HEAD_BYTES])
            kind = bits.take(2)
            while bits.take(1):
                pass
            bits.take(1)
            ticks = bits.take(max(1, (self.ticks_per_s - 1).bit_length()))
        except IndexError:
            return None
        return Picture(ticks, kind == BETWEEN) if ticks < self.ticks_per_s else None

    def places(self, pictures: Sequence[Picture | None], seconds_per_frame: float) -> list[int] | None:
        """Place of each picture in showing order; None where there are too few in a second to tell."""
        step = self.ticks_per_s * seconds_per_frame
        first = next(
            (
                (n, each)
                for n, each in enumerate(pictures)
                if each is not None and (n == 0 or each.is_between)
            ),
            None,
        )
        if first is None or not step or self.ticks_per_s / step < 2 * FARTHEST:
            return None
        zero = first[1].ticks - step * max(0, first[0] - 1)
        found = []
        for number, picture in enumerate(pictures):
            place = number if picture is None else self._nearest(number, picture.ticks - zero, step)
            if place is None:
                return None
            found.append(place)
        return found

    def _nearest(self, number: int, ticks: float, step: float) -> int | None:
        """The place that is shown at these ticks of any second and is nearest to the place in the file."""
        for away in range(FARTHEST):
            for place in (number - away, number + away):
                off = (place * step - ticks) % self.ticks_per_s
                if place >= 0 and min(off, self.ticks_per_s - off) < step / 2:
                    return place
        return None

    def _learn(self, packet: bytes) -> None:
        for head in _layers(packet):
            try:
                self.ticks_per_s = _ticks_per_s(Bits(head))
            except (IndexError, ValueError):
                continue


def _layers(packet: bytes) -> Iterator[bytes]:
    at = 0
    while (at := packet.find(b"\0\0\1", at)) >= 0 and at + 4 < len(packet):
        if packet[at + 3] in LAYER:
            yield packet[at + 4 : at + 4 + HEAD_BYTES]
        at += 3


def _ticks_per_s(bits: Bits) -> int:
    bits.take(9)
    if bits.take(1):
        bits.take(7)
    if bits.take(4) == 15:
        bits.take(16)
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            bits.take(79)
    if bits.take(2) or not bits.take(1):
        raise ValueError("no description of a layer")
    ticks = bits.take(16)
    if not ticks:
        raise ValueError("no description of a layer")
    return ticks
