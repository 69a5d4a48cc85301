"""Jobs on spectrum images that leave a result: zero loss, components, shares of references, atomic percentages."""

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
from tandem_em.model.results.of_maps import Components, Quantification, References, ZeroLoss
from tandem_em.model.spectra import Edge, Site, SpectrumImage

COMPONENTS = 8
"""Component maps that are kept."""


def zero_loss(image: SpectrumImage) -> Job[ZeroLoss]:
    """Position, FWHM (eV) and t/λ of every pixel; maps too large for memory block by block."""
    from tandem_em.analysis.eels.zero_loss import find_zero_loss, thickness_map, valley_eV

    if not has_zero_loss(image):
        raise UserError(
            f"The zero loss is not on the energy axis of {image.name} "
            f"({image.energy_eV[0]:.1f} to {image.energy_eV[-1]:.1f} eV).",
            "Open the low-loss spectra of the same area.",
        )
    height, width_px, channels = image.shape
    # Single precision: four maps of every pixel are kept in the session.
    position, width, thick, error = (np.full((height, width_px), np.nan, np.float32) for _ in range(4))
    threshold: float | None = None
    notes: tuple[str, ...] = ()
    for y0, y1, block in eels_spectra.in_blocks(image):
        yield Progress(y0, height, f"Measuring the zero loss of {image.name}")
        peak = find_zero_loss(block, image.energy_eV)
        if threshold is None:  # the same for all blocks
            axis = EnergyAxis.from_values(image.energy_eV)
            threshold = valley_eV(block.reshape(-1, channels), axis, peak)
        found = thickness_map(
            block, image.energy_eV, peak, threshold_eV=threshold, counts_per_electron=image.counts_per_electron or 1.0
        )  # fmt: skip
        notes = found.notes
        position[y0:y1], width[y0:y1] = peak.position_eV, peak.fwhm_eV
        thick[y0:y1], error[y0:y1] = found.t_over_lambda, found.error
    return ZeroLoss(
        position_eV=position, fwhm_eV=width, t_over_lambda=thick, t_over_lambda_error=error, threshold_eV=threshold,
        median_fwhm_eV=median(width), notes=list(notes),
    )  # fmt: skip


def components(
    image: SpectrumImage, *, non_negative: bool = False, number: int = COMPONENTS
) -> Job[Components]:
    """Principal components or non-negative factors: maps, spectra and the scree of all that were looked at."""
    from tandem_em.analysis.eels.components import non_negative_factors, principal_components

    yield Progress(0, 0, f"Reading {image.name}")
    data = eels_spectra.whole(image)
    gain = image.counts_per_electron or 1.0
    found = yield from principal_components(data, counts_per_electron=gain)
    scree, suggested = found.scree, found.suggested
    if non_negative:
        # More factors than rise above the noise would share out the noise.
        number = max(2, min(number, suggested))
        found = yield from non_negative_factors(data, number, counts_per_electron=gain)
    kept = min(number, len(found.factors))
    return Components(
        method="NMF" if non_negative else "PCA", scree=scree, factors=found.factors[:kept].astype(np.float32),
        maps=tuple(found.maps[k].astype(np.float32) for k in range(kept)), suggested=suggested, kept=kept,
    )  # fmt: skip


def references(
    image: SpectrumImage,
    sites: list[Site] | None = None,
    window_eV: tuple[float, float] | None = None,
    *,
    paths: list[Path] | None = None,
) -> Job[References]:
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
    return References(
        names=list(found.names), channels=list(found.channels),
        shares={name: share.astype(np.float32) for name, share in zip(found.names, found.coefficients)},
        errors={name: error.astype(np.float32) for name, error in zip(found.names, found.errors)},
        residual=found.residual_rms.astype(np.float32), reduced_chi2=found.reduced_chi2.astype(np.float32),
    )  # fmt: skip


def quantification(image: SpectrumImage, edges: list[Edge]) -> Job[Quantification]:
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
    return Quantification(
        percent={element: (100 * share).astype(np.float32) for element, share in zip(made.elements, made.fractions)},
        percent_error={element: (100 * error).astype(np.float32) for element, error in zip(made.elements, made.errors)},
        model=made.model, model_error=made.model_error, remark=made.remark,
        cross_sections_barn=dict(zip(made.elements, made.cross_sections_barn)),
    )  # fmt: skip


def median(values: NDArray[Any]) -> float:
    """Median of what is known; NaN when nothing is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
