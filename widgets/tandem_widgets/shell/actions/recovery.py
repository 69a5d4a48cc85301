"""What a crash left is offered: at the start, from the menu, and when the session it belongs to is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PyQt6.QtWidgets import QMessageBox

from tandem_em.desk import unsaved

if TYPE_CHECKING:
    from tandem_widgets.shell.window.main_window import MainWindow

Choice = Literal["recover", "saved", "cancel"]


def offer(window: MainWindow) -> bool:
    """Ask about the newest work that was never saved; False when there is none."""
    found = unsaved.everything(window.workshop.settings.values.recent)
    if not found:
        return False
    lost = found[0]
    box = QMessageBox(window)
    box.setWindowTitle("Recover unsaved work?")
    box.setText(lost.sentence)
    box.setInformativeText("Recover opens it, Later offers it again at the next start, Discard deletes it.")
    recover = box.addButton("Recover", QMessageBox.ButtonRole.AcceptRole)
    box.addButton("Later", QMessageBox.ButtonRole.RejectRole)
    discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
    box.exec()
    if box.clickedButton() is recover and window.files.may_leave():
        window.files.recover(lost)
    elif box.clickedButton() is discard:
        unsaved.discard([lost])
    return True


def ask(window: MainWindow, lost: unsaved.Lost) -> Choice:
    """A session is opened that has changes which were never saved: with or without them?"""
    box = QMessageBox(window)
    box.setWindowTitle("Recover unsaved changes?")
    box.setText(lost.sentence)
    box.setInformativeText(
        "Recover opens the session with these changes; save to keep them. Open as saved ignores them; "
        "they are offered again until the session is saved."
    )
    recover = box.addButton("Recover", QMessageBox.ButtonRole.AcceptRole)
    saved = box.addButton("Open as saved", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    if box.clickedButton() is recover:
        return "recover"
    return "saved" if box.clickedButton() is saved else "cancel"
