"""What the pages of the export window share: a picture that fits its place, and the question for a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QRectF, QSize, Qt
from PyQt6.QtGui import QImage, QPainter, QPaintEvent
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget

from tandem_em.desk.desk import Desk
from tandem_widgets.parts.basic import theme


class PicturePreview(QWidget):
    """Shows pixels (height, width, 4) as large as they fit, never larger than they are, and says what it waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(360, 300)
        self._image, self._shown = QImage(), QImage()
        self.note = "Preparing…"

    def say(self, note: str) -> None:
        """Words in the middle while there is no picture, in a corner of the last one otherwise."""
        self.note = note
        self.update()

    def show_pixels(self, pixels: NDArray[np.uint8]) -> None:
        """Shows RGBA pixels (height, width, 4); they are copied, and the note is taken away."""
        height, width = pixels.shape[:2]
        whole = np.ascontiguousarray(pixels)
        # copied: QImage does not keep the bytes it is made of alive
        self._image = QImage(whole.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
        self._shown = QImage()
        self.say("")

    @property
    def image(self) -> QImage:
        """The picture at its full size; null before the first one."""
        return self._image

    def sizeHint(self) -> QSize:
        """Room for a picture of usual shape before there is one."""
        return QSize(640, 480)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The picture scaled to its room, and the note over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour(theme.active().image))
        if not self._image.isNull():
            self._paint_image(painter)
        if self.note:
            self._paint_note(painter)

    def _paint_note(self, painter: QPainter) -> None:
        box = painter.fontMetrics().boundingRect(self.note).adjusted(-10, -5, 10, 5)
        if self._image.isNull():
            box.moveCenter(self.rect().center())
        else:
            box.moveTopLeft(self.rect().topLeft() + QPoint(12, 12))
        painter.fillRect(box, theme.colour(theme.active().image))
        painter.setPen(theme.colour(theme.active().quiet))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.note)

    def _paint_image(self, painter: QPainter) -> None:
        room, ratio = self.rect().adjusted(12, 12, -12, -12), self.devicePixelRatioF()
        wanted = self._image.size().scaled(room.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio)
        # enlarged pixels would look worse than the file will
        if wanted.width() > self._image.width():
            wanted = self._image.size()
        # scaling well is slow: done once for each size
        if self._shown.size() != wanted:
            averaged = Qt.TransformationMode.SmoothTransformation
            self._shown = self._image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, averaged)
        width, height = wanted.width() / ratio, wanted.height() / ratio
        x, y = room.x() + (room.width() - width) / 2, room.y() + (room.height() - height) / 2
        painter.drawImage(QRectF(x, y, width, height), self._shown)


def usual_folder(desk: Desk) -> Path:
    """Beside the session that was opened last."""
    recent = desk.settings.values.recent
    beside = Path(recent[0]).parent if recent else Path.home()
    # the newest session may lie on a drive that is gone
    return beside if beside.is_dir() else Path.home()


def ask_folder(parent: QWidget, desk: Desk, title: str) -> Path | None:
    """Asks for a folder, starting where exports usually go; None if cancelled."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(usual_folder(desk)))
    return Path(chosen) if chosen else None


def may_replace(parent: QWidget, folder: Path, names: Iterable[str]) -> bool:
    """Ask before files of an earlier export are replaced; True when there are none."""
    there = [name for name in names if (folder / name).exists()]
    if not there:
        return True
    more = f" and {len(there) - 1} more" if len(there) > 1 else ""
    are = "are" if more else "is"
    buttons = QMessageBox.StandardButton
    question = f"“{there[0]}”{more} {are} in “{folder.name or folder}” already. Replace?"
    answer = QMessageBox.question(parent, "Export", question, buttons.Yes | buttons.Cancel)
    return answer == buttons.Yes
