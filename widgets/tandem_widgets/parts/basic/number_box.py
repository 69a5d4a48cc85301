"""A field for a number with its unit, whose steps suit its size."""

from __future__ import annotations

from PyQt6.QtWidgets import QDoubleSpinBox


class NumberBox(QDoubleSpinBox):
    """Shows the digits a number has and no zeros after them."""

    def textFromValue(self, value: float) -> str:
        """The number as the locale writes it, without zeros at its end."""
        text, point = super().textFromValue(value), self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


def number_box(low: float, high: float, value: float, suffix: str) -> QDoubleSpinBox:
    """A box for `low` to `high` with four decimals; `suffix` is the unit with its leading space."""
    box = NumberBox()
    box.setRange(low, high)
    box.setDecimals(4)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
