"""Differential capacity dQ/dV: charge counted in voltage bins, so noise and a voltage that goes back and forth do no harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.cycling.charge import intervals
from tandem_em.analysis.cycling.half_cycle_states import noise_of
from tandem_em.core.numeric import Floats


@dataclass(frozen=True)
class Incremental:
    """dQ/dV (C/V) over voltage. Its integral is the charge passed. `resolution_V`: peaks are at least this wide (sigma)."""

    voltage_V: Floats
    dq_dv_C_V: Floats
    error_C_V: Floats
    resolution_V: float
    charge_C: float


def incremental_capacity(
    t: Floats,
    current_A: Floats,
    voltage_V: Floats,
    *,
    resolution_V: float | None = None,
    bin_V: float | None = None,
    current_error_A: float = 0.0,
    gap_limit_s: float | None = None,
) -> Incremental:
    """dQ/dV of one half cycle. `resolution_V`: sigma of the smoothing (None: as fine as noise and samples allow).

    The charge between two samples is spread evenly over the voltages between them; charge passed twice at one voltage
    counts twice, charge passed backwards is taken off. Nothing is sorted."""
    t, current, voltage = (np.asarray(v, np.float64) for v in (t, current_A, voltage_V))
    steps = intervals(t, np.isfinite(current) & np.isfinite(voltage), gap_limit_s)
    at, volts = current[steps.index], voltage[steps.index]
    if len(at) < 3:
        empty = np.empty(0)
        return Incremental(empty, empty, empty, 0.0, 0.0)
    dq = 0.5 * (at[1:] + at[:-1]) * steps.dt_s
    low, high = float(np.min(volts)), float(np.max(volts))
    span = high - low
    step = float(np.median(np.abs(np.diff(volts)))) if span else 0.0
    noise = noise_of(volts)
    sigma = max(span / 250, 3.0 * noise, 0.5 * step) if resolution_V is None else resolution_V
    width = bin_V or max(sigma / 4, span / 4000, 1e-9)
    margin = 4 * sigma + width
    count = max(3, int(np.ceil((span + 2 * margin) / width)))
    edges = np.asarray(low - margin + width * np.arange(count + 1), np.float64)
    sums = _spread(edges, volts, dq)
    error_sums = np.abs(_spread(edges, volts, steps.dt_s * current_error_A))
    density, error = sums / width, error_sums / width
    if sigma > 0:
        from scipy.ndimage import gaussian_filter1d

        density = gaussian_filter1d(density, sigma / width, mode="constant")
        error = gaussian_filter1d(error, sigma / width, mode="constant")
    centres = 0.5 * (edges[1:] + edges[:-1])
    resolution = float(np.hypot(sigma, noise))
    return Incremental(centres, density, error, resolution, float(dq.sum()))


def _spread(edges: Floats, volts: Floats, amount: Floats) -> Floats:
    """Amounts between samples, spread evenly over the bins between their voltages."""
    width = edges[1] - edges[0]
    start, end = (volts[:-1] - edges[0]) / width, (volts[1:] - edges[0]) / width
    low, high = np.minimum(start, end), np.maximum(start, end)
    # the cumulated amount below each edge is piecewise linear: add its slopes at the ends of every interval
    length = np.maximum(high - low, 1e-9)
    slope = amount / length
    bins = len(edges) - 1
    total = np.zeros(bins + 2)
    change = np.zeros(bins + 2)
    for place, weight in ((low, slope), (low + length, -slope)):
        k = np.minimum(place.astype(int), bins)
        inside = place - k
        # a ramp that begins at `place` fills bin k by (1 - inside) of its slope and every later bin by all of it
        total += np.bincount(k, weight * (1 - inside), minlength=bins + 2)[: bins + 2]
        change += np.bincount(k + 1, weight, minlength=bins + 2)[: bins + 2]
    return np.asarray((total + np.cumsum(change))[:bins], np.float64)
