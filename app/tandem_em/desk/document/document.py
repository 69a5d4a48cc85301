"""The open session as a file: where it lives, whether it is saved, and what is kept of it until then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from psygnal import Signal

from tandem_em.core.jobs import Job, run_to_end
from tandem_em.desk.document import files, places
from tandem_em.desk.document.files import Opened
from tandem_em.desk.document.recovery_file import RecoveryFile
from tandem_em.desk.document.save_point import SavePoint
from tandem_em.desk.document.view import keep_view
from tandem_em.desk.stacks import previews
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session


class Start(Protocol):
    """Runs a job and hands on what comes of it where the session lives: `Desk.start`, or `at_once`."""

    def __call__(
        self,
        label: str,
        job: Job[Any],
        on_result: Callable[[Any], None] | None = None,
        *,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> object:
        """Run the job and hand its result on, as `Desk.start` does."""


def runs_with(run: Callable[[str, Job[Any]], Any]) -> Start:
    """Jobs are run where they are asked for, by `run(label, job)`; what goes wrong is raised."""

    def start(
        label: str,
        job: Job[Any],
        on_result: Callable[[Any], None] | None = None,
        *,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> None:
        try:
            result = run(label, job)
        # Also Ctrl+C: whoever waits for the end of the job has to learn of it.
        except BaseException as error:
            if on_error is not None:
                on_error(error)
            raise
        if on_result is not None:
            on_result(result)

    return start


at_once = runs_with(lambda _label, job: run_to_end(job))
"""For scripts: without a word about how far it is."""


class Document:
    """Owns the file of one session. Lives where the session lives; the work is done in jobs.

    An unnamed session lives in the recovery folder from its first data on; a named one is written by `save` only, and what
    is not saved is kept in a recovery file beside it.
    """

    changed = Signal()
    """Another name, file or saved state: title and actions have to be shown anew."""
    saved = Signal(object)
    """As somebody asked for; carries the path."""
    failed = Signal(object)
    """Something could not be written; carries the error."""

    def __init__(
        self,
        session: Session,
        opened: Opened | None = None,
        start: Start = at_once,
        *,
        keeps_view: bool = False,
    ) -> None:
        """`keeps_view`: somebody looks at it, and where is saved along."""
        self.session = session
        self.opened = opened
        self._start = start
        self._keeps_view = keeps_view
        self._point = None if opened is None else SavePoint(session)
        self._kept = session.revision
        """Revision of the session that its recovery file has."""
        self._recovery: RecoveryFile | None = None
        self._writing = 0
        self._save_wanted = False
        self._closed, self._keeps = False, False
        self._previewed: set[str] = set()
        """Stacks whose preview has been started."""
        if opened is not None:
            session.history.mark_clean()
        if opened is not None and not self.is_untitled:
            self._recovery = RecoveryFile(opened, [lost.path for lost in opened.lost])
            if opened.recovered is not None and opened.saved is not None:
                self._begin_recovered(opened, self._recovery)

    def _begin_recovered(self, opened: Opened, recovery: RecoveryFile) -> None:
        # -1: the recovery file of this run has nothing of it yet.
        self._point, self._kept = SavePoint(self.session, opened.saved), -1
        if not self.is_dirty:  # it was killed between saving and forgetting
            recovery.drop()

    # --- what it is ----------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path | None:
        """The file somebody has given it; None while it has no name."""
        return None if self.opened is None or self.is_untitled else self.opened.store.path

    @property
    def name(self) -> str:
        """File name for the window title; `untitled` while nobody has named the session."""
        return self.path.name if self.path is not None else "untitled"

    @property
    def is_untitled(self) -> bool:
        """Whether the session has no file yet, or only one in the recovery folder."""
        return self.opened is None or places.in_recovery(self.opened.store.path)

    @property
    def needs_name(self) -> bool:
        """Whether saving has to ask where: nobody has said so yet, it may not be written, or it is the demo."""
        return self.is_untitled or self.is_readonly or (self.path is not None and places.is_demo(self.path))

    @property
    def is_readonly(self) -> bool:
        """Whether the file may not be written: opened so, or another program holds it."""
        return self.opened is not None and self.opened.store.is_readonly

    @property
    def holder(self) -> str:
        """Who writes this file while we may only read it; empty when we write."""
        return files.holder_text(self.opened.store) if self.opened is not None else ""

    @property
    def is_dirty(self) -> bool:
        """Whether something would be lost without saving. Cheap: asked after every change."""
        # An empty unnamed session is nothing to lose.
        if self.path is None and self.session.is_empty:
            return False
        return self._point is None or self._point.has_changed

    @property
    def is_writing(self) -> bool:
        """Whether it is being saved, or kept in a recovery file."""
        return self._writing > 0

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called; jobs that end afterwards change nothing."""
        return self._closed

    # --- saving --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write what has changed to its file; while something else is being written, as soon as that is done."""
        if self.is_writing:
            self._save_wanted = True
        else:
            self._save(is_asked=True)

    def save_as(self, path: Path) -> None:
        """Write a compact copy under another name and go on with it."""
        self._keep_view()
        point = SavePoint(self.session)
        job = files.save_session_as(self.opened, self.session, path)
        self._write(f"Saving {path.name}", job, partial(self._saved_as, point, path))

    def save_now(self, path: Path | None = None) -> None:
        """Save before leaving, on this thread: nothing else is to be done meanwhile. What goes wrong is raised."""
        self._keep_view()
        point = SavePoint(self.session)
        if path is not None:
            self._move_to(run_to_end(files.save_session_as(self.opened, self.session, path)), point)
        elif self.opened is not None:
            report = run_to_end(files.save_session(self.opened))
            self._note_saved(self.opened, report.embedded, point)

    def autosave(self) -> None:
        """What is not saved goes to disk: an unnamed session lives there, changes of a named one get a recovery file."""
        if self.is_writing or self._closed:
            return
        if self._recovery is not None:
            self._keep(self._recovery)
        elif not self.is_dirty:
            return
        elif self.opened is None:
            job = files.create_session(places.untitled_path(), self.session)
            self._write("Writing the recovery file", job, partial(self._created, SavePoint(self.session)))
        else:
            self._save(is_asked=False)

    def _write(self, label: str, job: Job[Any], done: Callable[[Any], None]) -> None:
        """Start a job that writes; others wait until it has ended."""
        self._writing += 1

        def ended(result: Any) -> None:
            self._writing -= 1
            done(result)
            self._save_if_wanted()

        def failed(error: BaseException) -> None:
            self._writing -= 1
            if not self._closed:  # of a session that is gone nothing is said
                self.failed.emit(error)
                self._save_if_wanted()

        def cancelled() -> None:
            self._writing -= 1

        self._start(label, job, ended, on_error=failed, on_cancelled=cancelled)

    def _save_if_wanted(self) -> None:
        if self._save_wanted and not self.is_writing and not self._closed:
            self._save_wanted = False
            self.save()

    def _save(self, *, is_asked: bool) -> None:
        opened = self.opened
        if opened is None or self.is_writing:
            return
        self._keep_view()
        point = SavePoint(self.session)

        def done(report: Any) -> None:
            if self._closed:
                return
            self._note_saved(opened, report.embedded, point)
            self.changed.emit()
            if is_asked:
                self.saved.emit(opened.store.path)
            self.make_previews()

        self._write("Saving", files.save_session(opened), done)

    def _keep(self, recovery: RecoveryFile) -> None:
        """Bring the recovery file up to date; what was undone up to the last save needs none."""
        now = self.session.revision
        # Nothing has changed since the recovery file was written.
        if now == self._kept:
            return
        if not self.is_dirty:
            self._kept = now
            recovery.forget()
            return

        def done(_report: Any) -> None:
            if not self._closed:
                self._kept = now
                self.make_previews()

        self._keep_view()
        self._write("Writing the recovery file", recovery.keep(), done)

    def _created(self, point: SavePoint, opened: Opened) -> None:
        """An unnamed session has a file now, unless it was left, or saved under a name, while that was being made."""
        if self._closed or self.opened is not None:
            opened.store.close()
            if not self._keeps:
                opened.store.path.unlink(missing_ok=True)
            return
        self.opened = opened
        self._note_saved(opened, opened.embedded, point)
        self.changed.emit()
        self.make_previews()

    def _saved_as(self, point: SavePoint, path: Path, opened: Opened) -> None:
        if self._closed:
            if opened is not self.opened:
                opened.store.close()
            return
        self._move_to(opened, point)
        self.changed.emit()
        self.saved.emit(path)

    def _move_to(self, opened: Opened, point: SavePoint) -> None:
        """The session lives in this file now; an unnamed one of before is no longer needed."""
        old, was_untitled, recovery = self.opened, self.is_untitled, self._recovery
        self.opened = opened
        self._note_saved(opened, opened.embedded, point)
        # Saved over itself: there is nothing to let go of.
        if opened is old:
            return
        # A new one first: changes made from now on belong to the new file.
        self._recovery = RecoveryFile(opened)
        if recovery is not None:
            recovery.close()
        if old is not None:
            old.store.close()
            if was_untitled:
                old.store.path.unlink(missing_ok=True)

    def _note_saved(self, opened: Opened, embedded: dict[str, Any], point: SavePoint) -> None:
        """It is saved as it was when the snapshot was taken."""
        files.use_embedded_arrays(opened, embedded)
        point.mark_clean()
        self._point, self._kept = point, point.revision
        if self._recovery is not None:
            self._recovery.drop()

    def _keep_view(self) -> None:
        if self._keeps_view:
            keep_view(self.session)

    # --- beside the work -----------------------------------------------------------------------------------------

    def make_previews(self) -> None:
        """Packed movies get their previews one by one, each asked for once; stopping one leaves it out."""
        if self.opened is None or self.is_readonly or self._closed:
            return
        previews.forget_orphans(self.session)
        waiting = [s for s in previews.wanted(self.session) if s.id not in self._previewed]
        if waiting:
            stack = waiting[0]
            # Before it is made: a preview that fails or is stopped is not tried again.
            self._previewed.add(stack.id)
            prepare = self._recovery.prepare if self._recovery is not None else self.opened.store.prepare
            previews.make(self._start, self.session, stack, partial(self._preview_made, stack), prepare)

    def _preview_made(self, stack: FrameStack) -> None:
        """An unnamed session takes it in; into a named one it comes when somebody saves."""
        opened, recovery = self.opened, self._recovery
        if self._closed:
            return
        if recovery is None or opened is None:
            self._save(is_asked=False)
            return
        preview = next((p for p in self.session.previews if p.of_id == stack.id), None)
        job = recovery.link(preview) if preview is not None else None

        def done(report: Any) -> None:
            if opened is self.opened and not self._closed:
                files.use_embedded_arrays(opened, report.embedded)
                self.make_previews()

        if job is not None:
            self._start("Saving a preview", job, done)

    def relink(self, source_id: str, path: Path, on_end: Callable[[], None] | None = None) -> None:
        """Read a linked file from where it is now; it must be the same file (size and hash)."""
        if self.opened is None:
            return

        def done(stream_ids: list[str]) -> None:
            self._relinked(source_id, stream_ids)
            if on_end is not None:
                on_end()

        self._start(f"Checking {path.name}", self.opened.store.relink(self.session, source_id, path), done)

    def _relinked(self, source_id: str, stream_ids: list[str]) -> None:
        source = self.session.sources.get(source_id)
        if source is not None:
            self.session.change(source, path=source.path)  # so that it is saved
        for stream_id in stream_ids:
            item = self.session.find(stream_id)
            if item is not None:
                self.session.collection_of(item).touch(item, {"source"})

    # --- leaving -------------------------------------------------------------------------------------------------

    def spare(self, recovery_path: Path) -> None:
        """A recovery file of an earlier run is about to be read: it stays, whatever becomes of this session."""
        if self._recovery is not None:
            self._recovery.spare(recovery_path)

    def close(self, *, keep: bool = False, discard: bool = False) -> None:
        """Let go of the file; an unnamed one that nobody wanted is removed.

        `keep`: nobody was asked, so what is not saved stays to be recovered. `discard`: somebody has said that the changes
        are not wanted, those of earlier runs neither.
        """
        if self._closed:
            return
        # First of all: a job that ends during closing must find it closed.
        self._closed, self._keeps = True, keep
        recovery, self._recovery = self._recovery, None
        if recovery is not None:
            if discard:
                recovery.drop()
            recovery.close(keep=keep)
        opened, is_unwanted = self.opened, self.is_untitled and not keep
        self.opened = None
        if opened is not None:
            opened.store.close()
            if is_unwanted:
                opened.store.path.unlink(missing_ok=True)


def open_document(path: Path, *, readonly: bool = False, start: Start = at_once) -> Job[Document]:
    """Open a session as it was saved; changes that were not are left aside (`recovery` has them)."""
    opened = yield from files.open_session(path, readonly=readonly)
    return Document(opened.session, opened, start)
