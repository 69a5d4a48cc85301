"""All sizes of a followed particle, frame by frame, with their limits: read, jump there, copy, save as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.texts import figure
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import table as particles_table
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.desk.outlines.table import Table
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.plot.copy import copy_text, table_text

Role = Qt.ItemDataRole


class SizesModel(QAbstractTableModel):
    """Rows are frames. `name low` and `name high` become one column with ±, and so does `name ±`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)  # it lives as long as the view that shows it
        self.table = particles_table.EMPTY
        self._shown: list[tuple[str, Any, Any]] = []

    def show(self, table: Table) -> None:
        """Replaces all rows and columns by those of a table."""
        self.beginResetModel()
        self.table = table
        named = {column.name: np.asarray(column.values, np.float64) for column in table.columns}
        self._shown = []
        for column in table.columns:
            if not column.name.endswith((" low", " high", " ±")):
                low, high = (named.get(f"{column.name} {side}") for side in ("low", "high"))
                half = (high - low) / 2 if low is not None and high is not None else None
                if half is None:
                    # x and y of a centroid share one error
                    half = named.get(f"{column.name.split(' ')[0]} ±")
                self._shown.append((column.header, named[column.name], half))
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """One row per frame of the table."""
        return len(self.table)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """One column per quantity, limits and errors taken into it."""
        return len(self._shown)

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """Value with its ± as text; doubtful frames are amber."""
        header, values, half = self._shown[index.column()]
        if role == Role.DisplayRole:
            return _text(
                header, float(values[index.row()]), None if half is None else float(half[index.row()])
            )
        if role == Role.ForegroundRole and self._is_doubtful(index.row()):
            return theme.colour(theme.active().warning)
        return None

    def _is_doubtful(self, row: int) -> bool:
        trust = next((values for header, values, _ in self._shown if header == "confidence"), None)
        return trust is not None and bool(trust[row] < DOUBT)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Name and unit of the quantity."""
        if role == Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._shown[section][0]
        return None

    def as_text(self) -> str:
        """Everything, limits in columns of their own, for a spreadsheet."""
        columns = self.table.columns
        arrays = [np.asarray(column.values, np.float64) for column in columns]
        return table_text([column.header for column in columns], arrays)


def _text(header: str, value: float, half: float | None) -> str:
    if not np.isfinite(value):
        return ""
    if header == "frame":
        return str(int(value) + 1)
    if header == "drawn by hand":
        return "yes" if value else ""
    text = figure(value, 4)
    if half is None or not half > 0:
        return text
    decimals = len(text.partition(".")[2])
    least = 10.0**-decimals  # no error is shown finer than the value it belongs to
    return f"{text} ± {figure(half, 2) if half >= 10 * least else f'{max(half, least):.{decimals}f}'}"


class ParticleTableDialog(QDialog):
    """The table follows the session: what is corrected in the image changes here."""

    def __init__(self, parent: QWidget, desk: Desk, stack: FrameStack, particle: Particle) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Sizes · {stack.name}")
        self._desk, self._stack = desk, stack
        self.chooser = QComboBox()
        for each in desk.session.particles:
            if each.stack_id == stack.id and each.outlines:
                self.chooser.addItem(each.name, each.id)
        self.chooser.setCurrentIndex(max(0, self.chooser.findData(particle.id)))
        self.chooser.activated.connect(lambda _index: self.refresh())
        self.model = SizesModel(self)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAlternatingRowColors(True)
        self.view.setShowGrid(False)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setToolTip(
            "Click a row to go to its frame. Ctrl+C copies the table. Yellow: low confidence, not used."
        )
        self.view.clicked.connect(lambda index: self._go_to(index.row()))
        vertical = self.view.verticalHeader()
        if vertical is not None:
            vertical.hide()
            vertical.setDefaultSectionSize(22)
        self.note = QLabel()
        self.note.setProperty("role", "quiet")
        copy, save = QPushButton("Copy table"), QPushButton("Save CSV…")
        for button in (copy, save):
            button.setAutoDefault(False)
        copy.clicked.connect(lambda: copy_text(self.model.as_text()))
        save.clicked.connect(self._ask_save)
        row, column = QHBoxLayout(), QVBoxLayout(self)
        row.addWidget(self.chooser)
        row.addWidget(self.note, 1)
        row.addWidget(copy)
        row.addWidget(save)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self.resize(1120, 560)
        bindings = Bindings(self)
        bindings.on(desk.session.particles.changed, self._changed)
        bindings.on(desk.session.stacks.changed, lambda _stack, _names: self.refresh())
        bindings.on(desk.session.focus.t_changed, lambda _t: self._show_frame())
        self.refresh()
        self.view.resizeColumnsToContents()

    @property
    def particle(self) -> Particle | None:
        """The chosen particle; None if it has been deleted meanwhile."""
        return self._desk.session.particles.get(self.chooser.currentData())

    def refresh(self) -> None:
        """Fills the table anew, and says how many frames are missing and whether it is stale."""
        particle = self.particle
        if particle is None:
            return
        self.model.show(particles_table.table(self._stack, particle))
        lost = len(self._stack) - len(particle.outlines)
        stale = bool(particle.made_by) and self._desk.session.is_stale(particle.made_by)
        parts = [f"{len(particle.outlines)} of {len(self._stack)} frames", "± 95 %"]
        parts += [f"{lost} lost or not followed"] * bool(lost) + ["stale: follow again"] * stale
        self.note.setText(" · ".join(parts))
        self._show_frame()

    def _changed(self, particle: Particle, _names: frozenset[str]) -> None:
        if particle is self.particle:
            self.refresh()

    def _show_frame(self) -> None:
        """The row of the frame at the cursor is the chosen one."""
        index = self._stack.index_at(self._desk.session.focus.t)
        if 0 <= index < len(self.model.table):
            self.view.selectRow(index)

    def _go_to(self, row: int) -> None:
        if row < len(self._stack.times) and np.isfinite(self._stack.times[row]):
            self._desk.session.focus.t = self._stack.time_of(row)

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the sizes", f"{self.model.table.stem}.csv", "CSV (*.csv)"
        )
        if name:
            self.save(Path(name))

    def save(self, path: Path) -> None:
        """CSV with units and limits, as `tandem export` writes it."""
        particles_table.save(self._desk, path, self.model.table)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy takes the whole table, not only the selected cell."""
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            copy_text(self.model.as_text())
            return
        super().keyPressEvent(event)
