"""The report that `tandem cycles --json` prints."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bias_reading import BIAS, first_run
from synthetic_cell import CYCLES, record

from tandem_em.analysis.cycling.electrochemistry import cycles_report
from tandem_em.core.notices import UserError
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Cell, Column


def run_of(noise_A: float = 0.0, zero_A: float = 0.0) -> BiasRun:
    recording = record(CYCLES, noise_A=noise_A, zero_A=zero_A)
    columns = {"voltage": Column("voltage", "V", GrowingArray(recording.voltage)),
               "current": Column("current", "A", GrowingArray(recording.current))}  # fmt: skip
    return BiasRun(name="cell 1", times=GrowingArray(recording.t), columns=columns)


def test_report_has_all_numbers_and_is_json() -> None:
    report = json.loads(json.dumps(cycles_report(run_of(), Cell(name="A", area_um2=10.0))))
    charge = report["half_cycles"][1]
    assert charge["kind"] == "charge"
    assert charge["start_s"] == 300
    assert charge["charge_C"] == pytest.approx(1e-8, rel=1e-3)
    assert charge["charge_uAh_cm2"] == pytest.approx(1e-8 / 3.6e-3 / 1e-7, rel=1e-3)
    for key in (
        "end_s",
        "mean_voltage_V",
        "energy_J",
        "plateau_V",
        "plateau_uAh_cm2",
        "plateau_length_s",
        "efficiency",
    ):
        assert key in charge
    assert [cycle["efficiency"] for cycle in report["cycles"]] == pytest.approx([0.95, 0.93, 0.91], rel=2e-3)
    assert report["gaps"] == []
    assert report["net_charge_C"] == pytest.approx((0.05 + 0.07 + 0.09) * 1e-8, rel=0.01)


def test_the_marked_rest_is_the_zero() -> None:
    run = run_of(noise_A=1e-13, zero_A=4e-13)
    run.zero_span = (0.0, 290.0)
    report = cycles_report(run)
    assert report["zero"]["current_A"] == pytest.approx(4e-13, rel=0.1)
    assert report["half_cycles"][1]["charge_C"] == pytest.approx(1e-8, rel=5e-3)
    run.zero_current_A, run.zero_current_error_A = 4e-13, 1e-14
    assert cycles_report(run)["zero"]["error_A"] == 1e-14


def test_report_of_a_real_log() -> None:
    run = first_run(BIAS / "navani" / "test.ndax")
    report = cycles_report(run)
    passed = sum(half["charge_C"] for half in report["half_cycles"] if half["kind"] != "rest")
    capacity = (
        np.abs(np.diff(run.values("charge_capacity"))).sum() / 2
        + np.abs(np.diff(run.values("discharge_capacity"))).sum() / 2
    )
    assert passed == pytest.approx(capacity, rel=0.05)


@pytest.mark.parametrize(
    ("cell", "first", "efficiency"),
    [
        (None, "charge", 0.95),
        (Cell(), "charge", 0.95),
        (Cell(chemistry="LCO"), "charge", 0.95),
        (Cell(chemistry="LiCoO2", layers=[{"name": "LiCoO2"}, {"name": "LiPON"}, {"name": "Si"}]), "charge", 0.95),
        (Cell(layers=[{"name": "Si"}, {"name": "LiCoO2"}]), "charge", 0.95),
        (Cell(layers=[{"name": "Li"}, {"name": "LiPON"}]), "charge", 0.95),
        (Cell(chemistry="silicon"), "discharge", 1000 / 1100),
        (Cell(chemistry="Li4Ti5O12", layers=[{"name": "Li"}]), "discharge", 1000 / 1100),
        (Cell(chemistry="Si", first_half="charge"), "charge", 0.95),
        (Cell(chemistry="LiCoO2", first_half="discharge"), "discharge", 1000 / 1100),
    ],
)  # fmt: skip
def test_what_a_cycle_begins_with_follows_from_the_cell(
    cell: Cell | None, first: str, efficiency: float
) -> None:
    """1100 s of discharge, 1000 s of charge, 950 s of discharge: the cell decides which two are a cycle."""
    recording = record([(1100.0, -1e-11), (1000.0, 1e-11), (950.0, -1e-11)])
    columns = {"current": Column("current", "A", GrowingArray(recording.current))}
    report = cycles_report(BiasRun(name="late", times=GrowingArray(recording.t), columns=columns), cell)
    assert report["cycle_begins_with"] == first
    assert report["mean_efficiency"] == pytest.approx(efficiency, rel=0.01)
    assert report["efficiency_definition"].startswith("Coulombic efficiency: charge given back in the ")
    assert [row["first"] for row in report["cycles"]] == [first]
    assert len(report["notes"]) == (1 if first == "charge" else 0)


def test_a_run_without_current_is_told_in_words() -> None:
    run = BiasRun(name="ocv", times=GrowingArray(np.arange(3.0)), columns={})
    with pytest.raises(UserError, match="ocv has no current column"):
        cycles_report(run)


def test_a_transient_between_two_samples_is_within_the_error_and_the_instrument_s_own_count_stands_beside() -> (
    None
):
    """A chronoamperometry read each minute: the first sample is a thousand times larger than the second."""
    t = np.arange(200) * 60.0
    current = 3e-9 + 2e-5 * np.exp(-t / 8.0)
    counted = 3e-9 * t + 2e-5 * 8.0 * (1 - np.exp(-t / 8.0))
    columns = {"current": Column("current", "A", GrowingArray(current)),
               "charge": Column("charge", "C", GrowingArray(counted))}  # fmt: skip
    report = cycles_report(BiasRun(name="ca", times=GrowingArray(t), columns=columns))
    (half,) = report["half_cycles"]
    assert half["instrument_charge_C"] == pytest.approx(counted[-1])
    assert abs(half["charge_C"] - counted[-1]) < half["charge_error_C"]
    assert half["charge_error_C"] == pytest.approx(0.5 * (current[0] - current[1]) * 60.0, rel=0.01)
