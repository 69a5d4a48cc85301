"""The beam session in the window: instruments, recording, live cursor, guardian. One recording at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFileDialog, QMessageBox

from tandem_em.core.jobs import Job, JobCancelledError, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import duration
from tandem_em.desk.document import files, places
from tandem_em.desk.live import follow, guardian, replay
from tandem_em.desk.live import setup as live
from tandem_em.desk.live.instruments import Instruments
from tandem_em.desk.live.recorder import Recorder
from tandem_em.desk.settings import config_folder
from tandem_em.model.session import Session
from tandem_widgets.shell.actions.files import FileActions
from tandem_widgets.shell.actions.live_cursor import LiveCursor
from tandem_widgets.shell.actions.recording_chips import chips
from tandem_widgets.shell.context import WindowContext

LOOK_MS = 250
BEAT_MS = 200
FOLLOW_MS = 40
LOAD_MS = 1500
"""After the start of the program."""
FIRST_SPAN_S = 30.0
"""What the strip shows at the start."""
KEPT_S = 10.0
"""What happened before R was pressed is recorded too, when the instruments were armed."""


def remembered() -> Path:
    """Where the set-up of the last recording is kept."""
    return config_folder() / "instruments.toml"


def _load_ahead() -> None:
    """Load what a beam session needs while nothing is driven yet: later it would hold up the window."""

    def load() -> None:
        from tandem_widgets.dialogs.instruments import dialog, limits, program  # noqa: F401

        guardian.load_ahead()
        with suppress(JobCancelledError):  # the program is ending
            follow.compile_kernels()

    threading.Thread(target=load, name="load ahead", daemon=True).start()


@dataclass
class _Made:
    """What a job prepares before a recording can begin."""

    opened: files.Opened
    sources: list[Any]


class RecordActions:
    """One recording at a time; the session being recorded is the one in the window."""

    def __init__(self, context: WindowContext, files: FileActions) -> None:
        self._context, self._files = context, files
        self._instruments: Instruments | None = None
        self._recorder: Recorder | None = None
        self._stopping = False
        self._starting = False
        self._dialog: Any = None
        self._replay: replay.Replay | None = None
        self.cursor = LiveCursor(context)
        self._after: Callable[[], object] | None = None
        self._look_timer = self._timer(LOOK_MS, self._look)
        self._follow_timer = self._timer(FOLLOW_MS, self._follow)
        self._beats: list[Callable[[], None]] = []
        self._heart = self._timer(BEAT_MS, lambda: [beat() for beat in self._beats])

        self._loading = QTimer(context.window)
        self._loading.setSingleShot(True)
        self._loading.timeout.connect(_load_ahead)
        self._loading.start(LOAD_MS)

    def _timer(self, every_ms: int, call: Callable[[], object]) -> QTimer:
        timer = QTimer(self._context.window)
        timer.setInterval(every_ms)
        timer.timeout.connect(call)
        return timer

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def is_recording(self) -> bool:
        """Whether a recorder is there, also while it is only armed."""
        return self._recorder is not None

    @property
    def is_armed(self) -> bool:
        """Connected, with the last seconds kept, and not yet recording."""
        return self._recorder is not None and self._recorder.state == "armed"

    @property
    def instruments(self) -> Instruments:
        """Made when they are first wanted: most sessions are reviews."""
        if self._instruments is None:
            self._instruments = Instruments()
            self._instruments.recall(remembered())
        return self._instruments

    @property
    def sources(self) -> list[Any]:
        """What is connected now: the sources of the recording, or those that are tested."""
        if self._recorder is not None:
            return list(self._recorder.sources)
        tested = self._instruments.probes.values() if self._instruments is not None else ()
        return [probe.source for probe in tested]

    @property
    def meters(self) -> list[Any]:
        """Source-meters whose guardian takes orders now."""
        return guardian.guarded(self._recorder.sources) if self._recorder is not None else []

    # --- gestures ------------------------------------------------------------------------------------------------

    def show_instruments(self) -> Any:
        """Open the dialog of instruments, or bring it to the front."""
        from tandem_widgets.dialogs.instruments.dialog import InstrumentsDialog

        if self._dialog is None:
            dialog = InstrumentsDialog(self._context.window, self._context.desk, self.instruments)
            dialog.record_wanted.connect(lambda: self.record())
            dialog.finished.connect(self._forget_dialog)
            self._dialog = dialog
            self._context.open_dialog(dialog)
        self._dialog.raise_()
        return self._dialog

    def _forget_dialog(self, _result: int) -> None:
        self._dialog = None

    def toggle(self) -> None:
        """R: stop, or record what is set up; without instruments, ask for them."""
        if self.is_armed and self._recorder is not None:
            self._recorder.start()
            self._look()
        elif self.is_recording:
            self.stop()
        elif self.instruments.setup.source:
            self.record()
        else:
            self.show_instruments()

    def record(self, *, armed: bool = False) -> None:
        """Record what is set up, after asking about unsaved changes of what is shown."""
        if not self.is_recording and self._files.may_leave():
            self.start_chosen(armed=armed)

    def arm(self) -> None:
        """Connect and keep the last seconds; R then records from before it was pressed."""
        if self.instruments.setup.source:
            self.record(armed=True)
        else:
            self.show_instruments()

    def start(self, setup_path: Path) -> None:
        """Record with a set-up file."""
        try:
            self.instruments.read(setup_path)
        except Exception as error:  # noqa: BLE001  the edge: whatever is wrong with a set-up is told
            self._context.services.notices.tell(error)
            return
        self.start_chosen(setup_path.stem)

    def start_chosen(self, name: str = "", *, armed: bool = False) -> None:
        """Record what is set up into a new session; it lives in the recovery folder until it is named."""
        # the dialog may stay open and change the set-up meanwhile
        setup = self.instruments.setup.model_copy(deep=True)
        self.instruments.remember(remembered())
        session = live.session_for(setup, name or "untitled")
        ending = self.instruments.end_tests()

        def connect() -> Job[list[Any]]:
            # an instrument has one owner: its test lets go before the recording connects
            yield from ending
            return live.make_sources(setup)

        def begun(recorder: Recorder) -> None:
            live.start_program(setup, recorder)
            full = guardian.capacity_C(live.cell_of(setup))
            self._context.parts.guardian_bar.show_meters(self.meters, full)

        self._begin(session, connect(), begun, armed=armed)

    def ask_replay(self) -> None:
        """Choose a session and play it as if it were live."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._context.window, "Choose a session to replay", "", "Session (*.nxs)"
        )
        if chosen and self._files.may_leave():
            self.start_replay(Path(chosen))

    def start_replay(self, path: Path, speed: float = 1.0) -> None:
        """Play a recorded session as if it were live, into a session of its own."""

        def connect() -> Job[list[Any]]:
            self._replay = yield from replay.open_replay(path, speed)
            return list(self._replay.sources)

        def begun(_recorder: Recorder) -> None:
            self._context.parts.replay_bar.show_replay(self._replay)

        self._begin(Session(f"replay of {path.stem}"), connect(), begun)

    def _begin(
        self,
        session: Session,
        connect: Job[list[Any]],
        begun: Callable[[Recorder], None],
        *,
        armed: bool = False,
    ) -> None:
        """Connect and make the file in a job, then record."""
        # connecting takes a while: R may be pressed again
        if self.is_recording or self._starting:
            return
        self._starting = True

        def prepare() -> Job[_Made]:
            sources = yield from connect
            opened = yield from files.create_session(places.untitled_path(), session, for_recording=True)
            return _Made(opened, sources)

        def begin(made: _Made) -> None:
            self._starting = False
            self._record_into(session, made, begun, armed=armed)

        def failed(error: BaseException) -> None:
            given_up()
            self._context.services.notices.tell(error)

        def given_up() -> None:
            self._starting = False  # it can be tried again
            self._end_replay()

        self._context.desk.start(
            "Preparing the recording", prepare(), begin, on_error=failed, on_cancelled=given_up
        )

    def _record_into(
        self, session: Session, made: _Made, begun: Callable[[Recorder], None], *, armed: bool
    ) -> None:
        """Everything is connected: the new session is shown, and filled from now on."""
        services = self._context.services
        self._context.parts.header.show_stopped("")
        self._files.replace_document(services.document(session, made.opened))
        session.focus.follow_live = True
        session.focus.span = (-KEPT_S if armed else 0.0, FIRST_SPAN_S)
        self._recorder = recorder = Recorder(
            session, made.opened.store, made.sources, services.notices, services.post, follow=True
        )
        if armed:
            recorder.arm(KEPT_S)
        else:
            recorder.start()
        self._beats = live.beating(recorder)
        for timer in (self._heart, self._look_timer, self._follow_timer):
            timer.start()
        try:
            begun(recorder)
        except UserError as error:  # a program that cannot be read: what is recorded goes on
            services.notices.tell(error)
        self._look()
        self._context.refresh()

    def stop(self, then: Callable[[], object] | None = None) -> None:
        """End it off the GUI thread, then save."""
        recorder = self._recorder
        # asked again while it is ending: what is to come after it stays
        self._after = then or self._after
        if recorder is None or self._stopping:
            return
        self._stopping = True

        def halt() -> Job[None]:
            yield Progress(0, 0, "Ending the recording")
            recorder.halt()

        def failed(error: BaseException) -> None:
            given_up()
            self._context.services.notices.tell(error)

        def given_up() -> None:
            self._stopping = False  # it can be tried again

        self._context.desk.start(
            "Ending the recording",
            halt(),
            lambda _none: self._stopped(recorder),
            on_error=failed,
            on_cancelled=given_up,
        )

    def _end_replay(self) -> None:
        self._context.parts.replay_bar.show_replay(None)
        played, self._replay = self._replay, None
        if played is not None:
            played.opened.store.close()

    def _stopped(self, recorder: Recorder) -> None:
        context, parts = self._context, self._context.parts
        for timer in (self._heart, self._look_timer, self._follow_timer):
            timer.stop()
        recorder.finish()
        self._recorder, self._stopping, self._beats = None, False, []
        parts.header.show_recording("", [])
        parts.header.show_live(None)
        parts.guardian_bar.show_meters([])
        self._end_replay()
        context.views.stack.show_lag("", ())
        context.views.biasing.end_growing()
        self._files.autosave()
        parts.header.show_stopped(recorder.stopped_by)
        if not recorder.stopped_by:  # else that is said already, and stays
            context.services.notices.info("The recording has ended.", "Save it under a name (Ctrl+S).")
        context.refresh()
        then, self._after = self._after, None
        if then is not None:
            then()

    def may_leave(self) -> bool:
        """Closing the window while recording is asked about, and ends the recording first."""
        if not self.is_recording:
            return True
        box = QMessageBox(self._context.window)
        box.setWindowTitle("TandEM")
        box.setText("A recording is running. Stop it and close?")
        box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
        if box.exec() == QMessageBox.StandardButton.Yes:
            # refused now; the window closes itself once the recording has ended
            self.stop(then=self._context.close)
        return False

    def close(self) -> None:
        """The program ends: tests and simulators too."""
        if self._instruments is not None:
            self._instruments.close()

    # --- while it runs -------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        if self._recorder is not None and not self.is_armed:
            self.cursor.follow(self._recorder.elapsed_s)

    def _look(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        minutes = recorder.check_disk()
        found = chips(self._context.session, recorder.sources, recorder.counters())
        if self.is_armed:
            self._context.parts.header.show_armed(found, KEPT_S)
        else:
            word = "REC" if self._replay is None else "REPLAY"
            self._context.parts.header.show_recording(duration(recorder.elapsed_s), found, minutes, word)
        self._context.parts.guardian_bar.look()
        self._context.parts.replay_bar.look()
        self.cursor.show_lag(recorder)
        if recorder.has_to_stop:
            self.stop()
