"""Onto the clipboard: a widget as a sharp picture, a figure for print, lines as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QMimeData
from PyQt6.QtGui import QGuiApplication, QImage
from PyQt6.QtWidgets import QWidget


def copy_picture(widget: QWidget, text: str = "", ratio: float = 2.0) -> None:
    """The widget as it looks, at twice the screen's resolution; with a text for programs that want one."""
    image = QImage(widget.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    widget.render(image)
    data = QMimeData()
    data.setImageData(image)
    if text:
        data.setText(text)
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setMimeData(data)


def copy_figure(made: Mapping[str, bytes]) -> None:
    """A figure for print as picture, SVG and PDF: the other program takes what it likes best."""
    data = QMimeData()
    data.setImageData(QImage.fromData(made["png"]))
    data.setData("image/svg+xml", made["svg"])
    data.setData("application/pdf", made["pdf"])
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setMimeData(data)


def copy_text(text: str) -> None:
    """A text onto the clipboard, where the platform has one."""
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)


def table_text(headings: Sequence[str], columns: Sequence[NDArray[np.float64]]) -> str:
    """Columns of any lengths as tab-separated text."""
    longest = max((len(column) for column in columns), default=0)
    texts = [
        [f"{value:.10g}" if np.isfinite(value) else "" for value in column.tolist()] for column in columns
    ]
    rows = ["\t".join(text[row] if row < len(text) else "" for text in texts) for row in range(longest)]
    return "\n".join(["\t".join(headings), *rows]) + "\n"
