"""Any windows on any counts: a map, or a sentence why not; never an unexpected error."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.eels.spectra import line_profiles, model_curve, region_spectrum
from tandem_em.core.notices import UserError
from tandem_em.desk.eels import maps as eels
from tandem_em.model.spectra import Edge

ENERGY = np.arange(30.0, 160.0, 0.5)


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[float, float], tuple[float, float]]:
    """A fit window and a signal window behind it; either may lie outside the spectrum."""
    start, wide = draw(st.floats(0, 170)), draw(st.floats(0.1, 60))
    gap, long = draw(st.floats(0, 30)), draw(st.floats(0.1, 60))
    return (start, start + wide), (start + wide + gap, start + wide + gap + long)


@settings(max_examples=400)
@given(
    windows(),
    st.integers(0, 2**16),
    st.sampled_from([0.0, 1e-3, 1.0, 1e3, 1e9]),
    st.sampled_from(["plain", "zeros", "negative", "gaps"]),
)
def test_any_window_on_any_counts(
    chosen: tuple[tuple[float, float], tuple[float, float]], seed: int, level: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    spectra = rng.poisson(np.broadcast_to(level * (ENERGY / 30) ** -2.5, (3, 4, ENERGY.size))).astype(
        np.float32
    )
    if kind == "zeros":
        spectra[:, 2:] = 0
    elif kind == "negative":
        spectra -= 10
    elif kind == "gaps":
        spectra[rng.random(spectra.shape) < 0.1] = np.nan
    edge = Edge(name="Li K", onset_eV=55.0, fit=chosen[0], signal=chosen[1])
    asked = eels.windows_of(edge)
    try:
        curve = model_curve(asked, region_spectrum(spectra, mean=True), ENERGY)
        assert len(curve.background) == len(curve.energy_eV)
        for profile in line_profiles(spectra, ENERGY, [asked], (0.0, 1.0), (3.0, 1.0), 2.0):
            assert len(profile.counts) == len(profile.error) == len(profile.distance_px)
    except UserError:
        pass
