"""Waiting until a window has shown what it was told: no repaint, no answer and no job is outstanding."""

from __future__ import annotations

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import Runner

SOON_MS = 250
"""A single-shot timer of at most this long stands for a repaint or an answer that is on its way; longer ones are pauses."""
LOOKS = 3
"""So many looks in a row have to find nothing: what one turn of the event loop did may mark something for the next."""


def is_anything_due(runner: Runner | None = None) -> bool:
    return bool(runner is not None and runner.tasks) or any(
        timer.isSingleShot() and timer.isActive() and timer.interval() <= SOON_MS
        for widget in QApplication.topLevelWidgets()
        for timer in widget.findChildren(QTimer)
    )


def settle(qtbot: QtBot, runner: Runner | None = None, timeout_ms: int = 90_000) -> None:
    quiet = 0

    def is_quiet() -> bool:
        nonlocal quiet
        quiet = 0 if is_anything_due(runner) else quiet + 1
        return quiet >= LOOKS

    qtbot.waitUntil(is_quiet, timeout=timeout_ms)
