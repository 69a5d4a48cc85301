"""Results of spectrum images kept in the session with where they come from: zero loss, components, MLLS shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import IN_MEMORY_BYTES
from tandem_em.desk.eels_guard import has_zero_loss
from tandem_em.desk.provenance import step_for
from tandem_em.jobs import Job, Progress
from tandem_em.model.edits import AddItem
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_em.notices import UserError

COMPONENTS = 8
"""Component maps that are kept."""


def keep(desk: Desk, image: SpectrumImage, made: ResultSet, parameters: dict[str, Any]) -> ResultSet:
    """Store a result beside its step, as one undoable step; the data stay as they are."""
    step = step_for(made.analysis, [image], parameters, [made.id])
    made.step_id = step.id
    label = f"{made.analysis} of {image.name}"
    desk.do(label, AddItem(label, step), AddItem(label, made))
    return made


def _result(
    image: SpectrumImage, analysis: str, arrays: dict[str, NDArray[Any]], units: dict[str, str], values: dict[str, Any]
) -> ResultSet:  # fmt: skip
    return ResultSet(
        name=f"{analysis} of {image.name}", analysis=analysis, arrays=arrays, units=units, values=values,
        owner_id=image.id, simulated=image.simulated,
    )  # fmt: skip


def _spectra(image: SpectrumImage) -> NDArray[Any]:
    height, width, channels = image.shape
    if height * width * channels * image.source.dtype.itemsize > IN_MEMORY_BYTES:
        raise UserError(
            f"{image.name} is larger than {IN_MEMORY_BYTES >> 30} GiB.",
            "Crop or bin it first: this analysis needs all spectra at once.",
        )
    return np.ascontiguousarray(image.source.read(slice(None)))


def zero_loss(image: SpectrumImage) -> Job[ResultSet]:
    """Position, FWHM (eV) and t/λ of every pixel."""
    from tandem_em.analysis.zero_loss import find_zero_loss, thickness_map

    if not has_zero_loss(image):
        raise UserError(
            f"The zero loss is not on the energy axis of {image.name} "
            f"({image.energy_eV[0]:.1f} to {image.energy_eV[-1]:.1f} eV).",
            "Open the low-loss spectra of the same place.",
        )
    yield Progress(0, 3, f"Reading {image.name}")
    data = _spectra(image)
    yield Progress(1, 3, "Measuring the zero loss")
    peak = find_zero_loss(data, image.energy_eV)
    yield Progress(2, 3, "Measuring the thickness")
    gain = image.counts_per_electron or 1.0
    thick = thickness_map(data, image.energy_eV, peak, counts_per_electron=gain)
    arrays: dict[str, NDArray[Any]] = {
        "position": peak.position_eV.astype(np.float32),
        "FWHM": peak.fwhm_eV.astype(np.float32),
        "t over lambda": thick.t_over_lambda.astype(np.float32),
        "t over lambda error": thick.error.astype(np.float32),
    }
    units = {"position": "eV", "FWHM": "eV", "t over lambda": "", "t over lambda error": ""}
    values = {
        "threshold_eV": thick.threshold_eV,
        "median_fwhm_eV": peak.median_fwhm_eV,
        "notes": list(thick.notes),
    }
    return _result(image, "zero loss", arrays, units, values)


def components(
    image: SpectrumImage, *, non_negative: bool = False, number: int = COMPONENTS
) -> Job[ResultSet]:
    """Principal components or non-negative factors: maps, spectra and the scree of all that were looked at."""
    from tandem_em.analysis.eels_components import non_negative_factors, principal_components

    yield Progress(0, 0, f"Reading {image.name}")
    data = _spectra(image)
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


def site_spectra(image: SpectrumImage, sites: list[Site]) -> tuple[NDArray[np.float64], list[str]]:
    """Mean spectra of the sites that lie on a map, and their names."""
    from tandem_em.analysis.eels_spectra import disc_mask, region_spectrum

    data, found, names = _spectra(image), [], []
    height, width, _ = image.shape
    for site in sites:
        if site.points and 0 <= round(site.points[0][0]) < width and 0 <= round(site.points[0][1]) < height:
            mask = disc_mask((height, width), site.points[0], site.radius_px)
            found.append(region_spectrum(data, mask, mean=True))
            names.append(site.name)
    if len(found) < 2:
        raise UserError(
            f"MLLS needs at least two sites on {image.name}; there are {len(found)}.",
            "Place sites on the pure phases.",
        )
    return np.array(found), names


def references(
    image: SpectrumImage, sites: list[Site], window_eV: tuple[float, float] | None = None
) -> Job[ResultSet]:
    """MLLS: the share of each site's spectrum in every pixel, its error, and what is left over."""
    from tandem_em.analysis.mlls import fit_references

    yield Progress(0, 0, f"Reading {image.name}")
    spectra, names = site_spectra(image, sites)
    found = yield from fit_references(
        _spectra(image), image.energy_eV, spectra, names, window_eV=window_eV,
        counts_per_electron=image.counts_per_electron or 1.0,
    )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {}
    for name, share, error in zip(found.names, found.coefficients, found.errors):
        arrays[name] = share.astype(np.float32)
        arrays[f"{name} error"] = error.astype(np.float32)
    arrays["residual"] = found.residual_rms.astype(np.float32)
    units = dict.fromkeys(arrays, "") | {"residual": "counts per channel"}
    return _result(image, "MLLS", arrays, units, {"channels": list(found.channels)})
