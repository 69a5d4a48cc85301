"""Entry fields for quantities with units: `10 pA`, `1e-11`, `10p` all mean the same; empty means unknown."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit

from tandem_em.core.texts import C_RATE, field_text, read_quantity

WRONG = "color: #ff5a5f;"


class QuantityEdit(QLineEdit):
    """`value` in the base unit or None. With `fixed` the shown unit is always the base unit itself (`µA/cm²`).

    What cannot be read is red and has no value; `problem` says why, and so does the tip.
    """

    edited = pyqtSignal()
    checked = pyqtSignal()
    """The text was looked at: `problem` says whether it can be read."""

    def __init__(self, unit: str, fixed: bool = False, tip: str = "", above_zero: bool = False) -> None:
        super().__init__()
        self._unit, self._fixed, self._tip, self._above_zero = unit, fixed, tip, above_zero
        self._factor = 1.0
        self._value: float | None = None
        self._shown: tuple[str, float | None] = ("", None)
        """What was shown last and for which value: its text has fewer digits than the value may have."""
        self.problem = ""
        shown = "C" if unit == C_RATE else unit
        self.setPlaceholderText(f"unknown ({shown})" if shown else "unknown")
        self.setToolTip(tip)
        self.editingFinished.connect(self._normalise)
        self.textChanged.connect(self._read)
        self.textEdited.connect(self._typed)

    @property
    def value(self) -> float | None:
        """The quantity in its base unit with all its digits; None: empty, or it cannot be read."""
        return self._value

    @property
    def is_valid(self) -> bool:
        """Whether the text can be read; an empty field can, it means unknown."""
        return not self.problem

    def set_value(self, value: float | None) -> None:
        """Show a value given in the base unit, with a prefix that suits it; None empties the field."""
        text, self._factor = ("", 1.0) if value is None else field_text(value, self._unit, self._fixed)
        self._shown = text, value
        self.setText(text)
        self._read(text)
        # in a narrow field the start of the number is seen, not its end
        self.setCursorPosition(0)

    def _read(self, text: str) -> None:
        """Understand the text, and say in the tip how or why not."""
        self.problem, understood = "", ""
        shown, self._value = self._shown
        if text != shown:
            try:
                self._value = self._understood(text) if text.strip() else None
            except ValueError as error:
                self._value, self.problem = None, str(error)
            if self._value is not None:
                understood = f"= {field_text(self._value, self._unit, self._fixed)[0]}"
        self.setStyleSheet(WRONG if self.problem else "")
        self.setToolTip("\n".join(filter(None, (self.problem or understood, self._tip))))
        self.checked.emit()

    def _understood(self, text: str) -> float:
        # a number alone is in the prefix shown last: 12 typed over `10 pA` is 12 pA
        value = read_quantity(text, self._unit, self._factor)
        if self._above_zero and not value > 0:
            raise ValueError(
                f"“{text.strip()}” is not above zero. Leave the field empty if the value is not known."
            )
        return value

    def _typed(self, text: str) -> None:
        self._read(text)
        self.edited.emit()

    def _normalise(self) -> None:
        """On leaving: the value as it was understood; what is wrong stays as it was typed."""
        # an untouched text keeps the digits that are not shown
        if self.is_valid and self.text() != self._shown[0]:
            self.set_value(self._value)
