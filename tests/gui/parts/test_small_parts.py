"""Parts alone under a hand: histogram, contrast panel, a stretch on a plot, number boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.number_box import number_box
from tandem_widgets.parts.image.contrast import Contrast, ContrastPanel
from tandem_widgets.parts.image.histogram import Histogram
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.interval import IntervalPlot
from tandem_widgets.parts.plot.xy_plot import PlotLine

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def _themed(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.DARK)


def drag(widget: QWidget, start: QPointF, end: QPointF) -> None:
    QTest.mousePress(widget, LEFT, NONE, start.toPoint())
    event = QMouseEvent(
        QEvent.Type.MouseMove, end, widget.mapToGlobal(end), Qt.MouseButton.NoButton, LEFT, NONE
    )
    QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, LEFT, NONE, end.toPoint())


@pytest.fixture
def histogram(qtbot: QtBot) -> Histogram:
    made = Histogram("#4a9eff")
    qtbot.addWidget(made)
    made.resize(300, 58)
    made.show_values(np.linspace(0, 100, 10_000).reshape(100, 100), (20.0, 80.0))
    made.show()
    return made


@pytest.mark.parametrize(("which", "value"), [(0, 40.0), (1, 60.0)])
def test_a_limit_is_dragged_to_a_value(histogram: Histogram, which: int, value: float) -> None:
    told: list[tuple[float, float]] = []
    histogram.dragged.connect(lambda low, high: told.append((low, high)))
    y = histogram.height() / 2
    drag(
        histogram, QPointF(histogram._to_px(histogram.limits[which]), y), QPointF(histogram._to_px(value), y)
    )
    expected = (value, 80.0) if which == 0 else (20.0, value)
    assert told[-1] == pytest.approx(expected, abs=1.0)
    assert histogram.limits == told[-1]


def test_limits_do_not_cross_and_a_hand_beside_them_holds_nothing(histogram: Histogram) -> None:
    y = histogram.height() / 2
    drag(histogram, QPointF(histogram._to_px(20.0), y), QPointF(histogram._to_px(95.0), y))
    low, high = histogram.limits
    assert low < high == 80.0
    before = histogram.limits
    drag(histogram, QPointF(histogram._to_px(50.0), y), QPointF(histogram._to_px(60.0), y))
    assert histogram.limits == before


def test_a_double_click_asks_for_automatic_limits(histogram: Histogram, qtbot: QtBot) -> None:
    with qtbot.waitSignal(histogram.reset):
        QTest.mouseDClick(histogram, LEFT, NONE, QPointF(100, 20).toPoint())


@pytest.mark.parametrize(
    "values", [np.full((4, 4), np.nan), np.full((4, 4), 3.0), np.zeros((0, 0)), np.array([[np.inf, 1.0]])]
)
def test_odd_maps_have_a_histogram_too(histogram: Histogram, values: np.ndarray) -> None:
    histogram.show_values(values, (0.0, 1.0))
    assert not histogram.grab().isNull()


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[tuple[ContrastPanel, list[Contrast]]]:
    parent = QWidget()
    qtbot.addWidget(parent)
    made, told = ContrastPanel(Contrast(low=10.0, high=50.0), parent), []
    made.changed.connect(told.append)
    yield made, told
    parent.close()


def test_every_change_is_told_at_once(panel: tuple[ContrastPanel, list[Contrast]]) -> None:
    made, told = panel
    made._gamma.setValue(2.0)
    made._colours.setCurrentText("viridis")
    made._invert.setChecked(True)
    assert (told[-1].gamma, told[-1].colours, told[-1].invert) == (2.0, "viridis", True)
    assert (told[-1].mode, told[-1].low) == ("percentile", None), "found anew"


def test_typed_counts_are_by_hand_and_white_is_above_black(
    panel: tuple[ContrastPanel, list[Contrast]],
) -> None:
    made, told = panel
    made._low.setValue(20.0)
    assert (told[-1].mode, told[-1].low, told[-1].high) == ("manual", 20.0, 50.0)
    made._low.setValue(90.0)
    assert told[-1].high > told[-1].low
    made._mode.setCurrentText("each frame")
    assert (told[-1].mode, told[-1].low, told[-1].high) == ("each frame", None, None)


@pytest.fixture
def stretch(qtbot: QtBot) -> IntervalPlot:
    made = IntervalPlot()
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    return made


def shown(plot: IntervalPlot) -> IntervalPlot:
    x = np.linspace(0, 100, 50)
    plot.show_lines(
        [PlotLine(key="a", label="a", colour="#4a9eff", x=x, y=np.sin(x))], Axis("t", "s"), Axis("y")
    )
    plot.show_interval(20.0, 80.0)
    plot.grab()
    return plot


def test_a_bound_is_dragged_and_told_when_it_is_let_go(stretch: IntervalPlot, qtbot: QtBot) -> None:
    plot = shown(stretch)
    assert plot._scales is not None
    across = plot._scales[0]
    with qtbot.waitSignal(plot.interval_chosen) as chosen:
        drag(plot, QPointF(across.pixel(80.0), 150), QPointF(across.pixel(60.0), 150))
    assert chosen.args == pytest.approx([20.0, 60.0], abs=0.5)
    drag(plot, QPointF(across.pixel(20.0), 150), QPointF(across.pixel(90.0), 150))
    assert plot.interval[0] < plot.interval[1], "bounds do not cross"
    assert plot.bound_at(QPointF(across.pixel(40.0), 150)) is None


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7 pt"), (7.25, "7.25 pt"), (100.0, "100 pt"), (0.5, "0.5 pt"), (10.0, "10 pt")]
)
def test_a_number_has_the_digits_it_has(qtbot: QtBot, value: float, text: str) -> None:
    box = number_box(0, 1000, value, " pt")
    qtbot.addWidget(box)
    assert box.text() == text
