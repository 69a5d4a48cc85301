"""Old sessions become new ones: small steps, one for each released change of the format, done on a copy.

The copy is migrated, synced and put in the place of the original, which is kept as `NAME.nxs.bak-VERSION`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.read_fields import child, children, text_attr
from tandem_em.storage.gate.version import read_text
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.raw_file import sync_folder
from tandem_em.storage.write.root import program_version

# progress is told after each block
BLOCK = 32 << 20


def from_0_9(h5: H5File) -> None:
    """0.9 kept runs below `/entry/bias`, lengths of maps in metres and events as one text of lines."""
    _move_runs(h5)
    _metres_to_nanometres(h5)
    _event_lines_to_records(h5)


STEPS: dict[str, tuple[str, Callable[[Any], None]]] = {"0.9": ("1.0", from_0_9)}
"""From version -> (to version, what changes)."""


def migrate(path: Path) -> Job[None]:
    """Bring a file to the present version; the original stays beside it. Stopped half-way, nothing has changed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        version = yield from _migrate_into(path, temporary)
        backup = path.with_name(f"{path.name}.bak-{version}")
        try:
            # the first original stays: a second attempt would keep something half converted
            if not backup.exists():
                _keep(path, backup)
            replace(temporary, path)
        except OSError as error:
            raise UserError(
                f"{path.name} could not be converted to the present format: {error.strerror}.",
                "Check that its folder may be written to, or open it for reading.",
            ) from error
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def migrated_copy(path: Path) -> Job[Path]:
    """A migrated copy among the temporary files, for looking at an old session that may not be changed."""
    temporary = Path(tempfile.mkdtemp(prefix="tandem-")) / path.name
    yield from _migrate_into(path, temporary)
    return temporary


def migrate_open(h5: H5File) -> str:
    """Run all steps on an open file (storage thread). Returns the version it had."""
    form = child(h5, layout.FORMAT_GROUP)
    first = version = read_text(form, "version") if form is not None else ""
    while version in STEPS:
        following, step = STEPS[version]
        step(h5)
        _note(h5, version, following)
        version = following
    if version != layout.FORMAT_VERSION:
        raise UserError(
            f"The session has format version {first or 'unknown'}, which cannot be converted to {layout.FORMAT_VERSION}.",
            "Open it with the version of TandEM that wrote it.",
        )
    return first


def _migrate_into(path: Path, target: Path) -> Job[str]:
    is_complete = False
    try:
        yield from _copy(path, target)
        store = Hdf5Store.open(target, "rw", autocommit_s=None)
        try:
            version = store.edit(migrate_open).result()
            store.close()
        except BaseException:
            store.abandon()
            raise
        is_complete = True
        return version
    finally:
        if not is_complete:
            target.unlink(missing_ok=True)


def _copy(path: Path, target: Path) -> Job[None]:
    """Copy with progress, and without copying blocks where the disk can share them."""
    total, done = path.stat().st_size, 0
    message = f"Converting {path.name} to the present format"
    yield Progress(0, total, message)
    try:
        with path.open("rb") as source, target.open("xb") as copy:
            while block := source.read(BLOCK):
                copy.write(block)
                done += len(block)
                yield Progress(done, total, message)
        shutil.copymode(path, target)
    except OSError as error:
        raise UserError(
            f"{path.name} could not be copied for conversion to the present format: {error.strerror}.",
            "Free some space or check the permissions of its folder, then open it again.",
        ) from error


def _keep(path: Path, backup: Path) -> None:
    """The original under a second name: a hard link where there are such, else a copy."""
    with contextlib.suppress(OSError):
        os.link(path, backup)
        return
    shutil.copy2(path, backup)


def _note(h5: H5File, version: str, following: str) -> None:
    form = h5[layout.FORMAT_GROUP]
    try:
        history = json.loads(read_text(form, "migrations") or "[]")
    except ValueError:
        history = []
    when = datetime.now(UTC).isoformat(timespec="seconds")
    history.append({"from": version, "to": following, "by": program_version(), "at": when})
    for name, text in (
        ("version", following), ("min_reader_version", layout.MIN_READER_VERSION), ("migrations", json.dumps(history)),
    ):  # fmt: skip
        if name in form:
            del form[name]
        form[name] = text


# ---- 0.9 -> 1.0 -----------------------------------------------------------------------------------------------------


def _move_runs(h5: H5File) -> None:
    old = child(h5, "entry/bias")
    if old is None:
        return
    folder = h5.require_group(layout.INSTRUMENT)
    folder.attrs["NX_class"] = "NXinstrument"
    for number, (name, _group) in enumerate(list(children(old)), 1):
        h5.move(f"entry/bias/{name}", f"{layout.INSTRUMENT}/{layout.numbered('bias', number)}")
    if len(old) == 0:
        del h5["entry/bias"]


def _metres_to_nanometres(h5: H5File) -> None:
    """`pixel_m` of stacks and maps becomes `pixel_nm`."""
    entry = child(h5, layout.ENTRY)
    for _name, group in children(entry) if entry is not None else ():
        item = child(group, layout.ITEM) if hasattr(group, "keys") else None
        stored = child(item, "pixel_m") if item is not None else None
        if item is None or stored is None:
            continue
        if text_attr(group, layout.KIND_ATTR) == "map":
            item["pixel_nm"] = json.dumps(
                [round(float(step) * 1e9, 12) for step in np.atleast_1d(stored[()])]
            )
            item["pixel_nm"].attrs[layout.ENCODING_ATTR] = "json"
        else:
            item["pixel_nm"] = np.float64(round(float(stored[()]) * 1e9, 12))
        item["pixel_nm"].attrs["units"] = "nm"
        del item["pixel_m"]


def _event_lines_to_records(h5: H5File) -> None:
    """Lines "seconds <tab> category <tab> text" become records."""
    place = layout.place_of("event")
    group = child(h5, place.folder)
    stored = child(group, "lines") if group is not None else None
    if stored is None or group is None:
        return
    records = []
    for number, line in enumerate(stored.asstr()[()].splitlines()):
        seconds, category, text = (*line.split("\t"), "", "")[:3]
        records.append({"id": f"event-{number:08d}", "name": text, "t": float(seconds), "category": category})
    del group["lines"]
    if layout.RECORDS not in group:
        group[layout.RECORDS] = json.dumps(records, ensure_ascii=False)
        group[layout.RECORDS].attrs[layout.ENCODING_ATTR] = "json"
