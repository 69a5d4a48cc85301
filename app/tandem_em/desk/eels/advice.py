"""What a spectrum image says about itself, gathered once, and what the low-loss guard makes of it for each edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.data import find_dead_channels, mended
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.analysis.eels.advice.data import Saturation
    from tandem_em.analysis.eels.advice.plasmons import Plasmon
    from tandem_em.analysis.eels.maps import EdgeMap
    from tandem_em.analysis.eels.windows import EdgeWindows

SAMPLE_PIXELS = 16384
"""Zero loss and plasmons are looked at in so many pixels at most, spread evenly over the map."""


@dataclass
class DataFacts:
    """Facts of one spectrum image that do not depend on windows."""

    mean: Floats
    """Mean spectrum (counts per pixel and channel), broken channels left out."""
    pixels: int
    dead_channels: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    saturation: Saturation | None = None
    t_over_lambda: Floats | None = None
    plasmons: list[Plasmon] = field(default_factory=list)
    fwhm_eV: float = 1.0


def mean_spectrum(data: NDArray[Any]) -> Floats:
    """Mean over all pixels, float64; channels without any finite count are 0."""
    spectra = data.reshape(-1, data.shape[-1])
    total = np.zeros(spectra.shape[1])
    count = np.zeros(spectra.shape[1], np.int64)
    # In blocks: a float64 copy of all spectra could be larger than the memory.
    for begin in range(0, spectra.shape[0], 8192):
        block = spectra[begin : begin + 8192]
        # Integers have no NaN to look for.
        if block.dtype.kind != "f":
            total += block.sum(axis=0, dtype=np.float64)
            count += block.shape[0]
            continue
        good = np.isfinite(block)
        total += np.where(good, block, 0).sum(axis=0, dtype=np.float64)
        count += good.sum(axis=0)
    return np.asarray(total / np.maximum(count, 1))


def has_zero_loss(image: SpectrumImage) -> bool:
    """Whether 0 eV and a little on either side lie on the energy axis."""
    return bool(image.energy_eV[0] < -2 < 2 < image.energy_eV[-1])


def look_at(image: SpectrumImage, data: NDArray[Any], low_loss: SpectrumImage | None = None) -> DataFacts:
    """Gather the facts from spectra (Y, X, E): all of the map, or rows spread over one too large for memory.

    `low_loss`: the partner of a core-loss map, which knows the thickness of the same pixels.
    """
    from tandem_em.analysis.eels.advice.data import find_saturation

    height, width, _ = image.shape
    dead = find_dead_channels(data)
    facts = DataFacts(mended(mean_spectrum(data), dead), height * width, dead, find_saturation(data))
    if has_zero_loss(image):
        _look_at_zero_loss(facts, image, data)
    elif low_loss is not None and has_zero_loss(low_loss):
        _look_at_zero_loss(facts, low_loss, _some_rows(low_loss, 32))
    return facts


def _look_at_zero_loss(facts: DataFacts, image: SpectrumImage, data: NDArray[Any]) -> None:
    from tandem_em.analysis.eels.advice.plasmons import find_plasmons
    from tandem_em.analysis.eels.zero_loss import find_zero_loss, thickness_map

    # The root: the stride thins rows and columns.
    stride = max(1, int(np.ceil(np.sqrt(data.shape[0] * data.shape[1] / SAMPLE_PIXELS))))
    seen = np.ascontiguousarray(data[::stride, ::stride])
    gain = image.counts_per_electron or 1.0
    try:
        peak = find_zero_loss(seen, image.energy_eV)
        thick = thickness_map(seen, image.energy_eV, peak, counts_per_electron=gain)
    except UserError:
        return  # without a zero loss nothing is known of thickness and plasmons
    facts.t_over_lambda = thick.t_over_lambda
    facts.plasmons = find_plasmons(seen, image.energy_eV, thick.t_over_lambda)
    # Else the default width stays.
    if np.isfinite(peak.median_fwhm_eV):
        facts.fwhm_eV = peak.median_fwhm_eV


def look_at_rows(image: SpectrumImage, low_loss: SpectrumImage | None = None) -> DataFacts:
    """The facts of a map too large for memory, from rows spread over it."""
    return look_at(image, _some_rows(image, 32), low_loss)


def _some_rows(image: SpectrumImage, number: int) -> NDArray[Any]:
    height = image.shape[0]
    step = max(1, height // number)
    return np.concatenate([image.source.read(slice(y, y + 1)) for y in range(0, height, step)])


def doubts(
    image: SpectrumImage, facts: DataFacts, edge: EdgeWindows, found: EdgeMap, others: Sequence[EdgeWindows]
) -> list[dict[str, Any]]:
    """What the guard says of one edge of one map, gravest first, with reasons and numbers."""
    from tandem_em.analysis.eels.advice.advise import check_map
    from tandem_em.analysis.eels.advice.data import dead_channel_warnings, saturation_warnings

    gain = image.counts_per_electron or 1.0
    warnings = check_map(
        edge, image.energy_eV, spectrum=facts.mean * facts.pixels, found=found,
        t_over_lambda=facts.t_over_lambda, plasmons=facts.plasmons, others=others, fwhm_eV=facts.fwhm_eV,
        counts_per_electron=gain,
    )  # fmt: skip
    warnings += dead_channel_warnings(facts.dead_channels, image.energy_eV, edge)
    warnings += saturation_warnings(facts.saturation, image.energy_eV, edge)
    return [warning.as_dict() for warning in sorted(warnings, key=lambda each: each.level != "warning")]
