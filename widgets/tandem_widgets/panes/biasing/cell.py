"""The cell: what is being biased, and the calculators that turn amperes into densities and C-rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.texts import read_quantity
from tandem_em.desk.biasing import runs as biasing
from tandem_em.desk.biasing.cell import (
    CHEMISTRIES,
    areal_capacity_uAh_cm2,
    limiting_capacity_uAh_cm2,
)
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.cell_calculator import Calculator
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.quantity_edit import QuantityEdit

FIRST = {
    "": "from the chemistry",
    "charge": "charge, then discharge",
    "discharge": "discharge, then charge",
}
"""What a cycle begins with."""
DEFINITIONS = {True: "positive current charges", False: "positive current discharges"}


class CellDialog(QDialog):
    """Describes the cell of one run (or of all runs). Nothing changes before OK; then it is one undoable step."""

    def __init__(self, parent: QWidget, desk: Desk, run: BiasRun | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Cell")
        self.resize(720, 500)
        self._desk = desk
        self._run = run
        self.cell = biasing.cell_of(desk.session, run)
        self._build_fields()
        self._lay_out()
        self._show_cell()
        self._connect()
        self._follow()

    # --- building ------------------------------------------------------------------------------------------------

    def _build_fields(self) -> None:
        self.name = QLineEdit()
        self.area = QuantityEdit(
            "µm²", True, "Electrode area; if empty, width × thickness of the lamella is used", True
        )
        self.width_um = QuantityEdit("µm", True, "Width of the lamella", True)
        self.thickness_um = QuantityEdit("µm", True, "Thickness of the lamella", True)
        self.capacity = QuantityEdit(
            "µAh/cm²", True, "Theoretical areal capacity, typed or from the layers", True
        )
        self.chemistry = QComboBox()
        self.chemistry.setEditable(True)
        self.chemistry.addItems(["", *CHEMISTRIES])
        self.chemistry.setToolTip(
            "Active material; with the thickness of its layer it gives the areal capacity"
        )
        self.sign = QComboBox()
        for value, text in DEFINITIONS.items():
            self.sign.addItem(text, value)
        self.first = QComboBox()
        for kind, words in FIRST.items():
            self.first.addItem(words, kind)
        self.first.setToolTip(
            "Order of the half cycles in a cycle; the efficiency is the charge of the second over that of the first. Full "
            "cells and positive electrodes against lithium begin with charge, silicon and graphite against lithium with "
            "discharge."
        )
        self.safe_low = QuantityEdit("V", False, "Lower voltages are marked in red as anomalies")
        self.safe_high = QuantityEdit("V", False, "Higher voltages are marked in red as anomalies")
        self.compliance = QuantityEdit("V", False, "Voltage compliance set at the instrument")
        self.for_all = QCheckBox("Use for all runs")
        self.for_all.setToolTip("Use this cell for every run of the session")
        self.layers = QTableWidget(0, 2)
        self.layers.setHorizontalHeaderLabels(["Layer", "Thickness (nm)"])
        self.layers.setMinimumHeight(120)
        header, side = self.layers.horizontalHeader(), self.layers.verticalHeader()
        if header is not None and side is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
            side.hide()
            side.setDefaultSectionSize(24)
        self.suggestion = QLabel()
        self.suggestion.setProperty("role", "quiet")
        self.suggestion.setWordWrap(True)
        self.use_suggestion = QPushButton("Use value")
        self.calculator = Calculator()
        self.trouble = QLabel()
        """What cannot be read, in a sentence."""
        self.trouble.setWordWrap(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.setHorizontalSpacing(12)
        form.addRow("Name", self.name)
        form.addRow("Electrode area", self.area)
        form.addRow("Lamella", _side_by_side(self.width_um, QLabel("×"), self.thickness_um))
        form.addRow("Chemistry", self.chemistry)
        form.addRow("Areal capacity", self.capacity)
        form.addRow("", _side_by_side(self.suggestion, self.use_suggestion))
        form.addRow("Sign", self.sign)
        form.addRow("Cycle order", self.first)
        form.addRow("Safe window", _side_by_side(self.safe_low, QLabel("to"), self.safe_high))
        form.addRow("Compliance", self.compliance)
        layers = QGroupBox("Layers, in order")
        box = QVBoxLayout(layers)
        box.addWidget(self.layers)
        add, remove = QPushButton("Add layer"), QPushButton("Remove layer")
        add.clicked.connect(lambda: self._add_layer("", ""))
        remove.clicked.connect(self._remove_layer)
        box.addWidget(_side_by_side(add, remove))
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 16, 16, 12)
        grid.setHorizontalSpacing(20)
        grid.addLayout(form, 0, 0)
        right = QVBoxLayout()
        right.addWidget(layers)
        right.addWidget(self.calculator)
        right.addStretch(1)
        grid.addLayout(right, 0, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.for_all)
        bottom.addWidget(self.trouble, 1)
        bottom.addWidget(buttons)
        grid.addLayout(bottom, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def _connect(self) -> None:
        for each in self._quantities():
            each.checked.connect(self._look)
        for field in (self.area, self.width_um, self.thickness_um, self.capacity):
            field.edited.connect(self._follow)
        self.chemistry.currentTextChanged.connect(lambda _text: self._follow())
        self.layers.itemChanged.connect(lambda _item: self._follow())
        self.use_suggestion.clicked.connect(self._take_suggestion)

    def _quantities(self) -> tuple[QuantityEdit, ...]:
        return (
            self.area, self.width_um, self.thickness_um, self.capacity, self.safe_low, self.safe_high, self.compliance,
        )  # fmt: skip

    def problem(self) -> str:
        """Why there is no OK; empty when everything can be read."""
        return next((each.problem for each in self._quantities() if each.problem), "") or next(
            (reason for _name, _nm, reason in self._layer_rows() if reason), ""
        )

    def _look(self) -> None:
        """OK is there when all that was typed can be read; else the reason is."""
        problem = self.problem()
        self.trouble.setText(problem)
        self.trouble.setStyleSheet(f"color: {theme.active().bad};")
        if self.ok is not None:
            self.ok.setEnabled(not problem)

    # --- contents ------------------------------------------------------------------------------------------------

    def _show_cell(self) -> None:
        cell = self.cell
        self.name.setText(
            cell.name if cell is not None else (self._run.name if self._run is not None else "cell")
        )
        self.for_all.setVisible(len(self._desk.session.runs) > 1)
        if cell is None:
            return
        for field, value in (
            (self.area, cell.area_um2), (self.width_um, cell.width_um), (self.thickness_um, cell.thickness_um),
            (self.capacity, cell.capacity_uAh_cm2), (self.safe_low, cell.safe_low_V), (self.safe_high, cell.safe_high_V),
            (self.compliance, cell.compliance_V),
        ):  # fmt: skip
            field.set_value(value)
        self.chemistry.setCurrentText(cell.chemistry)
        self.sign.setCurrentIndex(0 if cell.positive_current_is_charge else 1)
        self.first.setCurrentIndex(max(0, self.first.findData(cell.first_half)))
        for layer in cell.layers:
            thickness = layer.get("thickness_nm")
            self._add_layer(str(layer.get("name", "")), "" if thickness is None else f"{thickness:g}")

    def _add_layer(self, name: str, thickness: str) -> None:
        row = self.layers.rowCount()
        self.layers.insertRow(row)
        self.layers.setItem(row, 0, QTableWidgetItem(name))
        item = QTableWidgetItem(thickness)
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.layers.setItem(row, 1, item)

    def _remove_layer(self) -> None:
        row = self.layers.currentRow()
        self.layers.removeRow(row if row >= 0 else self.layers.rowCount() - 1)
        self._follow()

    def _layer_rows(self) -> Iterator[tuple[str, float | None, str]]:
        """Name, thickness (nm) and what is wrong with it, of every row of the table."""
        for row in range(self.layers.rowCount()):
            cells = [self.layers.item(row, column) for column in (0, 1)]
            name, typed = (cell.text().strip() if cell is not None else "" for cell in cells)
            try:
                yield name, read_quantity(typed, "nm") if typed else None, ""
            except ValueError as error:
                yield name, None, f"Thickness of {name or 'a layer'}: {error}"

    def layer_list(self) -> list[dict[str, Any]]:
        """The layers that were typed, with their thickness where there is one."""
        return [
            {"name": name} if thickness is None else {"name": name, "thickness_nm": thickness}
            for name, thickness, _problem in self._layer_rows()
            if name
        ]

    def electrode_um2(self) -> float | None:
        """Area in µm²: as typed, else width times thickness; None while it is not known."""
        if not self.area.is_valid:
            return None
        if self.area.value:
            return self.area.value
        width, thickness = self.width_um.value, self.thickness_um.value
        return width * thickness if width and thickness else None

    def suggested_capacity(self) -> tuple[float, str] | None:
        """Areal capacity (µAh/cm²) that follows from chemistry and layers, and in words why."""
        layers = self.layer_list()
        chemistry = self.chemistry.currentText().strip()
        for layer in layers:
            if chemistry and layer["name"].lower() == chemistry.lower() and layer.get("thickness_nm"):
                found = areal_capacity_uAh_cm2(chemistry, layer["thickness_nm"])
                if found is not None:
                    return found, f"{layer['thickness_nm']:g} nm {chemistry}"
        limiting = limiting_capacity_uAh_cm2(layers)
        return None if limiting is None else (limiting, "the limiting layer")

    def _follow(self) -> None:
        """Bring suggestion, calculator and OK up to date with what is typed."""
        self._look()
        found = self.suggested_capacity()
        self.use_suggestion.setVisible(found is not None)
        self.suggestion.setText(
            f"{found[0]:.4g} µAh/cm² from {found[1]}"
            if found is not None
            else "Layers and chemistry give the capacity."
        )
        self.calculator.set_cell(self.electrode_um2(), self.capacity.value)

    def _take_suggestion(self) -> None:
        found = self.suggested_capacity()
        if found is not None:
            self.capacity.set_value(round(found[0], 4))
            self._follow()

    def fields(self) -> dict[str, Any]:
        """What the dialog says, as fields of a Cell."""
        return {
            "name": self.name.text().strip() or "cell",
            "area_um2": self.area.value,
            "width_um": self.width_um.value,
            "thickness_um": self.thickness_um.value,
            "layers": self.layer_list(),
            "capacity_uAh_cm2": self.capacity.value,
            "chemistry": self.chemistry.currentText().strip(),
            "positive_current_is_charge": bool(self.sign.currentData()),
            "first_half": self.first.currentData(),
            "safe_low_V": self.safe_low.value,
            "safe_high_V": self.safe_high.value,
            "compliance_V": self.compliance.value,
        }

    def accept(self) -> None:
        """Writes the cell to the chosen runs as one undoable step; does nothing while a field is wrong."""
        if self.problem():
            return
        session = self._desk.session
        if self.for_all.isChecked():
            runs = list(session.runs)
        else:
            # the run or cell may have been removed while the dialog was open
            runs = [self._run] if self._run is not None and self._run.id in session.runs else []
        cell = self.cell if self.cell is not None and self.cell.id in session.cells else None
        biasing.set_cell(self._desk, runs, cell, self.fields())
        super().accept()


def _side_by_side(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(widget, 0 if isinstance(widget, QPushButton) else 1 if not _is_sign(widget) else 0)
    return holder


def _is_sign(widget: QWidget) -> bool:
    return isinstance(widget, QLabel) and len(widget.text()) in (1, 2)
