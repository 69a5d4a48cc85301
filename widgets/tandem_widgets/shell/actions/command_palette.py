"""Ctrl+K: every command by typing a few letters of it."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QAction, QKeyEvent
from PyQt6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget


def match_score(wanted: str, title: str) -> int:
    """How well typed letters fit a title: 0 not at all; whole words and starts count more than scattered letters."""
    wanted, title = wanted.lower().strip(), title.lower()
    if not wanted:
        return 1
    if wanted in title:
        return (
            100 - title.index(wanted) + (50 if any(word.startswith(wanted) for word in title.split()) else 0)
        )
    position = -1
    for letter in wanted.replace(" ", ""):
        position = title.find(letter, position + 1)
        if position < 0:
            return 0
    return 10


class CommandPalette(QDialog):
    """A line and a list; Enter runs the chosen action."""

    def __init__(self, parent: QWidget, actions: list[QAction]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions = actions
        self.setMinimumWidth(460)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search commands…")
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.itemActivated.connect(lambda _item: self._run())
        self.list.itemClicked.connect(lambda _item: self._run())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.line)
        column.addWidget(self.list)
        self._fill("")

    def _fill(self, wanted: str) -> None:
        scored = [(match_score(wanted, action.text()), action) for action in self._actions]
        self.list.clear()
        for score, action in sorted(scored, key=lambda pair: -pair[0]):
            if score > 0 and action.isEnabled():
                keys = action.shortcut().toString()
                item = QListWidgetItem(f"{action.text()}    {keys}" if keys else action.text())
                item.setToolTip(action.toolTip())
                item.setData(Qt.ItemDataRole.UserRole, action)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        item = self.list.currentItem()
        # closed first: the action may open a dialog of its own
        self.accept()
        if item is not None:
            item.data(Qt.ItemDataRole.UserRole).trigger()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Arrows and Enter go to the list while the line keeps the letters."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.list.setCurrentRow((self.list.currentRow() + step) % max(1, self.list.count()))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
        return super().eventFilter(watched, event)
