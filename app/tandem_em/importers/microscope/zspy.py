"""HyperSpy's Zarr directories and zip files (.zspy): only plain numbers and known compressions, nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.hyperspy import facts_from_hyperspy, signal_type
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.sources import native
from tandem_em.importers.core.units import clean, number
from tandem_em.model.arrays import ArrayBase

if TYPE_CHECKING:
    import zarr

CODECS = {
    "blosc", "zlib", "gzip", "zstd", "lz4", "lzma", "bz2", "shuffle", "delta", "bytes", "crc32c", "fixedscaleoffset",
    "transpose", "numcodecs.blosc", "numcodecs.zlib", "numcodecs.zstd", "numcodecs.lz4", "numcodecs.shuffle",
}  # fmt: skip
# a block is unpacked as a whole
CHUNK_LIMIT = 2 << 30


def looks_like(path: Path) -> bool:
    """A Zarr directory, whatever it is called."""
    return path.is_dir() and any((path / name).is_file() for name in (".zgroup", "zarr.json", ".zmetadata"))


def read(path: Path, options: ImportOptions) -> list[Found]:
    """All signals under Experiments."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                raise DamagedError("it is not a zip file")
    import zarr

    store: Any = zarr.storage.ZipStore(path, mode="r") if path.is_file() else path
    root = zarr.open_group(store, mode="r")
    if "Experiments" not in root:
        raise DamagedError("it holds no HyperSpy signals")
    founds: list[Found] = []
    refused: list[UserError] = []
    for name, group in dict(root["Experiments"].groups()).items():
        try:
            founds.append(_signal(path, name, group))
        except UserError as error:
            refused.append(error)
    if not founds:
        raise refused[0] if refused else DamagedError("it has no signal with data")
    founds[0].problems += [error.title for error in refused]
    return founds


def _signal(path: Path, name: str, group: zarr.Group) -> Found:
    if "ragged_shapes" in group:
        raise UserError(f"{path.name} holds a ragged signal.", "Make it an ordinary array in HyperSpy first.")
    array = group["data"]
    check_array(path, array)
    metadata = _tree(group["metadata"]) if "metadata" in group else {}
    facts = facts_from_hyperspy(metadata)
    facts.title = facts.title or name.replace("__unnamed__", "")
    found = Found(ZarrArray(path, array), _axes(group, array.shape), facts=facts)
    found.type = signal_type(metadata)
    return found


def check_array(path: Path, array: zarr.Array) -> None:
    """Refuse objects and codecs that could run code, and absurd blocks, before anything is decoded."""
    # metadata of both Zarr versions as plain JSON, whatever objects they hold
    description = json.loads(json.dumps(array.metadata.to_dict(), default=str))
    names = {str(each).lower() for each in _codec_names(description)}
    unknown = names - CODECS
    if np.dtype(array.dtype).hasobject or unknown:
        what = f"the compression {', '.join(sorted(unknown))}" if unknown else "Python objects"
        raise UserError(
            f"{path.name} uses {what}: nothing is unpacked from it.", "Save it again as an ordinary array."
        )
    if int(np.prod(array.chunks, dtype=object)) * array.dtype.itemsize > CHUNK_LIMIT:
        raise DamagedError("it has blocks of more than 2 GiB")


def _codec_names(description: dict[str, Any]) -> list[str]:
    """The names of all codecs in Zarr metadata of version 2 or 3."""
    listed = [
        description.get("compressor"),
        *(description.get("filters") or ()),
        *(description.get("codecs") or ()),
    ]
    names = []
    for each in listed:
        if isinstance(each, dict):
            names.append(each.get("id") or each.get("name") or "?")
        elif each is not None:
            names.append(str(each).split("(")[0])
    return names


def _tree(group: zarr.Group, depth: int = 12) -> dict[str, Any]:
    out = {
        key: value
        for key, value in group.attrs.asdict().items()
        if isinstance(value, (str, int, float, bool))
    }
    if depth > 0:
        out |= {name: _tree(each, depth - 1) for name, each in group.groups()}
    return out


def _axes(group: zarr.Group, shape: tuple[int, ...]) -> list[Axis]:
    axes = []
    for index, size in enumerate(shape):
        said = group[f"axis-{index}"].attrs.asdict() if f"axis-{index}" in group else {}
        scale, offset = number(said.get("scale")), number(said.get("offset"))
        unit, name = (str(said.get(key) or "").replace("_None_", "") for key in ("units", "name"))
        axes.append(Axis(size, 1.0 if scale is None else scale, offset or 0.0, clean(unit), name))
    return axes


class ZarrArray(ArrayBase):
    """A Zarr array as a source."""

    def __init__(self, path: Path, array: zarr.Array) -> None:
        self.path, self.array = path, array
        super().__init__(array.shape, native(np.dtype(array.dtype)))

    def read(self, index: Index) -> AnyArray:
        """The part, unpacked; UserError for a block that is damaged."""
        try:
            return np.asarray(self.array[index], dtype=self.dtype)
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(
                f"A block of {self.path.name} cannot be read ({str(error)[:100]}).",
                "It may be damaged: copy it again.",
            ) from error

    def close(self) -> None:
        """Close the store, where it is one that can be closed."""
        close = getattr(self.array.store, "close", None)
        if close is not None:
            close()

    def __del__(self) -> None:
        self.close()
