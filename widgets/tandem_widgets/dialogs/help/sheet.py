"""Small windows of text: shortcuts on one sheet, about, and long messages."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)


class TextDialog(QDialog):
    """Rich text with a Close button."""

    def __init__(self, parent: QWidget, title: str, html: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        label = QLabel(html)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setOpenExternalLinks(True)
        label.setMinimumWidth(420)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        column.addWidget(label)
        column.addWidget(buttons)


COLUMNS = 4


class ShortcutSheet(QDialog):
    """Every key, by menu, in columns: made from the action table, so that it is always true."""

    def __init__(self, parent: QWidget, groups: Iterable[tuple[str, list[tuple[str, str]]]]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        body = QWidget()
        across = QHBoxLayout(body)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(36)
        for stack in in_columns(list(groups), COLUMNS):
            column = QVBoxLayout()
            column.setSpacing(18)
            for heading, rows in stack:
                column.addLayout(_group(heading, rows))
            column.addStretch(1)
            across.addLayout(column)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 12)
        layout.addWidget(scroll)
        layout.addWidget(buttons)
        self.resize(body.sizeHint().width() + 60, min(640, body.sizeHint().height() + 90))


Group = tuple[str, list[tuple[str, str]]]


def in_columns(groups: list[Group], count: int) -> list[list[Group]]:
    """The groups in their order, each where the least stands above it: a row of all would be wider than a screen."""
    columns: list[list[Group]] = [[] for _ in range(count)]
    for group in groups:
        min(columns, key=lambda column: sum(len(rows) + 2 for _heading, rows in column)).append(group)
    return columns


def _group(heading: str, rows: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(6)
    title = QLabel(heading)
    title.setProperty("role", "heading")
    grid.addWidget(title, 0, 0, 1, 2)
    for line, (keys, text) in enumerate(rows, start=1):
        key_label = QLabel(keys)
        key_label.setProperty("role", "title")
        grid.addWidget(key_label, line, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(QLabel(text), line, 1, Qt.AlignmentFlag.AlignTop)
    return grid
