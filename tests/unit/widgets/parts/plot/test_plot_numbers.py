"""Plots: values and pixels, stretches without gaps, tables for other programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QRectF

from tandem_widgets.parts.plot.axes import Axis, AxisScale, _emptiest
from tandem_widgets.parts.plot.copy import table_text
from tandem_widgets.parts.plot.polyline import FAR_PX, polygon, runs


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6), st.floats(0, 1), st.booleans())
def test_a_value_is_where_its_pixel_is(low: float, span: float, share: float, upwards: bool) -> None:
    high = low + max(span, 1e-6 * abs(low))
    start, end = (400.0, 20.0) if upwards else (20.0, 400.0)
    scale = AxisScale(Axis("Charge", "C"), low, high, start, end)
    value = low + share * (high - low)
    assert scale.value(scale.pixel(value)) == pytest.approx(value, abs=1e-6 * (high - low) + 1e-9 * abs(low))
    assert scale.pixels(np.array([low, high])) == pytest.approx([start, end], abs=1e-3)
    for pixel, text in scale.ticks(40):
        assert 19 <= pixel <= 401
        assert "-" not in text


def test_an_axis_says_its_quantity_in_the_unit_that_reads_best() -> None:
    assert AxisScale(Axis("Current", "A"), 0.0, 5e-11, 0, 100).title == "Current (pA)"
    assert AxisScale(Axis("Voltage", "V"), 0.0, 0.5, 0, 100).title == "Voltage (V)"
    assert AxisScale(Axis("Cycle"), 0.0, 10.0, 0, 100).title == "Cycle"
    assert AxisScale(Axis("Current", "A"), 0.0, 5e-11, 0, 100).reading(2.5e-11) == "25.00 pA"


@given(st.lists(st.booleans(), max_size=40))
def test_stretches_are_all_neighbours_that_are_good(good: list[bool]) -> None:
    found = runs(np.array(good, bool))
    inside = {n for part in found for n in range(part.start, part.stop)}
    assert all(part.stop - part.start > 1 for part in found)
    for number, is_good in enumerate(good):
        has_neighbour = is_good and (
            (number > 0 and good[number - 1]) or (number + 1 < len(good) and good[number + 1])
        )
        assert (number in inside) == has_neighbour


@given(st.lists(st.tuples(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30)), max_size=30))
def test_points_for_the_painter_are_never_astronomical(points: list[tuple[float, float]]) -> None:
    made = polygon(np.array([x for x, _ in points]), np.array([y for _, y in points]))
    assert made.count() == len(points)
    for at, (x, y) in enumerate(points):
        assert made.at(at).x() == pytest.approx(np.clip(x, -FAR_PX, FAR_PX))
        assert made.at(at).y() == pytest.approx(np.clip(y, -FAR_PX, FAR_PX))


def test_the_legend_goes_where_it_hides_least() -> None:
    area = QRectF(0, 0, 400, 300)
    box = _emptiest(area, 80, 40, np.zeros((0, 2)))
    assert box.right() <= 400
    assert box.top() < 10, "top right when nothing is there"
    crowded = np.column_stack([np.full(50, box.center().x()), np.full(50, box.center().y())])
    assert not _emptiest(area, 80, 40, crowded).intersects(box)


@given(st.lists(st.lists(st.floats(-1e300, 1e300) | st.just(np.nan), max_size=6), min_size=1, max_size=4))
def test_columns_of_any_lengths_are_a_table(columns: list[list[float]]) -> None:
    text = table_text([f"c{n}" for n in range(len(columns))], [np.array(column, float) for column in columns])
    head, *rows = text.removesuffix("\n").split("\n")
    assert len(head.split("\t")) == len(columns)
    assert len(rows) == max(map(len, columns))
    for at, column in enumerate(columns):
        cells = [row.split("\t")[at] for row in rows]
        assert all(cell == "" for cell in cells[len(column) :])
        for value, cell in zip(column, cells):
            assert (cell == "") if np.isnan(value) else float(cell) == pytest.approx(value, rel=1e-9)
