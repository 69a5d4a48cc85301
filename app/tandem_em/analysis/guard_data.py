"""What the guard says of the data themselves: saturated detectors and dead channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tandem_em.analysis.eels_data import as_spectra, find_dead_channels
from tandem_em.analysis.eels_windows import EdgeWindows, EnergyAxis
from tandem_em.analysis.guard_windows import GuardWarning


def check_saturation(data: ArrayLike, name: str = "map") -> list[GuardWarning]:
    """Channels that stand at the top of the counter: the zero loss and everything scaled by it are then too low."""
    spectra, _ = as_spectra(data)
    if spectra.shape[1] < 3:
        return []
    tops = np.empty(spectra.shape[0])
    flat = 0
    for begin in range(0, spectra.shape[0], 8192):
        block = spectra[begin : begin + 8192]
        top = np.nanmax(np.nan_to_num(block, nan=-np.inf) if block.dtype.kind == "f" else block, axis=1)
        tops[begin : begin + 8192] = top
        # three neighbours at exactly the same highest count, far above what chance makes equal
        equal = block == top[:, None]
        run = (equal[:, 2:] & equal[:, 1:-1] & equal[:, :-2]).any(axis=1)
        flat += int((run & (top > 1000)).sum())
    limit = float(np.iinfo(spectra.dtype).max) if spectra.dtype.kind in "iu" else float("inf")
    full_scale = int((tops >= min(limit, 2**31)).sum()) if np.isfinite(limit) else 0
    share = max(flat, full_scale) / spectra.shape[0]
    if share == 0:
        return []
    return [
        GuardWarning(
            "saturation", "warning", name, f"The detector is saturated in {100 * share:.1f} % of the pixels.",
            f"Their highest channels all stand at {tops.max():g} counts. Zero loss, t/λ and quantities scaled by them are wrong "
            "there; edges are not affected.",
            {"share": share, "top_counts": float(tops.max())},
        )
    ]  # fmt: skip


def check_dead_channels(
    data: ArrayLike, energy_eV: ArrayLike | EnergyAxis, edge: EdgeWindows
) -> list[GuardWarning]:
    """Channels without counts inside the windows of an edge."""
    axis = EnergyAxis.from_values(energy_eV)
    dead = find_dead_channels(data)
    energies = axis.values[dead]
    inside = energies[
        ((energies >= edge.signal[0]) & (energies <= edge.signal[1]))
        | ((energies >= edge.fit[0]) & (energies <= edge.fit[1]) & (edge.background != "none"))
    ]
    if inside.size == 0:
        return []
    return [
        GuardWarning(
            "dead-channels", "warning", edge.name,
            f"Dead channels inside the windows of {edge.name}: {inside.size}, the first at {inside[0]:.1f} eV.",
            "Maps made with the dead channels mended use the line between their neighbours instead.",
            {"channels": float(inside.size), "first_eV": float(inside[0])},
        )
    ]  # fmt: skip
