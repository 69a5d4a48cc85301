"""The frame every pane shares: bold title, quiet subtitle, tools on the right, and a hint while it is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)


class ElidedLabel(QLabel):
    """A label that gives way: its text ends in … when there is no room."""

    def __init__(self, role: str = "quiet") -> None:
        super().__init__()
        self._full = ""
        self.setProperty("role", role)
        # a long text must not keep the pane from being made narrower
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(20)

    def set_text(self, text: str) -> None:
        """Show as much of a text as fits; the tip has all of it."""
        if text != self._full:
            self._full = text
            self.setToolTip(text)
            self._elide()

    def resizeEvent(self, event: object) -> None:
        """More or less of the text fits now."""
        self._elide()

    def _elide(self) -> None:
        room = self.contentsRect().width()
        self.setText(self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, room))


def trigger(widget: QWidget, action_id: str) -> None:
    """Do what a menu entry of this widget's window does (its id in the table of actions)."""
    window = widget.window()
    action = window.findChild(QAction, action_id) if window is not None else None
    if action is not None:
        action.trigger()


class EmptyHint(QWidget):
    """What to do next, with the buttons that do it."""

    def __init__(self, text: str, actions: Sequence[tuple[str, Callable[[], object]]]) -> None:
        super().__init__()
        self._text = text
        self._label = label = QLabel(text)
        label.setProperty("role", "hint")
        label.setWordWrap(True)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setFixedWidth(380)
        label.ensurePolished()  # the font of the hint is larger than the one measured without its style
        label.setMinimumHeight(label.heightForWidth(380))
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        for title, call in actions:
            button = QPushButton(title)
            # `call=call`: bound now, else every button would do what the last one does
            button.clicked.connect(lambda _checked=False, call=call: call())
            row.addWidget(button)
        row.addStretch(1)
        column.addSpacing(8)
        column.addWidget(self._buttons)
        column.addStretch(3)
        policy = self._buttons.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the words stay where they are
        self._buttons.setSizePolicy(policy)

    @property
    def text(self) -> str:
        """What stands there now: the hint, or what is being read."""
        return self._label.text()

    def show_reading(self, text: str) -> None:
        """What is being read, instead of what could be; empty: the hint again."""
        self._label.setText(text or self._text)
        self._buttons.setVisible(not text)


class PaneFrame(QFrame):
    """Title row above a body. `set_empty(hint)` covers the body with a hint; `set_empty(None)` shows it."""

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "pane")
        self._title = QLabel(title)
        self._title.setProperty("role", "title")
        self.subtitle = ElidedLabel()
        self._tools = QHBoxLayout()
        self._tools.setSpacing(2)
        row = QHBoxLayout()
        row.setContentsMargins(12, 6, 8, 4)
        row.setSpacing(10)
        row.addWidget(self._title)
        row.addWidget(self.subtitle, 1)
        row.addLayout(self._tools)
        self._cover = QStackedLayout()
        self._cover.addWidget(body)
        self._hint: EmptyHint | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(row)
        column.addLayout(self._cover, 1)

    def add_tool(
        self,
        text: str,
        tip: str,
        call: Callable[..., object] | None = None,
        *,
        checkable: bool = False,
    ) -> QToolButton:
        """A quiet text tool on the right of the title; the accent colour when checked."""
        button = QToolButton()
        button.setProperty("role", "tool")
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setCheckable(checkable)
        if call is not None:
            (button.toggled if checkable else button.clicked).connect(call)
        self._tools.addWidget(button)
        return button

    def add_key(self, key: str, title: str, call: Callable[..., object]) -> None:
        """A key of this pane, which works in the whole window and stands on the sheet of shortcuts and in the palette."""
        action = QAction(title, self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked=False: call())
        self.addAction(action)

    def add_tool_widget(self, widget: QWidget) -> None:
        """Put any widget at the right end of the title row."""
        self._tools.addWidget(widget)

    def set_empty(self, hint: EmptyHint | None) -> None:
        """Cover the body with a hint (the one before is deleted); None shows the body."""
        if self._hint is not None:
            self._cover.removeWidget(self._hint)
            # later: it may be one of its own buttons that has led here
            self._hint.deleteLater()
            self._hint = None
        if hint is not None:
            self._hint = hint
            self._cover.addWidget(hint)
            self._cover.setCurrentWidget(hint)
        else:
            self._cover.setCurrentIndex(0)

    def show_reading(self, text: str) -> None:
        """An empty pane says what is being read; empty text: nothing is."""
        if self._hint is not None:
            self._hint.show_reading(text)

    @property
    def hint(self) -> str:
        """What an empty pane says now."""
        return self._hint.text if self._hint is not None else ""

    def figure_for_print(self) -> tuple[str, dict[str, Any]]:
        """Name and choices of the figure for print of what is shown; no name: there is none."""
        return "", {}

    def close_pane(self) -> None:
        """The pane is going away: its keys belong to the next one; panes with threads of their own end them here."""
        for action in self.actions():
            action.setEnabled(False)

    @property
    def title(self) -> str:
        """The bold words at the top; messages call the pane by them."""
        return self._title.text()

    @property
    def is_empty(self) -> bool:
        """Whether a hint covers the body."""
        return self._hint is not None
