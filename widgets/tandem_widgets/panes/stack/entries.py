"""Entries of a menu whose calls may fail: a UserError of a call becomes a notice."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu

from tandem_em.core.notices import Notices, UserError


class Entries:
    """Adds entries and menus below to one menu."""

    def __init__(self, menu: QMenu, notices: Notices) -> None:
        self.menu, self._notices = menu, notices
        # Qt hides the tips of menus unless asked
        menu.setToolTipsVisible(True)

    def add(
        self,
        text: str,
        call: Callable[[], object],
        *,
        tip: str = "",
        checked: bool | None = None,
        on: bool = True,
    ) -> QAction:
        """Appends an entry; it can be ticked where `checked` is not None, and is grey unless `on`."""
        action = QAction(text, self.menu)
        action.setToolTip(tip)
        action.setEnabled(on)
        if checked is not None:
            action.setCheckable(True)
            action.setChecked(checked)

        def triggered(_checked: bool = False) -> None:
            try:
                call()
            except UserError as error:
                self._notices.tell(error)

        action.triggered.connect(triggered)
        self.menu.addAction(action)
        return action

    def line(self) -> None:
        """Sets what follows apart from what is above."""
        self.menu.addSeparator()

    def below(self, title: str) -> Entries:
        """A menu that opens from an entry of this one."""
        made = QMenu(title, self.menu)
        self.menu.addMenu(made)
        return Entries(made, self._notices)
