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
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import journal, opening
from tandem_em.storage.transaction.collector import paused_collection
from tandem_em.storage.transaction.committer import Committer
from tandem_em.storage.transaction.paged_file import TransactionalFile
from tandem_em.storage.transaction.recovery import Overlay, Recovery

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
        self._opened_at = self.begun
        self._options = hdf5_options
        self._h5: Any = None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._gate = threading.Lock()  # orders `_is_closed` and the queue; never held while calling h5py
        self._commits: Committer | None = None
        if isinstance(file, TransactionalFile):
            self._commits = Committer(file, path, self._flush, self._work.put, on_durable, on_trouble)
        self._thread = threading.Thread(target=self._run, name=f"storage {path.name}", daemon=True)
        self._thread.start()
        try:
            # h5py is called by the storage thread only, opening included
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
        autocommit_s: float | None = 0.3,
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
    def h5(self) -> H5File:
        """The `h5py.File`; only for functions that run on the storage thread."""
        return self._h5

    @property
    def is_writable(self) -> bool:
        """Whether it was opened for writing: then this program holds the lock."""
        return isinstance(self._file, TransactionalFile)

    def call(self, work: Callable[[H5File], Result]) -> Future[Result]:
        """Run `work(h5)` on the storage thread. If it raises, what it did so far stays: for all or nothing use `edit`.

        On a file opened for reading the work may run again when another program commits meanwhile.
        """
        return self._submit(lambda: self._guarded(work) if self.is_writable else self._read(work))

    def edit(self, work: Callable[[H5File], Result]) -> Future[Result]:
        """Run `work(h5)` as one change: if it raises, everything it did is taken back; a commit follows at once."""
        return self._submit(lambda: self._edit(work))

    def commit(self, wait: bool = False, timeout_s: float | None = None) -> Future[int]:
        """Make everything handed in before durable. The Future gives the commit number, or raises UserError."""
        answer: Future[int] = Future()
        commits = self._commits
        if commits is None:
            answer.set_result(0)
        else:
            self._submit(lambda: commits.want(answer))
        if wait:
            answer.result(timeout_s)
        return answer

    @property
    def durable(self) -> int:
        """The number of the last commit that no crash and no power cut can take away."""
        return self._file.generation if isinstance(self._file, TransactionalFile) else 0

    @property
    def state(self) -> str:
        """Which commit the file on disk is at (see `journal.state`)."""
        return journal.state(self._file.raw)

    @property
    def begun(self) -> int:
        """The number of the last commit that began: what is written now is safe when `durable` exceeds it."""
        return self._file.begun if isinstance(self._file, TransactionalFile) else 0

    @property
    def trouble(self) -> UserError | None:
        """What the disk refuses at present, in words; None when all is well."""
        return None if self._commits is None else self._commits.trouble

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

    def place_of(self, write: Callable[[], None], size: int) -> int | None:
        """Where in the file one block of `size` bytes goes that `write` makes HDF5 write. On the storage thread only."""
        if isinstance(self._file, TransactionalFile):
            return self._file.place_of(write, size)
        write()
        return None

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        answer: Future[Result] = Future()

        def run() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001  an edge: the caller gets it
                answer.set_exception(error)

        # a call from within a call would wait for itself
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
                work = self._nothing
            if work is None:
                return
            with paused_collection():
                work()
                # the job may hold h5py objects: they are let go while no garbage is collected
                del work
                if self._commits is not None and self._is_commit_due():
                    self._commits.begin()
            if self._commits is not None:
                self._commits.tell_trouble()

    def _nothing(self) -> None:
        """What the storage thread does when the time for a commit has come."""

    def _seconds_to_autocommit(self) -> float | None:
        if self._commits is None or self._h5 is None:
            return None
        return self._commits.seconds_to_next(self.autocommit_s)

    def _is_commit_due(self) -> bool:
        return self._seconds_to_autocommit() == 0.0 or (
            self.bytes_in_memory > MEMORY_LIMIT and self.trouble is None
        )

    def _flush(self) -> None:
        if self._h5 is not None:
            self._h5.flush()

    def _open_hdf5(self) -> None:
        while True:
            try:
                self._h5 = opening.open_hdf5(self._file, self.path, self._options)
            except UserError:
                if not isinstance(self._file, Overlay) or self._file.is_current():
                    raise
                self._look_again()  # another program committed while HDF5 was opening
            else:
                self.epoch += 1
                return

    def _guarded(self, work: Callable[[H5File], Result]) -> Result:
        self._expect_work()
        return work(self._h5)

    def _expect_work(self) -> tuple[TransactionalFile, Committer]:
        """Before anything is changed: refuse it when it could not be saved any more."""
        file, commits = self._file, self._commits
        if not isinstance(file, TransactionalFile) or commits is None:
            raise UserError(
                f"{self.path.name} is open for reading only.", "Save a copy under another name to edit it."
            )
        trouble = commits.trouble
        if trouble is not None and (file.broken is not None or self.bytes_in_memory > REFUSE_LIMIT):
            raise trouble
        commits.has_work = True
        return file, commits

    def _edit(self, work: Callable[[H5File], Result]) -> Result:
        file, commits = self._expect_work()
        # what came before the edit belongs to the file, even if the edit is taken back
        self._h5.flush()
        mark = file.begin_edit()
        try:
            result = work(self._h5)
            self._h5.flush()
        except BaseException:
            with contextlib.suppress(Exception):
                # HDF5's cache knows the edit that is taken back: only a new handle forgets it
                self._h5.close()
            file.roll_back(mark)
            self._open_hdf5()
            raise
        file.keep_edit(mark)
        commits.begin()
        return result

    def _read(self, work: Callable[[H5File], Result]) -> Result:
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
        self._look_again()
        self._open_hdf5()

    def _look_again(self) -> None:
        self._file.raw.close()
        self._file = opening.open_to_read(self.path)

    # ---- the end ------------------------------------------------------------------------------------------------

    def _close_hdf5(self) -> None:
        """On the storage thread, after a commit of everything: HDF5 writes its last words, they are committed too."""
        file, commits = self._file, self._commits
        if not isinstance(file, TransactionalFile) or commits is None:
            self._abandon_hdf5()
            return
        commits.finish()
        if self.begun == self._opened_at and not file.has_news:
            file.is_abandoned = (
                True  # nothing was changed: HDF5's last words would change the file all the same
            )
        if self._h5 is not None:
            self._h5.close()
            self._h5 = None
        if not file.is_abandoned:
            commits.write_rest()
        with contextlib.suppress(OSError):
            journal.write_holder(file.raw, b"")
            if file.raw.size() > file.committed_end:
                file.raw.truncate(file.committed_end)
        file.is_abandoned = True
        file.raw.close()

    def _abandon_hdf5(self) -> None:
        if self._commits is not None:
            self._commits.give_up()
        if isinstance(self._file, TransactionalFile):
            self._file.is_abandoned = True
        h5, self._h5 = self._h5, None
        if h5 is not None:
            with contextlib.suppress(Exception):
                h5.close()
        self._file.raw.close()

    def _stop(self) -> None:
        with self._gate:
            self._is_closed = True
            self._work.put(None)
        self._thread.join()
        if self._commits is not None:
            self._commits.stop()
        _open_stores.discard(self)


@atexit.register
def _abandon_all() -> None:
    """HDF5 closes its files when the program ends; by then no Python code of ours may run any more."""
    for store in list(_open_stores):
        store.abandon()
