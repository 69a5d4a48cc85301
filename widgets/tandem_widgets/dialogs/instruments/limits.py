"""The soft limits of the guardian: beyond them the output goes off at once."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.live.forms import LIMIT_FIELDS
from tandem_em.desk.live.instruments import set_field
from tandem_widgets.dialogs.instruments.form import FieldForm
from tandem_widgets.parts.basic import theme


class LimitsDialog(QDialog):
    """Edits a copy of the limits; `applied(limits)` on OK."""

    applied = pyqtSignal(object)

    def __init__(self, parent: QWidget, limits: Any, is_live: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle("Limits")
        # nothing holds before Apply
        self._limits = limits.model_copy()
        about = QLabel(
            "If any of these is exceeded, the output is switched off (high impedance) within half a second. "
            "Empty fields set no limit. The limits set at the instrument always apply."
            + ("" if is_live else " They apply from the next recording on.")
        )
        about.setWordWrap(True)
        about.setProperty("role", "quiet")
        self.form = FieldForm(LIMIT_FIELDS, self._limits.model_dump())
        self.form.edited.connect(self._edited)
        self.form.checked.connect(self._look)
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Cancel
        )
        self.apply = buttons.button(QDialogButtonBox.StandardButton.Apply)
        if self.apply is not None:
            self.apply.setDefault(True)
            self.apply.clicked.connect(self._apply)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        column.setSpacing(12)
        for widget in (about, self.form, self.trouble, buttons):
            column.addWidget(widget)
        self.setMinimumWidth(460)

    def _edited(self, key: str, value: float | None) -> None:
        try:
            set_field(self._limits, key, value)
            self._say("")
        except UserError as error:
            self._say(error.title)

    def _look(self) -> None:
        """No Apply while a limit cannot be read."""
        self._say(self.form.problem)
        if self.apply is not None:
            self.apply.setEnabled(not self.form.problem)

    def _apply(self) -> None:
        low, high = self._limits.low_V, self._limits.high_V
        if low is not None and high is not None and low >= high:
            self._say("The lowest voltage is above the highest.")
            return
        self.applied.emit(self._limits)
        self.accept()

    def _say(self, text: str) -> None:
        self.trouble.setText(f'<span style="color:{theme.active().bad}">{text}</span>' if text else "")
