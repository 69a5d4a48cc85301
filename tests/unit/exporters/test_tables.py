"""Tables come back through pandas exactly as they were; a cancelled one leaves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.export import tables
from tandem_em.exporters.tables import Column, Table, table_of_rows, write_table
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.curves import Column as CurveColumn
from tandem_em.model.session import Session


@settings(deadline=None, max_examples=30)
@given(values=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(allow_infinity=False, width=64)))
def test_numbers_come_back_exactly(values: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    table = Table("a", [Column("n", "", np.arange(len(values))), Column("current", "µA", values)])
    run_to_end(write_table(path, table))
    back = pd.read_csv(path, comment="#", float_precision="round_trip")
    assert list(back.columns) == ["n", "current (µA)"]
    np.testing.assert_array_equal(back["current (µA)"].to_numpy(float), values)


def test_texts_and_notes_do_not_disturb_the_table(tmp_path: Path) -> None:
    rows = [{"name": 'a, "b" #1', "t": 1.5}, {"name": "plain", "t": None}]
    table = table_of_rows("e", rows, {"t": "s", "name": ""}, {"session": "two\nlines # and, a mark"})
    path = run_to_end(write_table(tmp_path / "e.csv", table))
    back = pd.read_csv(path, comment="#")
    assert list(back["name"]) == ['a, "b" #1', "plain"]
    assert back["t (s)"][0] == 1.5
    assert np.isnan(back["t (s)"][1])


def test_a_cancelled_table_leaves_nothing(tmp_path: Path) -> None:
    job = write_table(tmp_path / "a.csv", Table("a", [Column("n", "", np.arange(50_000))]))
    next(job)
    next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_the_table_of_a_run_has_what_the_lanes_show() -> None:
    session = Session("s")
    t = np.array([0.0, 1, 2, 3, 4, 10, 11])
    values = {"voltage": ("V", np.full(7, 3.6)), "current": ("A", np.full(7, 1e-10))}
    columns = {name: CurveColumn(name, unit, GrowingArray(y)) for name, (unit, y) in values.items()}
    run = BiasRun(name="log", times=GrowingArray(t), columns=columns, gap_limit_s=2.0)
    session.clocks.add(run.clock)
    session.runs.add(run)
    session.cells.add(Cell(area_um2=10.0, capacity_uAh_cm2=80.0))
    table = tables.run_table(session, run, {})
    found = {column.header: np.asarray(column.values) for column in table.columns}
    np.testing.assert_allclose(found["charge passed (C)"], 1e-10 * np.array([0, 1, 2, 3, 4, 4, 5]))
    np.testing.assert_allclose(found["current density (A/cm²)"], 1e-3)
    np.testing.assert_allclose(found["C-rate"], 1e-3 / 80e-6)
    np.testing.assert_allclose(found["areal capacity (µAh/cm²)"][-1], 5e-10 / 1e-7 / 3600 * 1e6)
    np.testing.assert_allclose(found["voltage over current (Ω)"], 3.6e10)
    assert "2 s" in table.notes["gaps"]
