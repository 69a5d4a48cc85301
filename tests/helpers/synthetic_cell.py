"""Cells whose truth is known: programs of current, voltages from a formula, noise, gaps and clocks that misbehave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.core.numeric import Floats


@dataclass
class Recording:
    t: Floats
    current: Floats
    voltage: Floats
    steps: list[tuple[float, float, float]]
    """Start (s), end (s) and current (A) of every step."""


def record(program: list[tuple[float, float]], dt: float = 1.0, noise_A: float = 0.0, zero_A: float = 0.0, seed: int = 0,
           noise_V: float = 0.0) -> Recording:  # fmt: skip
    """A program of (duration in s, current in A); the voltage rises linearly from 3 V with the charge passed, 1 V per step of charge."""
    rng = np.random.default_rng(seed)
    total = sum(duration for duration, _ in program)
    t = np.arange(0.0, total, dt)
    current = np.zeros_like(t)
    steps, start = [], 0.0
    for duration, level in program:
        current[(t >= start) & (t < start + duration)] = level
        steps.append((start, start + duration, level))
        start += duration
    charge = np.concatenate([[0.0], np.cumsum(current[:-1] * np.diff(t))])
    span = max(float(np.ptp(charge)), 1e-30)
    voltage = 3.0 + (charge - charge.min()) / span + noise_V * rng.normal(size=len(t))
    return Recording(t, current + zero_A + noise_A * rng.normal(size=len(t)), voltage, steps)


CYCLES = [(300.0, 0.0)] + [step for n in range(3) for step in
          ((1000.0, 1e-11), (200.0, 0.0), (950.0 - 20 * n, -1e-11), (100.0, 0.0))]  # fmt: skip
"""Three cycles of 10 pA with rests; 95, 93 and 91 % come back."""
