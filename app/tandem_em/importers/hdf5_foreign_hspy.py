"""HyperSpy files (.hspy and the older .hdf5), read without HyperSpy; what HyperSpy's metadata mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.importers.hdf5_foreign import library, source_of
from tandem_em.importers.hdf5_foreign_tree import attribute, attributes, text_of
from tandem_em.importers.microscope_guard import DamagedError
from tandem_em.importers.microscope_signal import Axis, Facts, Found, SignalType
from tandem_em.importers.microscope_times import iso_of, zone_info
from tandem_em.importers.microscope_units import clean, number, positive
from tandem_em.notices import UserError


def experiments(path: Path, file: Any) -> list[Found]:
    """All signals under /Experiments."""
    h5py = library()
    founds: list[Found] = []
    refused: list[UserError] = []
    for group in file["Experiments"].values():
        if not isinstance(group, h5py.Group) or not isinstance(group.get("data"), h5py.Dataset):
            continue
        try:
            founds.append(_signal(path, group))
        except UserError as error:
            refused.append(error)
    if not founds:
        raise refused[0] if refused else DamagedError("it has no signal with data")
    founds[0].problems += [error.title for error in refused]
    return founds


def _signal(path: Path, group: Any) -> Found:
    data = group["data"]
    if group.get("ragged_shapes") is not None or "ragged_shapes" in group:
        raise UserError(f"{path.name} holds a ragged signal.", "Make it an ordinary array in HyperSpy first.")
    axes = _axes(group, data.shape)
    name = "metadata" if "metadata" in group else "mapped_parameters"
    metadata = attributes(group[name]) if name in group else {}
    facts = facts_from_hyperspy(metadata)
    facts.title = facts.title or text_of(group.name).rsplit("/", 1)[-1].replace("__unnamed__", "")
    found = Found(source_of(path, data), axes, facts=facts)
    found.type = signal_type(metadata)
    return found


def _axes(group: Any, shape: tuple[int, ...]) -> list[Axis]:
    """The axes in the order of the array; old files number them in `index_in_array`."""
    axes = [Axis(size) for size in shape]
    for number_ in range(len(shape)):
        entry = group.get(f"axis-{number_}", group.get(f"coordinate-{number_}"))
        if entry is None:
            continue
        index = attribute(entry, "index_in_array")
        place = int(index) if isinstance(index, int) and 0 <= index < len(shape) else number_
        scale, offset = number(attribute(entry, "scale")), number(attribute(entry, "offset"))
        axes[place] = Axis(
            shape[place],
            1.0 if scale is None else scale,
            offset or 0.0,
            clean(attribute(entry, "units")).replace("_None_", ""),
            text_of(attribute(entry, "name")).replace("_None_", ""),
            _values(entry, shape[place]),
        )
    return axes


def _values(entry: Any, size: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The values of a non-uniform axis, stored as an attribute or a dataset called `axis`."""
    values = attribute(entry, "axis") if "axis" in entry.attrs else entry.get("axis")
    if values is None or getattr(values, "shape", ()) != (size,) or values.dtype.kind not in "iuf":
        return None
    return np.asarray(values[()], np.float64)


def signal_type(metadata: dict[str, Any]) -> SignalType:
    """EELS or EDS from `Signal.signal_type` (or the place old files had it)."""
    said = str(at(metadata, "Signal.signal_type") or metadata.get("signal_type") or "").upper()
    if said.startswith("EELS"):
        return "EELS"
    return "EDS" if said.startswith("EDS") else ""


def at(tree: dict[str, Any], path: str) -> Any:
    """A value by its dotted path, None when it is not there."""
    here: Any = tree
    for key in path.split("."):
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return None if isinstance(here, dict) else here


def facts_from_hyperspy(metadata: dict[str, Any]) -> Facts:
    """Microscope, exposure and date from HyperSpy's metadata tree of any version."""
    tem = "Acquisition_instrument.TEM."
    if at(metadata, tem + "beam_energy") is None and isinstance(metadata.get("TEM"), dict):
        metadata = {"Acquisition_instrument": {"TEM": metadata["TEM"]}, "General": metadata, **metadata}

    def value(*paths: str) -> float | None:
        return next((v for path in paths if (v := positive(at(metadata, path))) is not None), None)

    eels = tem + "Detector.EELS."
    facts = Facts(
        title=str(at(metadata, "General.title") or ""),
        beam_kV=value(tem + "beam_energy"),
        convergence_mrad=value(tem + "convergence_angle"),
        collection_mrad=value(eels + "collection_angle", tem + "EELS.collection_angle"),
        dwell_s=value(
            eels + "dwell_time", eels + "exposure", tem + "dwell_time", "Acquisition_instrument.dwell_time"
        ),
        exposure_s=value(tem + "Detector.Camera.exposure", tem + "Camera.exposure", tem + "exposure_time"),
        magnification=value(tem + "magnification"),
    )
    for path in (eels + "dwell_time", tem + "dwell_time"):
        if facts.dwell_s is not None and at(metadata, path + "_units") == "ms":
            facts.dwell_s *= 1e-3
    zone = str(at(metadata, "General.time_zone") or "")
    facts.start_iso = iso_of(at(metadata, "General.date") or "", str(at(metadata, "General.time") or "")[:15])
    facts.zone = zone if zone_info(zone) is not None else ""
    wanted = {
        "microscope": tem + "microscope",
        "mode": tem + "acquisition_mode",
        "authors": "General.authors",
    }
    facts.instrument = {key: str(at(metadata, path)) for key, path in wanted.items() if at(metadata, path)}
    current = value(tem + "beam_current")
    if current is not None:
        facts.instrument["beam_current_nA"] = current
    return facts
