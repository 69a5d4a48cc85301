"""The demo's biasing: a Si cluster held at −0.2 V, and nanobatteries cycled with constant current.

Cluster. The current is the lithium that goes into the particles, plus the charging of the double layer, plus leakage:
    I = −[N · dn/dt · F + I_dl exp(−t/τ_dl) + I_leak]
with n the moles of Li in the particles of the movie. Volume follows area as A^1.5; Li15Si4 (x = 3.75) has 3.8 times the
volume of Si (Obrovac & Krause, J. Electrochem. Soc. 154, A103 (2007)), and x is taken linear in the volume in between.
N particles like those in view are in contact, of which the movie sees seven.

Nanobattery. LiCoO2 against Si: a plateau at 3.6 V with the sloping ends of both electrodes and an ohmic drop,
80 µAh/cm² cycled at 100 µA/cm²; a few per cent of the capacity are lost with each cycle. A shorted one shows hardly any
voltage at the same current.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.simulation.demo_movie import BIAS_ON_S, RETRACT_S
from tandem_em.simulation.movie_recipe import MovieRecipe

FARADAY_C_MOL = 96485.33
SI_CM3_MOL = 12.06
FULL_X, FULL_VOLUME_RATIO = 3.75, 3.8
METER_OFFSET_A = 0.7e-12
"""What the source-meter shows when no current flows."""


@dataclass(frozen=True)
class BiasLog:
    """Samples on the true time axis (s), in V and A; `range_A` is the measuring range in force."""

    times_s: Floats
    voltage_V: Floats
    current_A: Floats
    range_A: Floats
    charge_C: float
    """True charge passed through the contact, noise and offset excluded."""


def lithium_in_view_mol(recipe: MovieRecipe, times_s: Floats) -> Floats:
    """Moles of Li in the particles of the movie, from their volumes."""
    total = np.zeros(len(times_s))
    for particle in recipe.particles:
        radius_cm = particle.radius_px * recipe.pixel_nm * 1e-7
        silicon_mol = 4 / 3 * np.pi * radius_cm**3 / SI_CM3_MOL
        ratio = np.array([particle.area_ratio(float(t)) for t in times_s]) ** 1.5
        total += silicon_mol * FULL_X * (ratio - 1) / (FULL_VOLUME_RATIO - 1)
    return total


def cluster_log(
    recipe: MovieRecipe, *, start_s: float, end_s: float, rate_hz: float = 10.0, seed: int = 7
) -> BiasLog:
    """Potentiostatic −0.2 V from the bias step to the loss of contact."""
    rng = np.random.default_rng([seed, 1])
    times = np.arange(start_s, end_s, 1 / rate_hz)
    # a real meter does not sample evenly: readers must not rely on it
    times = np.asarray(np.sort(times + rng.uniform(0, 0.02 / rate_hz, len(times))), np.float64)
    contact = (times >= BIAS_ON_S) & (times < RETRACT_S)
    lithium = lithium_in_view_mol(recipe, times)
    uptake = np.gradient(lithium, times) * FARADAY_C_MOL
    uptake = _settling(uptake, rate_hz)
    # the number of particles in contact follows from the peak current that is wanted
    in_contact = 95e-12 / max(float(uptake[contact].max()), 1e-30)
    since = np.where(contact, times - BIAS_ON_S, 0.0)
    true = -np.where(
        contact, in_contact * np.maximum(uptake, 0) + 130e-12 * np.exp(-since / 3.0) + 42e-12, 0.0
    )
    # the first moments run into the compliance, as they do with a real source-meter
    compliance = 205e-12
    limited = np.abs(true) > compliance
    true = np.clip(true, -compliance, compliance)
    # autorange: the noise depends on the range, so that it steps with it
    ranges = np.where(np.abs(true) > 100e-12, 1e-9, 1e-10)
    noise = rng.normal(0, 1, len(times)) * np.where(ranges > 5e-10, 2.4e-12, 0.9e-12)
    open_circuit = 0.012 * np.exp(-np.maximum(times - RETRACT_S, 0) / 15)
    voltage = np.where(contact, -0.2, np.where(times < BIAS_ON_S, 0.0, -open_circuit))
    # in compliance the meter does not reach its set voltage
    voltage = np.where(limited, -0.185, voltage) + rng.normal(0, 2e-4, len(times))
    return BiasLog(
        times,
        np.asarray(voltage, np.float64),
        true + METER_OFFSET_A + noise,
        ranges,
        float(np.trapezoid(true, times)),
    )


def _settling(current_A: Floats, rate_hz: float, tau_s: float = 1.5) -> Floats:
    """The contact and the electrolyte let a sudden demand through over a second or two."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / (rate_hz * tau_s))
    return np.asarray(lfilter([1 - keep], [1, -keep], current_A))


@dataclass(frozen=True)
class Nanobattery:
    """A lamella milled with a certain dwell time; the longer the dwell, the more damage, and one is shorted."""

    name: str
    area_um2: float
    loss_per_cycle: float
    resistance_ohm_cm2: float
    shorted: bool = False


NANOBATTERIES = (
    Nanobattery("dwell 100 ns", 10.0, 0.012, 380.0),
    Nanobattery("dwell 1 µs", 9.4, 0.035, 620.0),
    Nanobattery("dwell 10 µs", 10.6, 0.08, 500.0, shorted=True),
)
CAPACITY_uAh_CM2, DENSITY_uA_CM2 = 80.0, 100.0


def plateau_V(state: Floats) -> Floats:
    """Open circuit voltage of LiCoO2 against lithiating Si at a state of charge 0..1."""
    return 3.6 + 0.16 * (state - 0.5) - 0.55 * np.exp(-state / 0.035) + 0.28 * np.exp(-(1 - state) / 0.04)


def cycling_log(battery: Nanobattery, *, cycles: int = 10, step_s: float = 4.0, seed: int = 7) -> BiasLog:
    """Rest, then constant current charge and discharge, as a source-meter logs it every few seconds."""
    rng = np.random.default_rng([seed, 2, NANOBATTERIES.index(battery)])
    current_A = DENSITY_uA_CM2 * 1e-6 * battery.area_um2 * 1e-8
    full_s = CAPACITY_uAh_CM2 / DENSITY_uA_CM2 * 3600
    voltages, currents = (
        [np.full(int(120 / step_s), 0.05 if battery.shorted else 2.6)],
        [np.zeros(int(120 / step_s))],
    )
    for cycle in range(cycles):
        # each cycle starts from what the ones before have left
        usable = (1 - battery.loss_per_cycle) ** cycle
        for sign, part in ((1.0, usable), (-1.0, usable * (1 - battery.loss_per_cycle / 2))):
            count = max(2, int((0.08 * full_s if battery.shorted else part * full_s) / step_s))
            # seen from the full cell when it is discharged
            depth = np.linspace(0, part, count)
            state = depth if sign > 0 else usable - depth
            drop = DENSITY_uA_CM2 * 1e-6 * battery.resistance_ohm_cm2
            voltage = (
                np.full(count, sign * 0.012) if battery.shorted else plateau_V(state / usable) + sign * drop
            )
            rest = int(60 / step_s)
            voltages += [voltage, np.full(rest, voltage[-1] - sign * drop if not battery.shorted else 0.0)]
            currents += [np.full(count, sign * current_A), np.zeros(rest)]
    voltage, current = np.concatenate(voltages), np.concatenate(currents)
    times = np.asarray(np.arange(len(voltage)) * step_s, np.float64)
    charge = float(np.trapezoid(np.abs(current), times))
    voltage = voltage + rng.normal(0, 8e-4, len(voltage))
    noisy = current + rng.normal(0, 0.12e-12, len(current))
    return BiasLog(times, np.asarray(voltage, np.float64), noisy, np.full(len(times), 1e-10), charge)
