"""The child process of `audit`: `python -m …gate.audit_child FILE MEMORY_BYTES SECONDS` prints findings as JSON."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tandem_em.core.hdf5_types import H5DatasetId, H5GroupId, H5TypeId
from tandem_em.core.notices import UserError
from tandem_em.storage.gate.job_limits import JobLimits
from tandem_em.storage.transaction import opening, superblock

if TYPE_CHECKING:
    from tandem_em.storage.transaction.recovery import Overlay

# nobody reads more; each one alone is a reason to refuse the file
MOST_FINDINGS = 20
MOST_TRIES = 5  # while another program writes
# counted over the whole file: broad or deep, the look has to end
MOST_LINKS = 200_000
MOST_ATTRIBUTES = 200_000
DEEPEST = 32
# a chunk is unpacked as a whole, whatever part of it is asked for
LARGEST_CHUNK = 256 << 20
LARGEST_ELEMENT = 1 << 20
LARGEST_ATTRIBUTE = 16 << 20
LONGEST_NAME = 1024
# gzip reaches about 1000 to 1
HIGHEST_RATIO = 2000
HARMLESS_SIZE = 64 << 20  # bytes a data set may declare whatever it stores
KNOWN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}  # built into HDF5 and h5py
DEEPEST_TYPE = 8


class _EnoughError(Exception):
    """Nothing more needs to be looked at."""


class Findings:
    """Collects sentences; stops the walk when there are plenty."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Note one thing that speaks against the file."""
        self.sentences.append(sentence)
        if len(self.sentences) >= MOST_FINDINGS:
            raise _EnoughError

    def stop(self, sentence: str) -> None:
        """Note it and end the walk: looking further could take for ever."""
        self.sentences.append(sentence)
        raise _EnoughError


class Walk:
    """Looks at every object once, whatever links lead to it."""

    def __init__(self, findings: Findings) -> None:
        import h5py

        self.h5 = h5py
        self.findings = findings
        self.links = 0
        self.attributes = 0
        self.open_groups: set[tuple[int, int]] = set()
        self.seen: set[tuple[int, int]] = set()

    def group(self, group: H5GroupId, path: str, depth: int) -> None:
        """Look at a group and everything below; `depth` counts from the root."""
        if depth > DEEPEST:
            self.findings.stop(f"Its groups are nested more than {DEEPEST} deep.")
        key = self._key(group)
        self.open_groups.add(key)
        self.seen.add(key)
        self._attributes(group, path)
        if len(group) > MOST_LINKS:
            self.findings.stop(f"It has more than {MOST_LINKS} links.")
        for name in group:
            self.links += 1
            if self.links > MOST_LINKS:
                self.findings.stop(f"It has more than {MOST_LINKS} links.")
            self._link(group, name, f"{path}/{_readable(name)}", depth)
        self.open_groups.discard(key)

    def _link(self, group: H5GroupId, name: bytes, path: str, depth: int) -> None:
        if len(name) > LONGEST_NAME:
            self.findings.add(f"A name in it is {len(name)} bytes long.")
            return
        kind = group.links.get_info(name).type
        if kind == self.h5.h5l.TYPE_EXTERNAL:
            self.findings.add(f"{path} links to another file.")
        elif kind == self.h5.h5l.TYPE_HARD:
            self._object(group, name, path, depth)
        elif kind != self.h5.h5l.TYPE_SOFT:
            self.findings.add(f"{path} is a link of a kind that only its own program understands.")

    def _object(self, group: H5GroupId, name: bytes, path: str, depth: int) -> None:
        item = self.h5.h5o.open(group, name)
        key = self._key(item)
        if key in self.open_groups:
            self.findings.stop(f"{path} links back to a group that contains it.")
        if key in self.seen:
            return
        if isinstance(item, self.h5.h5g.GroupID):
            self.group(item, path, depth + 1)
            return
        self.seen.add(key)
        self._attributes(item, path)
        if isinstance(item, self.h5.h5d.DatasetID):
            self._dataset(item, path)

    def _key(self, item: object) -> tuple[int, int]:
        info = self.h5.h5o.get_info(item)
        return info.fileno, info.addr

    def _dataset(self, dataset: H5DatasetId, path: str) -> None:
        plan = dataset.get_create_plist()
        if plan.get_external_count():
            self.findings.add(f"{path} keeps its values in another file.")
            return
        layout = plan.get_layout()
        if layout == self.h5.h5d.VIRTUAL:
            self.findings.add(f"{path} is put together from other files (a virtual data set).")
            return
        for index in range(plan.get_nfilters()):
            number = plan.get_filter(index)[0]
            if number not in KNOWN_FILTERS:
                self.findings.add(
                    f"{path} is compressed with a filter that needs foreign code (number {number})."
                )
        size = self._type(dataset.get_type(), path)
        if layout == self.h5.h5d.CHUNKED and _product(plan.get_chunk()) * size > LARGEST_CHUNK:
            self.findings.add(f"{path} has chunks over {LARGEST_CHUNK >> 20} MB.")
        self._ratio(dataset, size, path)

    def _ratio(self, dataset: H5DatasetId, size: int, path: str) -> None:
        declared = _product(dataset.shape) * size if dataset.shape else size
        stored = dataset.get_storage_size()
        # gzip reaches about 1000 to 1: more is a trap that fills the memory
        if declared > HARMLESS_SIZE and declared > HIGHEST_RATIO * stored:
            self.findings.add(f"{path} claims {declared >> 20} MB but stores {stored >> 10} kB.")

    def _type(self, kind: H5TypeId, path: str, depth: int = 0) -> int:
        """Check a data type; return the size of one element in bytes."""
        size = int(kind.get_size())
        if size > LARGEST_ELEMENT:
            self.findings.add(f"One element of {path} takes {size >> 10} kB.")
        if depth > DEEPEST_TYPE:
            self.findings.add(f"{path} has a data type nested more than {DEEPEST_TYPE} deep.")
            return size
        if isinstance(kind, self.h5.h5t.TypeCompoundID):
            for index in range(kind.get_nmembers()):
                self._type(kind.get_member_type(index), path, depth + 1)
        elif isinstance(kind, self.h5.h5t.TypeArrayID | self.h5.h5t.TypeVlenID | self.h5.h5t.TypeEnumID):
            self._type(kind.get_super(), path, depth + 1)
        return size

    def _attributes(self, item: object, path: str) -> None:
        count = self.h5.h5a.get_num_attrs(item)
        self.attributes += count
        if self.attributes > MOST_ATTRIBUTES:
            self.findings.stop(f"It has more than {MOST_ATTRIBUTES} attributes.")
        for index in range(count):
            attribute = self.h5.h5a.open(item, index=index)
            size = _product(attribute.shape or ()) * self._type(attribute.get_type(), path or "/")
            if size > LARGEST_ATTRIBUTE:
                self.findings.add(f"An attribute of {path or '/'} takes {size >> 20} MB.")


def look_through(path: Path) -> list[str]:
    """All findings about one file. Runs in this process: only the child should do that with unknown files."""
    try:
        for _ in range(MOST_TRIES):
            view = _view(path)
            sentences = _look_through(path if view is None else view)
            if not sentences or view is None or view.is_current():
                break  # otherwise another program committed meanwhile
    except UserError as error:
        return [error.title]
    return sentences


def _look_through(file: Path | Overlay) -> list[str]:
    import h5py

    findings = Findings()
    # without locking: HDF5 would refuse a file that is open for writing elsewhere
    options = {"locking": False} if isinstance(file, Path) else {"driver": "fileobj"}
    try:
        with h5py.File(file, "r", **options) as h5:
            Walk(findings).group(h5.id, "", 0)
    except _EnoughError:
        pass
    except MemoryError:
        findings.sentences.append("Checking it takes too much memory.")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, RecursionError) as error:
        findings.sentences.append(f"It is damaged: {_readable(str(error).encode())}.")
    return findings.sentences


def _view(path: Path) -> Overlay | None:
    """Our own eyes, as a commit may be pending; None for HDF5 files with a user block in front."""
    import h5py

    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.read(8) != superblock.SIGNATURE and h5py.is_hdf5(path):
            return None
    return opening.open_to_read(path)


def _product(shape: tuple[int, ...]) -> int:
    answer = 1
    for length in shape:
        answer *= length
    return answer


def _readable(text: bytes) -> str:
    shown = text[:120].decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def _limits() -> Any:
    """The module that limits a process; None where there is none (Windows): there a job object does it."""
    try:
        import resource
    except ImportError:
        return None
    return resource


def _job_limits() -> JobLimits | None:
    return JobLimits() if sys.platform == "win32" else None


def _limit_memory(size: int, job: JobLimits | None = None) -> None:
    limits = _limits()
    if limits is not None:
        with contextlib.suppress(ValueError, OSError):
            limits.setrlimit(limits.RLIMIT_AS, (size, size))
            # no core file of 2 GB when HDF5 crashes
            limits.setrlimit(limits.RLIMIT_CORE, (0, 0))
    elif job is not None:
        job.limit_memory(size)


def _limit_processor(seconds: float, job: JobLimits | None = None) -> None:
    """From now on; what starting has taken does not count."""
    limits = _limits()
    if limits is not None:
        with contextlib.suppress(ValueError, OSError):
            most = math.ceil(time.process_time() + seconds)
            # a second between the signal that ends it and the one that kills it
            limits.setrlimit(limits.RLIMIT_CPU, (most, most + 1))
    elif job is not None:
        job.limit_processor(time.process_time() + seconds)


def main(arguments: list[str]) -> int:
    """Check FILE within MEMORY_BYTES and SECONDS of the processor; findings go to descriptor 1."""
    job = _job_limits()
    _limit_memory(int(arguments[1]), job)
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    import h5py  # noqa: F401  before the clock starts

    _limit_processor(float(arguments[2]), job)
    # the descriptor, not sys.stdout: a windowed program has none even when it was given a pipe
    with open(1, "w", encoding="ascii", closefd=False) as answer:
        answer.write("ready\n")
        answer.flush()
        answer.write(json.dumps(look_through(Path(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
