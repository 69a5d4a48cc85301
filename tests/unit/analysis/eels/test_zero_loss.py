"""The zero-loss peak against the truth of simulated spectra, and what is not a zero loss at all."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.eels.deconvolution import fourier_log
from tandem_em.analysis.eels.zero_loss import aligned, calibrated, find_zero_loss, thickness_map
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.simulation.eels_images import SimulatedMap, simulate_map


@pytest.fixture(scope="module")
def image() -> SimulatedMap:
    return simulate_map("overcharged", (16, 60, 1024), seed=4)


def test_position_and_width_meet_the_truth(image: SimulatedMap) -> None:
    peak = find_zero_loss(image.data, image.energy_eV)
    assert np.abs(peak.position_eV - image.truth.energy_shift_eV).max() < 0.01
    assert np.abs(peak.fwhm_eV / image.truth.fwhm_eV - 1).max() < 0.03


@pytest.mark.parametrize("channels", [512, 2048])
def test_width_does_not_depend_on_the_channel(channels: int) -> None:
    image = simulate_map("pristine", (6, 40, channels), seed=2, counts=1e5)
    found = find_zero_loss(image.data, image.energy_eV).fwhm_eV / image.truth.fwhm_eV
    assert found.mean() == pytest.approx(1.0, abs=0.01)
    assert found.std() < 0.03


def test_thickness_meets_the_truth(image: SimulatedMap) -> None:
    found = thickness_map(image.data, image.energy_eV)
    relative = found.t_over_lambda / image.truth.t_over_lambda - 1
    assert np.abs(relative).max() < 0.03
    assert 1.5 < found.threshold_eV < 6.0
    assert not found.notes


def test_thickness_error_is_the_scatter_of_one_place() -> None:
    image = simulate_map("pristine", (1, 400, 512), seed=1, counts=2e4)
    found = thickness_map(image.data, image.energy_eV, threshold_eV=3.0)
    pull = (found.t_over_lambda - image.truth.t_over_lambda) / found.error
    assert pull.std() == pytest.approx(1.0, abs=0.15)


def test_aligning_brings_every_peak_to_zero_and_keeps_counts(image: SimulatedMap) -> None:
    peak = find_zero_loss(image.data, image.energy_eV)
    moved, (first, last) = aligned(image.data, image.energy_eV, peak.position_eV)
    assert np.abs(find_zero_loss(moved, image.energy_eV).position_eV).max() < 0.02
    assert 0 <= first < 8
    assert 1016 < last <= 1024
    np.testing.assert_allclose(moved.sum(axis=-1), image.data.sum(axis=-1), rtol=1e-3)
    assert image.data.flags.writeable  # and untouched: the copy is another array
    assert not np.shares_memory(moved, image.data)


def test_fourier_log_recovers_single_scattering(image: SimulatedMap) -> None:
    single = run_to_end(fourier_log(image.data, image.energy_eV))
    thin = thickness_map(image.data, image.energy_eV)
    zero_loss = image.data.sum(axis=-1) * np.exp(-thin.t_over_lambda)
    ratio = single.sum(axis=-1) / zero_loss / image.truth.t_over_lambda
    assert ratio.mean() == pytest.approx(1.0, abs=0.03)
    lithium = image.truth.layers[3]
    column = round((float(lithium["from_px"]) + float(lithium["to_px"])) / 2)
    energies = image.energy_eV
    raw, clean = image.data[:, column].mean(axis=0), single[:, column].mean(axis=0)
    plasmon, double = np.searchsorted(energies, 7.1), np.searchsorted(energies, 14.2)
    assert raw[double] / raw[plasmon] > 1.5 * clean[double] / clean[plasmon]


def test_spectra_without_a_zero_loss_say_so() -> None:
    with pytest.raises(UserError, match="no zero loss"):
        find_zero_loss(np.ones((2, 50)), 300.0 + np.arange(50))
    assert np.isnan(find_zero_loss(np.zeros((3, 200)), np.arange(200) * 0.2 - 10).fwhm_eV).all()
    with pytest.raises(UserError, match="No pixel"):
        thickness_map(np.zeros((3, 200)), np.arange(200) * 0.2 - 10)
    with pytest.raises(UserError, match="No pixel"):
        run_to_end(fourier_log(np.zeros((3, 200)), np.arange(200) * 0.2 - 10))


def test_broken_and_tiny_spectra_do_not_upset_it() -> None:
    energy = np.arange(200) * 0.2 - 10
    peak = 1e4 * np.exp(-0.5 * (energy / 0.5) ** 2)
    data = np.stack(
        [peak, np.full(200, np.nan), np.where(energy > 0, np.nan, peak), -peak, np.full(200, np.inf)]
    )
    found = find_zero_loss(data, energy)
    assert found.position_eV[0] == pytest.approx(0, abs=0.01)
    assert np.isnan(found.position_eV[[1, 3]]).all()
    assert find_zero_loss(peak, energy).position_eV.shape == ()
    one = np.zeros(200)
    one[50] = 7.0
    assert find_zero_loss(one, energy).position_eV == pytest.approx(energy[50], abs=0.1)


def test_a_far_off_zero_loss_is_found_where_it_is() -> None:
    energy = np.arange(500) * 0.2 - 10
    data = 1e5 * np.exp(-0.5 * ((energy - 31.3) / 0.5) ** 2) + 1.0
    assert find_zero_loss(data, energy).position_eV == pytest.approx(31.3, abs=0.01)


def test_calibration_shifts_with_one_pair_and_stretches_with_two() -> None:
    energy = 10 + 0.5 * np.arange(100)
    assert calibrated(energy, [(12.0, 10.0)]).offset_eV == pytest.approx(8.0)
    stretched = calibrated(energy, [(12.0, 10.0), (52.0, 90.0)])
    assert stretched.at((52.0 - 10) / 0.5) == pytest.approx(90.0)
    assert stretched.step_eV == pytest.approx(1.0)
    for pairs in ([], [(12.0, 1.0), (12.0, 2.0)], [(12.0, 5.0), (20.0, 1.0)]):
        with pytest.raises(UserError):
            calibrated(energy, pairs)
    with pytest.raises(UserError, match="longer than the spectrum"):
        aligned(np.ones((2, 100)), energy, 1e6)
