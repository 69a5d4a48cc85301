"""What a crash left is offered: at the start, from the menu, and when the session it belongs to is opened."""

from __future__ import annotations

from typing import Literal

from PyQt6.QtWidgets import QMessageBox, QWidget

from tandem_em.desk.document.places import Lost


def offer(parent: QWidget, lost: Lost) -> Literal["recover", "later", "discard"]:
    """Work was never saved: what is to become of it?"""
    box = QMessageBox(parent)
    box.setWindowTitle("Recover unsaved work?")
    box.setText(lost.sentence)
    box.setInformativeText("Recover opens it, Later offers it again at the next start, Discard deletes it.")
    recover = box.addButton("Recover", QMessageBox.ButtonRole.AcceptRole)
    box.addButton("Later", QMessageBox.ButtonRole.RejectRole)
    discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
    box.exec()
    if box.clickedButton() is recover:
        return "recover"
    return "discard" if box.clickedButton() is discard else "later"


def ask(parent: QWidget, lost: Lost) -> Literal["recover", "saved", "cancel"]:
    """A session is opened that has changes which were never saved: with or without them?"""
    box = QMessageBox(parent)
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
