"""A field for a number with its unit, whose steps suit its size."""

from __future__ import annotations

from PyQt6.QtWidgets import QDoubleSpinBox


def number_box(low: float, high: float, value: float, suffix: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(4)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
