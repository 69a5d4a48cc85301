"""Results of spectrum images kept in the session with where they come from: zero loss, components, MLLS shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.windows import EnergyAxis
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.eels import spectra as eels_spectra
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.desk.eels.maps import windows_of
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import Edge, Site, SpectrumImage

COMPONENTS = 8
"""Component maps that are kept."""


def _result(
    image: SpectrumImage, analysis: str, arrays: dict[str, NDArray[Any]], units: dict[str, str], values: dict[str, Any]
) -> ResultSet:  # fmt: skip
    return ResultSet(
        name=f"{analysis} of {image.name}", analysis=analysis, arrays=arrays, units=units, values=values,
        owner_id=image.id, simulated=image.simulated,
    )  # fmt: skip


def zero_loss(image: SpectrumImage) -> Job[ResultSet]:
    """Position, FWHM (eV) and t/λ of every pixel; maps too large for memory block by block."""
    from tandem_em.analysis.eels.zero_loss import find_zero_loss, thickness_map, valley_eV

    if not has_zero_loss(image):
        raise UserError(
            f"The zero loss is not on the energy axis of {image.name} "
            f"({image.energy_eV[0]:.1f} to {image.energy_eV[-1]:.1f} eV).",
            "Open the low-loss spectra of the same area.",
        )
    height, width, channels = image.shape
    units = {"position": "eV", "FWHM": "eV", "t over lambda": "", "t over lambda error": ""}
    arrays: dict[str, NDArray[Any]] = {name: np.full((height, width), np.nan, np.float32) for name in units}
    threshold: float | None = None
    notes: tuple[str, ...] = ()
    for y0, y1, block in eels_spectra.in_blocks(image):
        yield Progress(y0, height, f"Measuring the zero loss of {image.name}")
        peak = find_zero_loss(block, image.energy_eV)
        if threshold is None:  # the same for all blocks
            axis = EnergyAxis.from_values(image.energy_eV)
            threshold = valley_eV(block.reshape(-1, channels), axis, peak)
        thick = thickness_map(
            block, image.energy_eV, peak, threshold_eV=threshold, counts_per_electron=image.counts_per_electron or 1.0
        )  # fmt: skip
        notes = thick.notes
        for name, found in zip(units, (peak.position_eV, peak.fwhm_eV, thick.t_over_lambda, thick.error)):
            arrays[name][y0:y1] = found
    values = {
        "threshold_eV": threshold,
        "median_fwhm_eV": _median(arrays["FWHM"]),
        "notes": list(notes),
    }
    return _result(image, "zero loss", arrays, units, values)


def components(
    image: SpectrumImage, *, non_negative: bool = False, number: int = COMPONENTS
) -> Job[ResultSet]:
    """Principal components or non-negative factors: maps, spectra and the scree of all that were looked at."""
    from tandem_em.analysis.eels.components import non_negative_factors, principal_components

    yield Progress(0, 0, f"Reading {image.name}")
    data = eels_spectra.whole(image)
    gain = image.counts_per_electron or 1.0
    found = yield from principal_components(data, counts_per_electron=gain)
    scree, suggested = found.scree, found.suggested
    if non_negative:
        number = max(2, min(number, suggested))
        found = yield from non_negative_factors(data, number, counts_per_electron=gain)
    kept = min(number, len(found.factors))
    arrays: dict[str, NDArray[Any]] = {"scree": scree, "factors": found.factors[:kept].astype(np.float32)}
    for k in range(kept):
        arrays[f"component {k + 1}"] = found.maps[k].astype(np.float32)
    kind = "NMF" if non_negative else "PCA"
    return _result(image, kind, arrays, dict.fromkeys(arrays, ""), {"suggested": suggested, "kept": kept})


def references(
    image: SpectrumImage,
    sites: list[Site] | None = None,
    window_eV: tuple[float, float] | None = None,
    *,
    paths: list[Path] | None = None,
) -> Job[ResultSet]:
    """MLLS: the share of each reference in every pixel, its error, and what is left over.

    References are the mean spectra of sites, or those in files.
    """
    from tandem_em.analysis.eels.mlls import fit_references
    from tandem_em.desk.eels import references as eels_references

    yield Progress(0, 0, f"Reading {image.name}")
    data = eels_spectra.whole(image)
    if paths:
        spectra, names = yield from eels_references.of_files(image, paths)
        window_eV = eels_references.overlap_eV(image, spectra, window_eV)
    else:
        spectra, names = eels_references.of_sites(image, data, sites or [])
    found = yield from fit_references(
        data, image.energy_eV, spectra, names, window_eV=window_eV,
        counts_per_electron=image.counts_per_electron or 1.0,
    )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {}
    for name, share, error in zip(found.names, found.coefficients, found.errors):
        arrays[name] = share.astype(np.float32)
        arrays[f"{name} error"] = error.astype(np.float32)
    arrays["residual"] = found.residual_rms.astype(np.float32)
    arrays["reduced χ²"] = found.reduced_chi2.astype(np.float32)
    units = dict.fromkeys(arrays, "") | {"residual": "counts per channel"}
    values = {"channels": list(found.channels), "references": list(found.names)}
    return _result(image, "MLLS", arrays, units, values)


def quantification(image: SpectrumImage, edges: list[Edge]) -> Job[ResultSet]:
    """Atomic percentages of the mapped elements, their counting errors, and the cross-section model they rest on."""
    from tandem_em.analysis.eels.quantify import quantify

    yield Progress(0, len(edges) + 1, f"Reading {image.name}")
    data = eels_spectra.whole(image)
    gain = image.counts_per_electron or 1.0
    maps = []
    for number, edge in enumerate(edges):
        yield Progress(number + 1, len(edges) + 1, f"Mapping {edge.name}")
        found = map_edge(data, image.energy_eV, windows_of(edge), detail="error", counts_per_electron=gain)
        maps.append(found)
    made = quantify(
        maps, beam_kV=image.beam_kV, collection_mrad=image.collection_mrad, convergence_mrad=image.convergence_mrad
    )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {}
    for element, share, error in zip(made.elements, made.fractions, made.errors):
        arrays[f"{element} at%"] = (100 * share).astype(np.float32)
        arrays[f"{element} at% error"] = (100 * error).astype(np.float32)
    values = {
        "model": made.model,
        "model_error": made.model_error,
        "cross_sections_barn": dict(zip(made.elements, made.cross_sections_barn)),
        "remark": made.remark,
    }
    return _result(image, "quantification", arrays, dict.fromkeys(arrays, "at%"), values)


def _median(values: NDArray[Any]) -> float:
    """Median of what is known; NaN when nothing is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def summary_of(made: ResultSet) -> str:
    """One line on a result for the person who asked for it."""
    arrays, values = made.arrays, made.values
    if made.analysis == "quantification":
        names = [name for name in arrays if not name.endswith("error")]
        if not any(np.isfinite(arrays[name]).any() for name in names):
            return "No pixel has counts of these elements to compare."
        shares = ", ".join(f"{name.split(' ')[0]} {_median(arrays[name]):.0f} %" for name in names)
        off = 100 * float(values["model_error"])
        return f"Median of the map: {shares} (cross sections: {values['model']}, ± {off:.0f} %). {values['remark']}".strip()
    if made.analysis == "zero loss":
        width, thick = _median(arrays["FWHM"]), _median(arrays["t over lambda"])
        return (
            f"Zero loss {width:.2f} eV wide, t/λ {thick:.2f} (medians). {' '.join(values['notes'])}".strip()
        )
    if made.analysis == "MLLS":
        return f"Median reduced χ² of the fit: {_median(arrays['reduced χ²']):.2f}."
    if made.analysis in ("PCA", "NMF"):
        return f"Components above the noise: {values['suggested']}."
    return ""
