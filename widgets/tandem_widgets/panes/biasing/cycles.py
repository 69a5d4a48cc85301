"""The cycle table: every half cycle with its charge, voltage, efficiency and plateau; a row leads to its moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTableView, QVBoxLayout

from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted, figure, quantity, reading_unit
from tandem_em.desk.biasing import results as biasing_results
from tandem_em.desk.biasing import views
from tandem_widgets.panes.biasing.asking import Asking
from tandem_widgets.panes.biasing.page import Page
from tandem_widgets.panes.biasing.scene import BiasingScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.time_axis import span_text
from tandem_widgets.parts.plot.copy import copy_text

if TYPE_CHECKING:
    from tandem_em.desk.biasing.views import HalfCycle, HalfCycles

HEADINGS = (
    "Cycle", "Kind", "Start (s)", "Duration", "Charge", "±", "Per area", "Mean V", "Energy", "Efficiency", "Plateau (V)",
    "Plateau", "Not recorded",
)  # fmt: skip
Role = Qt.ItemDataRole


def _charge(value: float) -> str:
    return quantity(value / 3600.0, "Ah", 4)


def row_texts(half: HalfCycle) -> list[str]:
    """One row of the table, in units that read best."""
    per_area = ""
    if half.charge_uAh_cm2 is not None:
        factor, unit = reading_unit(abs(half.charge_uAh_cm2) * 1e-6, "Ah/cm²")
        per_area = f"{figure(half.charge_uAh_cm2 * 1e-6 * factor, 4)} {unit}"
    plateau = half.plateau
    return [
        str(half.cycle or ""),
        half.kind,
        f"{half.start_s:.1f}".replace("-", "−"),
        span_text(half.duration_s),
        _charge(half.charge_C),
        _charge(half.error_C) if half.error_C else "",
        per_area,
        figure(half.mean_voltage_V, 4) if half.mean_voltage_V is not None else "",
        quantity(half.energy_J, "J") if half.energy_J is not None else "",
        f"{100 * half.efficiency:.2f} %" if half.efficiency is not None else "",
        f"{figure(plateau.level_V, 4)} ± {figure(plateau.scatter_V, 2)}" if plateau is not None else "",
        _charge(plateau.charge_C) if plateau is not None else "",
        span_text(half.gap_s) if half.gap_s else "",
    ]


class CyclesModel(QAbstractTableModel):
    """Half cycles as rows."""

    def __init__(self) -> None:
        super().__init__()
        self.halves: list[HalfCycle] = []
        self.definition = ""
        """What the efficiency is, shown over its heading."""
        self.texts: list[list[str]] = []

    def show(self, halves: list[HalfCycle]) -> None:
        """Replaces all rows by these half cycles."""
        self.beginResetModel()
        self.halves = halves
        self.texts = [row_texts(half) for half in halves]
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """One row per half cycle."""
        return len(self.texts)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """The same columns for every run."""
        return len(HEADINGS)

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """Text of a cell; rests are written in the quiet colour."""
        if role == Role.DisplayRole:
            return self.texts[index.row()][index.column()]
        if role == Role.ForegroundRole and self.halves[index.row()].kind == "rest":
            return theme.colour(theme.active().quiet)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Headings; the tip of the efficiency says how it is defined."""
        if role == Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return HEADINGS[section]
        if role == Role.ToolTipRole and HEADINGS[section] == "Efficiency":
            return self.definition
        return None

    def as_text(self) -> str:
        """The table with its headings, tabs between columns, as a spreadsheet pastes it."""
        return "\n".join("\t".join(row) for row in [list(HEADINGS), *self.texts]) + "\n"


class CyclesTable(QTableView):
    """Ctrl+C copies the whole table."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy takes the whole table, not only the selected cell."""
        model = self.model()
        if (
            event is not None
            and event.matches(QKeySequence.StandardKey.Copy)
            and isinstance(model, CyclesModel)
        ):
            copy_text(model.as_text())
            return
        super().keyPressEvent(event)


class CyclesPage(Page):
    """The table with a line of totals, and what can be done with it."""

    def __init__(self, scene: BiasingScene) -> None:
        super().__init__()
        self._scene = scene
        self._asking = Asking(self, scene.desk, self.refresh)
        self.result: HalfCycles | None = None
        self.model = CyclesModel()
        self.table = self._make_table()
        self.totals = QLabel()
        self.totals.setProperty("role", "quiet")
        self.totals.setWordWrap(True)
        self._lay_out()

    def _make_table(self) -> CyclesTable:
        table = CyclesTable()
        table.setModel(self.model)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        vertical, horizontal = table.verticalHeader(), table.horizontalHeader()
        if vertical is not None and horizontal is not None:
            vertical.hide()
            vertical.setDefaultSectionSize(22)
            horizontal.setStretchLastSection(True)
            horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setToolTip("Click a row to go to its start; Ctrl+C copies the table")
        table.clicked.connect(self._jump)
        return table

    def _lay_out(self) -> None:
        copy = QPushButton("Copy table")
        copy.clicked.connect(self.copy)
        self.keep = QPushButton("Keep in session")
        self.keep.setToolTip("Store these numbers as a result, with their inputs")
        self.keep.clicked.connect(self._keep)
        row = QHBoxLayout()
        row.addWidget(self.totals, 1)
        row.addWidget(copy)
        row.addWidget(self.keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 4)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.table, 1)

    def refresh(self) -> None:
        """Finds the half cycles of the chosen run in the background; the same input is not computed twice."""
        run = self._scene.chosen_run()
        if run is None:
            self._show(None, "There is no biasing run yet.")
            return
        snapshot = views.snapshot(self._scene.session, run)
        self._asking.ask(
            snapshot.key,
            f"Finding half cycles of {run.name}",
            lambda: views.finding_cycles(snapshot),
            lambda found: self._show(found, ""),
            self._fail,
        )

    def copy(self) -> None:
        """Puts the whole table on the clipboard."""
        copy_text(self.model.as_text())

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            self._scene.desk.notices.tell(error)
        self._show(None, f"{error}")

    def _show(self, found: HalfCycles | None, text: str) -> None:
        self.result = found
        self.model.show(found.half_cycles if found is not None else [])
        self.keep.setEnabled(found is not None and bool(found.half_cycles))
        if found is not None:
            text = summary(found)
            self.model.definition = found.efficiency_definition
        self.totals.setToolTip(self.model.definition if found is not None else "")
        self.totals.setText(text)
        self.table.resizeColumnsToContents()

    def _jump(self, index: QModelIndex) -> None:
        self._scene.go_to(self.model.halves[index.row()].start_s)

    def _keep(self) -> None:
        run = self._scene.chosen_run()
        if run is not None and self.result is not None:
            biasing_results.keep_cycles(self._scene.desk, run, self.result)
            self._scene.desk.notices.info(f"Kept the cycles of {run.name} in the session.")


def summary(found: HalfCycles) -> str:
    """The whole run in one line."""
    parts = [counted(len(found.cycles), "cycle")]
    if found.mean_efficiency is not None:
        parts.append(f"mean efficiency {100 * found.mean_efficiency:.2f} %")
    if found.cycles:
        losses = [cycle.loss_fraction for cycle in found.cycles if cycle.loss_fraction is not None]
        if losses:
            parts.append(f"loss {100 * sum(losses) / len(losses):.2f} % per cycle")
    parts.append(f"rest below {quantity(found.thresholds.on_A, 'A')}")
    if found.gaps:
        lost = sum(max(0.0, gap.end_s - gap.start_s) for gap in found.gaps)
        parts.append(f"{counted(len(found.gaps), 'gap')} left out ({span_text(lost)})")
    if found.late:
        parts.append(f"{counted(found.late, 'sample')} out of order left out")
    return " · ".join([*parts, *found.notes])
