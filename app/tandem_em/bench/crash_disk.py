"""A disk in memory that keeps a log of every write and sync, so that any crash can be replayed.

`prefixes` gives the file after a killed process (all writes up to a moment, the last perhaps cut); `power_cut` gives it
after the power failed (what was not synced is there in part, in any order).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# What an operating system writes at once.
PAGE = 4096
# What a disk writes at once: smaller pieces are never torn.
SECTOR = 512


@dataclass(frozen=True)
class Write:
    """Bytes that were handed to the disk at an offset."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    """The file was brought to this size; new bytes are zero."""

    size: int


@dataclass(frozen=True)
class Sync:
    """What was written before is on the medium; `point` is the place in the commit that asked."""

    point: str


@dataclass(frozen=True)
class Note:
    """Not an operation: what was promised at this moment, e.g. that state `number` has begun or is durable."""

    what: str
    number: int


Entry = Write | Truncate | Sync | Note


@dataclass
class LoggedDisk:
    """A RawFile in memory. `forget` names the sync points that are left out (the mutation check)."""

    content: bytearray
    log: list[Entry] = field(default_factory=list)
    forget: frozenset[str] = frozenset()
    before_each: Callable[[], None] | None = None

    def read_at(self, into: memoryview, offset: int) -> int:
        """Fill a buffer from an offset; how many bytes there were."""
        part = self.content[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)

    def write_at(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write and log; the file grows where it must."""
        self._interrupt()
        entry = Write(offset, bytes(data))
        apply(self.content, entry)
        self.log.append(entry)

    def sync(self, point: str) -> None:
        """Log a sync, unless this point is to be forgotten."""
        self._interrupt()
        if point not in self.forget:
            self.log.append(Sync(point))

    def truncate(self, size: int) -> None:
        """Bring the content to a size and log it."""
        entry = Truncate(size)
        apply(self.content, entry)
        self.log.append(entry)

    def size(self) -> int:
        """Bytes of the content now."""
        return len(self.content)

    def close(self) -> None:
        """Nothing to free: the content stays to be looked at."""

    def note(self, what: str, number: int) -> None:
        """Log a promise that is made at this moment."""
        self.log.append(Note(what, number))

    def _interrupt(self) -> None:
        if self.before_each is not None:
            self.before_each()


def apply(content: bytearray, entry: Entry) -> None:
    """Do one operation to a content; syncs and notes change nothing."""
    if isinstance(entry, Write):
        if len(content) < entry.offset:
            content.extend(bytes(entry.offset - len(content)))
        content[entry.offset : entry.offset + len(entry.data)] = entry.data
    elif isinstance(entry, Truncate):
        del content[entry.size :]
        content.extend(bytes(entry.size - len(content)))


def promises(log: list[Entry]) -> tuple[int, int]:
    """The last state that was promised durable, and the last that had begun, when the log ends here."""
    durable = max((e.number for e in log if isinstance(e, Note) and e.what == "durable"), default=-1)
    begun = max((e.number for e in log if isinstance(e, Note) and e.what == "begun"), default=-1)
    return durable, begun


def prefixes(
    start: bytes, log: list[Entry], rng: random.Random, cut_share: float = 0.25
) -> Iterator[tuple[int, bytearray]]:
    """The file after each write (position in the log, content), and now and then in the middle of one."""
    content = bytearray(start)
    yield 0, bytearray(content)
    for position, entry in enumerate(log, 1):
        # A killed process leaves whole pages of a write, so it is cut between two of them.
        if isinstance(entry, Write) and len(entry.data) > PAGE and rng.random() < cut_share:
            part = bytearray(content)
            apply(
                part, Write(entry.offset, entry.data[: PAGE * rng.randrange(1, -(-len(entry.data) // PAGE))])
            )
            yield position - 1, part
        apply(content, entry)
        if isinstance(entry, Write | Truncate):
            yield position, bytearray(content)


def power_cut(start: bytes, log: list[Entry], position: int, rng: random.Random) -> bytearray:
    """The file after a power cut when `log[:position]` had been issued: what was synced, and any part of the rest."""
    synced = max((i for i in range(position) if isinstance(log[i], Sync)), default=0)
    content = bytearray(start)
    for entry in log[:synced]:
        apply(content, entry)
    loose: list[Entry] = []
    # Half of the time one single write is missing, which chance alone would seldom give.
    unlucky = rng.randrange(synced, position) if rng.random() < 0.5 else None
    for index, entry in enumerate(log[synced:position], synced):
        if unlucky is None:
            keep = rng.choice((0.0, 0.0, 0.5, 0.9, 1.0, 1.0))
        else:  # the worst case for a forgotten sync: everything arrived but one early write
            keep = 1.0 if index != unlucky else 0.0
        if isinstance(entry, Truncate) and rng.random() < keep:
            loose.append(entry)
        elif isinstance(entry, Write):
            # Disks tear at sectors, operating systems at pages.
            loose.extend(_kept(entry, keep, rng.choice((SECTOR, PAGE)), rng))
    for entry in loose:
        apply(content, entry)
    return content


def awkward_position(log: list[Entry], rng: random.Random) -> int:
    """A moment for a power cut: any, or one of those just before a sync, when most is still on its way."""
    before_syncs = [i for i, entry in enumerate(log) if isinstance(entry, Sync) and i > 0]
    return rng.choice(before_syncs) if rng.random() < 0.7 else rng.randrange(1, len(log) + 1)


def _kept(entry: Write, share: float, unit: int, rng: random.Random) -> list[Entry]:
    """The pieces of one write that reached the medium; later writes still win where they overlap."""
    kept: list[Entry] = []
    at, end = entry.offset, entry.offset + len(entry.data)
    while at < end:
        stop = min(end, (at // unit + 1) * unit)
        if rng.random() < share:
            kept.append(Write(at, entry.data[at - entry.offset : stop - entry.offset]))
        at = stop
    return kept
