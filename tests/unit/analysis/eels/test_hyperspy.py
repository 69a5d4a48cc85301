"""Maps beside HyperSpy: the same numbers for the same estimator. One module, because importing it takes seconds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def exspy() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        import hyperspy.api as hs

        hs.preferences.General.show_progressbar = False
        hs.set_log_level("ERROR")
        return exspy


def peer_map(
    exspy: Any, data: np.ndarray, axis: EnergyAxis, edge: EdgeWindows, fast: bool, kind: str
) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = exspy.signals.EELSSpectrum(data)
        energy = signal.axes_manager[-1]
        energy.offset, energy.scale = axis.offset_eV, axis.step_eV
        more = {"polynomial_order": edge.order} if kind == "Polynomial" else {}
        rest = signal.remove_background(signal_range=edge.fit, background_type=kind, fast=fast, **more)
        found: np.ndarray = rest.isig[edge.signal[0] : edge.signal[1]].sum(-1).data
        return found


def counts(axis: EnergyAxis, shape: tuple[int, ...]) -> np.ndarray:
    mean = 4e7 * np.maximum(axis.values, 1.0) ** -3.0 * (0.5 + RNG.random((*shape, 1)))
    mean = mean + 40.0 * RNG.random((*shape, 1)) * (axis.values > 54.7)
    return RNG.poisson(mean).astype(np.float32)


@pytest.mark.parametrize("step", [0.1, 0.137, 0.3, 0.5])
@pytest.mark.parametrize("offset", [-5.0, 3.21])
def test_two_area_power_law_is_hyperspys(exspy: Any, step: float, offset: float) -> None:
    axis = EnergyAxis(offset, step, 700)
    data = counts(axis, (4, 5))
    edge = EdgeWindows("Li K", "power law", 2, (41.0, 51.0), (52.5, 57.5))
    wanted = peer_map(exspy, data, axis, edge, True, "PowerLaw")
    found = map_edge(data, axis.values, edge).counts
    assert np.abs(found - wanted).max() <= 1e-9 * np.abs(wanted).max()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_polynomial_is_hyperspys(exspy: Any, order: int) -> None:
    axis = EnergyAxis(-5.0, 0.2, 500)
    data = counts(axis, (3, 4))
    edge = EdgeWindows("Li K", "polynomial", order, (41.0, 51.0), (52.5, 57.5))
    wanted = peer_map(exspy, data, axis, edge, True, "Polynomial")
    np.testing.assert_allclose(map_edge(data, axis, edge).counts, wanted, atol=1e-9 * np.abs(wanted).max())


def test_full_power_law_fit_is_hyperspys(exspy: Any) -> None:
    axis = EnergyAxis(-5.0, 0.2, 500)
    data = counts(axis, (4, 5))
    edge = EdgeWindows("Li K", "power law lsq", 2, (41.0, 51.0), (52.5, 57.5))
    wanted = peer_map(exspy, data, axis, edge, False, "PowerLaw")
    assert np.abs(map_edge(data, axis, edge).counts - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("name", ["Li_K", "C_K", "O_K", "Co_L3"])
def test_cross_sections_are_exspys(exspy: Any, name: str) -> None:
    from dataclasses import replace

    from tandem_em.analysis.eels.cross_sections import differential
    from tandem_em.analysis.eels.table import find_edge

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = exspy.components.EELSCLEdge(name, GOS="hydrogenic")
        peer.set_microscope_parameters(E0=200, alpha=0, beta=20, energy_scale=0.1)
        peer.intensity.value = 1
        onset = float(peer.onset_energy.value)
        element, shell = name.split("_")
        known = find_edge(f"{element} {'L2,3' if shell == 'L3' else shell}")
        assert known is not None
        losses = onset + np.array([10.0, 20.0, 50.0, 100.0])
        wanted = peer.function(losses)
    found = differential(replace(known, onset_eV=onset), losses, beam_kV=200, collection_mrad=20)
    np.testing.assert_allclose(found, wanted, rtol=0.015)
