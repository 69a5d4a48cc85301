"""Recording from the window: a set-up file in, chips in the header while it runs, a clean end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFileDialog, QMessageBox

from tandem_em.desk import files, live
from tandem_em.desk.recorder import Counters, Recorder
from tandem_em.jobs import Job, Progress
from tandem_em.texts import duration
from tandem_widgets.parts import theme

if TYPE_CHECKING:
    from tandem_widgets.shell.main_window import MainWindow

LOOK_MS = 500
BEAT_MS = 200


class RecordActions:
    """One recording at a time; the session being recorded is the one in the window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._recorder: Recorder | None = None
        self._opened: files.Opened | None = None
        self._stopping = False
        self._timer = QTimer(window)
        self._timer.timeout.connect(self._look)
        self._beats: list[Callable[[], None]] = []
        self._heart = QTimer(window)
        self._heart.timeout.connect(lambda: [beat() for beat in self._beats])

    @property
    def is_recording(self) -> bool:
        return self._recorder is not None

    def toggle(self) -> None:
        if self.is_recording:
            self.stop()
            return
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Record with which set-up?", "", "Set-up (*.toml)"
        )
        if chosen and self._window.files.may_leave():
            self.start(Path(chosen))

    def start(self, setup_path: Path) -> None:
        """Make the session and begin; it lives in the recovery folder until it is named."""
        window = self._window
        try:
            setup = live.read_setup(setup_path)
            session = live.session_for(setup, setup_path.stem)
            sources = live.make_sources(setup)
        except Exception as error:  # noqa: BLE001  the edge: whatever is wrong with a set-up is told
            window.workshop.notices.tell(error)
            return
        path = files.untitled_path()

        def begin(opened: files.Opened) -> None:
            self._opened = opened
            window.files.adopt(opened)
            self._recorder = Recorder(
                session, opened.store, sources, window.workshop.notices, window.workshop.post
            )
            self._recorder.start()
            self._beats = live.beating(self._recorder)
            self._heart.start(BEAT_MS)
            live.start_program(setup, self._recorder)
            self._timer.start(LOOK_MS)
            self._look()

        window.desk.start(
            "Preparing the recording", files.create_session(path, session, for_recording=True), begin
        )

    def stop(self) -> None:
        """End it off the GUI thread, then save."""
        recorder, opened = self._recorder, self._opened
        if recorder is None or opened is None or self._stopping:
            return
        self._stopping = True

        def halt() -> Job[None]:
            yield Progress(0, 0, "Ending the recording")
            recorder.halt()

        def done(_none: None) -> None:
            self._timer.stop()
            self._heart.stop()
            recorder.finish()
            self._recorder, self._stopping = None, False
            self._window.header.show_recording("", [])
            self._window.files.autosave()
            self._window.workshop.notices.info("The recording has ended.", "Save gives it a name.")

        self._window.desk.start("Ending the recording", halt(), done)

    def may_leave(self) -> bool:
        """Closing the window while recording is asked about, and ends the recording first."""
        if not self.is_recording:
            return True
        box = QMessageBox(self._window)
        box.setWindowTitle("TandEM")
        box.setText("A recording is running. Stop it?")
        box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
        if box.exec() == QMessageBox.StandardButton.Yes:
            self.stop()
        return False

    def _look(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        minutes = recorder.check_disk()
        chips = [self._chip(name, counters, minutes) for name, counters in recorder.counters().items()]
        self._window.header.show_recording(duration(recorder.elapsed_s), chips)
        session = self._window.desk.session
        if session.focus.follow_live:
            session.focus.t = recorder.elapsed_s
        if recorder.has_to_stop:
            self.stop()

    def _chip(self, name: str, counters: Counters, minutes: float | None) -> tuple[str, str, str]:
        look = theme.active()
        dot = {"running": look.good, "lost": look.bad, "failed": look.bad}.get(counters.state, look.warning)
        text = f"{name} · {counters.rate_hz:.0f} Hz" + (
            f" · {counters.dropped} dropped" if counters.dropped else ""
        )
        left = f"\nDisk: {minutes:.0f} min left" if minutes is not None and minutes < 1e5 else ""
        tip = f"{counters.state}. {counters.message}\n{counters.received} received, {counters.acknowledged} safe on disk{left}"
        return text, dot, tip
