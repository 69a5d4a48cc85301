"""Entry fields for quantities with units: `10 pA`, `1e-11`, `10p` all mean the same; empty means unknown."""

from __future__ import annotations

import math
import re

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit

from tandem_widgets.parts.plot_ticks import reading_unit

_FACTORS = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
_NUMBER = re.compile(r"\s*([-+−]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+−]?\d+)?)\s*(.*?)\s*$")


def parse_quantity(text: str, unit: str, plain_factor: float = 1.0) -> float | None:
    """The value in the base unit. A number alone is in the unit the field shows (`plain_factor`). None: no number."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    number = float(found.group(1).replace(",", ".").replace("−", "-"))
    rest = found.group(2)
    if not rest:
        return number * plain_factor
    if rest == unit:
        return number
    if rest[0] in _FACTORS and (rest[1:] == unit or not rest[1:]):
        return number * _FACTORS[rest[0]]
    return None


class QuantityEdit(QLineEdit):
    """`value` in the base unit or None. With `fixed` the shown unit is always that one (`µA/cm²`), with its factor."""

    edited = pyqtSignal()

    def __init__(self, unit: str, fixed: tuple[float, str] | None = None, tip: str = "") -> None:
        super().__init__()
        self._unit = unit
        self._fixed = fixed
        self._factor, self._shown_unit = fixed if fixed is not None else (1.0, unit)
        self._value: float | None = None
        self.setPlaceholderText(f"unknown ({self._shown_unit})" if self._shown_unit else "unknown")
        self.setToolTip(tip)
        self.editingFinished.connect(self._read)
        self.textEdited.connect(self._typed)

    @property
    def value(self) -> float | None:
        return self._value

    @property
    def is_valid(self) -> bool:
        return not self.text().strip() or self._parsed() is not None

    def set_value(self, value: float | None) -> None:
        self._value = value
        if value is None:
            self.setText("")
            return
        if self._fixed is None:
            factor, self._shown_unit = reading_unit(value, self._unit)
            self._factor = 1.0 / factor
        number = f"{value / self._factor:.5g}".replace("e+", "e").replace("-", "−")
        self.setText(f"{number} {self._shown_unit}".rstrip())
        self.setCursorPosition(0)

    def _parsed(self) -> float | None:
        text = self.text()
        if self._fixed is not None:
            text = text.replace(self._shown_unit, "").strip()
            found = parse_quantity(text, self._unit, 1.0)
            return None if found is None else found * self._factor
        return parse_quantity(text, self._unit, self._factor)

    def _typed(self, _text: str) -> None:
        self.setProperty("wrong", not self.is_valid)
        self.setStyleSheet("" if self.is_valid else "color: #ff5a5f;")
        if self.is_valid:
            self._value = self._parsed() if self.text().strip() else None
            self.edited.emit()

    def _read(self) -> None:
        if not self.is_valid:
            return
        value = self._parsed() if self.text().strip() else None
        if value is not None and math.isfinite(value):
            self.set_value(value)
