"""dQ/dV: peaks where the truth has them, all charge accounted for, whatever the noise and the direction of the voltage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.cycling.incremental import incremental_capacity


def two_phase(noise_V: float = 0.0, count: int = 7200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """3.6 µC at 1 nA whose dQ/dV is a Gaussian of 10 mV at 3.9 V on a slope."""
    voltage = np.linspace(3.5, 4.2, 20001)
    density = 1.0 + 30 * np.exp(-0.5 * ((voltage - 3.9) / 0.01) ** 2)
    charge = np.cumsum(density)
    t = np.linspace(0, 3600, count)
    true = np.interp(t / 3600, (charge - charge[0]) / np.ptp(charge), voltage)
    return t, np.full(count, 1e-9), true + noise_V * np.random.default_rng(3).normal(size=count)


@pytest.mark.parametrize("noise_V", [0.0, 0.001, 0.003])
def test_peak_and_integral(noise_V: float) -> None:
    t, current, voltage = two_phase(noise_V)
    found = incremental_capacity(t, current, voltage)
    width = found.voltage_V[1] - found.voltage_V[0]
    assert found.charge_C == pytest.approx(3.6e-6, rel=1e-3)
    assert float(np.sum(found.dq_dv_C_V) * width) == pytest.approx(3.6e-6, rel=1e-3)
    assert found.voltage_V[np.argmax(found.dq_dv_C_V)] == pytest.approx(3.9, abs=0.003)
    broadened = 0.01 / np.hypot(0.01, found.resolution_V)
    scale = 3.6e-6 / (0.7 + 30 * 0.01 * np.sqrt(2 * np.pi))
    assert found.dq_dv_C_V.max() == pytest.approx(scale * (1 + 30 * broadened), rel=0.06)


def test_voltage_that_goes_back_and_forth_loses_no_charge() -> None:
    t, current, voltage = two_phase()
    wobble = voltage + 0.004 * np.sin(t / 5)
    found = incremental_capacity(t, current, wobble, resolution_V=0.005)
    still = incremental_capacity(t, current, voltage, resolution_V=0.005)
    width = found.voltage_V[1] - found.voltage_V[0]
    assert float(np.sum(found.dq_dv_C_V) * width) == pytest.approx(3.6e-6, rel=1e-3)
    assert found.dq_dv_C_V.min() > -1e-9
    assert found.voltage_V[np.argmax(found.dq_dv_C_V)] == pytest.approx(
        still.voltage_V[np.argmax(still.dq_dv_C_V)], abs=0.004
    )


def test_discharge_is_negative_and_errors_follow_the_zero() -> None:
    t, current, voltage = two_phase()
    found = incremental_capacity(t, -current, voltage[::-1], current_error_A=1e-11)
    assert found.dq_dv_C_V.min() < 0
    np.testing.assert_allclose(found.error_C_V, 0.01 * np.abs(found.dq_dv_C_V), rtol=1e-6, atol=1e-15)


def test_flat_and_tiny_recordings() -> None:
    flat = incremental_capacity(np.arange(10.0), np.ones(10), np.full(10, 3.9))
    assert flat.charge_C == 9
    assert np.isfinite(flat.dq_dv_C_V).all()
    assert len(incremental_capacity(np.arange(2.0), np.ones(2), np.ones(2)).voltage_V) == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=60))
def test_any_walk_of_the_voltage_conserves_charge(walk: list[float]) -> None:
    voltage = 3.5 + np.cumsum(walk) * 0.1
    found = incremental_capacity(np.arange(float(len(walk))), np.ones(len(walk)), voltage, resolution_V=0.01)
    width = found.voltage_V[1] - found.voltage_V[0]
    assert float(np.sum(found.dq_dv_C_V) * width) == pytest.approx(len(walk) - 1, rel=1e-3)
