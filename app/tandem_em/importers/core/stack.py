"""A movie or an image from what a reader found: frames, times, pixel size, all doubts said."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tandem_em.importers.core.base import Imported, ImportOptions
from tandem_em.importers.core.companion import beside
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.times import clock_of, stamps_of
from tandem_em.importers.core.units import clean, is_reciprocal, length_nm
from tandem_em.importers.core.views import Flattened, Reordered
from tandem_em.model.frames import FrameStack


def stack_from(found: Found, path: Path, options: ImportOptions, imported: Imported) -> FrameStack:
    """The stack of a found array with at least two axes; sentences and questions go to `imported`."""
    name = found.facts.title or path.stem
    _to_three_axes(found, name, imported.problems)
    count = found.source.shape[0]
    # a scan of images has no log of times
    if count > 1 and found.times_s is None and not path.is_dir() and found.axis0_is_time is not False:
        log = beside(path, count)
        if log is not None:
            found.times_s, start, file = log
            found.facts.start_iso = start or found.facts.start_iso
            found.times_from = "companion log"
            found.files.append(file)
            imported.problems.append(f"Frame times were read from {file.name}.")
    stamps = stamps_of(found, count, path.name, options)
    imported.problems += stamps.problems
    imported.questions += [
        q for q in stamps.questions if q.key not in {old.key for old in imported.questions}
    ]
    pixel_nm = pixel_size_nm(found.axes[-1], found.axes[-2], name, imported.problems)
    facts = found.facts
    if options.pixel_nm:
        pixel_nm, pixel_from = options.pixel_nm, "typed"
    else:
        pixel_from = "file" if pixel_nm is not None else ""
    return FrameStack(
        name=name,
        source=found.source,
        clock=clock_of(facts, options),
        times=stamps.times,
        times_from=stamps.origin,
        axis0_is_time=stamps.axis0_is_time,
        frame_numbers=found.frame_numbers,
        exposure_s=facts.exposure_s,
        pixel_nm=pixel_nm,
        pixel_from=pixel_from,
        magnification=facts.magnification,
        counts_per_electron=facts.counts_per_electron,
        counts_offset=facts.counts_offset,
        unit=facts.unit or "counts",
        bad_frames=list(found.bad_frames),
        instrument=_instrument(found),
    )


def _instrument(found: Found) -> dict[str, object]:
    facts = found.facts
    known: dict[str, object] = {
        "beam_kV": facts.beam_kV,
        "convergence_mrad": facts.convergence_mrad,
        "dwell_s": facts.dwell_s,
    }
    return {**facts.instrument, **{key: value for key, value in known.items() if value is not None}}


def _to_three_axes(found: Found, name: str, problems: list[str]) -> None:
    if len(found.axes) == 2:
        found.source = Reordered(found.source, (-1, 0, 1))
        found.axes = [Axis(1), *found.axes]
        return
    while len(found.axes) > 3:
        single = next((i for i, axis in enumerate(found.axes[:-2]) if axis.size == 1), None)
        if single is not None:
            keep = [axis for axis in range(len(found.axes)) if axis != single]
            found.source = _without(found, single)
            found.axes = [found.axes[axis] for axis in keep]
            continue
        lead = " × ".join(str(axis.size) for axis in found.axes[:-2])
        problems.append(
            f"{name} is a scan of {lead} images: they are shown one after the other, not in time."
        )
        count = len(found.axes) - 2
        found.source = Flattened(found.source, count)
        size = found.source.shape[0]
        found.axes = [Axis(size, name="scan"), *found.axes[-2:]]
        found.axis0_is_time = False if found.times_s is None else found.axis0_is_time
    return


def _without(found: Found, single: int) -> Flattened:
    """Drop an axis of size one by running it together with its neighbour in front or behind."""
    order = [single, *(axis for axis in range(len(found.axes)) if axis != single)]
    return Flattened(Reordered(found.source, order), 2)


def pixel_size_nm(x: Axis, y: Axis, name: str, problems: list[str]) -> float | None:
    """The pixel size in nm, None with a sentence when the file has none."""
    size_x, size_y = _step_nm(x), _step_nm(y)
    size = size_x if size_x is not None else size_y
    if size is None:
        unit = clean(x.units) or clean(y.units)
        if is_reciprocal(unit):
            problems.append(
                f"{name} is calibrated in {unit} (a diffraction pattern): it has no pixel size in nm."
            )
        else:
            problems.append(f"{name} has no pixel size" + (f" (its unit is {unit!r})." if unit else "."))
        return None
    if size_x is not None and size_y is not None and abs(size_x - size_y) > 0.01 * max(size_x, size_y):
        problems.append(
            f"The pixels of {name} are not square ({size_x:.4g} nm × {size_y:.4g} nm): the width is used."
        )
    return size


def _step_nm(axis: Axis) -> float | None:
    factor = length_nm(axis.units)
    scale = axis.scale
    if axis.values is not None and len(axis.values) > 1:
        scale = float((axis.values[-1] - axis.values[0]) / (len(axis.values) - 1))
    if factor is None or not np.isfinite(scale) or scale == 0:
        return None
    size = abs(float(scale)) * factor
    # outside these limits a unit was mistaken or a field left empty
    return size if 1e-6 < size < 1e9 else None


def step_nm(axis: Axis) -> float | None:
    """The step of an axis in nm, None when it is not a length."""
    return _step_nm(axis)
