"""A montage: chosen moments as a row of frames with outlines, times and one scale bar, to copy or to save."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication, QImage, QMouseEvent, QPixmap
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.model.frames import FrameStack
from tandem_widgets.dialogs.montage.picture import (
    GAP_PX,
    MontageLook,
    paint_montage,
    picture_width,
)
from tandem_widgets.dialogs.montage.plot import plot_of

Frames = list[tuple[int, NDArray[Any]]]


class MontageDialog(QDialog):
    """Times are typed, clicked in the plot, or spread evenly; the picture is made anew at every change."""

    def __init__(
        self,
        parent: QWidget,
        desk: Desk,
        stack: FrameStack,
        look: tuple[tuple[float, float], NDArray[np.uint32]],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Montage · {stack.name}")
        self._desk, self._stack = desk, stack
        self._levels, self._table = look
        self._frames: Frames = []
        self._open = True
        self.image = QImage()
        self.times = QLineEdit(self._spread(5))
        self.times.setToolTip(
            "Times in seconds, separated by spaces or commas (frame numbers if there are no times)"
        )
        self.times.editingFinished.connect(self.read)
        self.outlines = QCheckBox("Outlines")
        self.outlines.setChecked(True)
        self.ghosts = QCheckBox("References")
        self.zero = QCheckBox("Times relative to the first")
        self.plot = QCheckBox("Plot")
        self.plot.setToolTip("Area (or thickness) over time; click to add or remove a time")
        self.plot.setChecked(plot_of(desk.session, stack) is not None)
        self.plot.setEnabled(self.plot.isChecked() and self._timed)
        self.panel = QSpinBox()
        self.panel.setRange(120, 2000)
        self.panel.setValue(220)
        self.panel.setSuffix(" px each")
        for box in (self.outlines, self.ghosts, self.zero, self.plot):
            box.toggled.connect(lambda _on: self._paint())
        self.panel.valueChanged.connect(lambda _value: self._paint())
        self.picture = Picture("Reading the frames…")
        self.picture.clicked.connect(self._clicked)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        scroll = QScrollArea()
        scroll.setWidget(self.picture)
        scroll.setWidgetResizable(True)
        copy, save = QPushButton("Copy"), QPushButton("Save…")
        for button in (copy, save):
            button.setAutoDefault(False)  # Enter in the field of times makes the picture anew
        copy.clicked.connect(self.copy)
        save.clicked.connect(self._ask_save)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(QLabel("Times (s)" if self._timed else "Frames"))
        top.addWidget(self.times, 1)
        for widget in (self.outlines, self.ghosts, self.zero, self.plot, self.panel):
            top.addWidget(widget)
        bottom.addStretch(1)
        bottom.addWidget(copy)
        bottom.addWidget(save)
        column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(scroll, 1)
        column.addLayout(bottom)
        self.resize(1170, 560)
        self.read()

    @property
    def _timed(self) -> bool:
        return bool(np.isfinite(self._stack.t).any()) and self._stack.axis0_is_time is not False

    def _spread(self, count: int) -> str:
        if not self._timed:
            return " ".join(
                str(round(f) + 1) for f in np.linspace(0, len(self._stack) - 1, min(count, len(self._stack)))
            )
        times = self._stack.t[np.isfinite(self._stack.t)]
        return " ".join(f"{round(float(t), 2):g}" for t in np.linspace(times.min(), times.max(), count))

    def wanted(self) -> list[int]:
        """Frame numbers of the typed moments."""
        found: list[int] = []
        for word in re.split(r"[;,\s]+", self.times.text().replace("−", "-").strip()):
            try:
                value = float(word)
            except ValueError:
                continue
            if not np.isfinite(value):
                continue
            index = self._stack.index_at(value) if self._timed else round(value) - 1
            if 0 <= index < len(self._stack):
                found.append(index)
        # more frames than these make a picture wider than a painter takes
        return found[:40]

    def read(self) -> None:
        """Read the frames off the window, then paint."""
        wanted = self.wanted()
        if not wanted:
            self.picture.setText("Enter at least one time.")
            return
        self._desk.start(
            "Reading the montage", reading(self._stack, wanted), self._arrived, key=f"montage {id(self)}"
        )

    def _arrived(self, frames: Frames) -> None:
        if self._open:
            self._frames = frames
            self._paint()

    def _paint(self) -> None:
        if not self._frames:
            return
        look = MontageLook(
            self.panel.value(), self._levels, self._table, self.outlines.isChecked(), self.ghosts.isChecked(),
            self.zero.isChecked(), self.plot.isChecked() and self._timed,
        )  # fmt: skip
        self.image = paint_montage(self._desk.session, self._stack, self._frames, look)
        self.picture.setPixmap(QPixmap.fromImage(self.image))

    def _clicked(self, x: float, y: float) -> None:
        """A frame goes when it is clicked; a click in the plot adds the moment, or takes one that is there away."""
        _, height, width = self._stack.shape
        down = max(1, round(self.panel.value() * height / max(width, 1)))
        indices = [index for index, _ in self._frames]
        # on a frame: that one goes
        if y < down:
            gone = int(x // (self.panel.value() + GAP_PX))
            self._choose([index for place, index in enumerate(indices) if place != gone])
            return
        plot = plot_of(self._desk.session, self._stack) if self.plot.isChecked() else None
        across = picture_width(len(indices), self.panel.value())
        t = plot.time_at(x, across) if plot is not None else None
        if plot is None or t is None:
            return
        # six pixels either way: a click on a mark takes it away
        near = (plot.span[1] - plot.span[0]) * 6 / max(across, 1)
        left = [index for index in indices if abs(self._stack.time_of(index) - t) > near]
        self._choose(left if len(left) < len(indices) else [*indices, self._stack.index_at(t)])

    def _choose(self, indices: list[int]) -> None:
        """Show these frames, in their order in time; the last one stays."""
        if not indices:
            return
        if self._timed:
            times = sorted(self._stack.time_of(index) for index in indices)
            self.times.setText(" ".join(f"{t:.6g}" for t in times))
        else:
            self.times.setText(" ".join(str(index + 1) for index in sorted(indices)))
        self.read()

    def copy(self) -> None:
        """Puts the montage on the clipboard at its full size."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setImage(self.image)

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the montage", f"{self._stack.name}-montage.png", "PNG (*.png)"
        )
        if name:
            try:
                self.save(Path(name))
            except UserError as error:
                self._desk.notices.tell(error)

    def save(self, path: Path) -> None:
        """Writes the montage as the ending of the name says; UserError where that is not possible."""
        if not self.image.save(str(path)):
            raise UserError(
                f"{path.name} could not be written.", "Choose another folder, or a name that ends in .png."
            )

    def closeEvent(self, event: QEvent | None) -> None:
        """Closed: frames that still arrive are not shown any more."""
        self._open = False
        super().closeEvent(event)  # type: ignore[arg-type]


class Picture(QLabel):
    """The picture in the middle of its room; clicks are places in it."""

    clicked = pyqtSignal(float, float)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Emits `clicked` with the place in px of the picture; beside it nothing happens."""
        pixmap = self.pixmap()
        if event is None or pixmap.isNull():
            return
        left, top = (self.width() - pixmap.width()) / 2, (self.height() - pixmap.height()) / 2
        x, y = event.position().x() - left, event.position().y() - top
        if 0 <= x < pixmap.width() and 0 <= y < pixmap.height():
            self.clicked.emit(x, y)


def reading(stack: FrameStack, wanted: list[int]) -> Job[Frames]:
    """The frames of a montage; those that cannot be read are left out."""
    found: Frames = []
    for done, index in enumerate(wanted):
        yield Progress(done, len(wanted), "Reading the frames")
        try:
            found.append((index, stack.frame(index)))
        except UserError:
            continue
    return found
