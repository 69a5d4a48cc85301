"""GITT on a plate whose diffusivity is known from the exact solution."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.cycling.gitt import ASSUMPTIONS, Gitt, pulses_of
from tandem_em.analysis.cycling.half_cycles import find_half_cycles

D, L = 1e-12, 1e-5
"""cm²/s and cm."""


def surface(t: np.ndarray, pulse_s: float) -> np.ndarray:
    """Concentration at the surface of a plate (in units of its final rise) with a flux from 0 to `pulse_s`."""
    n = np.arange(1, 400)[:, None]

    def rising(elapsed: np.ndarray) -> np.ndarray:
        elapsed = np.maximum(elapsed, 0)
        series = np.sum(np.exp(-D * n**2 * np.pi**2 * elapsed / L**2) / n**2, axis=0)
        return D * elapsed / L**2 + 1 / 3 - 2 / np.pi**2 * series

    return (rising(t) - rising(t - pulse_s) * (t > pulse_s)) * L**2 / D / pulse_s


def titration(
    noise_V: float = 0.0, pulse_s: float = 10.0, rest_s: float = 600.0, dt: float = 0.1
) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    t = np.arange(0, 100 + 3 * (pulse_s + rest_s), dt)
    voltage, current = np.full(len(t), 3.5), np.zeros(len(t))
    for k in range(3):
        start = 100 + k * (pulse_s + rest_s)
        voltage += 0.01 * surface(np.clip(t - start, 0, None), pulse_s) * (t >= start)
        on = (t >= start - 1e-9) & (t < start + pulse_s - 1e-9)
        current[on] = 1e-9
        voltage[on] += 0.02
    return t, current + 1e-12 * rng.normal(size=len(t)), voltage + noise_V * rng.normal(size=len(t))


def found_pulses(t: np.ndarray, current_A: np.ndarray, voltage_V: np.ndarray) -> Gitt:
    halves = find_half_cycles(t, current_A, voltage_V)
    return Gitt(pulses_of(halves, t, current_A, voltage_V, L), L)


@pytest.mark.parametrize("noise_V", [0.0, 2e-5, 1e-4])
def test_diffusivity_within_its_error(noise_V: float) -> None:
    gitt = found_pulses(*titration(noise_V))
    assert len(gitt.pulses) == 3
    for number, pulse in enumerate(gitt.pulses):
        assert pulse.diffusivity_cm2_s == pytest.approx(D, abs=3 * pulse.error_cm2_s)
        assert pulse.error_cm2_s < 0.15 * D
        assert pulse.start_s == pytest.approx(100 + number * 610, abs=0.11)
        assert pulse.steady_change_V == pytest.approx(0.01, rel=0.03)
        assert pulse.drop_V == pytest.approx(0.02, rel=0.05)
        assert pulse.current_A == pytest.approx(1e-9, rel=0.02)
        assert pulse.doubts == [] or noise_V > 5e-5


def test_assumptions_are_listed_and_doubts_are_named() -> None:
    short_rest = found_pulses(*titration(rest_s=20.0))
    assert len(short_rest.assumptions) == len(ASSUMPTIONS) >= 5
    assert any("equilibrium" in doubt for pulse in short_rest.pulses for doubt in pulse.doubts)
    long_pulse = found_pulses(*titration(pulse_s=200.0))
    assert any("not short" in doubt or "√t" in doubt for pulse in long_pulse.pulses for doubt in pulse.doubts)


def test_no_pulses_in_a_plain_cycle() -> None:
    t = np.arange(1000.0)
    assert found_pulses(t, np.where(t < 500, 1e-9, -1e-9), np.linspace(3, 4, 1000)).pulses == []
