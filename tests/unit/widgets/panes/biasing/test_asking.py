"""A view is asked for one job at a time, and again after somebody has stopped one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from PyQt6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import Job, call_as_job
from tandem_widgets.panes.biasing.asking import Asking


def test_a_job_that_was_stopped_does_not_stand_in_the_way_of_the_next(qtbot: QtBot) -> None:
    started: list[str] = []
    stop: list[Callable[[], None]] = []

    def start(
        label: str, _job: Job[int], _done: Any, *, on_error: Any, on_cancelled: Callable[[], None]
    ) -> None:
        started.append(label)
        stop.append(on_cancelled)

    owner = QObject()
    asking = Asking(owner, SimpleNamespace(start=start), lambda: None)  # type: ignore[arg-type]

    def ask(key: str) -> None:
        asking.ask(key, key, lambda: call_as_job(lambda: 1), lambda _found: None, lambda _error: None)

    ask("first")
    ask("second")
    assert started == ["first"]  # one at a time
    stop.pop()()
    ask("first")
    assert started == ["first"]  # what was stopped is not wanted
    ask("second")
    assert started == ["first", "second"]
