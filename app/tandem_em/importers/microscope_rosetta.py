"""Formats read through RosettaSciIO: small or rare ones where an own reader is not worth it."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.importers.base import ImportOptions
from tandem_em.importers.hdf5_foreign_hspy import facts_from_hyperspy, signal_type
from tandem_em.importers.microscope_guard import DamagedError
from tandem_em.importers.microscope_signal import Axis, Found
from tandem_em.importers.microscope_sources import native
from tandem_em.importers.microscope_units import clean, number
from tandem_em.model.arrays import AnyArray, ArraySource, MemoryArray

WHOLE_LIMIT = 512 << 20
"""Formats that are read at once must not be larger than this."""


def read_semper(path: Path, options: ImportOptions) -> list[Found]:
    """Semper pictures (.unf)."""
    _check_semper(path)
    return _read("semper", path, lazy=False)


def _check_semper(path: Path) -> None:
    """The header promises a size: compare it with the file before anything is allocated."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = np.frombuffer(file.read(24), "<i4")
    if size > WHOLE_LIMIT:
        raise DamagedError("it is larger than 512 MB")
    if len(head) < 5:
        raise DamagedError("it is shorter than its header")
    columns, rows, layers = (int(each) for each in np.frombuffer(head.tobytes(), "<i2")[2:5])
    if min(columns, rows, layers) < 1 or columns * rows * layers > size:
        raise DamagedError("its header promises more than the file holds")


def read_ripple(path: Path, options: ImportOptions) -> list[Found]:
    """Ripple pairs (.rpl with .raw), mapped and not read."""
    return _read("ripple", path, lazy=True)


def _read(plugin: str, path: Path, lazy: bool) -> list[Found]:
    module = import_module(f"rsciio.{plugin}")
    signals: list[dict[str, Any]] = module.file_reader(str(path), lazy=lazy)
    return [found_from(signal) for signal in signals]


def found_from(signal: dict[str, Any]) -> Found:
    """A reader's dictionary (data, axes, metadata) as a found array."""
    data = signal["data"]
    source: ArraySource = MemoryArray(data) if isinstance(data, np.ndarray) else DaskArray(data)
    axes = [Axis(int(size)) for size in source.shape]
    for number_, each in enumerate(signal.get("axes", ())):
        index = each.get("index_in_array", number_)
        if not 0 <= index < len(axes):
            continue
        scale, offset = number(each.get("scale")), number(each.get("offset"))
        unit, name = clean(each.get("units") or ""), str(each.get("name") or "")
        axes[index] = Axis(axes[index].size, 1.0 if scale is None else scale, offset or 0.0, unit, name)
    metadata = signal.get("metadata") or {}
    found = Found(source, axes, facts=facts_from_hyperspy(metadata))
    found.type = signal_type(metadata)
    return found


class DaskArray:
    """A lazy dask array, computed piece by piece on the calling thread."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return native(np.dtype(self.array.dtype))

    def read(self, index: Any) -> AnyArray:
        with self._lock:
            return np.asarray(self.array[index].compute(scheduler="synchronous"), dtype=self.dtype)

    def close(self) -> None:
        pass
