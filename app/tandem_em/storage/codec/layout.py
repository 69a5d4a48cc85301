"""How a session lies in its HDF5 file: every group, data set and attribute name that TandEM writes is spelt here.

One NXentry; everything that can be plotted is an NXdata; one frame is one chunk; times are relative float64 seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FORMAT_NAME = "tandem-session"
FORMAT_VERSION = "1.0"
MIN_READER_VERSION = "1.0"
"""Readers older than this must not write to files of this version."""
NEXUS_RELEASE = "v2026.01"
NEXUS_URL = "https://github.com/nexusformat/definitions"
HYPERSPY_FORMAT_VERSION = "3.3"

ENTRY = "entry"
FORMAT_GROUP = "entry/session_format"
INSTRUMENT = "entry/instrument"
APPLICATION_STATE = "entry/application_state"
ENVIRONMENT = "entry/environment"
ORDER = "order"
"""In the format group: JSON {kind: [ids in their order]}."""
UNSAVED = "unsaved"
"""There too, in recovery files only: JSON of which session they belong to."""
SESSION_HOME = "entry/session"
HYPERSPY_LAYOUT = "Experiments"
DELETED = "_deleted"
"""Items that were removed wait here until the file is closed, so that an undo brings their data back."""
INCOMING = "_incoming"
"""Big data on its way in; linked to its place in one step when it is complete."""
PRIVATE_ROOTS = (DELETED, INCOMING, "_journal")

KIND_ATTR = "tandem_kind"
ID_ATTR = "tandem_id"
REVISION_ATTR = "tandem_revision"
NONE_ATTR = "tandem_none"
"""JSON list of the fields that are None (an absent field has its default)."""
KEY_ATTR = "tandem_key"
"""The exact key of a dict entry whose name had to be changed for HDF5."""
ENCODING_ATTR = "tandem_encoding"
"""On scalar strings: "json" when the text is JSON, absent when it is the value itself."""
LINKED_ATTR = "tandem_linked"
"""On streams whose data are in another file: [frames, height, width] or [height, width, channels]."""
DTYPE_ATTR = "tandem_dtype"
RECORDING_ATTR = "tandem_recording"
"""On streams that are being recorded (or were, when the program ended)."""
LISTED_ATTR = "tandem_listed"
"""False on clocks that belong to a stream but are in no list of the session."""

ITEM = "item"
"""Sub-group with the item's own fields, in groups that are an NXdata for everybody else."""
CRC = "data_crc32"
"""CRC-32 of every chunk's plain bytes, in the order of the chunk grid."""
# 32 kB of float64: a short recording wastes no room
CURVE_CHUNK = 4096
# 512 kB: long curves are read whole, in few pieces
IMPORTED_CURVE_CHUNK = 65536
MAX_FRAME_CHUNK = 128 << 20
MAX_SIGNALS_AS_CURVES = 30
"""More particles than this are shown as one area[particle, time] picture instead of curves."""
UNIFORM_FRACTION = 0.25
"""A uniform axis replaces the true stamps (kept beside it) when none is further off than this part of a step."""
UNIFORM_LIMIT = 5_000_000


@dataclass(frozen=True)
class Place:
    """Where the items of one kind live: `folder/stem_001`, or inside `item` of an NXdata."""

    folder: str
    stem: str
    nx_class: str = "NXcollection"
    has_item_group: bool = False
    """The group is an NXdata; the item's own fields are in its sub-group `item`."""
    as_table: bool = False
    """Many small items: one JSON record each in a single scalar, with a table for other readers."""


PLACES: dict[str, Place] = {
    "info": Place("entry", "session"),
    "clock": Place("entry/clocks", "clock"),
    "run": Place(INSTRUMENT, "bias"),
    "cell": Place("entry/cells", "cell"),
    "stack": Place("entry", "movie", "NXdata", has_item_group=True),
    "map": Place("entry", "eels", "NXdata", has_item_group=True),
    "preview": Place("entry/previews", "preview", "NXdata", has_item_group=True),
    "particle": Place("entry/particle_list", "particle"),
    "edge": Place("entry/eels_analysis/edges", "edge", "NXparameters"),
    "site": Place("entry/eels_analysis/sites", "site", "NXparameters"),
    "profile": Place("entry/eels_analysis/profiles", "profile", "NXparameters"),
    "event": Place("entry/events", "event", as_table=True),
    "dose": Place("entry/dose", "dose", "NXparameters"),
    "step": Place("entry/provenance", "step", as_table=True),
    "result": Place("entry/results", "result", "NXprocess"),
    "truth": Place("entry/truth", "truth", "NXprocess"),
    "source": Place("entry/source_files", "source", "NXnote"),
}
"""By kind of item. A kind that is not here gets a folder of its own: see `place_of`."""

FOLDER_CLASSES = {"entry/eels_analysis": "NXprocess", "entry/provenance": "NXcollection"}
RECORDS = "items_json"
TABLE = "table"


def place_of(kind: str) -> Place:
    """Where the items of a kind lie; kinds without a place of their own get a folder by their name."""
    return PLACES.get(kind) or Place(f"entry/{safe_name(kind)}_items", safe_name(kind))


_SUFFIX_UNITS = {
    "s": "s", "ms": "ms", "nm": "nm", "um": "um", "um2": "um^2", "cm2": "cm^2", "nm2": "nm^2", "eV": "eV", "V": "V",
    "A": "A", "px": "px", "ppm": "ppm", "mrad": "mrad", "kV": "kV", "uAh_cm2": "uA*h/cm^2", "e_A2s": "e/angstrom^2/s",
    "e_A2": "e/angstrom^2", "Hz": "Hz", "K": "K", "deg": "deg", "pF": "pF", "ohm": "ohm", "mm": "mm", "pA": "pA",
}  # fmt: skip
_NAME_UNITS = {"times": "s", "host_times": "s", "start": "s", "end": "s", "t": "s"}


def unit_of(field_name: str) -> str:
    """The unit a field's name carries (`dwell_s` -> s), empty when it has none."""
    parts = field_name.split("_")
    # the longest suffix first: `e_A2s` before `s`
    for start in range(1, len(parts)):
        unit = _SUFFIX_UNITS.get("_".join(parts[start:]))
        if unit:
            return unit
    return _NAME_UNITS.get(field_name, "")


def safe_name(text: str) -> str:
    """A group or data set name any reader accepts: letters, digits, underscores, not empty, not too long."""
    name = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_")[:60]
    return name or "unnamed"


def numbered(stem: str, number: int) -> str:
    """Name of a member: `movie`, 1 gives `movie_001`."""
    return f"{stem}_{number:03d}"


def number_of(name: str) -> int:
    """The number at the end of `movie_012`; 0 when there is none."""
    found = re.search(r"_(\d+)$", name)
    return int(found.group(1)) if found else 0


def frame_chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, int, int]:
    """One frame is one chunk; frames beyond MAX_FRAME_CHUNK are cut into bands of rows."""
    _frames, height, width = shape
    rows = max(1, min(height, MAX_FRAME_CHUNK // max(1, width * itemsize)))
    return 1, rows, max(1, width)


def spectrum_chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, int, int]:
    """8 x 8 spectra in full length, fewer when they are very long."""
    height, width, channels = (max(1, size) for size in shape)
    side = 8
    while side > 1 and side * side * channels * itemsize > 4 << 20:
        side //= 2
    return min(side, height), min(side, width), channels


def version_tuple(version: str) -> tuple[int, int]:
    """(major, minor) of "1.0"; ValueError for anything else."""
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)
