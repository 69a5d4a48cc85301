"""The tag tree of Gatan DigitalMicrograph files (.dm3, .dm4), read with every length checked; arrays stay in the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tandem_em.importers.core.errors import DamagedError

SIMPLE: dict[int, str] = {
    2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "u1", 9: "i1", 10: "u1", 11: "i8", 12: "u8",
}  # fmt: skip
SMALL_ARRAY = 1 << 16
"""Arrays up to this many bytes are read with the tags (names, lists); longer ones stay where they are."""
# a damaged length must not lead for ever through tags of tags
DEPTH, TAGS = 64, 2_000_000


@dataclass(frozen=True)
class Block:
    """An array that was left in the file."""

    offset: int
    dtype: np.dtype[Any]
    count: int


class TagReader:
    """Walks the tags of one open file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.count = file, size, 0
        self.version, self.order = self._header()

    def _take(self, count: int) -> bytes:
        if count < 0 or count > self.size:
            raise DamagedError("a tag has an impossible length")
        data = self.file.read(count)
        if len(data) != count:
            raise DamagedError("it ends in the middle of its tags")
        return data

    def _number(self, kind: str) -> int:
        return int(struct.unpack(kind, self._take(struct.calcsize(kind)))[0])

    def _size(self) -> int:
        """A length: 4 bytes in version 3, 8 in version 4, always big endian."""
        return self._number(">Q" if self.version == 4 else ">I")

    def _header(self) -> tuple[int, str]:
        self.version = self._number(">I")
        if self.version not in (3, 4):
            raise DamagedError(f"its version is {self.version}")
        self._size()
        return self.version, "<" if self._number(">I") else ">"

    def tree(self) -> dict[str, Any]:
        """All tags as nested dictionaries; unnamed entries are called by their number."""
        return self._group(0)

    def _group(self, depth: int) -> dict[str, Any]:
        if depth > DEPTH:
            raise DamagedError("its tags are nested without end")
        self._take(2)
        entries = self._size()
        out: dict[str, Any] = {}
        for number in range(entries):
            self.count += 1
            if self.count > TAGS:
                raise DamagedError("it has millions of tags")
            kind = self._take(1)[0]
            if kind == 0:
                break
            label = self._take(self._number(">H")).decode("latin-1")
            end = None
            if self.version == 4:
                end = self._number(">Q") + self.file.tell()
            if kind == 20:
                value: Any = self._group(depth + 1)
            elif kind == 21:
                value = self._data(label)
            else:
                raise DamagedError(f"tag type {kind} does not exist")
            # the length that version 4 states is believed where ours is another
            if end is not None and end != self.file.tell() and kind == 21 and end <= self.size:
                self.file.seek(end)
            out[label or f"#{number}"] = value
        return out

    def _data(self, label: str) -> Any:
        if self._take(4) != b"%%%%":
            raise DamagedError("a tag does not start where it should")
        length = self._size()
        if not 1 <= length <= 4096:
            raise DamagedError("a tag has an impossible description")
        info = [self._size() for _ in range(length)]
        kind = info[0]
        if kind in SIMPLE:
            return self._simple(kind)
        if kind == 18:
            return self._take(info[1] * 2).decode(
                "utf-16-le" if self.order == "<" else "utf-16-be", "replace"
            )
        if kind == 15:
            return tuple(self._simple(each) for each in self._fields(info[1:]))
        if kind == 20:
            return self._array(info, label)
        raise DamagedError(f"data type {kind} does not exist")

    def _fields(self, info: list[int]) -> list[int]:
        fields = info[3::2][: info[1]]
        if any(each not in SIMPLE for each in fields):
            raise DamagedError("a record has fields of an unknown type")
        return fields

    def _simple(self, kind: int) -> Any:
        dtype = np.dtype(self.order + SIMPLE[kind])
        value = np.frombuffer(self._take(dtype.itemsize), dtype)[0]
        return bool(value) if kind == 8 else value.item()

    def _array(self, info: list[int], label: str) -> Any:
        count, kind = info[-1], info[1]
        if kind == 15:
            fields = self._fields(info[2:-1])
            dtype = np.dtype([(f"f{i}", self.order + SIMPLE[each]) for i, each in enumerate(fields)])
        elif kind in SIMPLE:
            dtype = np.dtype(self.order + SIMPLE[kind])
        else:
            raise DamagedError(f"an array of data type {kind} does not exist")
        offset, length = self.file.tell(), count * dtype.itemsize
        if length > self.size - offset:
            raise DamagedError("it was cut off: an array goes on after its end")
        if length > SMALL_ARRAY:
            self.file.seek(offset + length)
            return Block(offset, dtype, count)
        raw = self._take(length)
        # texts are arrays of 16-bit numbers; image data of that type are not
        if kind == 4 and label != "Data":
            return _text(raw, self.order)
        return _Small(offset, dtype, count, np.frombuffer(raw, dtype))


@dataclass(frozen=True)
class _Small(Block):
    values: np.ndarray[Any, Any]


def _text(raw: bytes, order: str) -> str:
    return raw.decode("utf-16-le" if order == "<" else "utf-16-be", "replace").rstrip("\x00")


def read_tags(path: Path) -> dict[str, Any]:
    """The tag tree of a .dm3 or .dm4 file."""
    with path.open("rb") as file:
        return TagReader(file, path.stat().st_size).tree()


def dig(tags: object, *keys: str) -> Any:
    """A tag by its path, None when it is not there. Upper and lower case are told apart, as the files do."""
    for key in keys:
        if not isinstance(tags, dict) or key not in tags:
            return None
        tags = tags[key]
    return tags
