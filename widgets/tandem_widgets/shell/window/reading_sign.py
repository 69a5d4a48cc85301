"""While a file is read the empty panes say so: asking for files then would be odd."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QObject, QTimer

from tandem_em.core.jobs import Task
from tandem_widgets.shell.window.docks import PaneDocks

LOOK_MS = 250
"""Files that are read faster are not worth a word."""


class ReadingSign(QObject):
    """Follows the jobs that read files and tells the panes about the newest of them."""

    def __init__(self, parent: QObject, docks: PaneDocks) -> None:
        super().__init__(parent)
        self._docks = docks
        self._tasks: list[Task[Any]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def follow(self, task: Task[Any]) -> None:
        """Tell the panes about this job until it ends."""
        self._tasks.append(task)
        self._timer.start()

    def _look(self) -> None:
        self._tasks = [task for task in self._tasks if task.is_open]
        if not self._tasks:
            self._timer.stop()
        text = reading_text(self._tasks[-1]) if self._tasks else ""
        for pane in self._docks.panes:
            pane.show_reading(text)


def reading_text(task: Task[Any]) -> str:
    """What is read, and below it how far that is."""
    steps = [] if task.progress.message in ("", task.label) else [task.progress.message]
    left = task.seconds_left()
    if left is not None and left >= 1:
        steps.append(f"{left:.0f} s left")
    return "\n".join(filter(None, (f"{task.label} …", " · ".join(steps))))
