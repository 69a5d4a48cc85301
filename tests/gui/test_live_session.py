"""A beam session in the real window with the simulators: test, record, drive, stop, lose and find instruments again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QObject, Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files, places
from tandem_em.desk.lanes.dose import Dose
from tandem_em.desk.lanes.series import Points
from tandem_em.desk.live import follow
from tandem_em.desk.live import setup as live
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import dose
from tandem_em.model.session import Session
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.core.tables import LimitsTable
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.merlin.simulator import MerlinSimulator
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.scpi.simulator import SimulatedMeter
from tandem_em.sources.setup import ProgramTable, Setup, read_setup
from tandem_em.storage.gate import disk_space
from tandem_widgets.dialogs.instruments.dialog import InstrumentsDialog
from tandem_widgets.shell.actions.live_cursor import LiveCursor
from tandem_widgets.shell.window.header import Header
from tandem_widgets.shell.window.main_window import MainWindow

HALF_A_NANO = {"step": "constant_current", "current_mA": 5e-7, "until_time_s": 60}


@pytest.fixture
def meter() -> Iterator[ScpiServer]:
    with ScpiServer(SimulatedMeter("2400", BatteryCell(capacity_C=1e-6, resistance_ohm=2e5))) as running:
        yield running


@pytest.fixture
def camera() -> Iterator[MerlinSimulator]:
    rows, columns = np.mgrid[0:96, 0:96]
    movie = []
    for number in range(40):
        inside = np.hypot(rows - 48, columns - 48) < 18 + 0.2 * number
        noise = np.random.default_rng(number).normal(0, 40, (96, 96))
        movie.append(np.where(inside, 900, 2000) + noise)
    frames = np.asarray(movie, np.uint16)
    with MerlinSimulator(
        frames=1_000_000, rate_hz=25.0, shape=(96, 96), movie=np.concatenate([frames, frames[::-1]])
    ) as running:
        yield running


def meter_table(meter: ScpiServer) -> ScpiTable:
    return ScpiTable(name="bias", address=meter.address, rate_hz=20, compliance_A=1e-7, simulated=True)


def camera_table(camera: MerlinSimulator) -> MerlinTable:
    return MerlinTable(name="camera", address=camera.address, control=camera.control, simulated=True)


@pytest.fixture
def record(qtbot: QtBot, window: MainWindow) -> Iterator[Callable[..., Any]]:
    """Begin a recording of some sources; it is ended with the test."""

    def begin(*tables: Any, **parts: Any) -> Any:
        window.recording.instruments.setup = Setup(source=list(tables), **parts)
        window.recording.start_chosen("live")
        qtbot.waitUntil(lambda: window.recording.is_recording, timeout=20_000)
        return window.desk.session

    yield begin
    if window.recording.is_recording:
        window.recording.stop()
        qtbot.waitUntil(lambda: not window.recording.is_recording, timeout=20_000)
    window.recording.close()
    qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=20_000)


class LoopWatch(QObject):
    """The longest time (s) the event loop did not turn."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self._last = 0.0, time.monotonic()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)
        self._timer.start(5)

    def _turn(self) -> None:
        now = time.monotonic()
        self.longest, self._last = max(self.longest, now - self._last), now


def chip(window: MainWindow, name: str) -> str:
    texts = [each._label.text() for each in window.header.sources if not each.isHidden()]
    return next((text for text in texts if name.lower() in text.lower()), "")


def is_safe(meter: ScpiServer) -> bool:
    return not meter.meter.output_on and meter.meter.off_state == "HIMP"


def test_first_values_are_seen_before_anything_is_recorded(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], tmp_path: Path
) -> None:
    dialog = window.recording.show_instruments()
    assert isinstance(dialog, InstrumentsDialog)
    assert not dialog.record.isEnabled()
    dialog.simulate("scpi")
    qtbot.waitUntil(lambda: "V" in dialog.probe.values.text(), timeout=20_000)
    assert "Receiving data" in dialog.probe.state.text()
    assert "Keithley 2400" in dialog.probe.state.text()
    assert "Simulated" in dialog._mark.text()
    assert not window.recording.is_recording
    dialog.save_as(tmp_path / "bench")
    saved = read_setup(tmp_path / "bench.toml")
    assert saved.source[0].simulated
    assert saved.source[0].name == "Simulated source-meter"
    dialog.close()
    qtbot.waitUntil(lambda: not window.recording.instruments.probes, timeout=20_000)


def test_a_setting_that_does_not_fit_is_a_sentence(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any]
) -> None:
    dialog = window.recording.show_instruments()
    dialog._add_kind("scpi")
    dialog._edited("Source-meter", "rate_hz", -1.0)
    assert "greater than 0" in dialog.trouble.text()
    dialog._edited("Source-meter", "rate_hz", 5.0)
    assert not dialog.trouble.text()
    dialog._toggle_test()
    qtbot.waitUntil(lambda: "no address" in dialog.trouble.text(), timeout=10_000)
    dialog.close()


def test_an_instrument_is_renamed_in_the_form_and_its_test_goes_on(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer
) -> None:
    dialog = window.recording.show_instruments()
    instruments = window.recording.instruments
    for name in ("bias", "other"):
        instruments.add(ScpiTable(name=name, address=meter.address, simulated=True))
    instruments.setup.program = ProgramTable(file=Path("charge.json"), source="bias")
    dialog.choose("bias")
    dialog._toggle_test()
    qtbot.waitUntil(lambda: "bias" in instruments.probes, timeout=20_000)

    def rename(text: str) -> None:
        line = dialog._form.editors["name"]
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    rename("Keithley at the holder")
    assert [table.name for table in instruments.setup.source] == ["Keithley at the holder", "other"]
    assert dialog.chosen == dialog._shown == "Keithley at the holder"
    assert instruments.setup.program.source == "Keithley at the holder"
    assert list(instruments.probes) == ["Keithley at the holder"]
    rename("other")
    assert "Another source" in dialog.trouble.text()
    assert dialog.chosen == "Keithley at the holder"
    rename("")
    assert dialog.trouble.text()
    assert instruments.setup.source[0].name == "Keithley at the holder"
    dialog.close()


@pytest.mark.expects_log
def test_the_stop_key_works_whatever_has_the_focus(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer
) -> None:
    record(meter_table(meter))
    bar = window.guardian_bar
    assert not bar.isHidden()
    qtbot.waitUntil(lambda: "watching" in bar.output.text(), timeout=10_000)
    window.guardian.run_program(live_program(HALF_A_NANO))
    qtbot.waitUntil(lambda: meter.meter.output_on and "program running" in bar.output.text(), timeout=10_000)
    assert "step 1 of 1" in bar.step.text()
    modal = QDialog(window)
    line = QLineEdit(modal)
    modal.setModal(True)
    modal.show()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is modal.windowHandle())
    line.setFocus()
    QTest.keyClick(modal.windowHandle(), Qt.Key.Key_F12)
    began = time.monotonic()
    qtbot.waitUntil(lambda: is_safe(meter), timeout=2_000)
    assert time.monotonic() - began < 1.0
    qtbot.waitUntil(lambda: "OFF" in bar.output.text() and "verified" in bar.output.text(), timeout=2_000)
    modal.close()
    assert not bar.rearm.isHidden()
    bar.rearm.click()
    qtbot.waitUntil(lambda: "watching" in bar.output.text(), timeout=5_000)


def live_program(*steps: dict[str, Any]) -> str:
    from tandem_em.desk.live import guardian

    return guardian.program_text(list(steps))


def test_a_limit_ends_the_program_and_is_an_event(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer
) -> None:
    session = record(meter_table(meter), limits=LimitsTable(current_A=1e-9))
    qtbot.waitUntil(lambda: "watching" in window.guardian_bar.output.text(), timeout=10_000)
    window.guardian.run_program(live_program({**HALF_A_NANO, "current_mA": 5e-6}))
    qtbot.waitUntil(lambda: is_safe(meter), timeout=5_000)
    qtbot.waitUntil(lambda: any("above the limit" in event.name for event in session.events), timeout=5_000)
    qtbot.waitUntil(lambda: "above the limit" in window.guardian_bar.message.toolTip(), timeout=2_000)


def test_pause_skip_and_abort(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer
) -> None:
    record(meter_table(meter))
    bar = window.guardian_bar
    qtbot.waitUntil(lambda: "watching" in bar.output.text(), timeout=10_000)
    window.guardian.run_program(
        live_program({"step": "open_circuit_voltage", "until_time_s": 60}, HALF_A_NANO)
    )
    qtbot.waitUntil(lambda: "step 1 of 2" in bar.step.text(), timeout=5_000)
    bar.skip.click()
    qtbot.waitUntil(lambda: "step 2 of 2" in bar.step.text(), timeout=5_000)
    bar.pause.click()
    qtbot.waitUntil(lambda: bar.pause.text() == "Resume", timeout=5_000)
    bar.pause.click()
    qtbot.waitUntil(lambda: bar.pause.text() == "Pause", timeout=5_000)
    bar.abort.click()
    qtbot.waitUntil(lambda: "watching" in bar.output.text(), timeout=5_000)
    assert bar.abort.isHidden()


@pytest.mark.parametrize("fault", ["disconnect", "hang", "garbage"])
@pytest.mark.expects_log
def test_a_pulled_plug_is_said_within_two_seconds_and_mended(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer, fault: Any
) -> None:
    session = record(meter_table(meter))
    qtbot.waitUntil(lambda: "Hz" in chip(window, "bias"), timeout=10_000)
    watch = LoopWatch()
    if fault == "disconnect":
        meter.fault = "refuse"
        meter.disconnect()
    else:
        meter.fault = fault
    qtbot.waitUntil(lambda: "lost" in chip(window, "bias"), timeout=2_000)
    qtbot.waitUntil(lambda: "MAY BE ON" in window.guardian_bar.output.text(), timeout=2_000)
    meter.fault = ""
    qtbot.waitUntil(lambda: "Hz" in chip(window, "bias"), timeout=6_000)
    assert watch.longest < 0.5
    run = session.runs.first
    assert run is not None
    before = len(run)
    qtbot.waitUntil(lambda: len(run) > before + 5, timeout=5_000)
    assert len(run.segment_starts) >= 2
    assert window.recording.is_recording


def test_a_camera_that_goes_away_leaves_the_rest_recording(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], meter: ScpiServer, camera: MerlinSimulator
) -> None:
    session = record(meter_table(meter), camera_table(camera))
    qtbot.waitUntil(lambda: "fps" in chip(window, "camera") and "Hz" in chip(window, "bias"), timeout=10_000)
    camera.close()
    qtbot.waitUntil(lambda: "fps" not in chip(window, "camera"), timeout=3_000)
    run = session.runs.first
    assert run is not None
    before = len(run)
    qtbot.waitUntil(lambda: len(run) > before + 5, timeout=5_000)


@pytest.mark.expects_log
def test_why_a_recording_stopped_by_itself_stays_until_it_is_acknowledged(
    qtbot: QtBot,
    window: MainWindow,
    record: Callable[..., Any],
    camera: MerlinSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = record(camera_table(camera))
    qtbot.waitUntil(lambda: len(session.stacks) == 1 and len(session.stacks.first) > 5, timeout=20_000)
    with monkeypatch.context() as full:
        full.setattr(disk_space, "free_bytes", lambda _path: 900_000_000)
        qtbot.waitUntil(lambda: not window.recording.is_recording, timeout=20_000)
    assert "only 0.9 GB are free" in window.status.notice.toolTip() + window.status.notice.text()
    window.services.notices.info("Saved.")  # whatever is said meanwhile
    assert window.header.stopped._label.text().endswith(
        "Recording stopped · only 0.9 GB are free on its disk"
    )
    assert not window.header.stopped.isHidden()
    assert any("0.9 GB are free" in event.name for event in session.events)
    QTest.mouseClick(window.header.stopped, Qt.MouseButton.LeftButton)
    assert window.header.stopped.isHidden()
    window.header.show_stopped("Stopped: again.")
    record(camera_table(camera))
    assert window.header.stopped.isHidden()


def test_the_cursor_stays_live_until_somebody_moves_it(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], camera: MerlinSimulator
) -> None:
    session = record(camera_table(camera))
    focus = session.focus
    qtbot.waitUntil(lambda: focus.t > 1.0, timeout=10_000)
    assert window.header.live.text() == "● Live"
    window.time.previous_frame()
    qtbot.waitUntil(lambda: not focus.follow_live, timeout=1_000)
    stays = focus.t
    count = len(session.stacks.first)
    qtbot.waitUntil(lambda: len(session.stacks.first) > count + 10, timeout=5_000)
    assert focus.t == stays
    assert window.header.live.text() == "Back to live"
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: focus.follow_live and focus.t > stays + 0.3, timeout=2_000)


def test_a_marked_particle_is_followed_while_filming(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], camera: MerlinSimulator
) -> None:
    session = record(camera_table(camera))
    qtbot.waitUntil(
        lambda: session.stacks.first is not None and len(session.stacks.first) > 5, timeout=10_000
    )
    stack = session.stacks.first
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    frame = len(stack) - 1
    radius = 18 + 0.2 * min(frame % 80, 79 - frame % 80)
    drawn = np.column_stack([48 + radius * np.cos(angle), 48 + radius * np.sin(angle)])
    particle = particles_edit.draw(window.desk, stack, frame, drawn)
    window.stack_pane.tools.following.start([particle])
    assert not window.stack_pane.tools.following.is_running  # the recorder does it
    qtbot.waitUntil(lambda: len(particle.outlines) > 20, timeout=40_000)
    newest = max(particle.outlines)
    true = np.pi * (18 + 0.2 * min(newest % 80, 79 - newest % 80)) ** 2
    assert particle.outlines[newest].area_px == pytest.approx(true, rel=0.12)
    qtbot.waitUntil(lambda: "outlines" in window.stack_pane.notes.lag, timeout=5_000)


@pytest.mark.expects_log
def test_dose_rate_sum_lane_and_budget_follow_while_filming(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], camera: MerlinSimulator
) -> None:
    session = record(camera_table(camera))
    qtbot.waitUntil(lambda: len(session.stacks) == 1 and len(session.stacks.first) > 10, timeout=20_000)
    stack = session.stacks.first
    dose.type_rate(window.desk, stack, 100.0, 100.0 * stack.t[-1] + 400.0)
    qtbot.waitUntil(lambda: dose.of_stack(session, stack) is not None, timeout=20_000)

    def shown() -> tuple[str, float, int]:
        (line,) = Dose().curves(session, None)
        assert isinstance(line.samples, Points)
        return window.header.dose._label.text(), float(line.samples.y[-1]), len(line.samples.x)

    text, total, count = shown()
    qtbot.waitUntil(
        lambda: shown()[0] != text and shown()[1] > total + 100 and shown()[2] > count + 20, timeout=20_000
    )
    qtbot.waitUntil(lambda: "exceeds its dose budget" in window.status.notice.toolTip(), timeout=20_000)
    qtbot.waitUntil(lambda: "⚠" in window.header.dose._label.text(), timeout=20_000)
    assert "exceeds its dose budget" in " ".join(event.name for event in session.events)


def test_drift_is_taken_off_while_filming_only_after_a_click(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], camera: MerlinSimulator
) -> None:
    session = record(camera_table(camera))
    pane = window.stack_pane
    qtbot.waitUntil(lambda: pane.stack is not None and pane.stack is session.stacks.first, timeout=20_000)
    stack = session.stacks.first
    ends = time.monotonic() + 2.5 * follow.DRIFT_SHOWN_S
    qtbot.waitUntil(lambda: time.monotonic() > ends, timeout=10_000)
    assert stack.drift_px is None
    assert not pane.tools.drift.isChecked()
    pane.tools.drift.click()
    qtbot.waitUntil(lambda: stack.drift_px is not None and len(stack.drift_px) > 25, timeout=20_000)
    assert pane.tools.drift.isChecked()


def test_the_window_draws_while_a_fast_camera_is_recorded(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any]
) -> None:
    with MerlinSimulator(frames=1_000_000, rate_hz=200.0, shape=(128, 128)) as fast:
        session = record(camera_table(fast))
        qtbot.waitUntil(
            lambda: session.stacks.first is not None and len(session.stacks.first) > 100, timeout=20_000
        )
        qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=60_000)
        watch, canvas = LoopWatch(), window.stack_pane.canvas
        painted, began = canvas.painted, time.monotonic()
        count = len(session.stacks.first)
        qtbot.waitUntil(lambda: canvas.painted > painted + 20, timeout=10_000)
        assert (canvas.painted - painted) / (time.monotonic() - began) > 5  # 10 and more on a free machine
        assert watch.longest < 0.5
        assert len(session.stacks.first) > count


def test_a_session_is_replayed_with_pause_seek_and_speed(
    qtbot: QtBot, window: MainWindow, record: Callable[..., Any], tmp_path: Path
) -> None:
    recorded = window.desk.session
    path = tmp_path / "recorded.nxs"
    opened = run_to_end(files.create_session(path, recorded))
    opened.store.close()
    before = path.read_bytes()
    window.recording.start_replay(path, 5.0)
    qtbot.waitUntil(lambda: window.recording.is_recording, timeout=20_000)
    bar = window.replay_bar
    assert not bar.isHidden()
    assert "Replay" in bar.title.text()
    assert window.guardian_bar.isHidden()
    session = window.desk.session
    assert session is not recorded
    qtbot.waitUntil(lambda: session.runs.first is not None and len(session.runs.first) > 20, timeout=10_000)
    bar.toggle()
    assert bar.replay is not None
    assert not bar.replay.clock.is_running
    bar.seek(0.9)
    bar.use_speed(0.1)
    bar.toggle()
    count = len(session.runs.first)
    qtbot.waitUntil(lambda: len(session.runs.first) > count, timeout=10_000)
    assert bar.replay.clock.now() > 8.0
    times = session.runs.first.times.view
    assert (np.diff(times) >= 0).all()
    window.recording.stop()
    qtbot.waitUntil(lambda: not window.recording.is_recording, timeout=20_000)
    assert bar.isHidden()
    assert path.read_bytes() == before


def test_the_set_up_knows_its_cell(window: MainWindow) -> None:
    setup = Setup.model_validate({"cell": {"area_um2": 10.0, "capacity_uAh_cm2": 100.0}})
    from tandem_em.desk.live import guardian

    assert guardian.capacity_C(live.cell_of(setup)) == pytest.approx(10e-8 * 100e-6 * 3600)


def test_ended_from_outside_the_recording_is_kept_and_nothing_is_asked(
    qtbot: QtBot,
    window: MainWindow,
    record: Callable[..., Any],
    meter: ScpiServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGTERM: the computer is shut down, say."""
    ended: list[int] = []
    monkeypatch.setattr("PyQt6.QtWidgets.QApplication.exit", staticmethod(ended.append))
    session = record(meter_table(meter))
    qtbot.waitUntil(lambda: session.runs.first is not None and len(session.runs.first) > 5, timeout=10_000)
    path = window.document.opened.store.path
    window.end_without_asking()
    qtbot.waitUntil(lambda: ended == [0], timeout=20_000)
    assert is_safe(meter)
    assert path in places.recoverable()
    kept = run_to_end(files.open_session(path, readonly=True))
    assert len(kept.session.runs.first) == len(session.runs.first)
    kept.store.close()


def test_the_next_recording_is_followed_like_the_one_before() -> None:
    """What was followed in one session says nothing about the cursor of the next one."""
    parts = SimpleNamespace(header=SimpleNamespace(show_live=lambda _follows: None))
    context = SimpleNamespace(session=Session("first"), parts=parts)
    cursor = LiveCursor(context)  # type: ignore[arg-type]
    cursor.follow(5.0)
    context.session = second = Session("second")
    cursor.follow(0.5)
    cursor.follow(1.0)
    assert second.focus.follow_live
    second.focus.t = 0.2
    cursor.follow(1.5)
    assert not second.focus.follow_live, "somebody moved it"


def test_a_narrow_window_leaves_facts_of_the_sources_out_and_cuts_none(qtbot: QtBot) -> None:
    header = Header(QMenu(), {})
    qtbot.addWidget(header)
    facts = [(f"Camera {number} · 3 lost · 10 fps · ±100 µs", "#fff", "") for number in range(4)]
    header.resize(1600, 40)
    header.show_recording("00:00:06", facts)
    assert "±100" in header.sources[0]._label.text()
    header.resize(1000, 40)
    header.show_recording("00:00:07", facts)
    text = header.sources[0]._label.text()
    assert text.endswith("Camera 0 · 3 lost")
    assert "±100" in header.sources[0].toolTip()
