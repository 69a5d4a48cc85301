"""A spectrum image with lithium in its right half."""

from __future__ import annotations

import numpy as np

from tandem_em.model.arrays import MemoryArray
from tandem_em.model.spectra import SpectrumImage

WIDTH, HEIGHT, STEP = 24, 12, 12
"""Lithium lies to the right of column STEP."""


def lithium_map(name: str, state: str, amount: float, seed: int) -> SpectrumImage:
    """A power law everywhere and a lithium edge on the right half."""
    rng = np.random.default_rng(seed)
    energy = np.arange(38.0, 150.0, 0.5)
    counts = np.broadcast_to(8e9 * energy**-3.0, (HEIGHT, WIDTH, energy.size)).copy()
    counts[:, STEP:] += amount * (energy > 54.0) * (energy / 54.0) ** -3.0
    return SpectrumImage(
        name=name, source=MemoryArray(rng.poisson(counts).astype(np.float32)), energy_eV=energy, pixel_nm=(2.0, 2.0),
        state=state, layers=[{"name": "bare", "from_px": -0.5, "to_px": 11.5}, {"name": "rich", "from_px": 11.5, "to_px": 23.5}],
    )  # fmt: skip
