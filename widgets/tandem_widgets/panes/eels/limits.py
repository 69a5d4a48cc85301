"""Limits of the pictures: a histogram for each colour channel and for the single map, and the numbers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QToolButton, QWidget

from tandem_em.core.texts import parse_quantity
from tandem_widgets.panes.eels.pictures import SINGLE, Shown
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.histogram import Histogram


@dataclass
class _Row:
    histogram: Histogram
    low: QLineEdit
    high: QLineEdit


class LimitsPanel(QFrame):
    """A small panel under the tools; every move shows at once."""

    def __init__(self, parent: QWidget, scene: EelsScene, shown: list[Shown]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "pane")
        self._scene = scene
        self._automatic = {each.key: each.limits for each in shown}
        self.rows: dict[str, _Row] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 10, 12, 10)
        grid.setVerticalSpacing(6)
        for number, each in enumerate(shown):
            self._add(grid, number, each)
        if not shown:
            grid.addWidget(QLabel("There is no map to set limits for."), 0, 0)

    def open_at(self, place: QPoint) -> None:
        """Shows the panel with its upper left corner at a place of the screen."""
        self.adjustSize()
        self.move(place)
        self.show()

    def _add(self, grid: QGridLayout, number: int, each: Shown) -> None:
        label = QLabel(each.name)
        label.setStyleSheet(f"color: {each.colour}; font-weight: 600;")
        histogram = Histogram(each.colour)
        histogram.show_values(each.values, each.limits)
        low, high = _field(each.limits[0]), _field(each.limits[1])
        automatic = QToolButton()
        automatic.setProperty("role", "tool")
        automatic.setText("Auto")
        automatic.setToolTip("Reset to automatic limits (percentiles)")
        automatic.clicked.connect(partial(self._reset, each.key))
        for column, widget in enumerate((label, low, histogram, high, automatic)):
            grid.addWidget(widget, number, column)
        self.rows[each.key] = _Row(histogram, low, high)
        histogram.dragged.connect(partial(self._set, each.key))
        histogram.reset.connect(partial(self._reset, each.key))
        for field in (low, high):
            field.editingFinished.connect(partial(self._typed, each.key))

    def _typed(self, key: str) -> None:
        row = self.rows[key]
        low, high = parse_quantity(row.low.text(), ""), parse_quantity(row.high.text(), "")
        if low is not None and high is not None and low < high:
            self._set(key, low, high)
        else:
            # not a range: the fields say again what holds
            self._show(key, row.histogram.limits)

    def _set(self, key: str, low: float, high: float) -> None:
        self._keep(key, (low, high))
        self._show(key, (low, high))

    def _reset(self, key: str) -> None:
        self._keep(key, None)
        self._show(key, self._automatic[key])

    def _keep(self, key: str, limits: tuple[float, float] | None) -> None:
        if key == SINGLE:
            self._scene.look(limits=limits)
        else:
            self._scene.limit(key, limits)

    def _show(self, key: str, limits: tuple[float, float]) -> None:
        row = self.rows[key]
        row.histogram.show_limits(limits)
        row.low.setText(_text(limits[0]))
        row.high.setText(_text(limits[1]))


def _field(value: float) -> QLineEdit:
    field = QLineEdit(_text(value))
    field.setFixedWidth(72)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setFont(theme.numbers_font(12))
    return field


def _text(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
