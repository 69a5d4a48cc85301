"""A session file open for reading or writing: one thread that calls h5py, one that waits for the disk.

    with Hdf5Store.create(path, prepare=write_skeleton) as store:
        store.call(lambda h5: ...)        # recording: runs on the storage thread, in order; returns a Future
        store.edit(lambda h5: ...)        # the same, but taken back whole if it raises; never committed by halves
        store.commit(wait=True)           # saving: when it returns, everything before is safe
        store.durable                     # the number of the last commit that is safe

Commits happen only between two calls, every `autocommit_s` seconds while there is something new. Do not keep h5py
objects from one call to the next without comparing `store.epoch`: taking back an edit reopens HDF5 inside.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from tandem_em.notices import UserError
from tandem_em.storage import journal, opening
from tandem_em.storage.collector import paused_collection
from tandem_em.storage.paged_file import BrokenStoreError, Snapshot, TransactionalFile
from tandem_em.storage.recovery import Overlay, Recovery

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Mode = Literal["r", "rw"]
MEMORY_LIMIT = 256 << 20  # bytes of uncommitted changes after which a commit starts by itself
REFUSE_LIMIT = 1 << 30  # bytes that wait for a full disk before further work is refused
_open_stores: weakref.WeakSet[Hdf5Store] = weakref.WeakSet()


class Hdf5Store:
    """One open session file. Use `create` or `open`; methods may be called from any thread unless they say otherwise.

    `on_durable(commit number)` is called on the committing thread, `on_trouble(UserError or None)` on either thread.
    """

    def __init__(
        self,
        path: Path,
        file: TransactionalFile | Overlay,
        recovery: Recovery,
        *,
        autocommit_s: float | None,
        on_durable: Callable[[int], None] | None,
        on_trouble: Callable[[UserError | None], None] | None,
        hdf5_options: dict[str, Any],
    ) -> None:
        self.path = path
        self.recovery = recovery
        self.autocommit_s = autocommit_s
        self.epoch = 0
        self._file = file
        self._options = hdf5_options
        self._on_durable = on_durable
        self._on_trouble = on_trouble
        self._h5: Any = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._commits: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[tuple[Snapshot, OSError | None]] = queue.SimpleQueue()
        self._waiting: list[Future[int]] = []  # want a commit that has not begun
        self._in_flight: tuple[Snapshot, list[Future[int]]] | None = None
        self._unfinished: Snapshot | None = None  # safe in the journal, not yet in place
        self._has_worked = True  # since the last flush
        self._last_begin = time.monotonic()
        self._is_closed = False
        self._told: str | None = None
        self._gate = threading.Lock()  # orders `_is_closed` and the queue; never held while calling h5py
        self._thread = threading.Thread(target=self._run, name=f"storage {path.name}", daemon=True)
        self._committer = threading.Thread(target=self._run_commits, name=f"commit {path.name}", daemon=True)
        self._thread.start()
        self._committer.start()
        try:
            self._submit(self._open_hdf5).result()
        except BaseException:
            self.abandon()
            raise
        _open_stores.add(self)

    # ---- opening and closing ------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        prepare: Callable[[Any], None] | None = None,
        overwrite: bool = False,
        journal_bytes: int = opening.JOURNAL_BYTES,
        **options: Any,
    ) -> Hdf5Store:
        """A new file, complete on disk before it gets its name, then open for writing. `prepare(h5)` fills it."""
        opening.create_file(Path(path), prepare, overwrite, journal_bytes)
        return cls.open(path, "rw", **options)

    @classmethod
    def open(
        cls,
        path: Path,
        mode: Mode = "rw",
        *,
        autocommit_s: float | None = 0.5,
        on_durable: Callable[[int], None] | None = None,
        on_trouble: Callable[[UserError | None], None] | None = None,
        **hdf5_options: Any,
    ) -> Hdf5Store:
        """Open a session; `rw` locks it and mends what a crash left (see `recovery`). Raises UserError.

        Audit files of unknown origin first (`audit.audit`). `hdf5_options` go to `h5py.File` (rdcc_nbytes …).
        """
        path = Path(path)
        file: TransactionalFile | Overlay
        if mode == "rw":
            file, report = opening.open_to_write(path)
        else:
            file, report = opening.open_to_read(path), Recovery()
        return cls(
            path,
            file,
            report,
            autocommit_s=autocommit_s if mode == "rw" else None,
            on_durable=on_durable,
            on_trouble=on_trouble,
            hdf5_options=hdf5_options,
        )

    def close(self) -> None:
        """Commit everything and close. If the disk refuses: UserError, the store stays open; free space and try again,
        or `abandon()`, which leaves the last commit."""
        if self._is_closed:
            return
        self.commit(wait=True)
        self._submit(self._close_hdf5).result()
        self._stop()

    def abandon(self) -> None:
        """Let go at once: nothing more is written, the file stays at its last commit. Never raises."""
        with self._gate:
            if self._is_closed:
                return
        with contextlib.suppress(Exception):
            self._submit(self._abandon_hdf5).result()
        self._stop()

    def __enter__(self) -> Hdf5Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            self.abandon()
            raise

    # ---- work ---------------------------------------------------------------------------------------------------

    @property
    def h5(self) -> Any:
        """The `h5py.File`; only for functions that run on the storage thread."""
        return self._h5

    @property
    def is_writable(self) -> bool:
        return isinstance(self._file, TransactionalFile)

    def call(self, work: Callable[[Any], Result]) -> Future[Result]:
        """Run `work(h5)` on the storage thread. If it raises, what it did so far stays: for all or nothing use `edit`.

        On a file opened for reading the work may run again when another program commits meanwhile.
        """
        return self._submit(lambda: self._guarded(work) if self.is_writable else self._read(work))

    def edit(self, work: Callable[[Any], Result]) -> Future[Result]:
        """Run `work(h5)` as one change: if it raises, everything it did is taken back; a commit follows at once."""
        return self._submit(lambda: self._edit(work))

    def commit(self, wait: bool = False, timeout_s: float | None = None) -> Future[int]:
        """Make everything handed in before durable. The Future gives the commit number, or raises UserError."""
        answer: Future[int] = Future()
        if self.is_writable:
            self._submit(lambda: self._want_commit(answer))
        else:
            answer.set_result(0)
        if wait:
            answer.result(timeout_s)
        return answer

    @property
    def durable(self) -> int:
        """The number of the last commit that no crash and no power cut can take away."""
        return self._file.generation if isinstance(self._file, TransactionalFile) else 0

    @property
    def begun(self) -> int:
        """The number of the last commit that began: what is written now is safe when `durable` exceeds it."""
        return self._file.begun if isinstance(self._file, TransactionalFile) else 0

    @property
    def trouble(self) -> UserError | None:
        """What the disk refuses at present, in words; None when all is well."""
        file = self._file
        if not isinstance(file, TransactionalFile):
            return None
        if file.broken is not None:
            return _broken(self.path, file.broken)
        return None if file.trouble is None else _refused(self.path, file.trouble)

    @property
    def bytes_in_memory(self) -> int:
        """Changes below the committed end, and what the disk refused, that the next commit will write."""
        return self._file.bytes_in_memory if isinstance(self._file, TransactionalFile) else 0

    def read_at(self, into: memoryview, offset: int) -> None:
        """Fill `into` with the file's bytes from `offset`, from any thread and without h5py: also those not yet written.

        For chunks whose place is known (`get_chunk_info`): frames can be shown while the storage thread records.
        """
        self._file.read_at(into, offset)

    @property
    def size(self) -> int:
        """Size of the file in bytes as HDF5 sees it now."""
        return self._file.size

    # ---- the storage thread -------------------------------------------------------------------------------------

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        answer: Future[Result] = Future()

        def run() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001  an edge: the caller gets it
                answer.set_exception(error)

        if threading.current_thread() is self._thread:
            run()
            return answer
        with self._gate:
            if self._is_closed:
                raise RuntimeError(f"{self.path.name} is closed")
            self._work.put(run)
        return answer

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._seconds_to_autocommit())
            except queue.Empty:
                work = self._begin_commit
            if work is None:
                return
            with paused_collection():
                work()
                del work
                if self._is_commit_due():
                    self._begin_commit()
            self._tell_trouble(self.trouble)

    def _seconds_to_autocommit(self) -> float | None:
        if self.autocommit_s is None or not self._has_worked or self._in_flight or self._h5 is None:
            return None
        return max(0.0, self._last_begin + self.autocommit_s - time.monotonic())

    def _is_commit_due(self) -> bool:
        return self._seconds_to_autocommit() == 0.0 or (
            self.bytes_in_memory > MEMORY_LIMIT and self.trouble is None
        )

    def _open_hdf5(self) -> None:
        self._h5 = opening.open_hdf5(self._file, self.path, self._options)
        self.epoch += 1

    def _guarded(self, work: Callable[[Any], Result]) -> Result:
        self._refuse_if_stuck()
        self._has_worked = True
        return work(self._h5)

    def _refuse_if_stuck(self) -> None:
        trouble = self.trouble
        assert isinstance(self._file, TransactionalFile)
        if trouble is not None and (self._file.broken is not None or self.bytes_in_memory > REFUSE_LIMIT):
            raise trouble

    def _edit(self, work: Callable[[Any], Result]) -> Result:
        file = self._file
        if not isinstance(file, TransactionalFile):
            raise UserError(
                f"{self.path.name} is open for reading only.", "Save a copy under another name to edit it."
            )
        self._refuse_if_stuck()
        self._h5.flush()
        mark = file.begin_edit()
        self._has_worked = True
        try:
            result = work(self._h5)
            self._h5.flush()
        except BaseException:
            with contextlib.suppress(Exception):
                self._h5.close()
            file.roll_back(mark)
            self._open_hdf5()
            raise
        file.keep_edit(mark)
        self._begin_commit()
        return result

    def _read(self, work: Callable[[Any], Result]) -> Result:
        for _ in range(20):
            if not self._is_view_current():
                self._reopen_view()
            try:
                result = work(self._h5)
            except (OSError, KeyError, ValueError, RuntimeError):
                if self._is_view_current():
                    raise
                continue
            if self._is_view_current():
                return result
        raise UserError(f"{self.path.name} is being written to all the time.", "Try again in a moment.")

    def _is_view_current(self) -> bool:
        return isinstance(self._file, Overlay) and self._file.is_current()

    def _reopen_view(self) -> None:
        with contextlib.suppress(Exception):
            self._h5.close()
        self._file.raw.close()
        self._file = opening.open_to_read(self.path)
        self._open_hdf5()

    # ---- commits: begun on the storage thread, carried out on the committing thread --------------------------------

    def _want_commit(self, answer: Future[int]) -> None:
        self._waiting.append(answer)
        self._begin_commit()

    def _begin_commit(self) -> None:
        file = self._file
        if self._in_flight is not None or not isinstance(file, TransactionalFile):
            return  # the end of the one in flight begins the next
        self._last_begin = time.monotonic()
        waiting, self._waiting = self._waiting, []
        try:
            shot = self._unfinished or self._snapshot(file)
        except (BrokenStoreError, OSError, RuntimeError) as error:
            self._has_worked = False
            if file.broken is None:
                file.broken = error
            for answer in waiting:
                answer.set_exception(_broken(self.path, error))
            return
        if shot is None:
            for answer in waiting:
                answer.set_result(file.generation)
            return
        if shot is self._unfinished:  # only now in place: what is asked for comes with the next one
            self._waiting, waiting = waiting, []
        self._in_flight = shot, waiting
        self._commits.put(shot)

    def _snapshot(self, file: TransactionalFile) -> Snapshot | None:
        if self._h5 is not None:
            self._h5.flush()
        self._has_worked = False
        return file.snapshot() if file.has_news else None

    def _run_commits(self) -> None:
        file = self._file
        while (shot := self._commits.get()) is not None:
            assert isinstance(file, TransactionalFile)
            error: OSError | None = None
            try:
                file.commit(shot)
            except (OSError, MemoryError) as refused:
                error = (
                    refused if isinstance(refused, OSError) else OSError(errno.ENOMEM, "not enough memory")
                )
                file.give_up(shot, error)
            except Exception as bug:  # an edge: whoever waits for this commit must hear of it
                log.exception("a commit failed in an unforeseen way")
                file.broken, error = bug, OSError(str(bug))
            self._finished.put((shot, error))
            self._work.put(self._end_finished)
            self._tell_trouble(self.trouble)
            if error is None and self._on_durable is not None:
                self._on_durable(shot.generation)

    def _tell_trouble(self, trouble: UserError | None) -> None:
        """Tell a change once: a full disk at once, not at the next commit; and that it is over."""
        told, self._told = self._told, None if trouble is None else trouble.title
        if told == self._told:
            return
        if trouble is not None:
            log.warning("%s", trouble)
        if self._on_trouble is not None:
            self._on_trouble(trouble)

    def _end_finished(self) -> None:
        if not self._finished.empty():
            self._end_commit(*self._finished.get())

    def _wait_for_commit(self) -> None:
        while self._in_flight is not None:
            self._end_commit(*self._finished.get())

    def _end_commit(self, shot: Snapshot, error: OSError | None) -> None:
        assert self._in_flight is not None
        _, answers = self._in_flight
        self._in_flight = None
        self._unfinished = shot if shot.is_durable and error is not None else None
        self._has_worked = self._has_worked or error is not None
        for answer in answers:
            if error is None or shot.is_durable:
                answer.set_result(shot.generation)
            else:
                answer.set_exception(_refused(self.path, error))
        if self._waiting:
            self._begin_commit()

    # ---- the end ------------------------------------------------------------------------------------------------

    def _close_hdf5(self) -> None:
        """On the storage thread, after a commit of everything: HDF5 writes its last words, they are committed too."""
        file = self._file
        if not isinstance(file, TransactionalFile):
            self._abandon_hdf5()
            return
        self._wait_for_commit()
        if self._h5 is not None:
            self._h5.close()
            self._h5 = None
        try:
            if self._unfinished is not None:
                file.commit(self._unfinished)
                self._unfinished = None
            if file.has_news:
                file.commit(file.snapshot())
            journal.write_holder(file.raw, b"")
            if file.raw.size() > file.committed_end:
                file.raw.truncate(file.committed_end)
        except OSError as error:
            raise _refused(self.path, error) from error
        file.is_abandoned = True
        file.raw.close()

    def _abandon_hdf5(self) -> None:
        file = self._file
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer.set_exception(UserError(f"{self.path.name} was closed before it could be saved."))
        if isinstance(file, TransactionalFile):
            self._wait_for_commit()
            file.is_abandoned = True
        h5, self._h5 = self._h5, None
        if h5 is not None:
            with contextlib.suppress(Exception):
                h5.close()
        file.raw.close()

    def _stop(self) -> None:
        with self._gate:
            self._is_closed = True
            self._work.put(None)
        self._commits.put(None)
        self._thread.join()
        self._committer.join()
        _open_stores.discard(self)


def _refused(path: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"The disk with {path.name} is full. Everything saved before is safe; the rest waits in memory.",
            "Free some space: it is then written by itself. Or stop the recording and save under another name.",
        )
    return UserError(
        f"{path.name} could not be written: {error.strerror or error}. Everything saved before is safe.",
        "Check the disk or the network drive; TandEM goes on trying.",
    )


def _broken(path: Path, error: BaseException) -> UserError:
    return UserError(
        f"{path.name} cannot be saved any more ({error}). It stays as it was at the last save.",
        "Save under another name, then open the file again.",
    )


@atexit.register
def _abandon_all() -> None:
    """HDF5 closes its files when the program ends; by then no Python code of ours may run any more."""
    for store in list(_open_stores):
        store.abandon()
