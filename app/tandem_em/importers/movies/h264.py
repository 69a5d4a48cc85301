"""What the head of an H.264 picture says: its place in showing order, and whether others are predicted from it.

AVI keeps no presentation stamps. The decoder puts pictures in order, but when one is lost only these numbers tell where the
gap is and which of the others are built on what is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tandem_em.importers.movies.bits import Bits

HEAD_BYTES = 96
"""More than the head of a picture takes."""
# profiles whose description of a sequence says more about colours and scaling
HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
# kinds of units: slice, slice of a key picture, description of a sequence
PICTURE, KEY_PICTURE, SEQUENCE = 1, 5, 7


@dataclass(frozen=True)
class Picture:
    """`low`: the last bits of its place in showing order; None where it is not written."""

    number: int
    low: int | None
    is_key: bool
    is_reference: bool
    is_second_field: bool = False


@dataclass(frozen=True)
class _Sequence:
    number_bits: int
    order_type: int
    order_bits: int
    has_planes: bool
    has_fields: bool


class Pictures:
    """Fed with the packets of a film one after the other."""

    def __init__(self, extradata: bytes) -> None:
        self._length_bytes = 0
        self._sequence: _Sequence | None = None
        self._last: Picture | None = None
        if extradata[:1] == b"\x01" and len(extradata) > 8:
            self._length_bytes = (extradata[4] & 3) + 1
            self._learn(extradata[8 : 8 + int.from_bytes(extradata[6:8], "big")])
        else:
            for unit in _units(extradata, 0):
                self._learn(unit)

    def number_after(self, picture: Picture) -> int:
        """What the next picture is numbered when none is lost."""
        bits = self._sequence.number_bits if self._sequence is not None else 4
        return (picture.number + picture.is_reference) % (1 << bits)

    def orders(self, pictures: list[Picture | None]) -> list[int | None]:
        """Places in showing order after the last key picture, in a unit of their own: the high bits are counted."""
        if self._sequence is None or self._sequence.order_type != 0:
            return [None] * len(pictures)
        whole = 1 << self._sequence.order_bits
        found: list[int | None] = []
        before = 0
        for picture in pictures:
            if picture is None or picture.low is None:
                found.append(None)
                continue
            before = 0 if picture.is_key else before
            # the nearest that ends in these bits
            order = before + (picture.low - before + whole // 2) % whole - whole // 2
            found.append(order)
            if picture.is_reference:
                before = order
        return found

    def read(self, packet: bytes) -> Picture | None:
        """The picture in a packet; None when there is none, or its head is damaged."""
        for unit in _units(packet, self._length_bytes):
            kind = unit[0] & 31
            if kind == SEQUENCE:
                self._learn(unit)
            elif kind in (PICTURE, KEY_PICTURE) and self._sequence is not None:
                try:
                    self._last = self._picture(unit, self._sequence)
                except (IndexError, ValueError):
                    return None
                return self._last
        return None

    def _learn(self, unit: bytes) -> None:
        try:
            self._sequence = _sequence(unit)
        except (IndexError, ValueError):
            return

    def _picture(self, unit: bytes, sequence: _Sequence) -> Picture:
        is_key, is_reference = unit[0] & 31 == KEY_PICTURE, bool(unit[0] & 0x60)
        bits = Bits(_plain(unit))
        if unit[0] & 0x80 or bits.unsigned() > 1 << 20 or bits.unsigned() > 9 or bits.unsigned() > 255:
            # values that no head of a picture has: this is something else
            raise ValueError("no head of a picture")
        bits.take(2 if sequence.has_planes else 0)
        number = bits.take(sequence.number_bits)
        is_field = bool(sequence.has_fields and bits.take(1))
        is_bottom = bool(is_field and bits.take(1))
        if is_key:
            bits.unsigned()
        low = bits.take(sequence.order_bits) if sequence.order_type == 0 else None
        last = self._last
        # two fields of one frame share its number
        second = is_bottom and last is not None and last.number == number and not last.is_second_field
        return Picture(number, low, is_key, is_reference, second)


def _plain(unit: bytes) -> bytes:
    """Without the kind, and without the bytes that keep start codes out of the contents."""
    return unit[1:HEAD_BYTES].replace(b"\0\0\3", b"\0\0")


def _units(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    """The heads of what a packet consists of: behind start codes, or each behind its length."""
    at = 0
    if length_bytes:
        while at + length_bytes < len(packet):
            length = int.from_bytes(packet[at : at + length_bytes], "big")
            at += length_bytes
            if length:
                yield packet[at : at + min(length, HEAD_BYTES)]
            at += length
        return
    while (at := packet.find(b"\0\0\1", at)) >= 0 and at + 3 < len(packet):
        at += 3
        yield packet[at : at + HEAD_BYTES]


def _sequence(unit: bytes) -> _Sequence:
    if not unit or unit[0] & 31 != SEQUENCE:
        raise ValueError("no description of a sequence")
    bits = Bits(_plain(unit))
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    has_planes = False
    if profile in HIGH_PROFILES:
        colours = bits.unsigned()
        has_planes = bool(colours == 3 and bits.take(1))
        bits.unsigned(), bits.unsigned(), bits.take(1)
        if bits.take(1):
            for number in range(8 if colours != 3 else 12):
                if bits.take(1):
                    _skip_scaling(bits, 16 if number < 6 else 64)
    number_bits = bits.unsigned() + 4
    order_type, order_bits = bits.unsigned(), 0
    if order_type == 0:
        order_bits = bits.unsigned() + 4
    elif order_type == 1:
        bits.take(1), bits.signed(), bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    bits.unsigned(), bits.take(1), bits.unsigned(), bits.unsigned()
    if number_bits > 16 or order_bits > 16 or order_type > 2:
        raise ValueError("no description of a sequence")
    return _Sequence(number_bits, order_type, order_bits, has_planes, not bits.take(1))


def _skip_scaling(bits: Bits, count: int) -> None:
    last = following = 8
    for _ in range(count):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
