"""Bytes of a growing text into complete lines: encodings, byte order marks, all line ends; the partial line is kept."""

from __future__ import annotations

import codecs
import re

from tandem_em.core.notices import UserError

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


ENOUGH_TO_TELL = 4
"""Bytes needed to see a byte order mark."""
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\ufffd]+")
"""Control characters other than tabs, line ends and page ends, and what could not be decoded."""


def find_encoding(head: bytes) -> str:
    """The encoding of a text by its first bytes: a byte order mark, the zeros of UTF-16, UTF-8 if it fits, else cp1252."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    if len(head) >= 4:
        # ASCII in UTF-16 has a zero in every second byte
        even, odd = head[0:400:2].count(0), head[1:400:2].count(0)
        half = len(head[:400]) / 2
        if odd > 0.6 * half and even < 0.1 * half:
            return "utf-16-le"
        if even > 0.6 * half and odd < 0.1 * half:
            return "utf-16-be"
    try:
        # incremental: the head may end in the middle of a character
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030" if _is_chinese(head) else "cp1252"


def _is_chinese(head: bytes) -> bool:
    """Whether all letters beyond ASCII come in pairs of bytes, as Chinese cyclers write them."""
    runs = re.findall(rb"[\x80-\xff]+", head)
    whole = runs[:-1] or runs  # the last one may be cut
    return sum(map(len, runs)) >= 8 and all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in whole)


def is_text(head: bytes) -> bool:
    """Whether this can be a table at all: hardly any control characters once decoded."""
    if not head:
        return False
    encoding = find_encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    stripped = text.rstrip("\x00")
    if not stripped.strip():
        return False
    odd = sum(map(len, NO_TEXT.findall(stripped)))
    return odd <= 0.005 * len(stripped)


class LineFeed:
    """Collects bytes and gives complete lines without their line ends. `tail` is the line still being written."""

    def __init__(self, encoding: str = "") -> None:
        self.encoding = encoding
        self.tail = ""
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> list[str]:
        """Complete lines out of these bytes and what was left before; [] while the encoding cannot be told."""
        if self._decoder is None:
            self._head += data
            if len(self._head) < ENOUGH_TO_TELL and not self.encoding:
                return []
            return self._begin()
        return self._lines(data)

    def end(self) -> list[str]:
        """No more bytes will come; what was too short to tell its encoding is read now."""
        return self._begin() if self._decoder is None and self._head else []

    def _begin(self) -> list[str]:
        self.encoding = self.encoding or find_encoding(self._head)
        # UTF-8 that fails later was cp1252; all other encodings replace what they cannot read
        errors = "strict" if self.encoding == "utf-8" else "replace"
        try:
            self._decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        except LookupError as error:
            raise UserError(
                f"The encoding {self.encoding!r} is unknown.", "Use utf-8, utf-16 or cp1252."
            ) from error
        head, self._head = self._head, b""
        return self._lines(head)

    def _decode(self, data: bytes) -> str:
        """Plain ASCII at first, then a byte that is no UTF-8: it was cp1252 all along."""
        assert self._decoder is not None
        pending = self._decoder.getstate()[0]
        try:
            return self._decoder.decode(data)
        except UnicodeDecodeError:
            self.encoding = "cp1252"
            self._decoder = codecs.getincrementaldecoder("cp1252")("replace")
            return self._decoder.decode(pending + data)

    def _lines(self, data: bytes) -> list[str]:
        text = self.tail + self._decode(data)
        # one lone \r may be the first half of \r\n
        if "\n" not in text and text.count("\r") > 1:
            text = text.replace("\r", "\n")  # line ends of old Macs
        lines = text.split("\n")
        self.tail = lines.pop()
        return [line[:-1] if line.endswith("\r") else line for line in lines]
