"""Preferences: few, each with a sentence where it is not obvious."""

from __future__ import annotations

from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk.settings import Settings
from tandem_widgets.parts.basic.number_box import number_box


class PreferencesDialog(QDialog):
    """Edits a copy; OK writes it."""

    def __init__(self, parent: QWidget, settings: Settings) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._settings = settings
        values = settings.values
        self.theme = QComboBox()
        self.theme.addItems(["dark", "light"])
        self.theme.setCurrentText(values.theme)
        self.author = QLineEdit(values.author)
        self.author.setPlaceholderText("Your name, for events and reports")
        self.autosave = QDoubleSpinBox()
        self.autosave.setRange(1, 3600)
        self.autosave.setDecimals(0)
        self.autosave.setSuffix(" s")
        self.autosave.setValue(values.autosave_s)
        self.autosave.setToolTip(
            "Unsaved changes are written to the recovery file at least this often. Only Save changes the session."
        )
        self.embed = number_box(0.1, 10000, values.embed_limit_GB, " GB")
        self.embed.setToolTip("Larger files are not copied into the session; it links to them.")
        self.scheduler = QLineEdit(values.scheduler)
        self.scheduler.setPlaceholderText("tcp://host:8786; empty: this computer")
        self.scheduler.setToolTip("Address of a Dask scheduler for long analyses")
        form = QFormLayout()
        form.addRow("Theme", self.theme)
        form.addRow("Author", self.author)
        form.addRow("Autosave every", self.autosave)
        form.addRow("Link files above", self.embed)
        form.addRow("Compute on", self.scheduler)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        column.addLayout(form)
        column.addWidget(buttons)
        self.setMinimumWidth(420)

    def _accept(self) -> None:
        self._settings.change(
            theme=self.theme.currentText(),
            author=self.author.text().strip(),
            autosave_s=self.autosave.value(),
            embed_limit_GB=self.embed.value(),
            scheduler=self.scheduler.text().strip(),
        )
        self.accept()
