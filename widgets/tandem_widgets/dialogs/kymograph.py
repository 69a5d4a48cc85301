"""The kymograph of a line: its profile in every frame, time downwards, computed off the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tandem_em.core.jobs import Task
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_em.desk.stacks import layers
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.render import View


class KymographCanvas(ImageCanvas):
    """Stretches the rows over the whole height: one row is one frame, whatever the number of pixels across."""

    def fit(self, *, tell: bool = True) -> None:
        """Fits the whole kymograph into the canvas."""
        if self.frame is not None:
            height, width = self.frame.shape
            self.view = View(
                (width - 1) / 2, (height - 1) / 2, min(self.width() / width, self.height() / height)
            )
        self.update()


class KymographDialog(QDialog):
    """Shows, copies and saves the kymograph of one profile line."""

    def __init__(self, parent: QWidget, desk: Desk, stack: FrameStack, line: ProfileLine) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Kymograph of {line.name} · {stack.name}")
        self._desk, self._stack, self._line = desk, stack, line
        self.values: NDArray[np.float64] | None = None
        self._open = True
        self.canvas = KymographCanvas()
        self.canvas.hovered.connect(self._read_out)
        self.readout = QLabel("Reading along the line…")
        self.readout.setProperty("role", "quiet")
        copy, save = QPushButton("Copy"), QPushButton("Save…")
        for button in (copy, save):
            button.setAutoDefault(False)
        copy.setToolTip("Copy the image to the clipboard")
        save.setToolTip("Save as image (PNG), or as a table with time and distance (CSV)")
        copy.clicked.connect(self._copy)
        save.clicked.connect(self._ask_save)
        row = QHBoxLayout()
        row.addWidget(self.readout, 1)
        row.addWidget(copy)
        row.addWidget(save)
        column = QVBoxLayout(self)
        column.addWidget(self.canvas, 1)
        column.addLayout(row)
        self.resize(620, 560)
        self._task: Task[Any] = desk.start(
            f"Kymograph of {line.name}", layers.kymograph(stack, line), self._show,
            key=f"kymograph {line.id}",
        )  # fmt: skip

    def _show(self, values: NDArray[np.float64]) -> None:
        if not self._open:
            return
        self.values = values
        rows, columns = values.shape
        # rows are repeated to a picture of about three by four: a hundred frames of a long line are no ribbon
        times = max(1, round(0.75 * columns / max(rows, 1)))
        picture = np.repeat(values.astype(np.float32), times, axis=0)
        # kept for the mouse: it points at repeated rows
        self._repeat = times
        self.canvas.levels = render.auto_levels(picture, 0.5)
        self.canvas.show_frame(picture)
        self.readout.setText(f"{counted(rows, 'frame')} × {columns} px, time downwards")

    def _read_out(self, x: float, y: float) -> None:
        if self.values is None:
            return
        row, column = int((y + 0.5) // self._repeat), round(x)
        if 0 <= row < self.values.shape[0] and 0 <= column < self.values.shape[1]:
            pixel = self._stack.pixel_nm
            place = f"{column * pixel:.2f} nm" if pixel else f"{column} px"
            when = f"{self._stack.time_of(row):.2f} s" if row < len(self._stack.times) else f"frame {row + 1}"
            self.readout.setText(f"{when} · {place} · {self.values[row, column]:.5g} {self._stack.unit}")

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setPixmap(self.canvas.grab())

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the kymograph", f"{self._line.name}.png", "PNG (*.png);;CSV (*.csv)"
        )
        if name:
            try:
                self.save(Path(name))
            except UserError as error:
                self._desk.notices.tell(error)

    def save(self, path: Path) -> None:
        """PNG of what is seen, or CSV: first column time (s), first row distance (nm or px)."""
        if self.values is None:
            raise UserError("The kymograph is not finished yet.", "Wait until it is drawn, then save again.")
        if path.suffix.lower() != ".csv":
            if not self.canvas.grab().save(str(path)):
                raise UserError(f"{path.name} could not be written.", "Choose another folder or name.")
            return
        step = self._stack.pixel_nm or 1.0
        unit = "nm" if self._stack.pixel_nm else "px"
        times = self._stack.t[: len(self.values)]
        head = f"time_s \\ distance_{unit}," + ",".join(
            f"{i * step:.6g}" for i in range(self.values.shape[1])
        )
        rows = [f"{t:.6g}," + ",".join(f"{v:.6g}" for v in row) for t, row in zip(times, self.values)]
        try:
            path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"{path.name} could not be written: {error.strerror}.", "Choose another folder."
            ) from error

    def closeEvent(self, event: QEvent | None) -> None:
        """Closing cancels the reading of frames that still runs."""
        self._open = False
        self._task.cancel()
        super().closeEvent(event)  # type: ignore[arg-type]
