"""Long work: a generator that yields Progress and returns its result, run off the calling thread.

A job is any `Generator[Progress, None, Result]`. Cancelling closes the generator in its own thread, so its
`finally` blocks release files and memory. Nothing here knows the project, nor Qt: whoever wants the answers on a
certain thread hands in `post`, a function that runs a callable there.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a job is. `total` 0 means unknown. `partial` may carry a coarse or growing answer."""

    done: float
    total: float = 0.0
    message: str = ""
    partial: Any = None

    @property
    def fraction(self) -> float | None:
        """0 to 1; None while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else None


Job = Generator[Progress, None, Result]


class JobCancelledError(Exception):
    """Raised inside the runner when a task was asked to stop."""


def run_to_end(job: Job[Result], on_progress: Callable[[Progress], None] | None = None) -> Result:
    """Run a job on the calling thread (command line, tests) and return its result."""
    try:
        while True:
            progress = next(job)
            if on_progress is not None:
                on_progress(progress)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        # A job that is left half-way still has to release its files.
        job.close()


def call_as_job(work: Callable[[], Result], message: str = "") -> Job[Result]:
    """Wrap a plain function that cannot report progress."""
    yield Progress(0, 0, message)
    return work()


@dataclass(eq=False)
class Task(Generic[Result]):
    """A job that was handed to the runner. Fields change on the worker thread; callbacks come through `post`."""

    label: str
    key: str | None = None
    id: int = 0
    progress: Progress = field(default_factory=lambda: Progress(0))
    started: float = field(default_factory=time.monotonic)
    state: str = "waiting"  # waiting | running | done | failed | cancelled
    _cancel: threading.Event = field(default_factory=threading.Event)
    _step: tuple[float, float] | None = None
    """When the step that is being worked on was first heard of, and its fraction then."""

    def show_progress(self, progress: Progress) -> None:
        """A job of several steps begins to count anew with each: so does the pace."""
        before, fraction = self.progress, progress.fraction
        if fraction is None:
            self._step = None
        elif self._step is None or progress.total != before.total or progress.done < before.done:
            self._step = (time.monotonic(), fraction)
        self.progress = progress

    def cancel(self) -> None:
        """Ask it to stop; it does so at its next Progress."""
        self._cancel.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to stop, whether or not it has."""
        return self._cancel.is_set()

    @property
    def is_open(self) -> bool:
        """Neither finished nor given up."""
        return self.state in ("waiting", "running") and not self.is_cancelled

    def seconds_left(self) -> float | None:
        """Estimate for this step from its pace so far; None while it would be a guess."""
        fraction, step = self.progress.fraction, self._step
        if fraction is None or step is None:
            return None
        elapsed, gained = time.monotonic() - step[0], fraction - step[1]
        return elapsed * (1 - fraction) / gained if elapsed >= 0.5 and gained > 0 else None


@dataclass(frozen=True)
class _Ends(Generic[Result]):
    """Whom to tell how a job ended."""

    on_result: Callable[[Result], None] | None
    on_error: Callable[[BaseException], None] | None
    on_cancelled: Callable[[], None] | None

    def result(self, result: Result) -> None:
        if self.on_result is not None:
            self.on_result(result)

    def error(self, error: BaseException) -> None:
        if self.on_error is not None:
            self.on_error(error)

    def cancelled(self) -> None:
        if self.on_cancelled is not None:
            self.on_cancelled()


class Runner:
    """Runs jobs on a few threads; a newer task with the same key cancels the older one."""

    def __init__(self, post: Callable[[Callable[[], None]], None] | None = None, threads: int = 3) -> None:
        # None: the callbacks come on the worker's own thread.
        self._post = post or (lambda call: call())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self._lock = threading.Lock()
        self._tasks: dict[int, Task[Any]] = {}
        self._ids = itertools.count(1)
        self._listeners: list[Callable[[Task[Any]], None]] = []
        self._closed = False

    def listen(self, on_change: Callable[[Task[Any]], None]) -> None:
        """`on_change(task)` is called through `post` at start, at progress (at most 20 a second) and at the end."""
        self._listeners.append(on_change)

    @property
    def tasks(self) -> list[Task[Any]]:
        """A copy of what waits or runs now; what has ended is not in it."""
        with self._lock:
            return list(self._tasks.values())

    def start(
        self,
        label: str,
        job: Job[Result],
        *,
        on_result: Callable[[Result], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> Task[Result]:
        """Queue a job. Exactly one of on_result, on_error and on_cancelled is called at the end.

        After `close` nothing begins any more, and nobody is told: a timer may still fire while the window goes."""
        task: Task[Result] = Task(label, key, next(self._ids))
        # The job was never begun, so there is nothing of it to close.
        if self._closed:
            task.cancel()
            return task
        with self._lock:
            if key is not None:
                for other in self._tasks.values():
                    if other.key == key:
                        other.cancel()
            self._tasks[task.id] = task
        ends = _Ends(on_result, on_error, on_cancelled)
        self._pool.submit(self._run, task, job, ends, on_progress)
        return task

    def close(self) -> None:
        """Cancel everything and wait for the threads."""
        self._closed = True
        # Asked to stop first, all of them: the pool waits for those that run.
        for task in self.tasks:
            task.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(
        self,
        task: Task[Result],
        job: Job[Result],
        ends: _Ends[Result],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        task.state, task.started = "running", time.monotonic()
        self._tell(task)
        last_told = 0.0
        try:
            while True:
                if task.is_cancelled:
                    # Asked between two steps only: a job is never interrupted inside of one.
                    raise JobCancelledError
                progress = next(job)
                task.show_progress(progress)
                now = time.monotonic()
                # At most 20 a second, so that a fast job does not flood the thread that draws; a partial
                # answer always.
                if now - last_told >= 0.05 or progress.partial is not None:
                    last_told = now
                    self._tell(task)
                    if on_progress is not None:
                        # A newer task may have cancelled this one between the posting and the call.
                        self._post(lambda p=progress: None if task.is_cancelled else on_progress(p))  # type: ignore[misc]
        except StopIteration as stop:
            task.state = "done"
            result: Result = stop.value
            # Cancelled during its last step: whoever cancelled does not want the result any more.
            self._finish(task, lambda: ends.cancelled() if task.is_cancelled else ends.result(result))
        except JobCancelledError:
            task.state = "cancelled"
            self._close(job)
            self._finish(task, ends.cancelled)
        # BaseException: an exit or an interrupt raised in a worker would else vanish with its future.
        except BaseException as error:
            task.state = "failed"
            # Python deletes `error` at the end of this block, the call below comes later.
            caught = error
            self._close(job)
            if ends.on_error is None:
                log.error("job %r failed", task.label, exc_info=error)
            self._finish(task, lambda: ends.error(caught))

    def _close(self, job: Job[Any]) -> None:
        # Closing runs the job's `finally` blocks, here, in the thread that ran it.
        try:
            job.close()
        except Exception:
            log.exception("a job did not close cleanly")

    def _finish(self, task: Task[Any], call: Callable[[], None]) -> None:
        with self._lock:
            self._tasks.pop(task.id, None)
        self._tell(task)
        self._post(call)

    def _tell(self, task: Task[Any]) -> None:
        for listener in self._listeners:
            self._post(lambda listener=listener: listener(task))  # type: ignore[misc]
