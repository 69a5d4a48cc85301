"""The window's side of files: asks where, starts the jobs, keeps the store in step with the session."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QFileDialog, QMessageBox

from tandem_em.core.jobs import run_to_end
from tandem_em.desk import files, unsaved
from tandem_em.desk.biasing import text_import
from tandem_em.desk.files import open_filter
from tandem_em.desk.stacks import previews
from tandem_em.model.frames import FrameStack
from tandem_em.model.saved import SavedState, signature
from tandem_em.model.session import Session
from tandem_widgets.shell.actions import recovery

if TYPE_CHECKING:
    from tandem_widgets.shell.window.main_window import MainWindow


class FileActions:
    """Owns the store of the session in the window. An unnamed session lives in the recovery folder from its first data on;
    a named one is written by Save only, and what is not saved is kept in a recovery file beside it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._opened: files.Opened | None = None
        self._previewed: set[str] = set()
        """Stacks whose preview has been started."""
        self._unsaved: unsaved.Unsaved | None = None
        """The recovery file of a named session."""
        self._kept = 0
        """Signature of the session when it was last kept in its recovery file."""
        self._saving, self._save_wanted = False, False
        self._discards = False
        self._left, self._keeps = 0, False
        """How often a session has been left, and whether its unnamed file was to stay."""
        self._saved = SavedState(self._session)
        self.play_at: float | None = None
        """Speed at which the next opened session starts to play by itself."""
        self.then: Callable[[], None] | None = None
        """What to do once the next session is open."""

    # --- state ---------------------------------------------------------------------------------------------------

    @property
    def _session(self) -> Session:
        return self._window.desk.session

    @property
    def path(self) -> Path | None:
        return None if self._opened is None or self.is_untitled else self._opened.store.path

    @property
    def is_untitled(self) -> bool:
        return self._opened is None or files.in_recovery(self._opened.store.path)

    @property
    def needs_name(self) -> bool:
        """Whether saving has to ask where: nobody has said so yet, it may not be written, or it is the demo."""
        return self.is_untitled or self.is_readonly or (self.path is not None and files.is_demo(self.path))

    @property
    def name(self) -> str:
        return self.path.name if self.path is not None else "untitled"

    @property
    def holder(self) -> str:
        """Who writes this file while we may only read it; empty when we write."""
        return files.holder_text(self._opened.store) if self._opened is not None else ""

    @property
    def is_readonly(self) -> bool:
        return self._opened is not None and self._opened.store.is_readonly

    @property
    def is_dirty(self) -> bool:
        if self.path is None and self._session.is_empty:
            return False
        return self._saved.differs(self._session)

    # --- opening -------------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Open", "", open_filter())
        if chosen:
            self.open_paths([Path(text) for text in chosen])

    def open_paths(self, paths: list[Path]) -> None:
        """Open a session, or import files into the one that is here."""
        missing = [path for path in paths if not path.exists()]
        for path in missing:
            self._window.workshop.notices.tell(files.say_missing(path))
        paths = [path for path in paths if path.exists()]
        sessions = [path for path in paths if files.is_session_file(path)]
        if sessions:
            if self.may_leave():
                self._start_open(sessions[0])
            others = len(paths) - 1
            if others:
                rest = "the other file is" if others == 1 else f"{others} other files are"
                self._window.workshop.notices.info(f"{sessions[0].name} was opened; {rest} not opened.")
        elif paths:
            self._start_import(paths)

    def _start_open(self, path: Path, *, recovering: bool = False) -> None:
        """Open a session; changes of it that were never saved are offered, or taken at once (`recovering`)."""
        if self._opened is not None and path.exists() and path.samefile(self._opened.store.path):
            self._empty()  # it is opened anew: we are not to stand in our own way

        def opened(opened: files.Opened) -> None:
            if not opened.lost:
                self.show(opened)
                return
            choice = "recover" if recovering else recovery.ask(self._window, opened.lost[0])
            if choice == "recover":
                self._start_recovering(opened)
            elif choice == "saved":
                self.show(opened)
            else:
                opened.store.close()

        task = self._window.desk.start(f"Opening {path.name}", unsaved.open_with(path), opened, key="open")
        self._window.reading.follow(task)

    def _start_recovering(self, opened: files.Opened) -> None:
        def failed(error: BaseException) -> None:
            opened.store.close()
            self._window.workshop.notices.tell(error)

        job = unsaved.recover(opened, opened.lost[0])
        label = f"Recovering {opened.store.path.name}"
        task = self._window.desk.start(label, job, self.show, on_error=failed, key="open")
        self._window.reading.follow(task)

    def show(self, opened: files.Opened, *, quiet: bool = False) -> None:
        """Put an opened session into the window; `quiet`: it is looked at only, and everybody knows."""
        self._put_in(opened)
        notices = self._window.workshop.notices
        if self.is_readonly and not quiet:
            notices.warning(f"{opened.store.path.name} is open for reading only.", self.holder)
        for problem in opened.problems:
            notices.warning(problem)
        if not self.is_untitled:
            self._window.workshop.settings.remember_recent(opened.store.path)
        self._window._show_file()
        if self.play_at is not None:
            self._window.player.speed, self.play_at = self.play_at, None
            self._window.player.start()
        if self.then is not None:
            then, self.then = self.then, None
            then()
        self._make_previews()

    def adopt(self, opened: files.Opened) -> None:
        """A session that was made elsewhere (a recording) is the one in the window from now on."""
        self._put_in(opened)
        self._window._show_file()

    def _put_in(self, opened: files.Opened) -> None:
        self.close()
        self._opened = opened
        self._window.show_session(opened.session)
        self._saved, self._kept = SavedState(self._session), signature(self._session)
        if not self.is_untitled:
            self._unsaved = unsaved.Unsaved(opened, [lost.path for lost in opened.lost])
            if opened.recovered is not None and opened.saved is not None:
                self._saved, self._kept = opened.saved, 0
                if not self.is_dirty:  # it was killed between saving and forgetting
                    self._unsaved.drop()

    def open_demo(self) -> None:
        from tandem_em.desk.demo.build import demo_path  # with the simulation, which a start does not need

        if self.may_leave():
            task = self._window.desk.start(
                "Building the demo experiment", demo_path(), self._start_open, key="open"
            )
            self._window.reading.follow(task)

    def recover(self, lost: unsaved.Lost) -> None:
        if self._unsaved is not None:
            self._unsaved.spare(lost.path)
        self._start_open(lost.session_path, recovering=True)

    def new_session(self) -> None:
        if self.may_leave():
            self._empty()

    def _empty(self) -> None:
        self.close()
        self._window.show_session(Session())
        self._saved = SavedState(self._session)
        self._window._show_file()

    # --- importing -----------------------------------------------------------------------------------------------

    def _start_import(self, paths: list[Path]) -> None:
        known = partial(text_import.remembered, self._window.workshop.settings)
        label = f"Reading {paths[0].name}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        task = self._window.desk.start(
            label, files.import_files(self._session, paths, known=known), self._take
        )
        self._window.reading.follow(task)

    def _take(self, imported: files.Imported) -> None:
        for question in imported.questions:
            if question.key == files.AXIS0:
                continue  # the stack pane asks it beside the images
            box = QMessageBox(self._window)
            box.setWindowTitle("Question")
            box.setText(question.text)
            for choice in question.choices:
                box.addButton(choice, QMessageBox.ButtonRole.AcceptRole)
            box.exec()
            clicked = box.clickedButton()
            files.answer(imported, question, clicked.text() if clicked is not None else question.default)
        limit_GB = self._window.workshop.settings.values.embed_limit_GB
        for name in files.link_large(imported, limit_GB * 1e9):
            self._window.workshop.notices.info(
                f"{name} is larger than {limit_GB:g} GB and was not copied.",
                "The session links to the file where it is. The limit is in Preferences.",
            )
        self._session.history.do(files.adding(self._session, imported))
        for problem in imported.problems:
            self._window.workshop.notices.warning(problem)
        self.autosave()

    # --- saving --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        if self.needs_name:
            self.ask_save_as()
        elif self._saving:
            self._save_wanted = True  # as soon as the recovery file is written
        else:
            self._start_save(quiet=False)

    def autosave(self) -> None:
        """What is not saved goes to disk: an unnamed session lives there, changes of a named one get a recovery file."""
        if self._saving:
            return
        if self._unsaved is not None:
            self._keep_unsaved(self._unsaved)
        elif not self.is_dirty:
            return
        elif self._opened is None:
            self._saving = True
            state, left = SavedState(self._session), self._left
            self._window.desk.start(
                "Writing the recovery file",
                files.create_session(files.untitled_path(), self._session),
                lambda opened: self._created(opened, state, left),
                on_error=self._save_failed,
            )
        else:
            self._start_save(quiet=True)

    def _keep_unsaved(self, keeper: unsaved.Unsaved) -> None:
        """Bring the recovery file up to date; what was undone up to the last save needs none."""
        now, is_dirty = signature(self._session), self.is_dirty
        if now == self._kept:
            return
        if not is_dirty:
            self._kept = now
            keeper.forget()
            return
        self._saving = True
        left = self._left

        def done(_report: Any) -> None:
            if left == self._left:
                self._saving, self._kept = False, now
                self._make_previews()
                self._save_if_wanted()

        self._keep_view()
        self._window.desk.start(
            "Writing the recovery file", keeper.keep(), done, on_error=partial(self._save_failed, left=left)
        )

    def _save_if_wanted(self) -> None:
        if self._save_wanted:
            self._save_wanted = False
            self.save()

    def _created(self, opened: files.Opened, state: SavedState, left: int) -> None:
        self._saving = False
        if left != self._left:  # its session was left while the copy was being made
            opened.store.close()
            if not self._keeps:
                opened.store.path.unlink(missing_ok=True)
            return
        self._opened = opened
        self._settle(opened, opened.embedded, state)
        self._window._show_file()
        self._make_previews()

    def _settle(self, opened: files.Opened, embedded: dict[str, Any], state: SavedState) -> None:
        """It is saved as it was when the snapshot was taken."""
        files.settle(opened, embedded)
        state.moved(self._session)
        self._saved = state

    def _make_previews(self) -> None:
        """Packed movies get their previews one by one, each asked for once; stopping one leaves it out."""
        if self._opened is None or self.is_readonly or self._opened.session is not self._session:
            return
        previews.forget_orphans(self._session)
        waiting = [s for s in previews.wanted(self._session) if s.id not in self._previewed]
        if waiting:
            self._previewed.add(waiting[0].id)
            prepare = self._unsaved.prepare if self._unsaved is not None else None
            stack = waiting[0]
            made = partial(self._preview_made, stack)
            previews.make(self._window.desk, self._opened, stack, made, prepare)

    def _preview_made(self, stack: FrameStack) -> None:
        """An unnamed session takes it in; into a named one it comes when somebody saves."""
        opened, keeper = self._opened, self._unsaved
        if keeper is None or opened is None:
            self._start_save(quiet=True)
            return
        preview = next((p for p in self._session.previews if p.of_id == stack.id), None)
        job = keeper.link(preview) if preview is not None else None

        def done(report: Any) -> None:
            if opened is self._opened:
                files.settle(opened, report.embedded)
                self._make_previews()

        if job is not None:
            self._window.desk.start("Saving a preview", job, done)

    def _start_save(self, quiet: bool) -> None:
        if self._opened is None or self._saving:
            return
        self._saving = True
        self._keep_view()
        state, now = SavedState(self._session), signature(self._session)
        opened, keeper, left = self._opened, self._unsaved, self._left
        store = opened.store

        def done(report: Any) -> None:
            if left != self._left:
                return
            self._saving = False
            self._settle(opened, report.embedded, state)
            if keeper is not None:
                self._kept = now
                keeper.drop()
            self._window._show_file()
            if not quiet:
                self._window.workshop.notices.info(f"Saved {store.path.name}.")
            self._make_previews()

        failed = partial(self._save_failed, left=left)
        self._window.desk.start("Saving", files.save_session(opened), done, on_error=failed)

    def _keep_view(self) -> None:
        view = self._session.info.view
        view["t"] = self._session.focus.t
        view["span"] = list(self._session.focus.span)
        view["selected"] = self._session.focus.selection

    def _save_failed(self, error: BaseException, left: int | None = None) -> None:
        """`left`: which session it was about; of one that is gone nothing is said."""
        if left in (None, self._left):
            self._saving = False
            self._window.workshop.notices.tell(error)
            self._save_if_wanted()

    def ask_save_as(self) -> None:
        suggested = str(self.path or Path.home() / f"{self._session.info.name or 'experiment'}{files.SUFFIX}")
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save as", suggested, f"TandEM session (*{files.SUFFIX})"
        )
        if chosen:
            path = Path(chosen)
            self.save_as(path if path.suffix else path.with_suffix(files.SUFFIX))

    def save_as(self, path: Path) -> None:
        self._keep_view()
        old, keeper = self._opened, self._unsaved
        state, now = SavedState(self._session), signature(self._session)

        def done(opened: files.Opened) -> None:
            was_untitled = self.is_untitled
            self._opened, self._kept = opened, now
            self._settle(opened, opened.embedded, state)
            if keeper is not None:
                keeper.drop()
            if old is not None and old is not opened and old.store is not opened.store:
                if keeper is not None:
                    keeper.close()
                old.store.close()
                if was_untitled:
                    old.store.path.unlink(missing_ok=True)
            if opened is not old:
                self._unsaved = unsaved.Unsaved(opened)
            self._window.workshop.settings.remember_recent(path)
            self._window.workshop.notices.info(f"Saved {path.name}.")
            self._window._show_file()

        self._window.desk.start(
            f"Saving {path.name}", files.save_session_as(self._opened, self._session, path), done
        )

    def relink(self, source_id: str) -> None:
        """Ask where a linked file is now; it must be the same file (size and hash)."""
        source = self._session.sources.get(source_id)
        if source is None or self._opened is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self._window, f"Find {source.name}", "")
        if chosen:
            job = self._opened.store.relink(self._session, source_id, Path(chosen))
            self._window.desk.start(f"Checking {Path(chosen).name}", job, partial(self._relinked, source_id))

    def _relinked(self, source_id: str, stream_ids: list[str]) -> None:
        source = self._session.sources.get(source_id)
        if source is not None:
            self._session.change(source, path=source.path)  # so that it is saved
        for stream_id in stream_ids:
            item = self._session.find(stream_id)
            if item is not None:
                self._session.collection_of(item).touch(item, {"source"})
        self._window.workshop.notices.info("The file is linked again.")

    # --- leaving -------------------------------------------------------------------------------------------------

    def may_leave(self) -> bool:
        """Ask about unsaved changes; False when the person wants to stay."""
        self._discards = False
        if not (self.is_dirty or (self.is_untitled and not self._session.is_empty)):
            return True
        box = QMessageBox(self._window)
        box.setWindowTitle("TandEM")
        box.setText(f"Save the changes to {self.name}?")
        box.setInformativeText(
            "If you do not save, the changes since the last save are lost." if not self.is_untitled else ""
        )
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        if answer == buttons.Save:
            return self._save_now()
        self._discards = answer == buttons.Discard
        return self._discards

    def _save_now(self) -> bool:
        """Save before leaving, on this thread: nothing else is to be done meanwhile."""
        try:
            if self.needs_name:
                suggested = str(Path.home() / f"experiment{files.SUFFIX}")
                chosen, _ = QFileDialog.getSaveFileName(
                    self._window, "Save as", suggested, f"TandEM session (*{files.SUFFIX})"
                )
                if not chosen:
                    return False
                self._keep_view()
                opened = run_to_end(files.save_session_as(self._opened, self._session, Path(chosen)))
                self._let_go_of_old(opened)
                self._window.workshop.settings.remember_recent(Path(chosen))
            elif self._opened is not None:
                self._keep_view()
                report = run_to_end(files.save_session(self._opened))
                files.settle(self._opened, report.embedded)
            self._saved, self._kept = SavedState(self._session), signature(self._session)
            if self._unsaved is not None:
                self._unsaved.drop()
        except Exception as error:  # noqa: BLE001  the edge: told to the person, who stays
            self._window.workshop.notices.tell(error)
            return False
        return True

    def _let_go_of_old(self, opened: files.Opened) -> None:
        """The session lives in another file now."""
        old = self._opened
        files.settle(opened, opened.embedded)
        if self.is_untitled:
            self._discard_recovery()
        elif old is not None and old.store is not opened.store:
            self._close_unsaved(keep=False, drop=True)
            old.store.close()
        self._opened = opened
        self._unsaved = unsaved.Unsaved(opened)

    def _close_unsaved(self, *, keep: bool, drop: bool) -> None:
        keeper, self._unsaved = self._unsaved, None
        if keeper is not None:
            if drop:
                keeper.drop()
            keeper.close(keep=keep)

    def _discard_recovery(self) -> None:
        if self._opened is not None and self.is_untitled:
            path = self._opened.store.path
            self._opened.store.close()
            path.unlink(missing_ok=True)
            self._opened = None

    def close(self, *, keep: bool = False) -> None:
        """Let go of the file; an unnamed one the person did not want is removed (`keep`: nobody was asked)."""
        self._left, self._keeps = self._left + 1, keep
        self._saving = self._saving and self._opened is None  # a first recovery copy is still to be put away
        self._save_wanted = False
        self._close_unsaved(keep=keep, drop=self._discards)
        self._discards = False
        if self._opened is None:
            return
        if self.is_untitled and not keep:
            self._discard_recovery()
        else:
            self._opened.store.close()
        self._opened = None
