"""The window's side of files: asks where, starts the jobs, keeps the store in step with the session."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QFileDialog, QMessageBox

from tandem_em.desk import biasing_text, files, previews
from tandem_em.jobs import run_to_end
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_widgets.shell.main_window import MainWindow


class FileActions:
    """Owns the store of the session in the window. An unnamed session lives in the recovery folder from its first data on."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._opened: files.Opened | None = None
        self._previewed: set[str] = set()
        """Stacks whose preview has been started."""
        self._saving = False
        self._left, self._keeps = 0, False
        """How often a session has been left, and whether its unnamed file was to stay."""
        self._saved_revision = self._revision()
        self.play_at: float | None = None
        """Speed at which the next opened session starts to play by itself."""
        self.then: Callable[[], None] | None = None
        """What to do once the next session is open."""

    # --- state ---------------------------------------------------------------------------------------------------

    @property
    def _session(self) -> Session:
        return self._window.desk.session

    def _revision(self) -> int:
        session = self._session
        return sum(item.revision + 1 for item in session.items()) + 7919 * sum(
            len(c) for c in session.collections.values()
        )

    @property
    def path(self) -> Path | None:
        return None if self._opened is None or self.is_untitled else self._opened.store.path

    @property
    def is_untitled(self) -> bool:
        return self._opened is None or files.in_recovery(self._opened.store.path)

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
        return not self._session.is_empty and self._revision() != self._saved_revision

    # --- opening -------------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        from tandem_em.desk.files import open_filter

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
                self._window.workshop.notices.info(f"{sessions[0].name} is opened; {rest} left out.")
        elif paths:
            self._start_import(paths)

    def _start_open(self, path: Path) -> None:
        task = self._window.desk.start(
            f"Opening {path.name}", files.open_session(path), self.show, key="open"
        )
        self._window.reading.follow(task)

    def show(self, opened: files.Opened, *, quiet: bool = False) -> None:
        """Put an opened session into the window; `quiet`: it is looked at only, and everybody knows."""
        self.close()
        self._opened = opened
        self._window.show_session(opened.session)
        self._saved_revision = self._revision()
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
        self.close()
        self._opened = opened
        self._window.show_session(opened.session)
        self._saved_revision = self._revision()
        self._window._show_file()

    def open_demo(self) -> None:
        from tandem_em.desk.demo import demo_path

        if self.may_leave():
            task = self._window.desk.start(
                "Building the demo experiment", demo_path(), self._start_open, key="open"
            )
            self._window.reading.follow(task)

    def recover(self, path: Path) -> None:
        self._start_open(path)

    def new_session(self) -> None:
        if self.may_leave():
            self.close()
            self._window.show_session(Session())
            self._saved_revision = self._revision()
            self._window._show_file()

    # --- importing -----------------------------------------------------------------------------------------------

    def _start_import(self, paths: list[Path]) -> None:
        known = partial(biasing_text.remembered, self._window.workshop.settings)
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
            box.setWindowTitle("One question")
            box.setText(question.text)
            for choice in question.choices:
                box.addButton(choice, QMessageBox.ButtonRole.AcceptRole)
            box.exec()
            clicked = box.clickedButton()
            files.answer(imported, question, clicked.text() if clicked is not None else question.default)
        limit_GB = self._window.workshop.settings.values.embed_limit_GB
        for name in files.link_large(imported, limit_GB * 1e9):
            self._window.workshop.notices.info(
                f"{name} is larger than {limit_GB:g} GB and stays where it is.",
                "The session links to it; the limit is in the preferences.",
            )
        self._session.history.do(files.adding(self._session, imported))
        for problem in imported.problems:
            self._window.workshop.notices.warning(problem)
        self.autosave()

    # --- saving --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        if self.is_untitled:
            self.ask_save_as()
        else:
            self._start_save(quiet=False)

    def autosave(self) -> None:
        """Everything since the last commit goes to disk; an unnamed session gets a recovery file."""
        if not self.is_dirty or self._saving or self.is_readonly:
            return
        if self._opened is None:
            self._saving = True
            revision, left = self._revision(), self._left
            self._window.desk.start(
                "Keeping a recovery copy",
                files.create_session(files.untitled_path(), self._session),
                lambda opened: self._created(opened, revision, left),
                on_error=self._save_failed,
            )
        else:
            self._start_save(quiet=True)

    def _created(self, opened: files.Opened, revision: int, left: int) -> None:
        self._saving = False
        if left != self._left:  # its session was left while the copy was being made
            opened.store.close()
            if not self._keeps:
                opened.store.path.unlink(missing_ok=True)
            return
        self._opened = opened
        files.settle(opened, opened.embedded)
        self._saved_revision = revision
        self._window._show_file()
        self._make_previews()

    def _make_previews(self) -> None:
        """Packed movies get their previews one by one, each asked for once; stopping one leaves it out."""
        if self._opened is None or self.is_readonly or self._opened.session is not self._session:
            return
        previews.forget_orphans(self._session)
        waiting = [s for s in previews.wanted(self._session) if s.id not in self._previewed]
        if waiting:
            self._previewed.add(waiting[0].id)
            previews.make(self._window.desk, self._opened, waiting[0], lambda: self._start_save(quiet=True))

    def _start_save(self, quiet: bool) -> None:
        if self._opened is None or self._saving:
            return
        self._saving = True
        revision = self._revision()
        opened = self._opened
        store = opened.store

        def done(report: Any) -> None:
            self._saving = False
            files.settle(opened, report.embedded)
            self._saved_revision = revision
            self._window._show_file()
            if not quiet:
                self._window.workshop.notices.info(f"Saved {store.path.name}.")
            self._make_previews()

        self._keep_view()
        self._window.desk.start("Saving", files.save_session(opened), done, on_error=self._save_failed)

    def _keep_view(self) -> None:
        view = self._session.info.view
        view["t"] = self._session.focus.t
        view["span"] = list(self._session.focus.span)
        view["selected"] = self._session.focus.selection

    def _save_failed(self, error: BaseException) -> None:
        self._saving = False
        self._window.workshop.notices.tell(error)

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
        old = self._opened
        revision = self._revision()

        def done(opened: files.Opened) -> None:
            was_untitled = self.is_untitled
            self._opened = opened
            files.settle(opened, opened.embedded)
            self._saved_revision = revision
            if old is not None:
                old.store.close()
                if was_untitled:
                    old.store.path.unlink(missing_ok=True)
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
        chosen, _ = QFileDialog.getOpenFileName(self._window, f"Where is {source.name} now?", "")
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
        if self._session.is_empty or not (self.is_dirty or self.is_untitled) or self.is_readonly:
            return True
        box = QMessageBox(self._window)
        box.setWindowTitle("TandEM")
        box.setText(f"Save the changes to {self.name}?")
        box.setInformativeText(
            "Without saving, what you did since the last save is lost." if not self.is_untitled else ""
        )
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        if answer == buttons.Save:
            return self._save_now()
        return answer == buttons.Discard

    def _save_now(self) -> bool:
        """Save before leaving, on this thread: nothing else is to be done meanwhile."""
        try:
            if self.is_untitled:
                suggested = str(Path.home() / f"experiment{files.SUFFIX}")
                chosen, _ = QFileDialog.getSaveFileName(
                    self._window, "Save as", suggested, f"TandEM session (*{files.SUFFIX})"
                )
                if not chosen:
                    return False
                opened = run_to_end(files.save_session_as(self._opened, self._session, Path(chosen)))
                self._discard_recovery()
                self._opened = opened
                self._window.workshop.settings.remember_recent(Path(chosen))
            elif self._opened is not None:
                self._keep_view()
                run_to_end(files.save_session(self._opened))
            self._saved_revision = self._revision()
        except Exception as error:  # noqa: BLE001  the edge: told to the person, who stays
            self._window.workshop.notices.tell(error)
            return False
        return True

    def _discard_recovery(self) -> None:
        if self._opened is not None and self.is_untitled:
            path = self._opened.store.path
            self._opened.store.close()
            path.unlink(missing_ok=True)
            self._opened = None

    def close(self, *, keep: bool = False) -> None:
        """Let go of the file; an unnamed one the person did not want is removed (`keep`: nobody was asked)."""
        self._left, self._keeps = self._left + 1, keep
        if self._opened is None:
            return
        if self.is_untitled and not keep:
            self._discard_recovery()
        else:
            self._opened.store.close()
        self._opened = None
