"""When the program itself is wrong: say so, offer to save a copy, keep the log."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

log = logging.getLogger("tandem")


class CrashDialog(QDialog):
    """The traceback, folded under a sentence, and three ways on."""

    def __init__(self, parent: QWidget | None, details: str, save_copy: Callable[[], object] | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong in TandEM")
        sentence = QLabel(
            "This is an error in the program, not in your data. Everything recorded and saved is safe. "
            "You can save a copy of the session now and continue."
        )
        sentence.setWordWrap(True)
        text = QPlainTextEdit(details)
        text.setReadOnly(True)
        text.setMinimumSize(560, 200)
        buttons = QDialogButtonBox()
        go_on = buttons.addButton("Continue", QDialogButtonBox.ButtonRole.AcceptRole)
        copy = buttons.addButton("Save a copy…", QDialogButtonBox.ButtonRole.ActionRole)
        if copy is not None:
            copy.setEnabled(save_copy is not None)
            copy.clicked.connect(lambda _checked=False: save_copy() if save_copy else None)
        if go_on is not None:
            go_on.setDefault(True)
        buttons.accepted.connect(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        column.addWidget(sentence)
        column.addWidget(text)
        column.addWidget(buttons)


def install(show: Callable[[str], None]) -> None:
    """Unexpected errors on the GUI thread go to the log and to `show(details)`; one dialog at a time."""
    busy = False

    def hook(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        nonlocal busy
        # Ctrl+C in the terminal is no error of the program
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, where)
            return
        details = "".join(traceback.format_exception(kind, error, where))
        log.error("unexpected error\n%s", details)
        if not busy:
            busy = True
            try:
                show(details)
            finally:
                busy = False

    sys.excepthook = hook
