"""The tables of the kinetics dialog: numbers with their intervals, models with AIC, reference diffusivities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from tandem_em.core.texts import figure
from tandem_em.desk.outlines import kinetics
from tandem_em.desk.outlines.kinetics import Analysed

if TYPE_CHECKING:
    from tandem_em.desk.outlines.kinetics import FitEstimate as Estimate
    from tandem_em.desk.outlines.kinetics import KineticsFit

PARAMETERS = {
    "start": "A₀ {} {unit}", "onset_s": "t₀ {} s", "tau_s": "τ {} s", "change": "ΔA {} {unit}", "per_s": "r {} {unit}/s",
    "per_root_s": "k {} {unit}/√s",
}  # fmt: skip
NAMES = {
    "saturating": "saturating exponential",
    "root": "√t",
    "linear": "linear",
    "two-stage": "two-stage",
}


def interval_text(value: float, low: float, high: float, digits: int = 3) -> str:
    """`12.3 (11.8 – 12.9)`, the 95 % interval in brackets."""
    return f"{figure(value, digits)} ({figure(low, digits)} – {figure(high, digits)})"


def _power(value: float, digits: int) -> str:
    """`1.2e−4`: numbers that are compared by their powers of ten are all written with them."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


class Findings(QWidget):
    """Onset, initial rate, speed, t90, change: each with its 95 % interval."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 4)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.texts: dict[str, str] = {}

    def show_found(self, analysed: Analysed) -> None:
        """Shows what the models agree on; a speed in cm²/s only where areas are in nm²."""
        found, unit = analysed.found, analysed.curve.unit
        rows: list[tuple[str, Estimate, str]] = [
            ("Onset", found.onset_s, "s"),
            ("Initial dA/dt", found.initial_rate, f"{unit}/s"),
            ("Time to 90 % after onset", found.t90_s, "s"),
            ("Area at the start", found.start_area, unit),
            ("Area at the end", found.end_area, unit),
        ]
        # without a calibration there is no speed
        if unit == "nm²":
            rows.insert(2, ("", found.initial_speed_cm2_s, "cm²/s"))
        self.texts = {
            name or "speed": f"{interval_text(e.value, e.low, e.high)} {own}" for name, e, own in rows
        }
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for row, (name, text) in enumerate(self.texts.items()):
            title = QLabel("" if name == "speed" else name)
            title.setProperty("role", "quiet")
            value = QLabel(text)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setToolTip("95 % interval in brackets, of the best model")
            self._grid.addWidget(title, row, 0)
            self._grid.addWidget(value, row, 1)


class _Table(QTableWidget):
    def __init__(self, headings: Sequence[str]) -> None:
        super().__init__(0, len(headings))
        self.setHorizontalHeaderLabels(list(headings))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        vertical, horizontal = self.verticalHeader(), self.horizontalHeader()
        if vertical is not None and horizontal is not None:
            vertical.hide()
            vertical.setDefaultSectionSize(22)
            horizontal.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            horizontal.setSectionResizeMode(len(headings) - 1, QHeaderView.ResizeMode.Stretch)
            horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(self, rows: Sequence[tuple[Sequence[str], str]]) -> None:
        """Texts of each row, and its tip."""
        self.setRowCount(len(rows))
        for number, (texts, tip) in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                self.setItem(number, column, item)


class ModelTable(_Table):
    """A row a model; the chosen one is drawn and its residuals are shown."""

    chosen = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(("Model", "ΔAIC", "Weight", "RMS"))
        self._names: list[str] = []
        self.itemSelectionChanged.connect(self.chosen.emit)

    @property
    def chosen_model(self) -> str:
        """Name of the model whose row is chosen; the likeliest one while none is."""
        # without a choice the best model is the one that is drawn
        row = self.currentRow() if self.selectedItems() else 0
        return self._names[row] if 0 <= row < len(self._names) else ""

    def show_fits(self, analysed: Analysed) -> None:
        """Shows the models, best first, and chooses the first."""
        fits, unit = analysed.found.fits, analysed.curve.unit
        self.blockSignals(True)
        self._names = [fit.model.name for fit in fits]
        least = fits[0].aic
        self.show_rows([(self._texts(fit, least, unit), fit.model.label) for fit in fits])
        # with signals blocked: the dialog paints once, when everything is filled
        self.selectRow(0)
        self.blockSignals(False)

    def clear_fits(self) -> None:
        """Empties the table while there is no fit."""
        self._names = []
        self.setRowCount(0)

    def _texts(self, fit: KineticsFit, least: float, unit: str) -> list[str]:
        weight = f"{100 * fit.weight:.0f} %"
        return [NAMES[fit.model.name], f"{fit.aic - least:.1f}", weight, f"{figure(fit.rms)} {unit}"]


def fit_text(fit: KineticsFit, unit: str) -> str:
    """Formula and parameters of a model, each with its 95 % interval."""
    lines = [fit.model.label]
    for name, value in fit.parameters.items():
        lines.append(PARAMETERS[name].format(interval_text(value, *fit.intervals[name]), unit=unit))
    return "\n".join(lines)


class ReferenceTable(_Table):
    """Published diffusivities with the measured speed against each; the source is the tip of a row."""

    def __init__(self) -> None:
        super().__init__(("Material", "D (cm²/s)", "At", "Speed / D", "Source"))

    def show_speed(self, analysed: Analysed) -> None:
        """Shows the measured speed over each reference; blank where the pixel size is unknown."""
        is_known = analysed.curve.unit == "nm²"
        speed = abs(analysed.found.initial_speed_cm2_s.value) if is_known else None
        rows = []
        for each in kinetics.references():
            low, high = each.low_cm2_s, each.high_cm2_s
            spread = f" ({_power(low, 1)} – {_power(high, 1)})" if low and high else ""
            ratio = "" if speed is None else figure(speed / each.value_cm2_s, 2)
            tip = "\n".join(part for part in (each.process, each.source, each.note) if part)
            value = f"{_power(each.value_cm2_s, 2)}{spread}"
            texts = [each.material, value, f"{each.temperature_C:.0f} °C", ratio, each.source]
            rows.append((texts, tip))
        self.show_rows(rows)

    @property
    def chosen_text(self) -> str:
        """Process, source and note of the chosen row."""
        item = self.item(self.currentRow(), 0) if self.selectedItems() else None
        return item.toolTip() if item is not None else "Click a material for the source."
