"""The strip at the bottom: what is being worked on (progress, time left, cancel) and the newest notice."""

from __future__ import annotations

import time
from typing import Any

from PyQt6.QtCore import QPoint, Qt, QTimer
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QProgressBar, QToolButton, QWidget

from tandem_em.core.jobs import Runner, Task
from tandem_em.core.notices import Notice, Notices
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import ElidedLabel

SHORT_S = 0.2
SHOWN_S = {"info": 8, "warning": 30, "error": 0}
"""How long a notice stays (s); 0: until clicked away."""


class JobView(QWidget):
    """One running job."""

    def __init__(self, task: Task[Any]) -> None:
        super().__init__()
        self._label = QLabel()
        self._label.setProperty("role", "quiet")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(110, 6)
        cancel = QToolButton()
        cancel.setProperty("role", "tool")
        cancel.setText("✕")
        cancel.setToolTip("Cancel")
        cancel.setAccessibleName("Cancel")
        cancel.clicked.connect(task.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self._label, self._bar, cancel):
            row.addWidget(widget)
        self.show_task(task)

    def show_task(self, task: Task[Any]) -> None:
        """Message, progress and, from one second on, the time left."""
        left = task.seconds_left()
        note = f" · {left:.0f} s left" if left is not None and left >= 1 else ""
        self._label.setText(f"{task.progress.message or task.label}{note}")
        fraction = task.progress.fraction
        # an empty range: the bar runs to and fro
        self._bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self._bar.setValue(int(1000 * fraction))


class StatusStrip(QWidget):
    """Listens to the runner and the notices."""

    def __init__(self, runner: Runner, notices: Notices) -> None:
        super().__init__()
        self._jobs: dict[int, JobView] = {}
        self._tasks: dict[int, Task[Any]] = {}
        self._poll = QTimer(self)
        self._poll.setInterval(100)
        self._poll.timeout.connect(self._look)
        self._notices = notices
        self.notice = ElidedLabel()
        self._dot = QLabel()
        self._close = QToolButton()
        self._close.setProperty("role", "tool")
        self._close.setText("✕")
        self._close.setToolTip("Dismiss")
        self._close.clicked.connect(self._hide_notice)
        self._list = QToolButton()
        self._list.setProperty("role", "tool")
        self._list.setText("Messages")
        self._list.setToolTip("All messages since the start")
        self._list.clicked.connect(self._show_list)
        self._job_row = QHBoxLayout()
        self._job_row.setSpacing(16)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 4)
        row.addWidget(self._dot)
        row.addWidget(self.notice, 1)
        row.addWidget(self._close)
        row.addLayout(self._job_row)
        row.addWidget(self._list)
        self.setFixedHeight(26)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._hide_notice)
        self._hide_notice()
        # the strip keeps them (see Bindings)
        Bindings(self).on(notices.posted, self._show_notice)
        runner.listen(self._show_task)

    def _show_task(self, task: Task[Any]) -> None:
        """Jobs are shown once they last: one timer looks after all of them, short work is not worth a flicker."""
        if task.state in ("done", "failed", "cancelled"):
            self._tasks.pop(task.id, None)
        else:
            self._tasks[task.id] = task
        self._look()

    def _look(self) -> None:
        now = time.monotonic()
        for task_id in [each for each in self._jobs if each not in self._tasks]:
            view = self._jobs.pop(task_id)
            self._job_row.removeWidget(view)
            view.hide()
            view.deleteLater()
        for task in self._tasks.values():
            if task.id in self._jobs:
                self._jobs[task.id].show_task(task)
            elif task.state == "running" and now - task.started > SHORT_S:
                self._jobs[task.id] = JobView(task)
                self._job_row.addWidget(self._jobs[task.id])
        if self._tasks and not self._poll.isActive():
            self._poll.start()
        elif not self._tasks:
            self._poll.stop()

    def _show_notice(self, notice: Notice) -> None:
        colours = {
            "info": theme.active().accent,
            "warning": theme.active().warning,
            "error": theme.active().bad,
        }
        self._dot.setText(f'<span style="color:{colours[notice.level]}">●</span>')
        self._dot.setVisible(True)
        self._close.setVisible(True)
        self.notice.set_text(f"{notice.title} {notice.advice}".strip())
        seconds = SHOWN_S[notice.level]
        self._timer.stop()
        if seconds:
            self._timer.start(seconds * 1000)

    def _hide_notice(self) -> None:
        self.notice.set_text("")
        self._dot.setVisible(False)
        self._close.setVisible(False)

    def _show_list(self) -> None:
        menu = QMenu(self)
        for notice in self._notices.items[-20:]:
            action = menu.addAction(f"{notice.title} {notice.advice}".strip())
            if action is not None:
                action.setEnabled(False)
        if not self._notices.items:
            empty = menu.addAction("No messages")
            if empty is not None:
                empty.setEnabled(False)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._list.mapToGlobal(self._list.rect().topLeft() - QPoint(0, menu.sizeHint().height())))
