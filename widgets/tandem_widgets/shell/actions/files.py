"""The window's side of files: asks where and whether, shows what is opened. The document does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFileDialog, QMessageBox

from tandem_em.desk import importing
from tandem_em.desk.biasing import text_import
from tandem_em.desk.document import files, recovery
from tandem_em.desk.document.document import Document
from tandem_em.desk.document.places import Lost
from tandem_em.model.session import Session
from tandem_widgets.shell.actions import lost_work
from tandem_widgets.shell.context import WindowContext

KIND = f"TandEM session (*{files.SUFFIX})"


class FileActions:
    """Opens, imports, saves and leaves what a window shows."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context
        self._discards = False
        """Whether somebody has said that the changes are not wanted."""
        self.play_at: float | None = None
        """Speed at which the next opened session starts to play by itself."""
        self.then: Callable[[], None] | None = None
        """What to do once the next session is open."""
        self._timer = QTimer(context.window)
        self._timer.timeout.connect(self.autosave)
        self.set_autosave()
        self._listen(context.document)

    @property
    def document(self) -> Document:
        """The document in the window now; another one after each opening."""
        return self._context.document

    @property
    def can_save(self) -> bool:
        """Whether saving would write anything: changes, or data that have no name yet."""
        document = self.document
        if document.is_readonly:
            return False
        return document.is_dirty or (document.is_untitled and self._context.has_data)

    @property
    def has_file(self) -> bool:
        """Whether somebody has given the session a name on disk."""
        return self.document.path is not None

    # --- opening -------------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        """Choose files: a session is opened, anything else imported."""
        chosen, _ = QFileDialog.getOpenFileNames(self._context.window, "Open", "", files.open_filter())
        if chosen:
            self.open_paths([Path(text) for text in chosen])

    def open_paths(self, paths: list[Path]) -> None:
        """Open a session, or import files into the one that is here."""
        notices = self._context.services.notices
        for path in paths:
            if not path.exists():
                notices.tell(files.say_missing(path))
        paths = [path for path in paths if path.exists()]
        sessions = [path for path in paths if files.is_session_file(path)]
        if sessions:
            if self.may_leave():
                self._start_open(sessions[0])
            others = len(paths) - 1
            if others:
                rest = "the other file is" if others == 1 else f"{others} other files are"
                notices.info(f"{sessions[0].name} was opened; {rest} not opened.")
        elif paths:
            self._start_import(paths)

    def _start_open(self, path: Path, *, recovering: bool = False) -> None:
        """Open a session; changes of it that were never saved are offered, or taken at once (`recovering`)."""
        here = self.document.opened
        if here is not None and path.exists() and path.samefile(here.store.path):
            self._empty()  # it is opened anew: we are not to stand in our own way

        def opened(opened: files.Opened) -> None:
            if not opened.lost:
                self.show(opened)
                return
            choice = "recover" if recovering else lost_work.ask(self._context.window, opened.lost[0])
            if choice == "recover":
                self._start_recovering(opened)
            elif choice == "saved":
                self.show(opened)
            else:
                opened.store.close()

        task = self._context.desk.start(f"Opening {path.name}", recovery.open_with(path), opened, key="open")
        self._context.parts.reading.follow(task)

    def _start_recovering(self, opened: files.Opened) -> None:
        def failed(error: BaseException) -> None:
            opened.store.close()
            self._context.services.notices.tell(error)

        job = recovery.recover(opened, opened.lost[0])
        label = f"Recovering {opened.store.path.name}"
        task = self._context.desk.start(label, job, self.show, on_error=failed, key="open")
        self._context.parts.reading.follow(task)

    def show(self, opened: files.Opened, *, quiet: bool = False) -> None:
        """Put an opened session into the window; `quiet`: it is looked at only, and everybody knows."""
        services = self._context.services
        document = services.document(opened.session, opened)
        self.replace_document(document)
        if document.is_readonly and not quiet:
            services.notices.warning(f"{opened.store.path.name} is open for reading only.", document.holder)
        for problem in opened.problems:
            services.notices.warning(problem)
        if not document.is_untitled:
            services.settings.remember_recent(opened.store.path)
        if self.play_at is not None:
            self._context.views.player.speed, self.play_at = self.play_at, None
            self._context.views.player.start()
        if self.then is not None:
            # cleared before it is called: what it does may open the next session
            then, self.then = self.then, None
            then()
        document.make_previews()

    def replace_document(self, document: Document) -> None:
        """Another document is the one in the window from now on."""
        self.close()
        self._listen(document)
        self._context.replace_document(document)

    def _listen(self, document: Document) -> None:
        document.changed.connect(self._context.refresh)
        document.saved.connect(self._saved)
        document.failed.connect(self._context.services.notices.tell)

    def open_demo(self) -> None:
        """Build the demo experiment in a job, then open it."""
        from tandem_em.desk.demo.build import demo_path  # with the simulation, which a start does not need

        if self.may_leave():
            task = self._context.desk.start(
                "Building the demo experiment", demo_path(), self._start_open, key="open"
            )
            self._context.parts.reading.follow(task)

    def recover(self, lost: Lost) -> None:
        """Open what a crash left, with the changes that were never saved."""
        # leaving this session must not delete the file that is about to be read
        self.document.spare(lost.path)
        self._start_open(lost.session_path, recovering=True)

    def offer_lost_work(self) -> bool:
        """Ask about the newest work that was never saved; False when there is none."""
        found = recovery.everything(self._context.services.settings.values.recent)
        if not found:
            return False
        choice = lost_work.offer(self._context.window, found[0])
        if choice == "recover" and self.may_leave():
            self.recover(found[0])
        elif choice == "discard":
            recovery.discard([found[0]])
        return True

    def ask_recover(self) -> None:
        """Offer work that was never saved, and say so when there is none."""
        if not self.offer_lost_work():
            self._context.services.notices.info("There is no unsaved work to recover.")

    def new_session(self) -> None:
        """Leave what is shown, after asking about changes, for an empty session."""
        if self.may_leave():
            self._empty()

    def _empty(self) -> None:
        self.replace_document(self._context.services.document(Session()))

    # --- importing -----------------------------------------------------------------------------------------------

    def _start_import(self, paths: list[Path]) -> None:
        known = partial(text_import.remembered, self._context.services.settings)
        label = f"Reading {paths[0].name}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        job = importing.import_files(self._context.session, paths, known=known)
        self._context.parts.reading.follow(self._context.desk.start(label, job, self._take))

    def _take(self, imported: importing.Imported) -> None:
        self._ask_questions(imported)
        services = self._context.services
        limit_GB = services.settings.values.embed_limit_GB
        for name in importing.link_large(imported, limit_GB * 1e9):
            services.notices.info(
                f"{name} is larger than {limit_GB:g} GB and was not copied.",
                "The session links to the file where it is. The limit is in Preferences.",
            )
        session = self._context.session
        session.history.do(importing.adding(session, imported))
        for problem in imported.problems:
            services.notices.warning(problem)
        self.autosave()

    def _ask_questions(self, imported: importing.Imported) -> None:
        for question in imported.questions:
            if question.key == importing.AXIS0:
                continue  # the stack pane asks it beside the images
            box = QMessageBox(self._context.window)
            box.setWindowTitle("Question")
            box.setText(question.text)
            for choice in question.choices:
                box.addButton(choice, QMessageBox.ButtonRole.AcceptRole)
            box.exec()
            clicked = box.clickedButton()
            importing.answer(imported, question, clicked.text() if clicked is not None else question.default)

    # --- saving --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save in a job; a session without a name asks for one."""
        if self.document.needs_name:
            self.ask_save_as()
        else:
            self.document.save()

    def ask_save_as(self) -> None:
        """Ask for a name and save a compact copy there; `.nxs` is added if there is no suffix."""
        document = self.document
        name = f"{self._context.session.info.name or 'experiment'}{files.SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._context.window, "Save as", str(document.path or Path.home() / name), KIND
        )
        if chosen:
            path = Path(chosen)
            document.save_as(path if path.suffix else path.with_suffix(files.SUFFIX))

    def _saved(self, path: Path) -> None:
        services = self._context.services
        services.settings.remember_recent(path)
        services.notices.info(f"Saved {path.name}.")

    def autosave(self) -> None:
        """Keep the changes where a crash leaves them; the file of the person is not touched."""
        self.document.autosave()

    def set_autosave(self) -> None:
        """As often as the preferences say."""
        self._timer.start(int(self._context.services.settings.values.autosave_s * 1000))

    def relink(self, source_id: str) -> None:
        """Ask where a linked file is now; it must be the same file (size and hash)."""
        source = self._context.session.sources.get(source_id)
        if source is None or self.document.opened is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self._context.window, f"Find {source.name}", "")
        if chosen:
            self.document.relink(source_id, Path(chosen), self._say_linked)

    def _say_linked(self) -> None:
        self._context.services.notices.info("The file is linked again.")

    # --- leaving -------------------------------------------------------------------------------------------------

    def may_leave(self) -> bool:
        """Ask about unsaved changes; False when the person wants to stay."""
        self._discards = False
        document = self.document
        if not (document.is_dirty or (document.is_untitled and self._context.has_data)):
            return True
        box = QMessageBox(self._context.window)
        box.setWindowTitle("TandEM")
        box.setText(f"Save the changes to {document.name}?")
        box.setInformativeText(
            "If you do not save, the changes since the last save are lost."
            if not document.is_untitled
            else ""
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
        """Save before leaving; False when that did not work, or there is no name."""
        try:
            if not self.document.needs_name:
                # not a job: the window goes as soon as this returns
                self.document.save_now()
                return True
            suggested = str(Path.home() / f"experiment{files.SUFFIX}")
            chosen, _ = QFileDialog.getSaveFileName(self._context.window, "Save as", suggested, KIND)
            if not chosen:
                return False
            self.document.save_now(Path(chosen))
            self._context.services.settings.remember_recent(Path(chosen))
        except Exception as error:  # noqa: BLE001  the edge: told to the person, who stays
            self._context.services.notices.tell(error)
            return False
        return True

    def close(self, *, keep: bool = False) -> None:
        """Let go of the file (`keep`: nobody was asked, so what is not saved is offered at the next start)."""
        self.document.close(keep=keep, discard=self._discards)
        self._discards = False
