"""Current, current density and C-rate of one cell: type one, the others follow."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFormLayout, QGroupBox, QLabel

from tandem_em.core.texts import C_RATE
from tandem_em.desk.biasing.cell import CalculatorAnswer, calculate
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.quantity_edit import QuantityEdit
from tandem_widgets.parts.lanes.time_axis import span_text


class Calculator(QGroupBox):
    """The last field that was typed in leads; the others show what follows for the cell."""

    def __init__(self) -> None:
        super().__init__("Calculator")
        self.current = QuantityEdit("A", False, "Current through the cell, for example 10 pA")
        self.density = QuantityEdit("µA/cm²", True, "Current per electrode area")
        self.rate = QuantityEdit(C_RATE, True, "1C charges the cell in one hour")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        # room for the longest warning, so that the form does not jump
        self.answer.setMinimumHeight(3 * self.answer.fontMetrics().lineSpacing())
        self.answer.setAlignment(Qt.AlignmentFlag.AlignTop)
        form = QFormLayout(self)
        form.addRow("Current", self.current)
        form.addRow("Current density", self.density)
        form.addRow("C-rate", self.rate)
        form.addRow(self.answer)
        self._area_um2: float | None = None
        self._capacity: float | None = None
        self._leader: QuantityEdit = self.rate
        self.rate.set_value(1.0)
        for field in (self.current, self.density, self.rate):
            field.edited.connect(lambda field=field: self._lead(field))

    def set_cell(self, area_um2: float | None, capacity_uAh_cm2: float | None) -> None:
        """Takes area (µm²) and capacity (µAh/cm²) of the cell, None where unknown, and computes anew."""
        self._area_um2, self._capacity = area_um2, capacity_uAh_cm2
        self._show()

    def _lead(self, field: QuantityEdit) -> None:
        self._leader = field
        self._show()

    def compute(self) -> CalculatorAnswer | None:
        """What follows from the leading field; None while something is missing."""
        value = self._leader.value
        if value is None or not self._area_um2:
            return None
        if self._leader is self.current:
            return calculate(self._area_um2, self._capacity, current_A=value)
        if self._leader is self.density:
            return calculate(self._area_um2, self._capacity, density_uA_cm2=value)
        return calculate(self._area_um2, self._capacity, rate=value) if self._capacity else None

    def _show(self) -> None:
        found = self.compute()
        if found is None:
            needs = "the electrode area" if not self._area_um2 else "the areal capacity"
            missing = not self._area_um2 or (self._leader is self.rate and not self._capacity)
            self.answer.setText(f"Enter {needs} first." if missing else "")
            self.answer.setStyleSheet(f"color: {theme.active().quiet};")
            return
        for field, value in (
            (self.current, found.current_A), (self.density, found.density_uA_cm2), (self.rate, found.c_rate),
        ):  # fmt: skip
            if field is not self._leader:
                field.set_value(value)
        text = f"A full charge takes {span_text(found.full_charge_s)}." if found.full_charge_s else ""
        self.answer.setText(f"⚠ {found.warning}" if found.warning else text)
        colour = theme.active().bad if found.warning else theme.active().quiet
        self.answer.setStyleSheet(f"color: {colour};")
