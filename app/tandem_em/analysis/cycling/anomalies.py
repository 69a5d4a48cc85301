"""What an attentive experimenter would notice in a biasing run: each finding with its time and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.cycling.cell_numbers import UNREALISTIC_A_CM2, density_warning, readable
from tandem_em.analysis.cycling.half_cycle_states import (
    averaged,
    find_states,
    find_thresholds,
    noise_of,
)
from tandem_em.core.numeric import Flags, Floats

SHORT_V = 0.005
"""Less voltage than this while the set current flows is a short."""
OPEN_FRACTION = 0.02
"""Less than this part of the set current is an open contact."""
FEW = 3
"""A finding lasts at least this many samples, except the limits of voltage and current density."""


@dataclass(frozen=True)
class Anomaly:
    """Something noticed between two times (s). `kind`: short, compliance, open, window, density, noise, leakage, range."""

    start_s: float
    end_s: float
    kind: str
    sentence: str


@dataclass(frozen=True)
class CellLimits:
    """What a cell may see, as far as it is known."""

    area_cm2: float | None = None
    safe_low_V: float | None = None
    safe_high_V: float | None = None
    compliance_V: float | None = None
    compliance_A: float | None = None


def find_all(
    t: Floats,
    voltage_V: Floats | None,
    current_A: Floats | None,
    limits: CellLimits | None = None,
    *,
    set_current_A: Floats | None = None,
    current_range: Floats | None = None,
    overload: Floats | None = None,
) -> list[Anomaly]:
    """All findings of a recorded run, in order of time. Columns that are not there are None."""
    limits = limits or CellLimits()
    found: list[Anomaly] = []
    if voltage_V is not None:
        found += outside_window(t, voltage_V, limits)
    if current_A is not None:
        found += unrealistic_density(t, current_A, limits)
        found += noise_and_leakage(t, current_A)
    if voltage_V is not None and current_A is not None:
        found += shorts(t, voltage_V, current_A, set_current_A)
        found += open_contacts(t, voltage_V, current_A, set_current_A, limits)
        found += compliance(t, voltage_V, current_A, limits, overload)
    if current_range is not None:
        found += range_changes(t, current_range)
    return sorted(found, key=lambda finding: (finding.start_s, finding.kind))


def stretches(flags: Flags, few: int = FEW, bridge: int = 2) -> list[tuple[int, int]]:
    """First and last sample of every run of flags; holes of up to `bridge` samples do not break a run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), (edges[1::2] - 1).tolist()):
        if runs and start - runs[-1][1] - 1 <= bridge:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return [(a, b) for a, b in runs if b - a + 1 >= few]


def shorts(t: Floats, voltage: Floats, current: Floats, set_current: Floats | None = None) -> list[Anomaly]:
    """Hardly any voltage while current flows."""
    flowing = _flows(current, set_current)
    found = []
    for a, b in stretches(flowing & (np.abs(voltage) < SHORT_V)):
        volts, amperes = float(np.nanmedian(voltage[a : b + 1])), float(np.nanmedian(current[a : b + 1]))
        words = f"Short: {readable(amperes, 'A')} flows at only {readable(volts, 'V')}."
        found.append(_finding(t, a, b, "short", words))
    return found


def _flows(current: Floats, set_current: Floats | None) -> Flags:
    if set_current is not None and np.nanmax(np.abs(set_current), initial=0.0) > 0:
        return np.asarray((np.abs(set_current) > 0) & (np.abs(current) > 0.5 * np.abs(set_current)))
    good = np.nan_to_num(current)
    return (
        np.asarray(find_states(good, find_thresholds(good)) != 0)
        if len(good) > 2
        else np.zeros(len(good), bool)
    )


def open_contacts(
    t: Floats, voltage: Floats, current: Floats, set_current: Floats | None, limits: CellLimits
) -> list[Anomaly]:
    """A current is set but does not flow; without the set value: no current while the voltage stands at its limit."""
    noise = noise_of(current[np.isfinite(current)])
    if set_current is not None and np.nanmax(np.abs(set_current), initial=0.0) > 0:
        # a set current within the noise could not be seen to flow
        wanted = np.abs(set_current) > max(5 * noise, 0.0)
        dead = wanted & (np.abs(current) < np.maximum(OPEN_FRACTION * np.abs(set_current), 3 * noise))
        words = "the set current does not flow"
    elif limits.compliance_V:
        nothing = max(5 * noise, 1e-3 * float(np.nanmax(np.abs(current), initial=0.0)), 1e-15)
        # without a set current only the voltage shows that current is asked for
        dead = (np.abs(voltage) >= 0.99 * limits.compliance_V) & (np.abs(current) < nothing)
        words = "no current flows at the full compliance voltage"
    else:
        return []
    found = []
    for a, b in stretches(dead):
        volts = readable(float(np.nanmedian(voltage[a : b + 1])), "V")
        found.append(_finding(t, a, b, "open", f"Open contact: {words} for {t[b] - t[a]:.3g} s ({volts})."))
    return found


def compliance(
    t: Floats, voltage: Floats, current: Floats, limits: CellLimits, overload: Floats | None
) -> list[Anomaly]:
    """The instrument stands at one of its limits instead of what was asked of it."""
    at = np.zeros(len(t), bool)
    words = []
    if limits.compliance_V:
        at |= np.abs(voltage) >= 0.995 * limits.compliance_V
        words.append(readable(limits.compliance_V, "V"))
    if limits.compliance_A:
        at |= np.abs(current) >= 0.995 * limits.compliance_A
        words.append(readable(limits.compliance_A, "A"))
    if overload is not None:
        at |= np.nan_to_num(overload) > 0
    named = f" of {' or '.join(words)}" if words else ""
    return [
        _finding(t, a, b, "compliance", f"Compliance{named} reached for {t[b] - t[a]:.3g} s.")
        for a, b in stretches(at, few=2)
    ]


def outside_window(t: Floats, voltage: Floats, limits: CellLimits) -> list[Anomaly]:
    """The voltage leaves the safe window, if only for one sample."""
    found = []
    for limit, sign, word, way in (
        (limits.safe_high_V, 1, "above", "up to"),
        (limits.safe_low_V, -1, "below", "down to"),
    ):
        if limit is None:
            continue
        for a, b in stretches(sign * (voltage - limit) > 0, few=1):
            worst = float(np.nanmax(sign * voltage[a : b + 1])) * sign
            sentence = f"The voltage is {word} the safe {limit:g} V ({way} {worst:.4g} V)."
            found.append(_finding(t, a, b, "window", sentence))
    return found


def unrealistic_density(t: Floats, current: Floats, limits: CellLimits) -> list[Anomaly]:
    """More current than any electrode of this size could take."""
    if not limits.area_cm2:
        return []
    found = []
    for a, b in stretches(np.abs(current) / limits.area_cm2 > UNREALISTIC_A_CM2, few=1):
        worst = float(np.nanmax(np.abs(current[a : b + 1])))
        found.append(_finding(t, a, b, "density", density_warning(worst, limits.area_cm2)))
    return found


def noise_and_leakage(t: Floats, current: Floats) -> list[Anomaly]:
    """Rests show the noise floor and the leakage; currents that hardly stand above the noise are named."""
    good = np.isfinite(current)
    # too few samples to tell noise from current
    if np.count_nonzero(good) < 20:
        return []
    times, values = t[good], current[good]
    thresholds = find_thresholds(values)
    states = find_states(values, thresholds)
    found = []
    for a, b in stretches(states == 0, few=20, bridge=0):
        rest = values[a : b + 1]
        noise, mean = noise_of(rest), float(np.mean(rest))
        error = float(np.std(rest)) / np.sqrt(len(rest))
        floor = f"noise {readable(noise, 'A')}"
        # four errors: below, the mean of the noise would be told as leakage
        if abs(mean) > 4 * max(error, 1e-18):
            words = f"Leakage {readable(mean, 'A')} ± {readable(error, 'A')} at rest; {floor}."
            found.append(_finding(times, a, b, "leakage", words))
        elif noise > 0:
            found.append(_finding(times, a, b, "noise", f"At rest: {floor}."))
    small = (states != 0) & (np.abs(averaged(values, max(thresholds.window, 5))) < 5 * thresholds.noise_A)
    for a, b in stretches(small, few=20):
        level, floor = readable(float(np.mean(values[a : b + 1])), "A"), readable(thresholds.noise_A, "A")
        words = f"The current ({level}) is less than five times its noise ({floor})."
        found.append(_finding(times, a, b, "noise", words))
    return found


def _finding(t: Floats, first: int, last: int, kind: str, sentence: str) -> Anomaly:
    return Anomaly(float(t[first]), float(t[last]), kind, sentence)


def range_changes(t: Floats, current_range: Floats) -> list[Anomaly]:
    """The instrument changed its current range: its zero and noise change with it."""
    good = np.flatnonzero(np.isfinite(current_range))
    changed = good[1:][np.diff(current_range[good]) != 0]
    before = good[:-1][np.diff(current_range[good]) != 0]
    return [
        _finding(
            t, a, b, "range", f"Current range changed from {current_range[a]:g} to {current_range[b]:g}."
        )
        for a, b in zip(before, changed)
    ]
