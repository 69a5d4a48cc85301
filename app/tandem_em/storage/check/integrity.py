"""The session doctor's look at the file: structure, checksums, time stamps, units, links. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.storage.arrays import ChunkIndex, LinkOpener, index_of
from tandem_em.storage.check.finding import IntegrityFinding
from tandem_em.storage.check.streams import check_streams
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import crc32, unpack
from tandem_em.storage.codec.read_fields import child, children, text_attr
from tandem_em.storage.gate.audit import audit
from tandem_em.storage.gate.version import found_in, has_pending_commit
from tandem_em.storage.session_store import SessionStore
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.opening import left_open_by, who_writes

BATCH_BYTES = 64 << 20
NOT_CLOSED = "It was not closed properly: {}"
RECOVERABLE = "It can be recovered: opening it does so, up to its last second."


def check(path: Path, open_link: LinkOpener | None = None) -> Job[list[IntegrityFinding]]:
    """Everything that can be found out about a session file. Never raises for what is wrong with the file.

    `open_link`: how data that lie in other files are looked at."""
    path = Path(path)
    yield Progress(0, 0, f"Checking {path.name}")
    held = who_writes(path) if path.is_file() else None
    left = left_open_by(path) if path.is_file() else None
    # in the middle of a commit only our own reading gives the whole of it
    sentences = [] if held is not None or (left is not None and has_pending_commit(path)) else _audit(path)
    if sentences:
        advice = "Do not open it. Get another copy, or try to recover what can be read."
        return [IntegrityFinding(sentence, path.name, advice, "error", True) for sentence in sentences]
    try:
        store = Hdf5Store.open(path, "r")
    except UserError as error:
        return [IntegrityFinding(error.title, path.name, error.advice, "error", path.is_file())]
    try:
        findings = yield from _check_open(store, path, open_link)
    finally:
        store.abandon()
    if held is not None:
        findings.insert(
            0, IntegrityFinding(f"It is being written to. {held.sentence()}", path.name, "", "info")
        )
    elif left is not None:
        findings.insert(0, IntegrityFinding(NOT_CLOSED.format(left.ending()), path.name, RECOVERABLE))
    return findings


def _audit(path: Path) -> list[str]:
    if not path.is_file() or path.stat().st_size == 0:
        return []
    with path.open("rb") as file:
        if file.read(8) != b"\x89HDF\r\n\x1a\n":
            return []
    return audit(path)


def _check_open(store: Hdf5Store, path: Path, open_link: LinkOpener | None) -> Job[list[IntegrityFinding]]:
    try:
        found = store.call(lambda h5: found_in(h5, path.name)).result()
    except UserError as error:
        return [IntegrityFinding(error.title, path.name, error.advice, "error", True)]
    findings: list[IntegrityFinding] = []
    if not found.may_edit:
        findings.append(
            IntegrityFinding(
                f"It has format {found.version}, newer than this version of TandEM.",
                path.name,
                "Update TandEM.",
                "info",
            )
        )
    elif found.needs_migration:
        advice = "Opening it converts it to the present format; the original is kept."
        findings.append(
            IntegrityFinding(f"It has the old format {found.version}.", path.name, advice, "info")
        )
    findings += store.call(check_structure).result()
    findings += yield from check_sums(store.call, store.read_at)
    if not found.needs_migration and found.may_edit:
        findings += yield from _check_session(path, open_link)
    return findings


def _check_session(path: Path, open_link: LinkOpener | None) -> Job[list[IntegrityFinding]]:
    """What the items themselves say: time stamps, zones, saturation, units, linked files."""
    store = SessionStore.open(path, readonly=True, open_link=open_link)
    try:
        session: Session = yield from store.load()
        of_links = {sentence for source in session.sources if source.linked for sentence in source.problems}
        findings = [
            IntegrityFinding(
                sentence, path.name, "Repair it into a new file, or import the original again.", "error", True
            )
            for sentence in store.problems
            if sentence not in of_links
        ]
        findings += yield from check_streams(session)
        for stack in session.stacks:
            findings += _check_lengths(stack)
        return findings
    finally:
        store.abandon()


def _check_lengths(stack: FrameStack) -> list[IntegrityFinding]:
    if len(stack.times) not in (0, len(stack)):
        return [
            IntegrityFinding(
                f"{counted(len(stack), 'frame')} but {counted(len(stack.times), 'time stamp')}.", stack.name,
                "The frames without a stamp cannot be placed in time.", "error",
            )
        ]  # fmt: skip
    return []


# ---- structure ------------------------------------------------------------------------------------------------------


def check_structure(h5: H5File) -> list[IntegrityFinding]:
    """Groups that should be there, fields that make no sense, remains of interrupted work (storage thread)."""
    findings: list[IntegrityFinding] = []
    entry = child(h5, layout.ENTRY)
    if entry is None:
        return [
            IntegrityFinding("The main group of the session is missing.", layout.ENTRY, "", "error", True)
        ]
    if child(h5, layout.SESSION_HOME) is None:
        advice = "The session can be opened, without its title and start time."
        findings.append(
            IntegrityFinding(
                "The title and the start time of the session are missing.", layout.SESSION_HOME, advice
            )
        )
    for kind, place in layout.PLACES.items():
        folder = child(h5, place.folder)
        for name, group in children(folder) if folder is not None and hasattr(folder, "keys") else ():
            if hasattr(group, "keys") and text_attr(group, layout.KIND_ATTR) == kind:
                findings += _check_group(group, f"{place.folder}/{name}", place)
    if layout.INCOMING in h5:
        advice = "They are removed when the session is opened next."
        findings.append(
            IntegrityFinding(
                "Data of an interrupted import are still in the file.", layout.INCOMING, advice, "info", True
            )
        )
    return findings


def _check_group(group: H5Group, where: str, place: layout.Place) -> list[IntegrityFinding]:
    findings: list[IntegrityFinding] = []
    if not text_attr(group, layout.ID_ATTR):
        findings.append(
            IntegrityFinding("Its id is missing.", where, "Repair gives it a new id.", "error", True)
        )
    if place.has_item_group and child(group, layout.ITEM) is None:
        advice = "Its data can be recovered, but not its name and calibration."
        findings.append(IntegrityFinding("Its fields are missing.", where, advice, "error", True))
    reasons = (layout.LINKED_ATTR, layout.RECORDING_ATTR)
    if place.has_item_group and "data" not in group and not any(reason in group.attrs for reason in reasons):
        findings.append(
            IntegrityFinding("Its data are missing.", where, "Import the original file again.", "error")
        )
    if layout.RECORDING_ATTR in group.attrs:
        advice = "Everything up to the last second is kept. Save the session once to complete it."
        findings.append(IntegrityFinding("Its recording was not ended.", where, advice, "info"))
    signal = text_attr(group, "signal")
    if signal and signal not in group:
        findings.append(
            IntegrityFinding(
                "Other programs cannot plot it.", where, "Save the session once.", "warning", True
            )
        )
    return findings


# ---- checksums ------------------------------------------------------------------------------------------------------

Call = Callable[[Callable[[Any], Any]], "Future[Any]"]
ReadAt = Callable[[memoryview, int], None]


def check_sums(call: Call, read_at: ReadAt) -> Job[list[IntegrityFinding]]:
    """Read every chunk with a checksum and compare."""
    streams = call(_summed).result()
    total = float(sum(int(index.sizes.sum()) for _where, index, _crcs in streams))
    done = 0.0
    findings: list[IntegrityFinding] = []
    for where, index, crcs in streams:
        bad: list[int] = []
        for number in range(len(index.offsets)):
            done += float(index.sizes[number])
            if index.offsets[number] == 0 or (
                number < len(crcs) and damaged(index, number, int(crcs[number]), read_at)
            ):
                bad.append(number)
            if number % 16 == 0:
                yield Progress(done, total, f"Checking {where}")
        findings += _say_bad(where, index, bad)
        if len(crcs) != len(index.offsets):
            advice = "They cannot be checked; they may still be correct."
            findings.append(
                IntegrityFinding(
                    f"{counted(abs(len(index.offsets) - len(crcs)), 'part')} without a checksum.",
                    where,
                    advice,
                )
            )
    return findings


def damaged(index: ChunkIndex, number: int, crc: int, read_at: ReadAt) -> bool:
    """Whether a chunk's bytes differ from those that were written."""
    try:
        return crc32(np.ascontiguousarray(read_chunk(index, number, read_at)).data.cast("B")) != crc
    except (ValueError, OSError, UserError):
        return True


def read_chunk(index: ChunkIndex, number: int, read_at: ReadAt) -> Any:
    """The plain values of one chunk, flat. ValueError when it is damaged."""
    size = int(index.sizes[number])
    if size > 2 * index.chunk_bytes + 4096:
        raise ValueError("an impossible size")
    content = bytearray(size)
    read_at(memoryview(content), int(index.offsets[number]))
    mask = int(index.skipped[number])
    deflate = index.deflate >= 0 and not mask >> index.deflate & 1
    shuffle = index.shuffle >= 0 and not mask >> index.shuffle & 1
    return unpack(content, index.dtype, index.chunk_bytes, shuffle, deflate)


def _summed(h5: H5File) -> list[tuple[str, ChunkIndex, Any]]:
    found = []
    entry = child(h5, layout.ENTRY)
    for name, group in children(entry) if entry is not None else ():
        if not hasattr(group, "keys"):
            continue
        data, crcs = child(group, "data"), child(group, f"{layout.ITEM}/{layout.CRC}")
        if data is None or crcs is None or getattr(crcs, "ndim", 0) != 1 or not hasattr(data, "chunks"):
            continue
        index = index_of(data)
        if index is not None:
            found.append((f"{layout.ENTRY}/{name}", index, crcs[...]))
    return found


def _say_bad(where: str, index: ChunkIndex, bad: list[int]) -> list[IntegrityFinding]:
    if not bad:
        return []
    is_movie = index.chunks[0] == 1 and index.chunks[1] == index.shape[1]
    what = "frames" if is_movie else "parts"
    listed = ", ".join(str(number) for number in bad[:8]) + (" …" if len(bad) > 8 else "")
    one = what[:-1] if len(bad) == 1 else what
    advice = "Repair keeps everything else; or copy the file again from where it came from."
    return [IntegrityFinding(f"{len(bad)} damaged {one} (number {listed}).", where, advice, "error", True)]
