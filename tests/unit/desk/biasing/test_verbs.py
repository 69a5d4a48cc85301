"""Verbs of the biasing pane without a window: thinning keeps spikes, runs start where their current does, roles and units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.biasing import runs, text_import, views
from tandem_em.formats.text.settings import TextColumn
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.session import Session


def run_of(current: np.ndarray, voltage: np.ndarray | None = None, step_s: float = 0.1) -> BiasRun:
    columns = {"current": Column("current", "A", GrowingArray(current))}
    if voltage is not None:
        columns["voltage"] = Column("voltage", "V", GrowingArray(voltage))
    return BiasRun(name="run", times=GrowingArray(np.arange(len(current)) * step_s), columns=columns)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 60_000), st.integers(100, 5000))
def test_thinning_keeps_both_extremes_and_both_ends(seed: int, count: int, most: int) -> None:
    y = np.random.default_rng(seed).normal(size=count)
    keep = views.thinned(y, most)
    assert np.all(np.diff(keep) > 0)
    assert (y[keep].min(), y[keep].max()) == (y.min(), y.max())
    assert (keep[0], keep[-1]) == (0, count - 1)
    assert len(keep) <= most + 2 * count // most + 4


def test_a_run_starts_where_its_current_begins() -> None:
    current = np.concatenate([np.full(50, 1e-14), np.full(100, 1e-11)])
    session = Session()
    run = session.runs.add(run_of(current))
    run.clock.offset_s = 7.0
    assert views.start_of(views.snapshot(session, run)) == pytest.approx(12.0)


def test_a_view_that_lacks_a_column_says_so() -> None:
    session = Session()
    run = session.runs.add(run_of(np.zeros(10)))
    with pytest.raises(UserError, match="run has no voltage"):
        run_to_end(views.iv_curve(views.snapshot(session, run)))
    with pytest.raises(UserError, match="no electrode area"):
        run_to_end(views.overlay_curves([views.snapshot(session, run)], "density"))


def test_capacity_is_exact_for_a_constant_current_with_a_gap() -> None:
    current = np.full(1001, 1e-11)
    session = Session()
    run = session.runs.add(run_of(current, np.linspace(3, 4, 1001)))
    session.cells.add(Cell(area_um2=10.0))
    (curve,) = run_to_end(views.capacity_curves(views.snapshot(session, run)))
    assert curve.x[-1] == pytest.approx(1e-9 / 3600 / 1e-7)
    late = BiasRun(
        name="late",
        times=GrowingArray(np.concatenate([np.arange(501) * 0.1, 1000 + np.arange(501) * 0.1])),
        columns={"current": Column("current", "A", GrowingArray(np.full(1002, 1e-11)))},
    )
    session.runs.add(late)
    halves = run_to_end(views.finding_cycles(views.snapshot(session, late)))
    assert sum(half.charge_C for half in halves.half_cycles) == pytest.approx(1e-9)
    assert len(halves.gaps) == 1


def test_the_zero_of_a_stretch_without_samples_is_a_sentence() -> None:
    run = run_of(np.zeros(10))
    with pytest.raises(UserError, match="run has no samples"):
        run_to_end(runs.measuring_zero(run, (50.0, 60.0)))


def test_the_only_cell_counts_for_every_run_and_a_named_one_wins() -> None:
    session = Session()
    run = session.runs.add(run_of(np.zeros(3)))
    assert runs.cell_of(session, run) is None
    first = session.cells.add(Cell(name="a"))
    assert runs.cell_of(session, run) is first
    second = session.cells.add(Cell(name="b"))
    assert runs.cell_of(session, run) is None
    run.cell_id = second.id
    assert runs.cell_of(session, run) is second


def test_roles_and_units_of_a_text_column() -> None:
    column = TextColumn("I", "", "", "number")
    made = text_import.with_unit(text_import.with_role(column, "current"), "nA")
    assert (made.quantity, made.unit, made.factor) == ("current", "A", 1e-9)
    assert text_import.role_of(made) == "current"
    assert text_import.unit_text(made) == "nA"
    assert text_import.with_role(made, "leave out").kind == "skip"
    with pytest.raises(UserError, match="not a unit"):
        text_import.with_unit(made, "furlongs")
