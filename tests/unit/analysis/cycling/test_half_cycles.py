"""Half cycles of cells whose truth is known, with noise, gaps, rests, pulses and voltages that go back and forth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_cell import CYCLES, record

from tandem_em.analysis.cycling.cell_numbers import HalfKind
from tandem_em.analysis.cycling.charge import zero_from_span
from tandem_em.analysis.cycling.half_cycles import HalfCycles, find_half_cycles
from tandem_em.analysis.cycling.plateau import find_plateau

KINDS = ["rest"] + ["charge", "rest", "discharge", "rest"] * 3


@pytest.mark.parametrize("noise_A", [0.0, 2e-13, 1e-12, 5e-12])
def test_kinds_times_and_charges_through_noise(noise_A: float) -> None:
    recording = record(CYCLES, dt=0.5, noise_A=noise_A)
    zero = zero_from_span(recording.t, recording.current, (0, 290))
    found = find_half_cycles(recording.t, recording.current, recording.voltage, zero=zero, area_cm2=1e-7)
    assert [half.kind for half in found.half_cycles] == KINDS
    for half, (start, end, level) in zip(found.half_cycles, recording.steps):
        slack = 0.5 if noise_A < 2e-12 else 5
        assert half.start_s == pytest.approx(start, abs=slack)
        assert half.end_s == pytest.approx(end, abs=slack + 0.5)
        if level:
            true = abs(level) * (end - start)
            assert half.charge_C == pytest.approx(true, abs=4 * half.error_C)
            assert half.error_C < 0.06 * true
            assert half.charge_uAh_cm2 == pytest.approx(half.charge_C / 3.6e-3 / 1e-7)
    efficiencies = [cycle.efficiency for cycle in found.cycles]
    for found_one, true, cycle in zip(efficiencies, (0.95, 0.93, 0.91), found.cycles):
        assert found_one == pytest.approx(true, abs=4 * cycle.efficiency_error)


def test_exact_without_noise() -> None:
    recording = record(CYCLES)
    found = find_half_cycles(recording.t, recording.current, recording.voltage)
    charges = [half for half in found.half_cycles if half.kind == "charge"]
    assert [half.charge_C for half in charges] == pytest.approx([1e-8] * 3, rel=1e-3)
    assert found.cycles[1].loss_C == pytest.approx(2e-10, rel=0.02)
    assert found.cycles[1].loss_fraction == pytest.approx(0.02 / 0.95, rel=0.02)
    assert found.half_cycles[3].efficiency == pytest.approx(0.95, rel=2e-3)
    assert found.half_cycles[1].efficiency is None
    middle = 0.5 * (recording.voltage[300] + recording.voltage[1299])
    assert charges[0].mean_voltage_V == pytest.approx(middle, rel=1e-3)
    assert charges[0].energy_J == pytest.approx(middle * 1e-8, rel=1e-3)


def test_reversal_without_a_rest_splits_at_the_crossing() -> None:
    t = np.arange(0, 4000.0)
    current = 1e-9 * np.sin(2 * np.pi * t / 1000)
    found = find_half_cycles(t, current)
    active = [half for half in found.half_cycles if half.kind != "rest"]
    assert [half.kind for half in active] == ["charge", "discharge"] * 4
    for half in active[1:-1]:
        assert half.charge_C == pytest.approx(1e-9 * 1000 / np.pi, rel=2e-3)
    assert sum(half.net_charge_C for half in found.half_cycles) == pytest.approx(
        np.trapezoid(current, t), abs=1e-15
    )


def test_parts_add_up_to_the_whole_charge() -> None:
    recording = record([(50, 2e-9), (70, -1e-9), (30, 3e-9), (20, 0.0), (40, -2e-9)])
    found = find_half_cycles(recording.t, recording.current)
    whole = np.trapezoid(recording.current, recording.t)
    assert sum(half.net_charge_C for half in found.half_cycles) == pytest.approx(whole, rel=1e-12)


def test_pulses_with_rests_count_as_one_half_of_a_cycle() -> None:
    program = [(60.0, 0.0)] + [(20.0, 1e-9), (40.0, 0.0)] * 5 + [(95.0, -1e-9), (60.0, 0.0)]
    found = find_half_cycles(*_columns(program))
    assert [half.kind for half in found.half_cycles].count("charge") == 5
    assert len(found.cycles) == 1
    assert found.cycles[0].charge_C == pytest.approx(1e-7, rel=0.05)
    assert found.cycles[0].efficiency == pytest.approx(0.95, rel=0.02)
    assert {half.cycle for half in found.half_cycles if half.kind != "rest"} == {1}


def _columns(program: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    recording = record(program, dt=0.5)
    return recording.t, recording.current, recording.voltage


def test_a_lone_spike_is_no_half_cycle_and_a_short_pulse_is() -> None:
    recording = record([(100, 1e-9), (100, -1e-9)])
    recording.current[50] = -5e-9
    kinds = [half.kind for half in find_half_cycles(recording.t, recording.current).half_cycles]
    assert kinds == ["charge", "discharge"]
    short = record([(100, 0.0), (4, 1e-9), (100, 0.0)])
    assert [half.kind for half in find_half_cycles(short.t, short.current).half_cycles] == [
        "rest",
        "charge",
        "rest",
    ]


def test_a_tapering_current_stays_one_half_cycle() -> None:
    t = np.arange(0, 3000.0)
    current = np.where(t < 1000, 1e-9, 1e-9 * np.exp(-(t - 1000) / 400))
    current[t > 2400] = 0
    kinds = [half.kind for half in find_half_cycles(t, current).half_cycles]
    assert kinds == ["charge", "rest"]


def test_a_gap_within_a_half_cycle_is_left_out_and_reported() -> None:
    recording = record([(1000, 1e-9), (1000, -1e-9)])
    keep = (recording.t < 300) | (recording.t >= 500)
    found = find_half_cycles(recording.t[keep], recording.current[keep])
    assert found.half_cycles[0].gap_s == pytest.approx(201)
    assert found.half_cycles[0].charge_C == pytest.approx(798.5e-9, rel=1e-3)
    assert [(gap.start_s, gap.end_s) for gap in found.gaps] == [(299, 500)]


def test_sign_convention_and_rest_only_runs() -> None:
    recording = record([(100, 1e-9), (50, 0.0), (100, -1e-9)])
    kinds = [
        half.kind
        for half in find_half_cycles(recording.t, recording.current, positive_is_charge=False).half_cycles
    ]
    assert kinds == ["discharge", "rest", "charge"]
    noise = np.random.default_rng(1).normal(size=2000) * 1e-13
    assert {half.kind for half in find_half_cycles(np.arange(2000.0), noise).half_cycles} == {"rest"}
    assert find_half_cycles(np.array([1.0]), np.array([1.0])).half_cycles == []
    assert {h.kind for h in find_half_cycles(np.arange(50.0), np.zeros(50)).half_cycles} == {"rest"}


def test_voltage_is_never_sorted() -> None:
    recording = record([(1000, 1e-9)])
    wobbling = recording.voltage + 0.05 * np.sin(recording.t / 7)
    found = find_half_cycles(recording.t, recording.current, wobbling)
    assert found.half_cycles[0].mean_voltage_V == pytest.approx(float(np.mean(wobbling)), rel=1e-3)


@pytest.mark.parametrize("noise_V", [0.0, 1e-3, 5e-3, 2e-2])
def test_plateau_level_and_length(noise_V: float) -> None:
    part = np.linspace(0, 1, 3600)
    voltage = np.where(
        part < 0.2, 3 + 4 * part, np.where(part < 0.8, 3.8 + 0.01 * part, 3.808 + 2 * (part - 0.8))
    )
    voltage = voltage + noise_V * np.random.default_rng(2).normal(size=3600)
    plateau = find_plateau(voltage, np.full(3599, 1e-9), np.ones(3599))
    assert plateau is not None
    assert plateau.level_V == pytest.approx(3.805, abs=0.004)
    assert plateau.charge_C == pytest.approx(0.6 * 3600e-9, rel=0.1)
    assert plateau.length_s == pytest.approx(0.6 * 3600, rel=0.1)


def test_a_slope_has_no_plateau_and_a_flat_line_is_all_plateau() -> None:
    assert find_plateau(np.linspace(3, 4, 1000), np.ones(999), np.ones(999)) is None
    flat = find_plateau(np.full(1000, 3.9), np.ones(999), np.ones(999))
    assert flat is not None
    assert flat.charge_C == 999
    assert find_plateau(np.full(4, 3.9), np.ones(3), np.ones(3)) is None


def test_a_million_samples_in_seconds() -> None:
    t = np.arange(1_000_000) * 1e-3
    current = 1e-11 * np.sign(np.sin(t / 30)) + 1e-12 * np.random.default_rng(0).normal(size=len(t))
    found = find_half_cycles(t, current, np.full(len(t), 3.0))
    assert [h.kind for h in found.half_cycles if h.kind != "rest"][:4] == ["charge", "discharge"] * 2


@pytest.mark.parametrize("noise_A", [0.0, 2e-13])
def test_slow_cycles_beside_fast_ones_are_no_rests(noise_A: float) -> None:
    """A formation at a hundredth of the rate that follows, each sampled by its own pace."""
    slow = record([(100, 0.0), (3000, 1e-11), (300, 0.0), (3000, -1e-11), (300, 0.0)], noise_A=noise_A)
    fast = record([(300, 1e-9), (50, 0.0), (300, -1e-9), (50, 0.0)] * 4, dt=0.05, noise_A=noise_A)
    t = np.concatenate([slow.t, fast.t + slow.t[-1] + 0.05])
    found = find_half_cycles(t, np.concatenate([slow.current, fast.current]))
    kinds = [half.kind for half in found.half_cycles]
    assert kinds == ["rest"] + ["charge", "rest", "discharge", "rest"] * 5
    assert found.half_cycles[1].charge_C == pytest.approx(3e-8, rel=0.01)


@pytest.mark.parametrize("offset_A", [1e-11, -1.5e-11])
def test_an_offset_in_the_rests_is_no_charging(offset_A: float) -> None:
    recording = record([(100, 0.0), (300, 1e-9), (100, 0.0), (300, -1e-9), (100, 0.0)], noise_A=1e-13)
    kinds = [half.kind for half in find_half_cycles(recording.t, recording.current + offset_A).half_cycles]
    assert kinds == ["rest", "charge", "rest", "discharge", "rest"]


@pytest.mark.parametrize("seed", range(5))
def test_noise_where_the_current_crosses_zero_slowly_makes_no_half_cycles(seed: int) -> None:
    t = np.arange(0, 4000.0)
    noise = 1e-10 * np.random.default_rng(seed).normal(size=len(t))
    found = find_half_cycles(t, 1e-9 * np.sin(2 * np.pi * t / 1000) + noise)
    big = [half for half in found.half_cycles if half.kind != "rest" and half.charge_C > 1e-8]
    assert [half.kind for half in big] == ["charge", "discharge"] * 4
    assert len(found.half_cycles) < 30
    for half in big:
        assert half.charge_C == pytest.approx(1e-9 * 1000 / np.pi, rel=0.05)


CHARGE, DISCHARGE, REST = (1000.0, 1e-11), (950.0, -1e-11), (100.0, 0.0)
"""A cell that gives back 95 % of its charge."""


def paired(
    program: list[tuple[float, float]], first_kind: HalfKind = "charge", noise_A: float = 0.0
) -> HalfCycles:
    recording = record(program, noise_A=noise_A)
    return find_half_cycles(recording.t, recording.current, recording.voltage, first_kind=first_kind)


@pytest.mark.parametrize("rests", [True, False])
@pytest.mark.parametrize("noise_A", [0.0, 2e-13])
def test_a_log_that_begins_with_a_discharge_pairs_each_charge_with_what_it_gave_back(
    rests: bool, noise_A: float
) -> None:
    steps = [(650.0, -1e-11)] + [CHARGE, DISCHARGE] * 3
    program = [REST, *(each for step in steps for each in (step, REST))] if rests else steps
    found = paired(program, noise_A=noise_A)
    assert [cycle.efficiency for cycle in found.cycles] == pytest.approx([0.95] * 3, rel=0.01)
    assert found.mean_efficiency == pytest.approx(0.95, rel=0.01)
    active = [half for half in found.half_cycles if half.kind != "rest"]
    assert [half.cycle for half in active] == [None, 1, 1, 2, 2, 3, 3]
    assert found.notes == [
        "The discharge at the start belongs to no cycle: the charge before it was not recorded."
    ]


def test_a_cell_that_takes_lithium_first_is_paired_the_other_way_round() -> None:
    """Silicon against lithium: 1000 s in (the discharge), 950 s out."""
    program = [(1000.0, -1e-11), (950.0, 1e-11)] * 3
    found = paired(program, "discharge")
    assert [cycle.efficiency for cycle in found.cycles] == pytest.approx([0.95] * 3, rel=0.01)
    assert [cycle.first_kind for cycle in found.cycles] == ["discharge"] * 3
    assert [cycle.loss_fraction for cycle in found.cycles] == [
        None,
        pytest.approx(0, abs=2e-3),
        pytest.approx(0, abs=2e-3),
    ]
    assert not found.notes
    late = paired([(300.0, 1e-11), *program], "discharge")
    assert late.mean_efficiency == pytest.approx(0.95, rel=0.01)
    assert late.notes == [
        "The charge at the start belongs to no cycle: the discharge before it was not recorded."
    ]


def test_the_sign_of_the_instrument_does_not_change_what_is_paired() -> None:
    recording = record([(650.0, -1e-11)] + [CHARGE, DISCHARGE] * 2)
    turned = find_half_cycles(recording.t, -recording.current, recording.voltage, positive_is_charge=False)
    assert turned.mean_efficiency == pytest.approx(0.95, rel=0.01)


def test_a_charge_of_which_only_the_end_was_recorded_has_no_efficiency_and_is_not_in_the_mean() -> None:
    found = paired([(400.0, 1e-11), DISCHARGE, *[CHARGE, DISCHARGE] * 2])
    assert [cycle.efficiency for cycle in found.cycles] == [
        None,
        pytest.approx(0.95, rel=0.01),
        pytest.approx(0.95, rel=0.01),
    ]
    assert found.cycles[0].efficiency_error is None
    assert found.cycles[0].energy_efficiency is None
    assert found.mean_efficiency == pytest.approx(0.95, rel=0.01)
    assert found.notes == [
        "Cycle 1 has no efficiency: 238 % of its charge was given back, so part of it was not recorded."
    ]
    assert found.cycles[1].loss_fraction == pytest.approx(0, abs=2e-3)


def test_what_is_not_answered_yet_is_in_no_cycle() -> None:
    found = paired([CHARGE, DISCHARGE, CHARGE])
    assert len(found.cycles) == 1
    assert found.half_cycles[-1].cycle is None
    for alone in ([CHARGE], [DISCHARGE], [REST, DISCHARGE, REST]):
        assert paired(alone).cycles == []
        assert paired(alone).mean_efficiency is None


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(100, 900), st.sampled_from([1e-11, -1e-11, 0.0])), min_size=1, max_size=9),
    st.sampled_from(["charge", "discharge"]),
)
def test_every_cycle_begins_as_the_cell_does_and_no_more_than_all_comes_back(
    program: list[tuple[float, float]], first_kind: HalfKind
) -> None:
    found = paired(program, first_kind)
    for cycle in found.cycles:
        members = [half for half in found.half_cycles if half.cycle == cycle.number]
        assert members[0].kind == cycle.first_kind == first_kind
        assert members[-1].kind != first_kind
        assert cycle.efficiency is None or cycle.efficiency < 1.13
    known = [cycle.efficiency for cycle in found.cycles if cycle.efficiency is not None]
    assert found.mean_efficiency == (pytest.approx(np.mean(known)) if known else None)
