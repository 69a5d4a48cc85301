"""A page of the biasing pane: another view of the runs, in place of the lanes."""

from __future__ import annotations

from PyQt6.QtWidgets import QWidget


class Page(QWidget):
    """Made when it is first wanted; asks for its content when the inputs have changed."""

    def refresh(self) -> None:
        """Bring it up to date with the session."""
        raise NotImplementedError

    def copy(self) -> None:
        """What is shown, to the clipboard."""
        raise NotImplementedError
