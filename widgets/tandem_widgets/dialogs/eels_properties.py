"""What a spectrum image is: name, state of charge, when it was taken, pixel size, beam and angles; one undoable step."""

from __future__ import annotations

from typing import Any

from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk.desk import Desk
from tandem_em.model.spectra import SpectrumImage

STATES = ("pristine", "charged", "overcharged", "discharged", "after energy loss")
OPTICS = (
    ("beam_kV", "Beam energy (kV)"),
    ("convergence_mrad", "Convergence half angle (mrad)"),
    ("collection_mrad", "Collection half angle (mrad)"),
)


class PropertiesDialog(QDialog):
    """Empty fields are unknown."""

    def __init__(self, parent: QWidget, image: SpectrumImage, why: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Properties of {image.name}")
        self._image = image
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 12)
        if why:
            text = QLabel(why)
            text.setWordWrap(True)
            column.addWidget(text)
        self.name = QLineEdit(image.name)
        self.state = QComboBox()
        self.state.setEditable(True)
        self.state.addItems(["", *STATES])
        self.state.setCurrentText(image.state)
        interval = image.interval
        self.start = _number(interval[0] if interval else None)
        self.duration = _number(interval[1] - interval[0] if interval else None)
        self.pixel = _number(image.pixel_nm[0] if image.pixel_nm else None)
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("State of charge", self.state)
        form.addRow("Start (s, session time)", self.start)
        form.addRow("Duration (s)", self.duration)
        form.addRow("Pixel size (nm)", self.pixel)
        self.optics: dict[str, QLineEdit] = {}
        for field, label in OPTICS:
            self.optics[field] = _number(getattr(image, field))
            form.addRow(label, self.optics[field])
        column.addLayout(form)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def changes(self) -> dict[str, Any]:
        """Fields that differ from what the map says now. Times go back onto the clock of its instrument."""
        image = self._image
        found: dict[str, Any] = {name: _value(field) for name, field in self.optics.items()}
        found |= {"name": self.name.text().strip() or image.name, "state": self.state.currentText().strip()}
        start, duration, pixel = _value(self.start), _value(self.duration), _value(self.pixel)
        if start is None:
            found |= {"start": None, "end": None}
        else:
            end = start + max(duration or 0.0, 0.0)
            found |= {"start": float(image.clock.to_device(start)), "end": float(image.clock.to_device(end))}
        if pixel is None or pixel <= 0:
            found["pixel_nm"] = None
        # untouched it keeps its own two numbers: pixels need not be square
        elif not image.pixel_nm or _text(image.pixel_nm[0]) != self.pixel.text():
            found["pixel_nm"] = (pixel, pixel)
        return {name: value for name, value in found.items() if not _same(getattr(image, name), value)}


def edit_properties(parent: QWidget, desk: Desk, image: SpectrumImage, why: str = "") -> bool:
    """Ask and keep; False when nothing was accepted."""
    dialog = PropertiesDialog(parent, image, why)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return False
    changes = dialog.changes()
    if changes:
        desk.change(f"Properties of {image.name}", image, None, **changes)
    return True


def ask_optics(parent: QWidget, desk: Desk, image: SpectrumImage) -> bool:
    """Whether beam energy and collection angle are known, asked for when the file did not say."""
    if image.beam_kV and image.collection_mrad:
        return True
    why = "Cross sections need the beam energy and the collection angle: this file does not give them."
    return edit_properties(parent, desk, image, why) and bool(image.beam_kV and image.collection_mrad)


def _number(value: float | None) -> QLineEdit:
    field = QLineEdit("" if value is None else _text(value))
    field.setPlaceholderText("unknown")
    return field


def _text(value: float) -> str:
    return f"{value:.6g}"


def _value(field: QLineEdit) -> float | None:
    try:
        return float(field.text().strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        return None


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        # fields show six digits: what was only shown is not changed
        return abs(one - other) <= 1e-5 * max(1.0, abs(one))
    return bool(one == other)
