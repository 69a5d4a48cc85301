"""Spectra as analyses take them: dead channels mended, energies aligned; the data in the file stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.data import find_dead_channels, mended
from tandem_em.core.notices import UserError
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

IN_MEMORY_BYTES = 2 << 30
"""Spectrum images up to this size are worked whole, larger ones in blocks of rows."""
BLOCK_BYTES = 64 << 20


def size_of(image: SpectrumImage) -> int:
    """Bytes of its spectra in memory."""
    return int(np.prod(image.shape, dtype=np.int64)) * image.source.dtype.itemsize


def fits_in_memory(image: SpectrumImage) -> bool:
    """Whether an image is worked whole; larger ones are read in blocks of rows."""
    return size_of(image) <= IN_MEMORY_BYTES


def corrected(
    image: SpectrumImage,
    data: NDArray[Any],
    first_row: int = 0,
    dead_channels: NDArray[np.int64] | None = None,
    *,
    align: bool = True,
) -> NDArray[Any]:
    """Rows of a map from `first_row` on, dead channels mended (looked for unless given), energy shift taken off."""
    data = mended(data, find_dead_channels(data) if dead_channels is None else dead_channels)
    if image.energy_shift_eV is None or not align:
        return data
    from tandem_em.analysis.eels.zero_loss import aligned

    shift = np.asarray(image.energy_shift_eV)[first_row : first_row + data.shape[0]]
    return aligned(data, image.energy_eV, shift)[0]


def whole(image: SpectrumImage, *, align: bool = True) -> NDArray[Any]:
    """All spectra (Y, X, E); a sentence when they are too many."""
    if not fits_in_memory(image):
        raise UserError(
            f"{image.name} is larger than {IN_MEMORY_BYTES >> 30} GiB.",
            "Crop or bin it first: this analysis needs all spectra at once.",
        )
    return np.ascontiguousarray(corrected(image, image.source.read(slice(None)), align=align))


def in_blocks(image: SpectrumImage, *, align: bool = True) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """First row, row after the last and spectra of each block; one block when all fit in memory."""
    height, width, channels = image.shape
    if fits_in_memory(image):
        yield 0, height, whole(image, align=align)
        return
    # 8 bytes: whatever the file holds, the work is done in float64.
    rows = max(1, BLOCK_BYTES // (8 * width * channels))
    for y0 in range(0, height, rows):
        y1 = min(height, y0 + rows)
        yield y0, y1, corrected(image, image.source.read(slice(y0, y1)), y0, align=align)


def low_loss_of(session: Session, image: SpectrumImage) -> SpectrumImage | None:
    """The map that holds the zero loss of the same pixels: itself, or its partner of a dual-EELS pair."""
    if has_zero_loss(image):
        return image
    partner = session.maps.get(image.low_loss_id)
    # Shapes may have become different when a file was imported again.
    if partner is not None and partner.shape[:2] == image.shape[:2] and has_zero_loss(partner):
        return partner
    return None


def possible_partners(session: Session, image: SpectrumImage) -> list[SpectrumImage]:
    """Maps of as many pixels with a zero loss: what a core-loss map in a file of its own may be paired with."""
    return [
        each
        for each in session.maps
        if each is not image and each.shape[:2] == image.shape[:2] and has_zero_loss(each)
    ]
