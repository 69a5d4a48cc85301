"""Figures: which, how wide, in which font; what they will look like is seen at once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_em.desk.export import preview
from tandem_em.desk.export.preview import FigureSettings, Material
from tandem_widgets.dialogs.export.form import PicturePreview, ask_folder, may_replace
from tandem_widgets.parts.basic.number_box import number_box
from tandem_widgets.parts.plot.copy import copy_figure

WIDTHS = {
    "automatic": None,
    "one column, 85 mm": 85.0,
    "1½ columns, 120 mm": 120.0,
    "two columns, 174 mm": 174.0,
}
WIDTH_LIMITS_MM = (40.0, 400.0)
PREVIEW_DPI = 170.0


class FiguresPage(QWidget):
    """Ticked figures are written; the chosen one is shown."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._material: Material | None = None
        self.list = QListWidget()
        self.list.setMaximumHeight(210)
        self.list.setSpacing(2)
        self.list.currentItemChanged.connect(lambda *_: self._soon.start())
        self.width_box, self.font_box, self.dpi_box = QComboBox(), QComboBox(), QComboBox()
        self.width_box.addItems(WIDTHS)
        self.width_box.setEditable(True)
        self.width_box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.width_box.setToolTip("Choose a width or type one in mm")
        self.dpi_box.addItems(["150", "300", "600", "1200"])
        self.dpi_box.setCurrentText("300")
        self.dpi_box.setToolTip("For PNG and for images inside PDF and SVG; curves and text remain vectors")
        self.size_box = number_box(4, 14, 7, " pt")
        self.size_box.setDecimals(2)
        self.size_box.setStepType(QDoubleSpinBox.StepType.DefaultStepType)
        self.size_box.setSingleStep(0.5)
        self.times = QLineEdit()
        self.times.setPlaceholderText("evenly spaced")
        self.times.setToolTip("Times of the montage frames in seconds, for example 0 16 25 35 55")
        self.stacks = QListWidget()
        self.stacks.setMaximumHeight(70)
        self.stacks.setToolTip("Particles or stacks in the montage, one row each")
        self.stacks.hide()
        self.kinds = {kind: QCheckBox(kind.upper()) for kind in ("pdf", "svg", "png")}
        self.preview = PicturePreview()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        # typing and turning boxes draw once, at the end
        self._soon.setInterval(150)
        self._soon.timeout.connect(self._draw)
        self._lay_out()
        for box in (self.width_box, self.font_box):
            box.currentTextChanged.connect(lambda _text: self._soon.start())
        self.size_box.valueChanged.connect(lambda _value: self._soon.start())
        self.times.textChanged.connect(lambda _text: self._soon.start())
        self.stacks.itemChanged.connect(lambda _item: self._soon.start())

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Width", self.width_box)
        form.addRow("Font", self.font_box)
        form.addRow("Size", self.size_box)
        form.addRow("Pixels per inch", self.dpi_box)
        form.addRow("Montage times", self.times)
        self._stacks_label = QLabel("Montage rows")
        self._stacks_label.hide()
        form.addRow(self._stacks_label, self.stacks)
        row = QHBoxLayout()
        for check in self.kinds.values():
            check.setChecked(True)
            row.addWidget(check)
        form.addRow("Files", row)
        self.copy, self.save = QPushButton("Copy figure"), QPushButton("Save figures…")
        self.copy.setToolTip("Copy this figure to the clipboard as image, SVG and PDF")
        self.save.setProperty("role", "primary")
        self.save.setToolTip("Save the selected figures into a folder")
        self.copy.clicked.connect(self.copy_figure)
        self.save.clicked.connect(self._ask_save)
        for button in (self.copy, self.save):
            button.setAutoDefault(False)
        left = QVBoxLayout()
        left.addWidget(self.list)
        left.addLayout(form)
        left.addStretch(1)
        left.addWidget(self.copy)
        left.addWidget(self.save)
        holder = QWidget()
        holder.setLayout(left)
        holder.setFixedWidth(270)
        across = QHBoxLayout(self)
        across.addWidget(holder)
        across.addWidget(self.preview, 1)

    def take(self, material: Material) -> None:
        """The data are there: list what can be drawn."""
        self._material = material
        self.font_box.addItems(preview.fonts_here())
        for name, title in material.figures.items():
            item = QListWidgetItem(title, self.list)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setCheckState(Qt.CheckState.Checked)
        many = len(material.session.stacks) > 1
        self.stacks.setVisible(many)
        self._stacks_label.setVisible(many)
        for number, stack in enumerate(material.session.stacks):
            item = QListWidgetItem(stack.name, self.stacks)
            item.setData(Qt.ItemDataRole.UserRole, stack.id)
            item.setCheckState(Qt.CheckState.Checked if number == 0 else Qt.CheckState.Unchecked)
        if not material.figures:
            self.preview.say("There are no data to plot yet.")
        self.list.setCurrentRow(0)
        self.list.setFocus()

    def settings(self) -> FigureSettings:
        """What is chosen on the page; the times of images are read from free text."""
        times = tuple(
            float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", self.times.text().replace("−", "-"))
        )
        return FigureSettings(
            width_mm(self.width_box.currentText()), self.font_box.currentText(), self.size_box.value(),
            int(self.dpi_box.currentText()), tuple(kind for kind, check in self.kinds.items() if check.isChecked()),
            tuple(_ticked(self.list)), times, tuple(_ticked(self.stacks)) if self.stacks.count() > 1 else (),
        )  # fmt: skip

    @property
    def chosen(self) -> str:
        """Name of the figure to be previewed; "" where none is."""
        item = self.list.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""

    def _draw(self) -> None:
        if self._material is None or not self.chosen:
            return
        # as sharp as the screen can show
        dpi = PREVIEW_DPI * self.devicePixelRatioF()
        job = preview.figure_pixels(self._material, self.chosen, self.settings(), dpi)
        self.preview.say("Drawing…")
        self._desk.start(
            "Drawing the preview", job, self._show, on_error=self._refused, key=f"figure preview {id(self)}"
        )

    def _show(self, pixels: NDArray[np.uint8]) -> None:
        if self._material is not None:
            self.preview.show_pixels(pixels)

    def _refused(self, error: BaseException) -> None:
        self._desk.notices.tell(error)
        if self._material is not None:
            self.preview.say("This figure could not be drawn.")

    def copy_figure(self) -> None:
        """The shown figure onto the clipboard, as every kind another program may want."""
        if self._material is not None and self.chosen:
            job = preview.figure_files(self._material, self.chosen, self.settings())
            self._desk.start("Copying the figure", job, self._to_clipboard)

    def _to_clipboard(self, made: dict[str, bytes]) -> None:
        copy_figure(made)
        self._desk.notices.info("Copied the figure.")

    def _ask_save(self) -> None:
        folder = ask_folder(self, self._desk, "Choose a folder for the figures")
        if folder is not None and may_replace(self, folder, self._files()):
            self.save_into(folder)

    def _files(self) -> list[str]:
        settings = self.settings()
        return [f"{name}.{kind}" for name in settings.names for kind in settings.kinds]

    def save_into(self, folder: Path) -> None:
        """Writes the ticked figures in the background; says so if nothing is ticked."""
        if self._material is None:
            return
        settings = self.settings()
        if not (settings.names and settings.kinds):
            self._desk.notices.warning(
                "No figure is selected.", "Select at least one figure and one file format."
            )
            return
        self._desk.start(
            "Saving figures", preview.write_figures(self._material, folder, settings),
            lambda paths: self._desk.notices.info(f"Saved {counted(len(paths), 'file')} in {folder}."),
        )  # fmt: skip

    def close_page(self) -> None:
        """Lets go of the data and of a preview that is still waiting."""
        self._material = None
        self._soon.stop()


def width_mm(text: str) -> float | None:
    """One of the usual widths, or the number that was typed; None where there is none."""
    typed = re.search(r"\d+(?:[.,]\d+)?", text)
    if text in WIDTHS or typed is None:
        return WIDTHS.get(text)
    low, high = WIDTH_LIMITS_MM
    return min(max(float(typed.group().replace(",", ".")), low), high)


def _ticked(box: QListWidget) -> list[str]:
    items = [item for row in range(box.count()) if (item := box.item(row)) is not None]
    return [
        str(item.data(Qt.ItemDataRole.UserRole))
        for item in items
        if item.checkState() == Qt.CheckState.Checked
    ]
