"""How movies, spectrum images, biasing runs and results are shown to other programs (see `writer_nexus`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.hdf5_types import H5Dataset, H5Group, H5Object
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import write_array
from tandem_em.storage.codec.fields import remove, set_attr
from tandem_em.storage.codec.nexus import (
    TimeAxis,
    describe,
    ensure_group,
    link,
    make_nxdata,
    not_nxdata,
    set_axis,
    set_number,
    time_axis,
)


def show_stack(group: H5Group, stack: FrameStack, start_iso: str, live: bool = False) -> None:
    """A movie: data (T, Y, X) over time, y, x. `live`: it grows, its true stamps are the axis."""
    count = int(group["data"].shape[0]) if "data" in group else 0
    if count == 0:
        not_nxdata(group)
        return
    _frames, height, width = group["data"].shape
    title = stack.name or "movie"
    show_times(group, group[layout.ITEM].get("times"), stack.times, stack.clock, count, start_iso, live)
    pixel, unit = (stack.pixel_nm, "nm") if stack.pixel_nm else (1.0, "px")
    for axis, size in (("y", height), ("x", width)):
        set_axis(group, axis, np.arange(size) * pixel, unit, f"{axis} ({unit})")
    _link_or_remove(group, "frame_number", group[layout.ITEM].get("frame_numbers"))
    set_number(group, "exposure_time", stack.exposure_s, "s")
    describe(group["data"], stack.unit, f"{title} ({stack.unit})" if stack.unit else title)
    make_nxdata(group, "data", [_first_axis(group), "y", "x"], "image", title)


def show_times(
    group: H5Group,
    device: H5Dataset | None,
    times: NDArray[np.float64],
    clock: Clock,
    count: int,
    start_iso: str,
    live: bool = False,
) -> None:
    """`timestamp`: the true session seconds; `time` (or `frame`): what serves as axis."""
    stamps = np.asarray(clock.to_session(np.asarray(times, np.float64)[:count]), np.float64)
    for name in ("time", "frame", "timestamp"):
        remove(group, name)
    # a growing movie keeps its true stamps: a uniform axis would change with every frame
    axis = TimeAxis("time", stamps) if live else time_axis(stamps, count)
    if len(stamps):
        is_clock_true = clock.offset_s == 0 and clock.rate_ppm == 0
        is_same = is_clock_true and device is not None and len(device) == len(stamps)
        # device time is session time: one data set serves for both
        if device is not None and is_same and getattr(device, "dtype", None) == np.float64:
            link(group, "timestamp", device)
        else:
            write_array(group, "timestamp", stamps, grows=live)
        describe(group["timestamp"], "s", "true time stamp (s)", start=start_iso)
        set_attr(group["timestamp"], "max_deviation_s", np.float64(axis.deviation_s))
    if axis.name == "frame":
        set_axis(group, "frame", axis.values, "", "frame")
    elif axis.is_uniform_stand_in:
        set_axis(group, "time", axis.values, "s", "Time (s)", start=start_iso)
    else:
        link(group, "time", group["timestamp"])


def show_map(entry: H5Group, group: H5Group, spectrum_image: SpectrumImage) -> None:
    """An EELS map: data (Y, X, E) over y, x, energy; beside it the survey image and the summed spectrum."""
    number = layout.number_of(group.name)
    names = [f"adf_{number:03d}", f"sum_{number:03d}"]
    if "data" not in group or 0 in group["data"].shape:
        not_nxdata(group)
        for name in names:
            remove(entry, name)
        return
    height, width, channels = group["data"].shape
    title = spectrum_image.name or "EELS"
    pixels, unit = (spectrum_image.pixel_nm, "nm") if spectrum_image.pixel_nm else ((1.0, 1.0), "px")
    for axis, size, step in (("y", height, pixels[1]), ("x", width, pixels[0])):
        set_axis(group, axis, np.arange(size) * step, unit, f"{axis} ({unit})")
    energy = np.asarray(spectrum_image.energy_eV, np.float64)
    remove(group, "channel")
    remove(group, "energy")
    # energies that do not ascend make no axis: channels are counted instead
    if len(energy) == channels and bool((np.diff(energy) > 0).all()):
        spectral = "energy"
        set_axis(group, "energy", energy, "eV", "Energy loss (eV)")
    else:
        spectral = "channel"
        set_axis(group, "channel", np.arange(channels), "", "channel")
    describe(group["data"], "counts", f"{title} (counts)")
    make_nxdata(group, "data", ["y", "x", spectral], "spectrum", title)
    _show_survey(entry, names[0], group, spectrum_image, title)
    _show_sum(entry, names[1], group, spectral, title)


def _show_survey(
    entry: H5Group, name: str, group: H5Group, spectrum_image: SpectrumImage, title: str
) -> None:
    stored = group[layout.ITEM].get("adf")
    if stored is None or getattr(stored, "ndim", 0) != 2:
        remove(entry, name)
        return
    survey = ensure_group(entry, name, "NXdata")
    link(survey, "data", stored)
    height, width, _channels = group["data"].shape
    pixels, unit = (spectrum_image.pixel_nm, "nm") if spectrum_image.pixel_nm else ((1.0, 1.0), "px")
    for axis, size, whole, step in (
        ("y", stored.shape[0], height, pixels[1]),
        ("x", stored.shape[1], width, pixels[0]),
    ):
        if size == whole:
            link(survey, axis, group[axis])
        else:  # the same field of view in other pixels
            set_axis(
                survey,
                axis,
                (np.arange(size) + 0.5) * step * whole / size - step / 2,
                unit,
                f"{axis} ({unit})",
            )
    describe(stored, "counts", f"survey of {title}")
    make_nxdata(survey, "data", ["y", "x"], "image", f"Survey of {title}")


def _show_sum(entry: H5Group, name: str, group: H5Group, spectral: str, title: str) -> None:
    """The sum of all spectra is kept as `item/data_sum` when the data are written."""
    stored = group[layout.ITEM].get("data_sum")
    if stored is None:
        remove(entry, name)
        return
    total = ensure_group(entry, name, "NXdata")
    link(total, "data", stored)
    for other in ("energy", "channel"):
        _link_or_remove(total, other, group[other] if other == spectral else None)
    describe(stored, "counts", f"sum of {title} (counts)")
    make_nxdata(total, "data", [spectral], "spectrum", f"Sum of {title}")


def show_run(
    entry: H5Group,
    group: H5Group,
    run: BiasRun,
    times: NDArray[np.float64],
    start_iso: str,
    live: bool = False,
) -> None:
    """Each quantity of a run as an NXdata over time and as an NXsensor with its log; current against voltage."""
    stem = group.name.rsplit("/", 1)[-1]
    device, columns = group.get("times"), group.get("columns")
    wanted: dict[str, Any] = {}
    if (
        len(times)
        and device is not None
        and hasattr(device, "shape")
        and device.shape
        and columns is not None
    ):
        wanted = {name: columns[name].get("values") for name in columns}
        # a column that lags behind the times cannot be plotted over them
        wanted = {name: v for name, v in wanted.items() if getattr(v, "shape", ()) == (len(times),)}
    first = None
    for name, values in wanted.items():
        curve = ensure_group(entry, f"{stem}_{name}", "NXdata")
        if first is None:
            show_times(curve, device, times, run.clock, len(times), start_iso, live)
            first = curve
        else:
            for shared in ("time", "frame", "timestamp"):
                _link_or_remove(curve, shared, first.get(shared))
        unit = _text(columns[name], "unit")
        describe(values, unit, f"{_text(columns[name], 'label') or name} ({unit})" if unit else name)
        link(curve, name, values)
        make_nxdata(curve, name, [_first_axis(curve)], "spectrum", f"{run.name or stem}: {name}")
        _show_sensor(group, name, values, curve, unit, start_iso)
    _show_iv(entry, stem, wanted, run.name or stem)
    for old in [n for n in entry if n.startswith(f"{stem}_") and n[len(stem) + 1 :] not in {*wanted, "iv"}]:
        remove(entry, old)


def _show_sensor(
    group: H5Group, name: str, values: H5Dataset, curve: H5Group, unit: str, start_iso: str
) -> None:
    sensor = ensure_group(group, f"sensor_{name}", "NXsensor")
    log = ensure_group(sensor, "value_log", "NXlog")
    link(log, "value", values)
    link(log, "time", curve["timestamp"])
    if start_iso:
        set_attr(curve["timestamp"], "start", start_iso)
    remove(sensor, "measurement")
    sensor["measurement"] = name
    del unit


def _show_iv(entry: H5Group, stem: str, values: dict[str, Any], title: str) -> None:
    name = f"{stem}_iv"
    if "voltage" not in values or "current" not in values:
        remove(entry, name)
        return
    curve = ensure_group(entry, name, "NXdata")
    link(curve, "current", values["current"])
    link(curve, "voltage", values["voltage"])
    make_nxdata(curve, "current", ["voltage"], "spectrum", f"{title}: current against voltage")


def show_result(group: H5Group, result: ResultSet) -> None:
    """Pictures and curves of a result as NXdata; a curve needs an array called time or t of its length."""
    arrays = group.get("arrays")
    shown: list[str] = []
    stored = {name: arrays[name] for name in arrays} if arrays is not None else {}
    for name, values in stored.items():
        unit = result.units.get(name, "")
        if unit and hasattr(values, "shape"):
            set_attr(values, "units", unit)
        axis = next((a for a in ("time", "t", "t_s", "time_s") if a in stored and a != name), None)
        ndim = getattr(values, "ndim", 0)
        if ndim == 2 and min(values.shape) > 1:
            picture = _result_nxdata(group, name, values)
            for letter, size in zip("yx", values.shape):
                set_axis(picture, letter, np.arange(size), "px", letter)
            make_nxdata(picture, name, ["y", "x"], "image", f"{result.name}: {name}")
        elif (
            ndim == 1
            and axis is not None
            and getattr(stored[axis], "shape", ()) == values.shape
            and len(values) > 1
        ):
            curve = _result_nxdata(group, name, values)
            link(curve, "time", stored[axis])
            describe(stored[axis], "s", "Time (s)")
            make_nxdata(curve, name, ["time"], "spectrum", f"{result.name}: {name}")
        else:
            continue
        shown.append(f"plot_{name}")
    for old in [n for n in group if n.startswith("plot_") and n not in shown]:
        remove(group, old)
    if shown:
        set_attr(group, "default", shown[0])
    elif "default" in group.attrs:
        del group.attrs["default"]


def _result_nxdata(group: H5Group, name: str, values: H5Dataset) -> H5Group:
    made = ensure_group(group, f"plot_{name}", "NXdata")
    link(made, name, values)
    return made


def _first_axis(group: H5Group) -> str:
    return "time" if "time" in group else "frame"


def _link_or_remove(group: H5Group, name: str, target: H5Object | None) -> None:
    if target is None or not hasattr(target, "shape") or not target.shape:
        remove(group, name)
    else:
        link(group, name, target)


def _text(group: H5Group, name: str) -> str:
    stored = group.get(name)
    return str(stored.asstr()[()]) if stored is not None and stored.dtype.kind == "O" else ""
