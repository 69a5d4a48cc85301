"""Commits one after the other: begun on the storage thread, carried out on a thread that waits for the disk."""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.storage.transaction.paged_file import Snapshot, TransactionalFile

log = logging.getLogger(__name__)


class Committer:
    """The commits of one file. Methods are for the storage thread, unless they say otherwise.

    `flush()` is HDF5's flush; `post(work)` has the storage thread do something.
    """

    def __init__(
        self,
        file: TransactionalFile,
        path: Path,
        flush: Callable[[], None],
        post: Callable[[Callable[[], None]], None],
        on_durable: Callable[[int], None] | None,
        on_trouble: Callable[[UserError | None], None] | None,
    ) -> None:
        self.path = path
        self.has_work = True  # something was done since the last flush
        self._file = file
        self._flush = flush
        self._post = post
        self._on_durable = on_durable
        self._on_trouble = on_trouble
        self._told: str | None = None
        self._begun_at = time.monotonic()
        self._waiting: list[Future[int]] = []  # want a commit that has not begun
        self._in_flight: list[Future[int]] | None = None  # want the one under way
        self._unfinished: Snapshot | None = None  # safe in the journal, not yet in place
        self._shots: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[tuple[Snapshot, OSError | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"commit {path.name}", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> UserError | None:
        """What the disk refuses at present, in words; None when all is well. Any thread."""
        if self._file.broken is not None:
            return broken(self.path, self._file.broken)
        return None if self._file.trouble is None else refused(self.path, self._file.trouble)

    def seconds_to_next(self, period_s: float | None) -> float | None:
        """Time until a commit is due by itself; None while none is needed or one is under way."""
        if period_s is None or not self.has_work or self._in_flight is not None:
            return None
        return max(0.0, self._begun_at + period_s - time.monotonic())

    def want(self, answer: Future[int]) -> None:
        """Begin a commit as soon as possible; `answer` gets its number once everything so far is safe."""
        self._waiting.append(answer)
        self.begin()

    def begin(self) -> None:
        """Begin a commit, unless one is under way: its end begins the next if somebody waits."""
        if self._in_flight is not None:
            return
        self._begun_at = time.monotonic()
        waiting, self._waiting = self._waiting, []
        try:
            # a commit that is safe in the journal has to be put in place before the next one may begin
            shot = self._unfinished or self._snapshot()
        except Exception as error:  # noqa: BLE001  an edge: HDF5's flush may raise anything
            self.has_work = False
            self._file.broken = self._file.broken or error
            _fail(waiting, broken(self.path, error))
            return
        # nothing was written since: everything asked for is safe already
        if shot is None:
            for answer in waiting:
                answer.set_result(self._file.generation)
            return
        if shot is self._unfinished:  # what is asked for now comes with the next one
            self._waiting, waiting = waiting, []
        self._in_flight = waiting
        self._shots.put(shot)

    def finish(self) -> None:
        """Wait until no commit is under way."""
        while self._in_flight is not None:
            self._end(*self._finished.get())

    def write_rest(self) -> None:
        """The last commit, on this thread, after HDF5 has closed. Raises UserError; may be called again."""
        try:
            if self._unfinished is not None:
                self._file.commit(self._unfinished)
                self._unfinished = None
            if self._file.has_news:
                self._file.commit(self._file.snapshot())
        except OSError as error:
            self._file.trouble = error
            raise refused(self.path, error) from error

    def give_up(self) -> None:
        """Answer everybody who still waits, then wait for the commit under way."""
        waiting, self._waiting = self._waiting, []
        _fail(waiting, UserError(f"{self.path.name} was closed before it could be saved."))
        self.finish()

    def stop(self) -> None:
        """End the thread. Any thread."""
        self._shots.put(None)
        self._thread.join()

    def tell_trouble(self) -> None:
        """Say a change of trouble once: a full disk at once, not at the next commit; and that it is over. Any thread."""
        trouble = self.trouble
        told, self._told = self._told, None if trouble is None else trouble.title
        if told == self._told:
            return
        if trouble is not None:
            log.warning("%s", trouble)
        if self._on_trouble is not None:
            self._on_trouble(trouble)

    def _snapshot(self) -> Snapshot | None:
        self._flush()
        self.has_work = False
        return self._file.snapshot() if self._file.has_news else None

    def _run(self) -> None:
        while (shot := self._shots.get()) is not None:
            error: OSError | None = None
            try:
                self._file.commit(shot)
            except (OSError, MemoryError) as refusal:
                error = (
                    refusal if isinstance(refusal, OSError) else OSError(errno.ENOMEM, "not enough memory")
                )
                self._file.give_up(shot, error)
            except Exception as bug:  # an edge: whoever waits for this commit must hear of it
                log.exception("a commit failed in an unforeseen way")
                self._file.broken, error = bug, OSError(str(bug))
            self._finished.put((shot, error))
            # the storage thread answers those who wait: futures are set where commits are ordered
            self._post(self._end_finished)
            self._tell(shot.generation if error is None else None)

    def _tell(self, number: int | None) -> None:
        try:
            self.tell_trouble()
            if number is not None and self._on_durable is not None:
                self._on_durable(number)
        except Exception:  # an edge: a listener must not stop the commits
            log.exception("a listener of the storage failed")

    def _end_finished(self) -> None:
        if not self._finished.empty():
            self._end(*self._finished.get())

    def _end(self, shot: Snapshot, error: OSError | None) -> None:
        answers, self._in_flight = self._in_flight or [], None
        self._unfinished = shot if shot.is_durable and error is not None else None
        self.has_work = self.has_work or error is not None
        # safe in the journal counts: recovery would put it in place
        if error is None or shot.is_durable:
            for answer in answers:
                answer.set_result(shot.generation)
        else:
            _fail(answers, refused(self.path, error))
        if self._waiting:
            self.begin()


def refused(path: Path, error: OSError) -> UserError:
    """What to say when the disk does not take the data."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"The disk with {path.name} is full. Everything saved before is safe; the rest waits in memory.",
            "Free some space: it is then written automatically. Or stop recording and save under another name.",
        )
    return UserError(
        f"{path.name} could not be written: {error.strerror or error}. Everything saved before is safe.",
        "Check the disk or the network drive; TandEM keeps trying.",
    )


def broken(path: Path, error: BaseException) -> UserError:
    """What to say when nothing can be promised any more."""
    return UserError(
        f"{path.name} cannot be saved any more ({error}). It stays as it was at the last save.",
        "Save under another name, then open the file again.",
    )


def _fail(answers: list[Future[int]], error: UserError) -> None:
    for answer in answers:
        answer.set_exception(error)
