"""Beginning a recording without a window and without instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import Job
from tandem_widgets.shell.actions.record import RecordActions


class Jobs:
    """Stands for the desk: notes what was started, and how its end is told."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.cancel: list[Callable[[], None]] = []
        self.fail: list[Callable[[BaseException], None]] = []

    def start(
        self,
        label: str,
        _job: Job[Any],
        _on_result: Any,
        *,
        on_error: Callable[[BaseException], None],
        on_cancelled: Callable[[], None],
    ) -> None:
        self.labels.append(label)
        self.fail.append(on_error)
        self.cancel.append(on_cancelled)


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def said() -> list[BaseException]:
    return []


@pytest.fixture
def recording(qtbot: QtBot, jobs: Jobs, said: list[BaseException]) -> Iterator[RecordActions]:
    window = QWidget()
    qtbot.addWidget(window)
    context = SimpleNamespace(
        window=window,
        desk=jobs,
        parts=SimpleNamespace(replay_bar=SimpleNamespace(show_replay=lambda _replay: None)),
        services=SimpleNamespace(notices=SimpleNamespace(tell=said.append)),
    )
    made = RecordActions(context, SimpleNamespace())  # type: ignore[arg-type]
    made._loading.stop()  # nothing is driven in these tests
    yield made
    made.close()


def test_a_recording_is_prepared_once_and_again_after_somebody_stopped_that(
    recording: RecordActions, jobs: Jobs
) -> None:
    recording.start_replay(Path("a.nxs"))
    recording.start_replay(Path("a.nxs"))
    assert jobs.labels == ["Preparing the recording"]
    jobs.cancel[0]()
    recording.start_replay(Path("a.nxs"))
    assert jobs.labels == ["Preparing the recording"] * 2


def test_a_recording_that_cannot_begin_is_told_and_can_be_tried_again(
    recording: RecordActions, jobs: Jobs, said: list[BaseException]
) -> None:
    recording.start_replay(Path("a.nxs"))
    jobs.fail[0](RuntimeError("no such port"))
    assert [str(error) for error in said] == ["no such port"]
    assert not recording.is_recording
    recording.start_replay(Path("a.nxs"))
    assert len(jobs.labels) == 2
