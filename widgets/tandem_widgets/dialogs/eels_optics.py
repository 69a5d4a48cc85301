"""Beam energy and angles of a map, asked when a quantification needs them and the file did not say."""

from __future__ import annotations

from typing import Any

from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk.desk import Desk
from tandem_em.model.spectra import SpectrumImage

FIELDS = (
    ("beam_kV", "Beam energy", " kV", 1000.0),
    ("collection_mrad", "Collection half angle", " mrad", 500.0),
    ("convergence_mrad", "Convergence half angle", " mrad", 500.0),
)


class OpticsDialog(QDialog):
    """Three numbers; 0 means unknown."""

    def __init__(self, parent: QWidget, image: SpectrumImage) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Optics of {image.name}")
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 12)
        text = QLabel(
            "Cross sections depend on the beam energy and on the angles. The file does not give all of them."
        )
        text.setWordWrap(True)
        column.addWidget(text)
        form = QFormLayout()
        self.boxes: dict[str, QDoubleSpinBox] = {}
        for name, label, suffix, most in FIELDS:
            box = QDoubleSpinBox()
            box.setRange(0, most)
            box.setSuffix(suffix)
            box.setSpecialValueText("unknown")
            box.setValue(getattr(image, name) or 0.0)
            form.addRow(label, box)
            self.boxes[name] = box
        column.addLayout(form)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def values(self) -> dict[str, Any]:
        return {name: box.value() or None for name, box in self.boxes.items()}


def ask_optics(parent: QWidget, desk: Desk, image: SpectrumImage) -> bool:
    """Whether beam energy and collection angle are known now."""
    if image.beam_kV and image.collection_mrad:
        return True
    dialog = OpticsDialog(parent, image)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return False
    desk.change(f"Optics of {image.name}", image, None, **dialog.values())
    return bool(image.beam_kV and image.collection_mrad)
