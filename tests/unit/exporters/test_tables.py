"""Tables come back through pandas exactly as they were; a cancelled one leaves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_em.exporters.tables import Column, Table, table_of_rows, write_table
from tandem_em.jobs import run_to_end


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
