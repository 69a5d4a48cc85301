"""Jobs end exactly once, release what they hold, and say how far they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tandem_em.core.jobs import Job, Progress, Runner, Task, run_to_end


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def count_to(number: int, closed: list[bool]) -> Job[int]:
    try:
        for done in range(number):
            yield Progress(done, number)
        return number
    finally:
        closed.append(True)


def test_result_and_release(runner: Runner) -> None:
    closed: list[bool] = []
    ended = threading.Event()
    results: list[int] = []

    def take(result: int) -> None:
        results.append(result)
        ended.set()

    runner.start("count", count_to(3, closed), on_result=take)
    assert ended.wait(5)
    assert results == [3]
    assert closed == [True]


def endless(started: threading.Event, closed: threading.Event) -> Job[None]:
    try:
        while True:
            started.set()
            yield Progress(1, 0)
    finally:
        closed.set()


def test_cancel_closes_the_generator_and_calls_nobody(runner: Runner) -> None:
    started, closed = threading.Event(), threading.Event()
    called: list[object] = []
    task = runner.start("endless", endless(started, closed), on_result=called.append, on_error=called.append)
    assert started.wait(5)
    task.cancel()
    assert closed.wait(5)
    runner.close()
    assert task.state == "cancelled"
    assert called == []


def test_whoever_asks_is_told_once_that_it_was_cancelled(runner: Runner) -> None:
    started, closed, told = threading.Event(), threading.Event(), threading.Event()
    called: list[object] = []

    def cancelled() -> None:
        called.append("cancelled")
        told.set()

    task = runner.start(
        "endless",
        endless(started, closed),
        on_result=called.append,
        on_error=called.append,
        on_cancelled=cancelled,
    )
    assert started.wait(5)
    task.cancel()
    assert told.wait(5)
    assert closed.is_set()  # what it held is free by then
    runner.close()
    assert called == ["cancelled"]


def test_cancelled_after_its_last_step_a_result_is_no_longer_wanted() -> None:
    waiting: list[Callable[[], None]] = []
    runner = Runner(waiting.append)
    called: list[object] = []
    at_the_end = threading.Event()

    def work() -> Job[int]:
        yield Progress(0, 1)
        at_the_end.set()
        return 1

    task = runner.start(
        "work", work(), on_result=called.append, on_cancelled=lambda: called.append("cancelled")
    )
    assert at_the_end.wait(5)
    runner.close()  # waits for the thread
    task.cancel()
    assert task.state == "done"
    for call in waiting:
        call()
    assert called == ["cancelled"]


def test_newer_task_of_one_key_cancels_the_older(runner: Runner) -> None:
    started, closed = threading.Event(), threading.Event()
    runner.start("old", endless(started, closed), key="same")
    assert started.wait(5)
    done = threading.Event()
    runner.start("new", count_to(1, []), on_result=lambda _r: done.set(), key="same")
    assert closed.wait(5)
    assert done.wait(5)


def test_error_reaches_its_listener(runner: Runner) -> None:
    def broken() -> Job[None]:
        yield Progress(0, 1)
        raise ValueError("broken")

    caught: list[BaseException] = []
    done = threading.Event()

    def take(error: BaseException) -> None:
        caught.append(error)
        done.set()

    runner.start("broken", broken(), on_error=take)
    assert done.wait(5)
    assert str(caught[0]) == "broken"


def test_run_to_end_gives_result_and_progress() -> None:
    seen: list[float] = []
    assert run_to_end(count_to(4, []), lambda p: seen.append(p.done)) == 4
    assert seen == [0, 1, 2, 3]


def test_the_time_left_is_that_of_the_step_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("tandem_em.core.jobs.time.monotonic", lambda: now[0])
    task: Task[None] = Task("build")
    for now[0], done in ((0.0, 0), (40.0, 99)):  # a slow step comes first
        task.show_progress(Progress(done, 100, "compiling"))
    task.show_progress(Progress(0, 600, "following"))
    assert task.seconds_left() is None
    now[0] = 41.0
    task.show_progress(Progress(60, 600, "following"))
    assert task.seconds_left() == pytest.approx(9.0)
