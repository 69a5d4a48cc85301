"""EMD files: Velox (Thermo Fisher) with per-frame metadata, and the open EMD of Berkeley and py4DSTEM."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group
from tandem_em.core.notices import UserError
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.hyperspy import at
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.times import iso_of_epoch
from tandem_em.importers.core.units import number, positive, time_s
from tandem_em.importers.core.views import Reordered
from tandem_em.importers.hdf5.foreign import library, source_of
from tandem_em.importers.hdf5.tree import attribute, text_of, unit_text

# each frame has metadata that have to be read for its stamp
STAMPS_LIMIT = 20_000
MICROSECONDS = re.compile(rb'TimeStamp"\s*:\s*\{[^{}]*"value"\s*:\s*"(\d{13,17})"')
SECONDS = re.compile(rb'"AcquisitionStartDatetime"\s*:\s*\{\s*"DateTime"\s*:\s*"(\d+)"')


def is_velox(file: H5File) -> bool:
    """Whether the groups are those of a Velox file."""
    return "Data" in file and "Version" in file and any(key in file["Data"] for key in ("Image", "Spectrum"))


def velox(path: Path, file: H5File) -> list[Found]:
    """Images, movies and EELS maps of a Velox file; EDS event streams are named and left out."""
    data = file["Data"]
    founds: list[Found] = []
    problems: list[str] = []
    for group in data["Image"].values() if "Image" in data else ():
        try:
            founds.append(_image(path, group))
        except UserError as error:
            problems.append(error.title)
        except (KeyError, ValueError, DamagedError) as error:
            problems.append(f"One image of {path.name} cannot be read: {error}.")
    for group in data["EelsSpectrumImage"].values() if "EelsSpectrumImage" in data else ():
        founds.append(_eels(path, data, group))
    for key in ("SpectrumStream", "Spectrum", "SpectrumImage"):
        if key in data and len(data[key]) and "EelsSpectrumImage" not in data:
            problems.append(f"{path.name} also holds X-ray (EDS) data, which TandEM does not open.")
            break
    if not founds:
        raise UserError(
            problems[0] if problems else f"{path.name} contains no image.",
            "Export the images from Velox again.",
        )
    founds[0].problems += problems
    return founds


def _json_column(dataset: H5Dataset, column: int) -> bytes:
    return bytes(np.asarray(dataset[:, column], np.uint8)).split(b"\x00")[0]


def _metadata(group: H5Group, name: str = "Metadata") -> dict[str, Any]:
    dataset = group.get(name)
    # metadata of a damaged file must not take all memory
    if dataset is None or dataset.ndim != 2 or dataset.shape[0] > 1 << 24 or not dataset.shape[1]:
        return {}
    try:
        tree = json.loads(_json_column(dataset, 0).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _image(path: Path, group: H5Group) -> Found:
    data = group["Data"]
    if data.dtype.names:
        # Velox stores Fourier transforms as records of two floats
        raise UserError(f"A Fourier transform in {path.name} was left out.", "")
    if data.ndim != 3:
        raise DamagedError(f"it has {data.ndim} dimensions")
    tree = _metadata(group)
    source = Reordered(source_of(path, data, frame_axis=2), (2, 0, 1))
    facts = _facts(tree)
    size = at(tree, "BinaryResult.PixelSize.width"), at(tree, "BinaryResult.PixelSize.height")
    unit = text_of(at(tree, "BinaryResult.PixelUnitX"))
    height, width, count = data.shape
    axes = [Axis(count, name="time")] + [
        Axis(n, number(step) or 1.0, units=unit if number(step) else "")
        for n, step in ((height, size[1] or size[0]), (width, size[0]))
    ]
    found = Found(source, axes, facts=facts, axis0_is_time=True)
    if count > 1:
        _stamps(group.get("Metadata"), count, found)
    return found


def _stamps(dataset: H5Dataset | None, count: int, found: Found) -> None:
    """True frame times: the camera's microseconds, or the whole seconds of the frame's own header."""
    if dataset is None or dataset.ndim != 2 or dataset.shape[1] < count or count > STAMPS_LIMIT:
        return
    columns = [_json_column(dataset, column) for column in range(count)]
    for pattern, factor in ((MICROSECONDS, 1e-6), (SECONDS, 1.0)):
        times: NDArray[np.float64] = np.array(
            [float(match[1]) * factor if (match := pattern.search(text)) else np.nan for text in columns]
        )
        distinct = len(np.unique(times[np.isfinite(times)]))
        # whole seconds that most frames share tell nothing about single ones
        if distinct > 1 and (factor < 1 or distinct > count // 2):
            first = float(times[np.isfinite(times)][0])
            found.times_s = times - first
            found.facts.start_iso = found.facts.start_iso or iso_of_epoch(first)
            return


def _facts(tree: dict[str, Any]) -> Facts:
    detector = text_of(at(tree, "BinaryResult.Detector"))
    index = text_of(at(tree, "BinaryResult.DetectorIndex"))
    camera = (
        tree.get("Detectors", {}).get(f"Detector-{index}", {})
        if isinstance(tree.get("Detectors"), dict)
        else {}
    )
    detector = detector or text_of(camera.get("DetectorName") if isinstance(camera, dict) else "")
    exposure = positive(camera.get("ExposureTime")) if isinstance(camera, dict) else None
    facts = Facts(title=detector)
    facts.exposure_s = exposure
    facts.frame_interval_s = positive(at(tree, "Scan.FrameTime")) or exposure
    facts.dwell_s = positive(at(tree, "Scan.DwellTime"))
    facts.start_iso = iso_of_epoch(number(at(tree, "Acquisition.AcquisitionStartDatetime.DateTime")) or 0.0)
    volt = positive(at(tree, "Optics.AccelerationVoltage"))
    facts.beam_kV = volt / 1e3 if volt is not None else None
    convergence = positive(at(tree, "Optics.BeamConvergence"))
    facts.convergence_mrad = convergence * 1e3 if convergence is not None else None
    facts.magnification = positive(at(tree, "Optics.NominalMagnification"))
    wanted = {"microscope": "Instrument.InstrumentClass", "software": "Instrument.ControlSoftwareVersion"}
    facts.instrument = {key: text_of(at(tree, where)) for key, where in wanted.items() if at(tree, where)}
    current = positive(at(tree, "Optics.LastMeasuredScreenCurrent"))
    if current is not None:
        facts.instrument["screen_current_A"] = current
    return facts


def _eels(path: Path, data: H5Group, group: H5Group) -> Found:
    """One energy range of a Velox EELS map; its array runs x, energy, y."""
    dataset = group["Data"]
    spatial = next(iter(data["SpectrumImage"].values()), None) if "SpectrumImage" in data else None
    tree = _metadata(spatial) if spatial is not None else {}
    axis = _metadata(group, "AcquisitionMetadata")
    step = number(at(tree, "BinaryResult.PixelSize.width")) or 0.0
    unit = text_of(at(tree, "BinaryResult.PixelUnitX"))
    offset = number(at(axis, "Data.offset")) or 0.0
    energy = Axis(dataset.shape[1], number(at(axis, "Data.dispersion")) or 1.0, offset, "eV", "Energy loss")
    facts = _facts(tree)
    facts.title = "EELS"
    source = source_of(path, dataset)
    pixels = [Axis(n, step or 1.0, units=unit if step else "") for n in dataset.shape[::2]]
    if dataset.ndim == 3:
        return Found(Reordered(source, (2, 0, 1)), [pixels[1], pixels[0], energy], "EELS", 2, facts)
    if dataset.ndim == 2:
        return Found(source, [pixels[0], energy], "EELS", 1, facts)
    raise DamagedError("its spectrum image has an unknown shape")


def emd_groups(file: H5File) -> list[Any]:
    """The groups an open EMD file marks as data."""
    h5py = library()
    out: list[Any] = []

    def visit(_: str, entry: H5Dataset | H5Group) -> None:
        marked = isinstance(entry, h5py.Group) and attribute(entry, "emd_group_type") in (1, "1", "array")
        if marked and ("data" in entry or "datacube" in entry):
            out.append(entry)

    file.visititems(visit)
    return out


def berkeley(path: Path, groups: list[Any]) -> list[Found]:
    """The arrays of an open EMD file."""
    founds: list[Found] = []
    refused: list[UserError] = []
    for group in groups:
        try:
            founds.append(_array(path, group))
        except UserError as error:
            refused.append(error)
    if not founds:
        raise refused[0]
    founds[0].problems += [error.title for error in refused]
    return founds


def _array(path: Path, group: H5Group) -> Found:
    h5py = library()
    data = next(
        (group[key] for key in ("data", "datacube") if isinstance(group.get(key), h5py.Dataset)), None
    )
    if data is None:
        raise UserError(f"{path.name} has a data group without data ({group.name}).", "Save it again.")
    first = 0 if "dim0" in group else 1
    axes = [_axis(group.get(f"dim{first + i}"), size) for i, size in enumerate(data.shape)]
    facts = Facts(title=text_of(group.name).rsplit("/", 1)[-1].replace("__unnamed__", ""))
    if facts.title in ("data_group", "data"):
        facts.title = ""
    found = Found(
        source_of(path, data, len(axes) - 1 if _runs_x_first(axes, first) else 0), axes, facts=facts
    )
    if _runs_x_first(axes, first) and len(axes) > 1:
        found.source = Reordered(found.source, tuple(reversed(range(len(axes)))))
        found.axes = axes[::-1]
    if text_of(attribute(group, "signal_type")).upper().startswith("EELS"):
        found.type = "EELS"
    return found


def _runs_x_first(axes: list[Axis], first: int) -> bool:
    """Old EMD files run x, y, … as MATLAB and HyperSpy write them, unless their axes say otherwise."""
    if first == 0:
        return False
    names = [axis.name.lower() for axis in axes] or [""]
    frames_first = time_s(axes[0].units) is not None or names[0] in ("time", "number", "t")
    return not (names[-1] == "x" or frames_first)


def _axis(dim: H5Dataset | None, size: int) -> Axis:
    if dim is None:
        return Axis(size)
    name, unit = text_of(attribute(dim, "name")), unit_text(attribute(dim, "units"))
    # a dimension may state its first two values only: offset and step
    values = (
        np.atleast_1d(np.asarray(dim[()])) if dim.dtype.kind in "iuf" and dim.size <= max(size, 2) else None
    )
    if values is None or not len(values):
        return Axis(size, units=unit, name=name)
    offset = float(values[0])
    scale = float(values[1] - values[0]) if len(values) > 1 else 1.0
    axis = Axis(size, scale, offset, unit, name)
    if (
        len(values) == size
        and size > 2
        # less than a hundredth of a step is rounding
        and not np.allclose(values, axis.at(), rtol=1e-4, atol=abs(scale) * 1e-2)
    ):
        axis.values = values.astype(np.float64)
    return axis
