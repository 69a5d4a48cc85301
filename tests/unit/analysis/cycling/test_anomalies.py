"""Findings in runs in which something is wrong, and none where all is well."""

from __future__ import annotations

import numpy as np
from synthetic_cell import record

from tandem_em.analysis.cycling.anomalies import CellLimits, find_all

LIMITS = CellLimits(area_cm2=1e-7, safe_low_V=2.5, safe_high_V=4.2, compliance_V=5.0)


def kinds(findings: list) -> set[str]:
    return {finding.kind for finding in findings}


def test_a_healthy_run_shows_only_its_noise_floor() -> None:
    recording = record([(100, 0.0), (500, 1e-11), (200, 0.0)], noise_A=1e-13)
    assert kinds(find_all(recording.t, recording.voltage, recording.current, LIMITS)) == {"noise"}


def test_short_open_compliance_and_window() -> None:
    recording = record([(100, 0.0), (500, 1e-11), (200, 0.0)], noise_A=1e-13)
    t, voltage, current = recording.t, recording.voltage.copy(), recording.current.copy()
    wanted = np.where((t >= 100) & (t < 600), 1e-11, 0.0)
    voltage[200:220] = 0.001
    voltage[400:410], current[400:410] = 5.0, 1e-14
    found = find_all(t, voltage, current, LIMITS, set_current_A=wanted)
    assert {"short", "open", "compliance", "window"} <= kinds(found)
    short = next(f for f in found if f.kind == "short")
    assert (short.start_s, short.end_s) == (200, 219)
    assert "10 pA" in short.sentence
    assert [f.start_s for f in found] == sorted(f.start_s for f in found)
    up = next(f for f in found if f.kind == "window" and f.start_s == 400)
    assert "up to 5 V" in up.sentence


def test_open_contact_without_a_set_current_needs_the_compliance() -> None:
    t = np.arange(100.0)
    current = np.where(t < 50, 1e-9, 0.0) + 1e-14 * np.sin(t * 12.9898)
    voltage = np.where(t < 50, 3.0, 5.0)
    assert "open" in kinds(find_all(t, voltage, current, LIMITS))
    assert "open" not in kinds(find_all(t, voltage, current, CellLimits()))


def test_unrealistic_density_is_named_with_its_figure() -> None:
    t = np.arange(100.0)
    found = find_all(t, np.full(100, 3.0), np.full(100, 1e-3), CellLimits(area_cm2=1e-8))
    assert any("1e8 mA/cm²" in f.sentence for f in found if f.kind == "density")


def test_leakage_and_currents_near_the_noise() -> None:
    leaking = record([(500, 0.0), (500, 1e-11)], noise_A=1e-13, zero_A=1.5e-13)
    found = find_all(leaking.t, leaking.voltage, leaking.current)
    assert any("Leakage" in f.sentence and "fA" in f.sentence for f in found if f.kind == "leakage")
    weak = record([(1000, 0.0), (1000, 1e-12)], noise_A=5e-13)
    assert any("five times its noise" in f.sentence for f in find_all(weak.t, None, weak.current))


def test_range_changes_and_overload_flags() -> None:
    t = np.arange(20.0)
    found = find_all(
        t,
        np.full(20, 3.0),
        np.full(20, 1e-9),
        current_range=np.where(t < 10, 6.0, 5.0),
        overload=(t > 15).astype(float),
    )
    assert any(f.kind == "range" and (f.start_s, f.end_s) == (9, 10) for f in found)
    assert any(f.kind == "compliance" and f.start_s == 16 for f in found)


def test_missing_values_and_columns_do_no_harm() -> None:
    t = np.arange(50.0)
    gaps = np.full(50, np.nan)
    assert find_all(t, gaps, gaps, LIMITS, set_current_A=gaps, current_range=gaps) == []
    assert find_all(t, None, None) == []
