"""The same movies and maps once more in HyperSpy's own layout, by hard link: typed, calibrated, also on uneven times.

`hs.load(path, reader="HSPY")` then gives an EELSSpectrum with its beam energy. Only axes and metadata take room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import set_attr
from tandem_em.storage.codec.nexus import ensure_group, link
from tandem_em.storage.file_index import FileIndex
from tandem_em.storage.save_plan import Plan


def write_hyperspy_layout(h5: H5File, plan: Plan, file_index: FileIndex) -> None:
    """Bring `/Experiments` up to date with the plan's streams; experiments of others stay."""
    ours = {
        h5[layout.HYPERSPY_LAYOUT][name].attrs.get(layout.ID_ATTR): name
        for name in h5.get(layout.HYPERSPY_LAYOUT, ())
    }
    present = {item_id for item_id in ours if item_id in file_index.group_paths}
    for item_id, name in ours.items():
        # `ID#adf` is the survey image of the map ID
        if item_id is not None and (item_id.split("#")[0] not in present | plan.snapshot.keys()):
            del h5[layout.HYPERSPY_LAYOUT][name]
    for item in plan.snapshot.values():
        home = file_index.group_paths.get(item.id)
        if not isinstance(item, (FrameStack, SpectrumImage)) or home is None or item.id in plan.recording:
            continue
        for suffix in ("", "#adf"):
            if item.id + suffix in ours and ours[item.id + suffix] in h5[layout.HYPERSPY_LAYOUT]:
                del h5[layout.HYPERSPY_LAYOUT][ours[item.id + suffix]]
        group = h5[home]
        if "data" not in group or "signal" not in group.attrs:
            continue
        stem = home.rsplit("/", 1)[-1]
        if isinstance(item, FrameStack):
            experiment = _experiment(h5, item.id, item.name or stem, group["data"], _tem(item, plan))
            axes = [_first_axis(group), ("y", group["y"], False), ("x", group["x"], False)]
            _write_axes(experiment, axes)
            experiment["metadata/Signal"].attrs["signal_type"] = ""
        else:
            _lay_out_map(h5, item, plan, group, stem)
    if layout.HYPERSPY_LAYOUT in h5 and len(h5[layout.HYPERSPY_LAYOUT]) == 0:
        del h5[layout.HYPERSPY_LAYOUT]


def _lay_out_map(h5: H5File, item: SpectrumImage, plan: Plan, group: H5Group, stem: str) -> None:
    experiment = _experiment(h5, item.id, item.name or stem, group["data"], _tem(item, plan))
    spectral = "energy" if "energy" in group else "channel"
    axes = [("y", group["y"], True), ("x", group["x"], True), ("Energy loss", group[spectral], False)]
    _write_axes(experiment, axes)
    experiment["metadata/Signal"].attrs["signal_type"] = "EELS"
    survey = h5[layout.ENTRY].get(f"adf_{layout.number_of(stem):03d}")
    if survey is not None:
        experiment = _experiment(h5, f"{item.id}#adf", f"{item.name or stem} survey", survey["data"], {})
        _write_axes(experiment, [("y", survey["y"], False), ("x", survey["x"], False)])
        experiment["metadata/Signal"].attrs["signal_type"] = ""


def _experiment(
    h5: H5File, item_id: str, title: str, data: H5Dataset, acquisition: dict[str, Any]
) -> H5Group:
    """An experiment group: an NXdata without signal, so that HyperSpy's NeXus reader does not take it for metadata."""
    folder = ensure_group(h5, layout.HYPERSPY_LAYOUT)
    name = stem = layout.safe_name(title)
    number = 1
    while name in folder:
        number += 1
        name = f"{stem}_{number}"
    experiment = folder.create_group(name)
    experiment.attrs["NX_class"] = "NXdata"
    experiment.attrs[layout.ID_ATTR] = item_id
    experiment.attrs["package"], experiment.attrs["package_version"] = "hyperspy", "2.3"
    link(experiment, "data", data)
    for path in ("original_metadata", "learning_results", "metadata/_HyperSpy"):
        experiment.create_group(path)
    general = experiment.create_group("metadata/General")
    set_attr(general, "title", title)
    experiment.create_group("metadata/Signal")
    tem = experiment.create_group("metadata/Acquisition_instrument/TEM") if acquisition else None
    for key, value in acquisition.items():
        owner = tem.require_group(key.rpartition("/")[0]) if "/" in key else tem  # type: ignore[union-attr]
        owner.attrs[key.rpartition("/")[2]] = np.float64(value)  # type: ignore[union-attr]
    return experiment


def _tem(item: FrameStack | SpectrumImage, plan: Plan) -> dict[str, Any]:
    """Known facts of the microscope in HyperSpy's words: kV, mrad, s."""
    beam = item.beam_kV if isinstance(item, SpectrumImage) and item.beam_kV else plan.beam_kv
    facts: dict[str, Any] = {"beam_energy": beam}
    if isinstance(item, SpectrumImage):
        facts |= {
            "convergence_angle": item.convergence_mrad, "Detector/EELS/collection_angle": item.collection_mrad,
            "Detector/EELS/dwell_time": item.dwell_s,
        }  # fmt: skip
    elif item.magnification:
        facts["magnification"] = item.magnification
    return {key: value for key, value in facts.items() if value is not None}


def _first_axis(group: H5Group) -> tuple[str, Any, bool]:
    """The true stamps where they make an axis: HyperSpy's own format knows uneven ones."""
    if "time" in group:
        return "time", group["timestamp"], True
    return "frame", group["frame"], True


def _write_axes(experiment: H5Group, axes: list[tuple[str, Any, bool]]) -> None:
    for number, (name, stored, navigate) in enumerate(axes):
        group = experiment.create_group(f"axis-{number}")
        values = stored[...]
        units = str(stored.attrs.get("units", ""))
        group.attrs["name"] = name
        set_attr(group, "units", units or "_None_")
        group.attrs["navigate"] = np.bool_(navigate)
        group.attrs["is_binned"] = np.bool_(name == "Energy loss")
        steps = np.diff(values)
        # uneven by less than 1e-5 of a step is rounding
        if len(values) < 2 or np.allclose(steps, steps[0], rtol=1e-5, atol=0):
            group.attrs["_type"] = "UniformDataAxis"
            group.attrs["size"] = np.int64(len(values))
            group.attrs["offset"] = np.float64(values[0])
            group.attrs["scale"] = np.float64(
                (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 1
            )
        else:
            group.attrs["_type"] = "DataAxis"
            link(group, "axis", stored)
