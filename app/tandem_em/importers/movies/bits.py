"""Bits of a packet's head, read one after the other."""

from __future__ import annotations


class Bits:
    """Reading beyond the end raises IndexError."""

    def __init__(self, content: bytes) -> None:
        self._text = "".join(f"{byte:08b}" for byte in content)
        self._at = 0

    def take(self, count: int) -> int:
        """The next `count` bits as a whole number, the first bit the highest."""
        if self._at + count > len(self._text):
            raise IndexError
        self._at += count
        return int(self._text[self._at - count : self._at] or "0", 2)

    def unsigned(self) -> int:
        """A number of H.264, as many zeros before it as it has further bits."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """A signed number of H.264: 1, -1, 2, -2 … in the order of its codes."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)
