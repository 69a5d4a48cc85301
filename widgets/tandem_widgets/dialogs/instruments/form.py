"""A form made from field descriptions: a few fields on its face, the rest under "Advanced"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk.live.forms import FormField
from tandem_widgets.parts.basic.quantity_edit import QuantityEdit


class PathEdit(QWidget):
    """A path with a button that chooses it."""

    edited = pyqtSignal(object)

    def __init__(self, spec: FormField) -> None:
        super().__init__()
        self._spec = spec
        self.line = QLineEdit()
        self.line.setToolTip(spec.tip)
        self.line.setPlaceholderText("Choose a folder" if spec.kind == "folder" else "Choose a file")
        self.line.editingFinished.connect(self._typed)
        button = QToolButton()
        button.setText("…")
        button.setToolTip("Choose")
        button.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(button)

    def _typed(self) -> None:
        text = self.line.text().strip()
        self.edited.emit(Path(text) if text else None)

    def _choose(self) -> None:
        if self._spec.kind == "folder":
            chosen = QFileDialog.getExistingDirectory(self, self._spec.label, self.line.text())
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, self._spec.label, self.line.text())
        if chosen:
            self.line.setText(chosen)
            self._typed()


class FieldForm(QWidget):
    """Shows values; `edited(key, value)` when a person has changed one."""

    edited = pyqtSignal(str, object)
    checked = pyqtSignal()
    """A quantity was typed at: `problem` says whether all can be read."""

    def __init__(self, specs: Sequence[FormField], values: Mapping[str, Any]) -> None:
        super().__init__()
        self.editors: dict[str, QWidget] = {}
        face, more = QFormLayout(), QFormLayout()
        for layout in (face, more):
            layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for spec in specs:
            editor = self._editor(spec, values.get(spec.key))
            editor.setAccessibleName(spec.label)
            self.editors[spec.key] = editor
            (more if spec.advanced else face).addRow("" if spec.kind == "yes" else spec.label, editor)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(face)
        if more.rowCount():
            column.addWidget(self._advanced(more), 0)

    @property
    def problem(self) -> str:
        """The first quantity that cannot be read, in a sentence."""
        return next(
            (f"{each.accessibleName()}: {each.problem}" for each in self.editors.values()
             if isinstance(each, QuantityEdit) and each.problem), "",
        )  # fmt: skip

    def _advanced(self, layout: QFormLayout) -> QWidget:
        body = QWidget()
        body.setLayout(layout)
        body.hide()
        button = QToolButton()
        button.setProperty("role", "tool")
        button.setText("▸ Advanced")
        button.setCheckable(True)

        def show(on: bool) -> None:
            body.setVisible(on)
            button.setText("▾ Advanced" if on else "▸ Advanced")

        button.toggled.connect(show)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(button)
        column.addWidget(body)
        return holder

    def _editor(self, spec: FormField, value: Any) -> QWidget:
        makers: dict[str, Callable[[FormField, Any], QWidget]] = {
            "text": self._line, "quantity": self._quantity, "yes": self._yes, "choice": self._choice,
            "file": self._path, "folder": self._path,
        }  # fmt: skip
        editor = makers[spec.kind](spec, value)
        if spec.tip and not isinstance(editor, QuantityEdit):
            editor.setToolTip(spec.tip)
        return editor

    def _line(self, spec: FormField, value: Any) -> QWidget:
        line = QLineEdit("" if value is None else str(value))
        line.setPlaceholderText(spec.hint)
        # a long address shows its beginning
        line.setCursorPosition(0)
        line.editingFinished.connect(lambda: self.edited.emit(spec.key, line.text().strip()))
        return line

    def _quantity(self, spec: FormField, value: Any) -> QWidget:
        field = QuantityEdit(spec.unit, spec.unit in ("µm²", "µAh/cm²", "V/s", ""), spec.tip)
        if spec.hint:
            field.setPlaceholderText(f"{spec.hint} ({spec.unit})")
        field.set_value(None if value is None else float(value))
        field.editingFinished.connect(lambda: self._left(spec, field))
        field.checked.connect(self.checked)
        return field

    def _left(self, spec: FormField, field: QuantityEdit) -> None:
        """What cannot be read is no value: the one before stays until it can."""
        if field.is_valid:
            self.edited.emit(spec.key, field.value)

    def _yes(self, spec: FormField, value: Any) -> QWidget:
        box = QCheckBox(spec.label)
        box.setChecked(bool(value))
        # clicked, not toggled: only a person edits
        box.clicked.connect(lambda on: self.edited.emit(spec.key, on))
        return box

    def _choice(self, spec: FormField, value: Any) -> QWidget:
        box = QComboBox()
        for choice, text in spec.choices:
            box.addItem(text, choice)
        # a set-up file may hold a value that is not offered
        if box.findData(value) < 0:
            box.addItem(str(value), value)
        box.setCurrentIndex(box.findData(value))
        box.activated.connect(lambda index: self.edited.emit(spec.key, box.itemData(index)))
        return box

    def _path(self, spec: FormField, value: Any) -> QWidget:
        field = PathEdit(spec)
        field.line.setText("" if value in (None, Path()) else str(value))
        field.edited.connect(lambda path: self.edited.emit(spec.key, path))
        return field
