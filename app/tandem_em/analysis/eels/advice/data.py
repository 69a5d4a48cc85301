"""What the guard says of the data themselves: saturated detectors and dead channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.advice.windows import GuardWarning
from tandem_em.analysis.eels.data import as_spectra
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis


@dataclass(frozen=True)
class Saturation:
    """Pixels whose highest channels all stand at the top of the counter."""

    share: float
    """Of the pixels."""
    top_counts: float
    first_channel: int
    last_channel: int
    """The channels at the top lie between these, in all pixels together."""


def find_saturation(data: ArrayLike) -> Saturation | None:
    """Pixels with three neighbouring channels at exactly their highest count, or at the end of an integer's range."""
    spectra, _ = as_spectra(data)
    channels = spectra.shape[1]
    # three neighbours are needed to tell a plateau
    if channels < 3:
        return None
    full_scale = float(np.iinfo(spectra.dtype).max) if spectra.dtype.kind in "iu" else float("inf")
    # wide integers are never full: 2³¹ stands for their full scale
    full_scale = min(full_scale, 2.0**31) if np.isfinite(full_scale) else full_scale
    number, highest = 0, 0.0
    at_top = np.zeros(channels, dtype=bool)
    for begin in range(0, spectra.shape[0], 8192):
        block = spectra[begin : begin + 8192]
        top = np.nanmax(np.nan_to_num(block, nan=-np.inf) if block.dtype.kind == "f" else block, axis=1)
        equal = block == top[:, None]
        # three neighbours at exactly the same highest count, far above what chance makes equal
        run = (equal[:, 2:] & equal[:, 1:-1] & equal[:, :-2]).any(axis=1)
        saturated = (run & (top > 1000)) | (top >= full_scale)
        if saturated.any():
            number += int(saturated.sum())
            highest = max(highest, float(top[saturated].max()))
            at_top |= equal[saturated].any(axis=0)
    if number == 0:
        return None
    lit = np.flatnonzero(at_top)
    return Saturation(number / spectra.shape[0], highest, int(lit[0]), int(lit[-1]))


def saturation_warnings(
    found: Saturation | None, energy_eV: ArrayLike | EnergyAxis, edge: EdgeWindows
) -> list[GuardWarning]:
    """What saturation means for one edge: nothing for its counts unless it reaches into its windows."""
    if found is None:
        return []
    axis = EnergyAxis.from_values(energy_eV)
    low, high = axis.at(found.first_channel), axis.at(found.last_channel)
    inside = any(low <= window[1] and high >= window[0] for window in _windows(edge))
    consequence = (
        f"They reach into the windows of {edge.name}: its counts are wrong there."
        if inside
        else f"Zero loss, t/λ and quantities scaled by them are wrong there; the windows of {edge.name} are not touched."
    )
    return [
        GuardWarning(
            "saturation", "warning" if inside else "note", edge.name,
            f"The detector is saturated in {100 * found.share:.1f} % of the pixels, between {low:.1f} and {high:.1f} eV.",
            f"Their highest channels all read {found.top_counts:g} counts. {consequence}",
            {"share": found.share, "top_counts": found.top_counts, "low_eV": low, "high_eV": high},
        )
    ]  # fmt: skip


def dead_channel_warnings(
    dead: NDArray[np.int64], energy_eV: ArrayLike | EnergyAxis, edge: EdgeWindows
) -> list[GuardWarning]:
    """Channels without counts inside the windows of an edge."""
    energies = EnergyAxis.from_values(energy_eV).values[dead]
    hit = np.zeros(energies.shape, dtype=bool)
    for low, high in _windows(edge):
        hit |= (energies >= low) & (energies <= high)
    inside = energies[hit]
    if inside.size == 0:
        return []
    return [
        GuardWarning(
            "dead-channels", "warning", edge.name,
            f"Dead channels inside the windows of {edge.name}: {inside.size}, the first at {inside[0]:.1f} eV.",
            "They are interpolated from the neighbouring channels; the data in the file are not changed.",
            {"channels": float(inside.size), "first_eV": float(inside[0])},
        )
    ]  # fmt: skip


def _windows(edge: EdgeWindows) -> list[tuple[float, float]]:
    return [edge.signal] if edge.background == "none" else [edge.fit, edge.signal]
