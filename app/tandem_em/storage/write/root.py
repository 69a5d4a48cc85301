"""What every session file has: root and entry attributes, format, who and what; and what a reader shows first."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from tandem_em.core.hdf5_types import H5File
from tandem_em.model.session import SessionInfo
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import remove, set_attr
from tandem_em.storage.codec.nexus import ensure_group, link, set_text


@cache
def program_version() -> str:
    """The installed version; "unknown" when it runs from its sources."""
    try:
        return version("tandem-em")
    except PackageNotFoundError:
        return "unknown"


def write_skeleton(h5: H5File, file_name: str) -> None:
    """The parts of an empty session."""
    import h5py

    attributes = {
        "NX_class": "NXroot", "default": layout.ENTRY, "creator": "tandem", "creator_version": program_version(),
        "file_name": file_name, "file_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "HDF5_Version": h5py.version.hdf5_version, "h5py_version": h5py.version.version,
        "NeXus_release": layout.NEXUS_RELEASE, "NeXus_repository": layout.NEXUS_URL,
        "file_format": "HyperSpy", "file_format_version": layout.HYPERSPY_FORMAT_VERSION,
    }  # fmt: skip
    for name, value in attributes.items():
        set_attr(h5, name, value)
    entry = ensure_group(h5, layout.ENTRY, "NXentry")
    set_attr(
        entry, "default", "session"
    )  # a place early in the file: the head of the entry need not grow later
    set_text(entry, "program_name", "TandEM", version=program_version())
    form = ensure_group(h5, layout.FORMAT_GROUP)
    set_text(form, "name", layout.FORMAT_NAME)
    set_text(form, "version", layout.FORMAT_VERSION)
    set_text(form, "min_reader_version", layout.MIN_READER_VERSION)
    if "migrations" not in form:
        set_text(form, "migrations", "[]")
    ensure_group(h5, layout.INSTRUMENT, "NXinstrument")
    environment = ensure_group(h5, layout.ENVIRONMENT)
    set_text(environment, "python", sys.version.split()[0])
    set_text(environment, "packages", json.dumps(_package_versions()))


def write_info(h5: H5File, info: SessionInfo) -> None:
    """The session's facts where NeXus readers look for them."""
    entry = ensure_group(h5, layout.ENTRY, "NXentry")
    set_text(entry, "title", info.name)
    set_text(entry, "start_time", info.start_iso)
    set_text(entry, "end_time", info.end_iso)
    set_text(entry, "entry_identifier_uuid", info.uuid)
    set_text(entry, "experiment_description", info.description)
    for group, nx_class, text in (("user", "NXuser", info.user), ("sampleID", "NXsample", info.sample)):
        if text:
            set_text(ensure_group(entry, group, nx_class), "name", text)
        else:
            remove(entry, group)
    set_text(ensure_group(h5, layout.INSTRUMENT, "NXinstrument"), "name", info.instrument)
    view = h5[layout.SESSION_HOME].get("view")
    if view is not None:
        link(ensure_group(h5, layout.APPLICATION_STATE), "view", view)


def choose_default(h5: H5File) -> None:
    """The plot that opens first: the movie, else a map, else a curve."""
    entry = h5[layout.ENTRY]
    names = [name for name in entry if "signal" in entry[name].attrs]
    for stem in ("movie_", "eels_", "bias_", ""):
        found = next((name for name in sorted(names, key=_current_first) if name.startswith(stem)), None)
        if found is not None:
            set_attr(entry, "default", found)
            return
    set_attr(entry, "default", "session")


def _current_first(name: str) -> tuple[bool, str]:
    return not name.endswith("_current"), name


@cache
def _package_versions() -> dict[str, str]:
    found = {}
    for name in (
        "tandem-em",
        "numpy",
        "h5py",
        "scipy",
        "scikit-image",
        "numba",
        "hyperspy",
        "exspy",
        "rosettasciio",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
