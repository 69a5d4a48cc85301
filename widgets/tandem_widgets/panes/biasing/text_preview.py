"""The rows of a text table with, above each column, what it was taken for; and the curves they make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QTableWidget, QTableWidgetItem

from tandem_em.core.numeric import Floats
from tandem_em.core.texts import quantity
from tandem_em.desk.biasing import text_import
from tandem_em.desk.biasing.text_import import TextColumn
from tandem_em.model.curves import BiasRun
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.xy_plot import PlotLine

ROLE_ROW, UNIT_ROW, FIXED_ROWS = 0, 1, 2


class PreviewTable(QTableWidget):
    """First row: roles; second: units; below: fields as they stand in the file."""

    role_chosen = pyqtSignal(int, str)
    unit_chosen = pyqtSignal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        side = self.verticalHeader()
        if side is not None:
            side.setDefaultSectionSize(24)
            side.hide()
        self._columns: list[TextColumn] = []
        self._rows: list[list[str]] = []

    def show_rows(self, columns: list[TextColumn], rows: list[list[str]]) -> None:
        """Shows the columns and the first rows of the file; only what has changed is filled anew."""
        if columns != self._columns or self.columnCount() != len(columns):
            self._show_columns(columns)
        if rows == self._rows and self.rowCount() == len(rows) + FIXED_ROWS:
            self._colour()
            return
        self._rows = rows
        self.setRowCount(FIXED_ROWS + len(rows))
        for number, row in enumerate(rows):
            for column in range(len(columns)):
                text = row[column].strip() if column < len(row) else ""
                self.setItem(FIXED_ROWS + number, column, QTableWidgetItem(text))
        self._colour()

    def _show_columns(self, columns: list[TextColumn]) -> None:
        self._columns = list(columns)
        self._rows = []
        self.clear()
        self.setRowCount(FIXED_ROWS)
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels([column.name or f"column {n}" for n, column in enumerate(columns, 1)])
        for number, column in enumerate(columns):
            self.setCellWidget(ROLE_ROW, number, self._role_box(number, column))
            self.setCellWidget(UNIT_ROW, number, self._unit_box(number, column))
            self.setColumnWidth(number, 132)

    def _role_box(self, number: int, column: TextColumn) -> QComboBox:
        box = QComboBox()
        box.addItems(list(text_import.ROLES))
        role = text_import.role_of(column)
        # roles that a file brings beyond the usual ones
        if box.findText(role) < 0:
            box.addItem(role)
        box.setCurrentText(role)
        box.textActivated.connect(partial(self.role_chosen.emit, number))
        return box

    def _unit_box(self, number: int, column: TextColumn) -> QComboBox:
        box = QComboBox()
        box.setEditable(True)
        box.addItems(list(text_import.UNITS.get(column.quantity, ())))
        box.setCurrentText(text_import.unit_text(column))
        box.setEnabled(column.kind == "number" and bool(column.quantity))
        box.textActivated.connect(partial(self.unit_chosen.emit, number))
        return box

    def _colour(self) -> None:
        """Columns that are used stand out; those left out are grey."""
        for number, column in enumerate(self._columns):
            colour = theme.colour(
                theme.active().faint if text_import.role_of(column) == "leave out" else theme.active().text
            )
            for row in range(FIXED_ROWS, self.rowCount()):
                item = self.item(row, number)
                if item is not None:
                    item.setForeground(colour)
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


@dataclass(eq=False)
class UnitLine(PlotLine):
    """A line that knows the unit of its y axis."""

    unit: str = ""


def preview_lines(run: BiasRun | None) -> list[UnitLine]:
    """What the table's beginning gives: voltage and current over time, each scaled to be seen."""
    if run is None or not len(run):
        return []
    x = np.asarray(run.times.view, np.float64)
    active = theme.active()
    chosen = [
        (name, colour)
        for name, colour in (("voltage", active.voltage), ("current", active.current))
        if name in run.columns
    ]
    if not chosen:
        chosen = [(name, active.accent) for name in list(run.columns)[:1]]
    lines: list[UnitLine] = []
    for name, colour in chosen:
        column = run.columns[name]
        y = np.asarray(column.values.view, np.float64)
        label = name
        if lines:
            y, label = _onto(lines[0].y, y, name, column.unit)
        lines.append(UnitLine(name, label, colour, x, y, unit=column.unit))
    return lines


def _onto(first: Floats, y: Floats, name: str, unit: str) -> tuple[Floats, str]:
    """A second quantity drawn over the range of the first; its own range is written beside its name."""
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    bottom, top = float(np.nanmin(first)), float(np.nanmax(first))
    text = f"{name} ({quantity(low, unit)} … {quantity(high, unit)})"
    # a constant second curve lies in the middle
    if not high > low:
        text = f"{name} ({quantity(low, unit)})"
        return np.full(len(y), (bottom + top) / 2), text
    return bottom + (y - low) / (high - low) * ((top - bottom) or 1.0), text
