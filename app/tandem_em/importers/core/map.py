"""Spectrum images, line scans and spectra from what a reader found: the energy axis last, in eV, ascending."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Index
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.stack import step_nm
from tandem_em.importers.core.times import clock_of
from tandem_em.importers.core.units import clean, energy_eV, time_s
from tandem_em.importers.core.views import Flipped, Reordered, View
from tandem_em.model.arrays import ArraySource, full_index
from tandem_em.model.spectra import SpectrumImage

# each becomes an item of its own: nobody can work with hundreds in a list
MAPS_LIMIT = 64


def energy_axis_of(found: Found) -> int | None:
    """Which axis is energy: the one in eV or keV, else the last of what calls itself a spectrum; None: no spectrum."""
    if found.energy_axis is not None:
        return found.energy_axis
    in_eV = [i for i, axis in enumerate(found.axes) if energy_eV(axis.units) is not None]
    if in_eV:
        return in_eV[-1]
    named = [i for i, axis in enumerate(found.axes) if axis.name.strip().lower().startswith("energy")]
    if named:
        return named[-1]
    return len(found.axes) - 1 if found.type in ("EELS", "EDS") else None


def maps_from(
    found: Found, energy: int, path: Path, options: ImportOptions, problems: list[str]
) -> list[SpectrumImage]:
    """The spectrum image of a found array; a series of maps becomes several."""
    name = found.facts.title or path.stem
    if found.type == "EDS":
        problems.append(
            f"{name} is an X-ray (EDS) spectrum, not EELS: EELS edges and backgrounds do not apply."
        )
    navigation = [axis for axis in range(len(found.axes)) if axis != energy]
    # axes of one pixel carry nothing: they are dropped before a series is made
    while len(navigation) > 2 and any(found.axes[axis].size == 1 for axis in navigation):
        navigation.remove(next(axis for axis in navigation if found.axes[axis].size == 1))
    energies, flip = energies_eV(found.axes[energy], name, problems)
    if len(navigation) <= 2:
        return [_map(found, found.source, found.axes, navigation, energy, energies, flip, name, options)]
    return _series(found, navigation, energy, energies, flip, name, options, problems)


def _series(
    found: Found,
    navigation: list[int],
    energy: int,
    energies: NDArray[np.float64],
    flip: bool,
    name: str,
    options: ImportOptions,
    problems: list[str],
) -> list[SpectrumImage]:
    lead, inner = navigation[:-2], navigation[-2:]
    shape = tuple(found.axes[axis].size for axis in lead)
    total = int(np.prod(shape, dtype=np.int64))
    if total > MAPS_LIMIT:
        raise UserError(
            f"{name} holds {total} spectrum images one after the other.",
            "Split it into parts of at most 64 maps.",
        )
    problems.append(f"{name} holds {total} spectrum images: each became a map of its own.")
    maps = []
    for number in range(total):
        place = dict(zip(lead, np.unravel_index(number, shape), strict=True))
        source: ArraySource = _Fixed(found.source, {axis: int(i) for axis, i in place.items()})
        kept = [axis for axis in range(len(found.axes)) if axis not in place]
        axes = [found.axes[axis] for axis in kept]
        one = _map(
            found, source, axes, [kept.index(a) for a in inner], kept.index(energy), energies, flip,
            f"{name} {number + 1}", options,
        )  # fmt: skip
        maps.append(one)
    return maps


class _Fixed(View):
    """A source with some axes held at one place."""

    def __init__(self, source: ArraySource, place: dict[int, int]) -> None:
        self.place = place
        self.kept = [axis for axis in range(len(source.shape)) if axis not in place]
        super().__init__(source, [source.shape[axis] for axis in self.kept])

    def read(self, index: Index) -> NDArray[np.generic]:
        parts = full_index(index, self.shape)
        whole: list[int | slice] = [self.place.get(axis, 0) for axis in range(len(self.source.shape))]
        for axis, part in zip(self.kept, parts, strict=True):
            whole[axis] = part
        return self.source.read(tuple(whole))


def _map(
    found: Found,
    source: ArraySource,
    axes: list[Axis],
    navigation: list[int],
    energy: int,
    energies: NDArray[np.float64],
    flip: bool,
    name: str,
    options: ImportOptions,
) -> SpectrumImage:
    order, axis0 = _order(axes, navigation)
    shaped: ArraySource = Reordered(source, (*order, energy))
    if flip:
        shaped = Flipped(shaped, 2)
    facts = found.facts
    clock = clock_of(facts, options)
    start = 0.0 if clock.start_iso else None
    duration = facts.duration_s
    if duration is None and facts.dwell_s:
        duration = facts.dwell_s * shaped.shape[0] * shaped.shape[1]
    steps = [step_nm(axes[axis]) if axis >= 0 else None for axis in order]
    # one calibrated direction stands for both
    y_nm, x_nm = steps[0] or steps[1], steps[1] or steps[0]
    return SpectrumImage(
        name=name,
        source=shaped,
        energy_eV=energies,
        pixel_nm=(x_nm, y_nm) if x_nm is not None and y_nm is not None else None,
        clock=clock,
        start=start,
        end=start + duration if start is not None and duration is not None else None,
        adf=found.adf,
        beam_kV=facts.beam_kV,
        convergence_mrad=facts.convergence_mrad,
        collection_mrad=facts.collection_mrad,
        dwell_s=facts.dwell_s or facts.exposure_s,
        counts_per_electron=facts.counts_per_electron,
        axis0=axis0,
        instrument=dict(facts.instrument),
        extra={"duration_s": duration} if duration is not None else {},
    )


def _order(axes: list[Axis], navigation: list[int]) -> tuple[tuple[int, int], Literal["y", "time"]]:
    """Which axes become Y and X (-1: one pixel), and whether Y is time."""
    timed = [a for a in navigation if time_s(axes[a].units) is not None or axes[a].name.lower() == "time"]
    if len(navigation) == 0:
        return (-1, -1), "y"
    if len(navigation) == 1:
        return ((navigation[0], -1), "time") if timed else ((-1, navigation[0]), "y")
    if timed and timed[0] == navigation[1]:
        return (navigation[1], navigation[0]), "time"
    return (navigation[0], navigation[1]), "time" if timed else "y"


def energies_eV(axis: Axis, name: str, problems: list[str]) -> tuple[NDArray[np.float64], bool]:
    """The energy of every channel in eV, ascending, and whether the data have to be turned round for that."""
    factor = energy_eV(axis.units)
    if factor is None:
        unit = clean(axis.units)
        problems.append(
            f"The energy axis of {name} "
            + (f"has the unit {unit!r}" if unit else "has no unit")
            + ": it is read as eV. Check the calibration."
        )
        factor = 1.0
    energies = np.asarray(axis.at(), np.float64) * factor
    if len(energies) > 1 and (not np.isfinite(energies).all() or energies[0] == energies[-1]):
        problems.append(
            f"The energy axis of {name} is not calibrated (step 0): channels are counted instead."
        )
        return np.arange(len(energies), dtype=np.float64), False
    if len(energies) > 1 and energies[-1] < energies[0]:
        return energies[::-1].copy(), True
    return energies, False
