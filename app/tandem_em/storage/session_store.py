"""The session file as the rest of the program sees it: open, load, save what changed, record, embed, copy.

    store = SessionStore.open(path)            # a second program gets it read-only: `store.holder` says who writes
    session = run_to_end(store.load())
    run_to_end(store.save(session))            # only what changed, all or nothing

`save` takes its snapshot when it is called (call it where the session lives) and works when the job runs. Nothing here
is Qt; h5py is called by the storage thread only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.core.replacing import replace
from tandem_em.model.arrays import ArraySource
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.storage.arrays import ChunkIndex, LinkOpener, StoredArray, index_of
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Written
from tandem_em.storage.file_index import FileIndex, SaveState
from tandem_em.storage.gate.version import examine, note_ours
from tandem_em.storage.linked_files import relink
from tandem_em.storage.migrations import migrate, migrated_copy
from tandem_em.storage.read.session import read_session
from tandem_em.storage.read.size import SizeReport, size_report
from tandem_em.storage.recording.live import LiveStreams
from tandem_em.storage.save_plan import Plan, make_plan
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.lock import Holder
from tandem_em.storage.transaction.opening import who_writes
from tandem_em.storage.transaction.raw_file import sync_folder
from tandem_em.storage.write.big import stage_arrays
from tandem_em.storage.write.copy import copy_session
from tandem_em.storage.write.frames import discard, stage
from tandem_em.storage.write.hyperspy_layout import write_hyperspy_layout
from tandem_em.storage.write.root import write_skeleton
from tandem_em.storage.write.session import (
    apply_plan,
    changes_order,
    note_exported,
    prepare_tracks,
    throw_away,
)

Found = TypeVar("Found")
ALIGNED: dict[str, Any] = {"alignment_threshold": 1 << 20, "alignment_interval": 2 << 20}
PACKED: dict[str, Any] = {"alignment_threshold": 1, "alignment_interval": 1}
"""Frames at 2 MiB borders are written up to three times faster; packed chunks would only lose room by it."""


@dataclass(frozen=True)
class SaveReport:
    """What a save did. `embedded`: item id -> the array in the file, to take the place of the imported source."""

    items: int = 0
    embedded: dict[str, ArraySource] = field(default_factory=dict)


class SessionStore:
    """One open session file."""

    def __init__(
        self, store: Hdf5Store, path: Path, open_link: LinkOpener | None, holder: Holder | None
    ) -> None:
        self.path = path
        self.holder = holder
        """Who writes to it, when that is another program."""
        self.problems: list[str] = []
        """What `load` could not read (sentences)."""
        self.was_recovered = False
        """Opening finished or cut off what a crash had interrupted."""
        self._store = store
        self._open_link = open_link
        self._generation = 1
        self._save_state = SaveState()
        self._embedded: dict[str, ArraySource] = {}
        self._prepared: dict[str, tuple[ArraySource, str]] = {}
        """Big data that lie complete below `_incoming`, by item id: for the next save."""
        self._plans = 0
        self._applied = 0
        self._live = LiveStreams(store, self._save_state)

    # ---- opening and closing ------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        session: Session | None = None,
        *,
        overwrite: bool = False,
        for_recording: bool = False,
        open_link: LinkOpener | None = None,
    ) -> SessionStore:
        """A new file, open for writing, with the session in it. With big data: create it empty, then run `save`."""
        path = Path(path)
        options = ALIGNED if for_recording else PACKED
        store = Hdf5Store.create(
            path, prepare=lambda h5: write_skeleton(h5, path.name), overwrite=overwrite, **options
        )
        made = cls(store, path, open_link, None)
        if session is not None:
            try:
                run_to_end(made.save(session))
            except BaseException:
                made.abandon()
                raise
        return made

    @classmethod
    def open(
        cls,
        path: Path,
        readonly: bool = False,
        *,
        for_recording: bool = False,
        open_link: LinkOpener | None = None,
    ) -> SessionStore:
        """Open a session; see `open_job` for one that tells how far it is."""
        return run_to_end(cls.open_job(path, readonly, for_recording=for_recording, open_link=open_link))

    @classmethod
    def open_job(
        cls,
        path: Path,
        readonly: bool = False,
        *,
        for_recording: bool = False,
        open_link: LinkOpener | None = None,
    ) -> Job[SessionStore]:
        """Check, migrate if it is old, recover if it was cut short, open. Read-only when another program writes, when
        the file may not be written to, or when it is from a newer version. UserError for anything else."""
        path = Path(path)
        yield Progress(0, 0, f"Opening {path.name}")
        examined = yield from examine(path, readonly)
        found, is_locked = examined.found, examined.is_locked
        if found.needs_migration:
            if readonly or is_locked:  # a migrated copy is looked at in its place
                made = cls(
                    Hdf5Store.open((yield from migrated_copy(path)), "r"), path, open_link, who_writes(path)
                )
                made.problems.append(
                    f"{path.name} has the old format {found.version}: it is open for reading only."
                )
                return made
            yield from migrate(path)
        options = ALIGNED if for_recording else PACKED
        if not readonly and not is_locked and found.may_edit:
            made = cls(Hdf5Store.open(path, "rw", **options), path, open_link, None)
            made.was_recovered = examined.was_recovered or made._store.recovery.was_needed
            made._store.call(_remove_deleted).result()  # what a crash left: nobody can bring it back any more
            return made
        made = cls(Hdf5Store.open(path, "r"), path, open_link, who_writes(path))
        if not found.may_edit:
            made.problems.append(
                f"{path.name} was written by a newer TandEM (format {found.version}): it is open for reading only."
            )
        return made

    @property
    def is_readonly(self) -> bool:
        """It was opened for reading, is held by another program, or is from a newer TandEM."""
        return not self._store.is_writable

    @property
    def state(self) -> str:
        """Which commit the file is at: another text after every save."""
        return self._store.state

    @property
    def trouble(self) -> UserError | None:
        """What the disk refuses at present; None when all is well."""
        return self._store.trouble

    def close(self) -> None:
        """Commit everything, drop what was deleted, close. UserError when the disk refuses: it stays open."""
        # recordings first: what waits in their queues belongs to the last commit
        for item_id in list(self._live.recording.ids):
            self._live.finish(item_id)
        if not self.is_readonly and self._store.trouble is None:
            self._store.call(_remove_deleted).result()
        self._store.close()
        # closed by us in good order: the next opening need not look through it again
        if self._store.is_writable:
            note_ours(self.path)

        self._drop_copy()

    def abandon(self) -> None:
        """Let go at once; the file stays at its last commit."""
        self._live.recording.drop_all()
        self._store.abandon()
        self._drop_copy()

    def _drop_copy(self) -> None:
        """The migrated copy of an old session that was only looked at."""
        if self._store.path != self.path:
            shutil.rmtree(self._store.path.parent, ignore_errors=True)

    def __enter__(self) -> SessionStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    # ---- reading ------------------------------------------------------------------------------------------------

    def load(self) -> Job[Session]:
        """Everything but the big data, which are read when they are looked at. Fills `problems`."""
        loaded = yield from read_session(self._store.call, self, self.path, self._open_link)
        session = loaded.session
        items, start_iso = list(session.items()), session.info.start_iso
        self._store.call(lambda h5: note_exported(h5, items, loaded.file_index, start_iso)).result()
        self._save_state.file_index = loaded.file_index
        self.problems += loaded.problems
        return session

    def look(self, work: Callable[[Any], Found]) -> Found:
        """What `work` reads in the file, on the storage thread."""
        return self._store.call(work).result()

    def stored(self, item_id: str) -> ArraySource | None:
        """The data of a stack or map as they are in the file; None when it has none here."""
        home = self._home(item_id)
        found = self._store.call(lambda h5: _shape_of(h5, home)).result() if home else None
        return StoredArray(self, item_id, *found) if found is not None else None

    def size_report(self) -> SizeReport:
        """Bytes by item, of deleted data, and in all."""
        return self._store.call(lambda h5: size_report(h5, self._save_state.file_index, self.path)).result()

    # the face that stored arrays see

    def read_at(self, into: memoryview, offset: int) -> None:
        """The file's bytes, from any thread, also those a commit has not yet put in place."""
        self._store.read_at(into, offset)

    @property
    def generation(self) -> int:
        """Moves when the file was replaced or a recording ended: known places of chunks are void then."""
        return self._generation

    def load_index(self, item_id: str) -> ChunkIndex | None:
        """Where the chunks lie."""
        if item_id in self._live.stacks:
            return self._live.index(item_id)
        home = self._home(item_id)
        return self._store.call(lambda h5: index_of(h5[home]["data"])).result() if home else None

    def written(self, item_id: str) -> int | None:
        """Frames in the file of a stack that is being recorded; None for any other."""
        stream = self._live.stacks.get(item_id)
        return None if stream is None else stream.placed

    def read_slowly(self, item_id: str, index: Index) -> AnyArray:
        """Through HDF5 on the storage thread: what is not yet safe, or has a form of its own."""
        if isinstance(index, int | np.integer):
            self._live.wait_for(item_id, int(index))
        home = self._home(item_id)
        if home is None:
            raise UserError(
                f"The data of {item_id} are no longer in {self.path.name}.", "Undo the deletion first."
            )
        found = self._store.call(lambda h5: h5[home]["data"][index] if "data" in h5[home] else None).result()
        if found is None:
            raise UserError("No frame has come into the file yet.", "Wait until the camera sends frames.")
        return np.asarray(found)

    def _home(self, item_id: str) -> str | None:
        return self._save_state.file_index.group_paths.get(
            item_id
        ) or self._save_state.file_index.deleted.get(item_id)

    # ---- saving -------------------------------------------------------------------------------------------------

    def save(
        self, session: Session, *, only: Iterable[str] | None = None, compress: bool = True
    ) -> Job[SaveReport]:
        """Write what changed in one transaction, all or nothing. The snapshot is taken now; the work is in the job.

        `only`: ids of the items to save; nothing is then removed. Streams with big data that are not yet in the file
        are copied into it first; stopped half-way, nothing of them stays.
        """
        self._refuse_readonly()
        self._live.hand_over(session)
        return self.write(self.changes(session, only=only), compress=compress)

    def changes(self, session: Session, *, only: Iterable[str] | None = None) -> Plan:
        """What a save would have to write: a snapshot, taken where the session lives."""
        return make_plan(
            session,
            self._save_state.file_index,
            self._embedded,
            self,
            only=only,
            recording=self._live.recording.ids,
        )

    def write(self, plan: Plan, *, compress: bool = True) -> Job[SaveReport]:
        """Carry out a plan: one of this file, or of the one that this is a copy of."""
        self._refuse_readonly()
        self._plans += 1
        return self._save(plan, self._plans, compress)

    @property
    def file_index(self) -> FileIndex:
        """What the file holds."""
        return self._save_state.file_index

    def inherit(self, original: FileIndex) -> None:
        """Take note that this file is a copy and holds what the original does: the very same arrays need no writing."""
        file_index = self._save_state.file_index
        for item_id in file_index.group_paths.keys() & original.group_paths.keys():
            if item_id in original.saved:
                file_index.saved[item_id] = original.saved[item_id]
            if item_id in original.written:
                file_index.written[item_id] = Written(dict(original.written[item_id].marks))

    def prepare(self, item_id: str, kind: str, source: ArraySource, label: str) -> Job[None]:
        """Copy big data into the file while saves go on; the next save of the item only links them in."""
        self._refuse_readonly()

        def work() -> Job[None]:
            path = yield from stage(self._store.call, self.path, item_id, kind, source, True, label)
            self._prepared[item_id] = (source, path)

        return work()

    def delete(self, item_ids: Iterable[str]) -> Job[None]:
        """Remove items from the file. Their room is freed by `save_as`; until `close`, saving them again is free."""
        self._refuse_readonly()
        gone = list(item_ids)

        def work() -> Job[None]:
            yield Progress(0, 0, "Deleting")
            with self._save_state.saving:
                file_index = self._save_state.file_index.copy()
                self._store.edit(lambda h5: _throw_all_away(h5, gone, file_index)).result()
                # so it is, also when the disk is full and the commit has to wait
                self._save_state.file_index = file_index
                self._store.commit().result()

        return work()

    def _save(self, plan: Plan, number: int, compress: bool) -> Job[SaveReport]:
        staged: dict[str, str] = {}
        curves: dict[str, str] = {}
        is_done = False
        with self._save_state.saving:
            # two saves may overlap: the older snapshot must not overwrite the newer
            if number < self._applied:
                return SaveReport()  # a newer snapshot is already in the file
            if plan.is_empty and not changes_order(plan, self._save_state.file_index):
                self._store.commit().result()  # what an earlier save could not write
                return SaveReport()
            try:
                yield from self._embed(plan, staged, compress)
                file_index = self._save_state.file_index.copy()
                # big arrays before the edit: within it the storage thread is not free for others
                yield from stage_arrays(self._store.call, self.path, plan, file_index, curves)
                prepare_tracks(plan, file_index)
                self._store.edit(lambda h5: _apply(h5, plan, file_index, staged)).result()
                is_done = True
            finally:
                if not is_done:
                    for path in (*staged.values(), *curves.values()):
                        with suppress(UserError, RuntimeError):  # a full disk: the next opening removes it
                            self._store.call(partial(discard, path=path)).result()
            # so it is, also when the disk is full and the commit has to wait
            self._save_state.file_index, self._applied = file_index, number
            # the imported source is known to be in the file now and is not copied a second time
            self._embedded.update({e.item_id: e.source for e in plan.embeddings if e.item_id in staged})
            self._store.commit().result()
        # from here on the frames can be read from the session itself
        arrays = {item_id: array for item_id in staged if (array := self.stored(item_id)) is not None}
        return SaveReport(len(plan.records) + sum(len(items) for items in plan.tables.values()), arrays)

    def _embed(self, plan: Plan, staged: dict[str, str], compress: bool) -> Generator[Progress, None, None]:
        for each in plan.embeddings:
            if self._embedded.get(each.item_id) is each.source:
                continue
            source, path = self._prepared.pop(each.item_id, (None, ""))
            if source is each.source:
                staged[each.item_id] = path
                continue
            staged[each.item_id] = yield from stage(
                self._store.call,
                self.path,
                each.item_id,
                each.kind,
                each.source,
                compress,
                f"Storing {each.label}",
            )

    def _refuse_readonly(self) -> None:
        if self.is_readonly:
            who = f" {self.holder.sentence()}" if self.holder is not None else ""
            raise UserError(f"{self.path.name} is open for reading only.{who}", "Save it under another name.")

    def save_as(self, path: Path, *, compact: bool = True, compress: bool = False) -> Job[Path]:
        """A copy of the last saved state under another name, without deleted data: made beside it, synced, renamed.

        Over its own path the file is compacted and stays open. `compress`: also pack what was recorded plain.
        """
        path = Path(path)
        if not compact:
            compress = False
        return self._save_as(path, compress)

    def _save_as(self, path: Path, compress: bool) -> Job[Path]:
        is_own = path.exists() and path.samefile(self.path)
        if is_own:
            self._refuse_readonly()
        if is_own and self._live.recording.ids:
            raise UserError(f"{self.path.name} is being recorded to.", "Stop the recording, then compact it.")
        with self._save_state.saving:
            temporary = yield from copy_session(self._store, path, compress)
            try:
                if is_own:
                    self._swap(temporary)
                else:
                    _replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return path

    def _swap(self, temporary: Path) -> None:
        """Put the compacted file in the place of the open one and go on with it."""
        # closed before it is replaced: Windows keeps open files in their place
        self._store.close()
        try:
            _replace(temporary, self.path)
        finally:
            self._store = Hdf5Store.open(self.path, "rw", **PACKED)
            self._live = LiveStreams(self._store, self._save_state)
            # chunks lie elsewhere in the compacted file
            self._generation += 1
            self._save_state.file_index.deleted.clear()

    # ---- linked files -------------------------------------------------------------------------------------------

    def relink(self, session: Session, source_id: str, path: Path) -> Job[list[str]]:
        """Say where a linked file is now. It must have the same content (size, then hash). Returns ids of the streams
        whose `source` was replaced; the caller tells the session and saves."""
        return relink(session, source_id, Path(path), self.path, self._open_link)

    # ---- recording ----------------------------------------------------------------------------------------------

    def start_run(self, run: BiasRun) -> None:
        """Begin to record samples of a run. Its fields are written now; its columns grow by `append_samples`."""
        self._refuse_readonly()
        self._live.start_run(run)

    def append_samples(
        self, run_id: str, times: AnyArray, columns: dict[str, AnyArray], host_times: AnyArray | None = None
    ) -> None:
        """Queue samples (device s; columns by key; missing ones are NaN). Waits while the disk is behind."""
        self._live.recording.put_samples(run_id, np.asarray(times, np.float64), columns, host_times)

    def start_stack(
        self, stack: FrameStack, shape: tuple[int, int], dtype: DTypeLike, *, compress: bool = False
    ) -> StoredArray:
        """Begin to record frames of (height, width). Returns the growing array to use as the stack's source."""
        self._refuse_readonly()
        self._live.start_stack(stack, shape, np.dtype(dtype), compress)
        return StoredArray(self, stack.id, (0, int(shape[0]), int(shape[1])), np.dtype(dtype))

    def append_frame(self, stack_id: str, frame: AnyArray, time: float, frame_number: int = -1) -> None:
        """Queue one frame with its device time (s). The frame must not be changed afterwards."""
        self._live.recording.put_frame(stack_id, frame, time, frame_number)

    def finish_run(self, run: BiasRun) -> int:
        """End a recording: everything queued is written and committed. Returns the number of samples."""
        return self._live.finish(run.id)

    def finish_stack(self, stack: FrameStack) -> int:
        """End a recording of frames. Returns their number."""
        count = self._live.finish(stack.id)
        # the chunk index of the recording gives way to HDF5's own
        self._generation += 1
        if isinstance(stack.source, StoredArray):
            stack.source.grow(count)
        return count

    def acknowledged(self) -> dict[str, int]:
        """Samples and frames of the streams recorded since opening that are safe on disk, by item id."""
        return self._live.recording.acknowledged()

    @property
    def waiting_bytes(self) -> int:
        """Recorded data that wait for the disk."""
        return self._live.recording.waiting_bytes

    @property
    def recording_trouble(self) -> BaseException | None:
        """Why recorded data cannot be written at present."""
        return self._live.recording.trouble


def _apply(h5: H5File, plan: Plan, file_index: FileIndex, staged: dict[str, str]) -> None:
    before = dict(file_index.exported)
    apply_plan(h5, plan, file_index, staged)
    # HyperSpy's layout follows what is shown; without a change there it stays as it is
    if before != file_index.exported or plan.removed:
        write_hyperspy_layout(h5, plan, file_index)


def _throw_all_away(h5: H5File, item_ids: list[str], file_index: FileIndex) -> None:
    for item_id in item_ids:
        throw_away(h5, item_id, file_index)


def _shape_of(h5: H5File, home: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    data = h5[home].get("data") if home in h5 else None
    return None if data is None else (tuple(int(n) for n in data.shape), data.dtype)


def _remove_deleted(h5: H5File) -> None:
    for name in (layout.DELETED, layout.INCOMING):
        if name in h5:
            del h5[name]


def _replace(temporary: Path, path: Path) -> None:
    try:
        replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"{path.name} could not be written: {error.strerror}.",
            "Close it where it is open, or choose another name.",
        ) from error
    sync_folder(path.parent)
