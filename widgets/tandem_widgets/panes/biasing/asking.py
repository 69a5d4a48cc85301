"""Asking for a view one job at a time: a run that grows while it is computed is asked about again, not cancelled for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PyQt6 import sip
from PyQt6.QtCore import QObject, QTimer

from tandem_em.core.jobs import Job
from tandem_em.desk.desk import Desk

Result = TypeVar("Result")
AGAIN_MS = 500


class Asking:
    """`ask` starts a job for a key that is new; while one runs, `again` is called once it is done."""

    def __init__(self, owner: QObject, desk: Desk, again: Callable[[], None]) -> None:
        self._desk = desk
        self._key: Any = None
        self._running = False
        self._late = QTimer(owner)
        self._late.setSingleShot(True)
        self._late.setInterval(AGAIN_MS)
        self._late.timeout.connect(again)

    def ask(
        self,
        key: Any,
        label: str,
        job: Callable[[], Job[Result]],
        on_result: Callable[[Result], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Starts the job unless its key was asked last; while another runs, it is asked again later."""
        if key == self._key:
            return
        # not queued: by the time this one is done the inputs may have changed again
        if self._running:
            self._late.start()
            return
        self._key = key
        self._running = True

        def done(result: Result) -> None:
            self._running = False
            if not sip.isdeleted(self._late):  # the page may be gone by now
                on_result(result)

        def failed(error: BaseException) -> None:
            self._running = False
            if not sip.isdeleted(self._late):
                on_error(error)

        def stopped() -> None:
            self._running = False

        self._desk.start(label, job(), done, on_error=failed, on_cancelled=stopped)

    def forget(self) -> None:
        """Ask anew next time."""
        self._key = None
