"""Formats read through RosettaSciIO: small or rare ones where an own reader is not worth it."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.numeric import AnyArray, Index
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.hyperspy import facts_from_hyperspy, signal_type
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.sources import native
from tandem_em.importers.core.units import clean, number
from tandem_em.model.arrays import ArrayBase, ArraySource, MemoryArray

if TYPE_CHECKING:
    import dask.array


def read_ripple(path: Path, options: ImportOptions) -> list[Found]:
    """Ripple pairs (.rpl with .raw), mapped and not read."""
    return _read("ripple", path, lazy=True)


def _read(plugin: str, path: Path, lazy: bool) -> list[Found]:
    module = import_module(f"rsciio.{plugin}")
    signals: list[dict[str, Any]] = module.file_reader(str(path), lazy=lazy)
    founds = [found_from(signal) for signal in signals]
    # Ripple keeps its numbers in a second file
    partner = path.with_suffix(".raw")
    founds[0].files += [partner] if plugin == "ripple" and partner.is_file() else []
    return founds


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


class DaskArray(ArrayBase):
    """A lazy dask array, computed piece by piece on the calling thread."""

    def __init__(self, array: dask.array.Array) -> None:
        super().__init__(array.shape, native(np.dtype(array.dtype)))
        self.array = array
        self._lock = threading.Lock()

    def read(self, index: Index) -> AnyArray:
        """The part, computed on this thread: a scheduler of dask would start threads of its own."""
        with self._lock:
            return np.asarray(self.array[index].compute(scheduler="synchronous"), dtype=self.dtype)
