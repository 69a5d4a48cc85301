"""The bar of the guardian: the big stop, what the output does, the program and its progress. There while a cell is driven."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton

from tandem_em.core.texts import duration, quantity
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.pane_frame import ElidedLabel

STOP_KEY = Qt.Key.Key_F12
STATES = {
    "connecting": "connecting",
    "watching": "watching, 0 A",
    "as found": "output left as found",
    "program": "program running",
    "paused": "paused at 0 A",
    "safe": "output OFF, high impedance",
    "tripped": "output OFF, high impedance",
    "lost": "connection lost",
    "ended": "ended",
    "refused": "in use elsewhere",
}


class StopKey(QObject):
    """Catches one key in the whole application: dialogs, menus and text fields included.

    It listens at the window that has the keys: at the application every event of every widget would go through Python and
    wait there for the threads that record."""

    pressed = pyqtSignal()

    def __init__(self, app: QGuiApplication, parent: QObject) -> None:
        super().__init__(parent)
        app.focusWindowChanged.connect(self._listen_at)

    def _listen_at(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """F12 alone is taken away from everybody; held down it counts once."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == STOP_KEY
            and not event.modifiers()
        ):
            if not event.isAutoRepeat():
                self.pressed.emit()
            return True
        return False


class GuardianBar(QFrame):
    """Shows the guardian of the source-meter being recorded and hands over orders."""

    stop_wanted = pyqtSignal()
    program_wanted = pyqtSignal()
    limits_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "pane")
        self.meters: list[Any] = []
        self.full_charge_C: float | None = None
        self.stop = QPushButton("■  EMERGENCY STOP   F12")
        self.stop.setToolTip("Switch the output off (high impedance) at once; F12 works in every window")
        # Space and Enter press what has the focus: they must not give orders to the guardian
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.stop.setMinimumSize(230, 38)
        self.stop.clicked.connect(lambda _checked=False: self.stop_wanted.emit())
        self.output = QLabel()
        self.output.setFont(theme.numbers_font(13, bold=True))
        self.message = ElidedLabel()
        self.step = QLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(130, 6)
        self.pause = self._button("Pause", "Set 0 A and pause the program", self._pause)
        self.skip = self._button("Skip", "Go to the next step", lambda: self._each("skip"))
        self.abort = self._button("Abort", "End the program; open circuit (0 A)", lambda: self._each("abort"))
        self.rearm = self._button(
            "Output on", "Switch the output on at 0 A and watch the cell", lambda: self._each("rearm")
        )
        self.program = self._button("Program…", "Edit and run a biasing program", self.program_wanted.emit)
        self.limits = self._button(
            "Limits…", "The output is switched off beyond these limits", self.limits_wanted.emit
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 5, 8, 5)
        row.setSpacing(10)
        row.addWidget(self.stop)
        row.addWidget(self.output)
        row.addWidget(self.message, 1)
        for widget in (
            self.step,
            self.progress,
            self.pause,
            self.skip,
            self.abort,
            self.rearm,
            self.program,
            self.limits,
        ):
            row.addWidget(widget)
        self.show_meters([])

    def _button(self, text: str, tip: str, call: Any) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda _checked=False: call())
        return button

    def show_meters(self, meters: list[Any], full_charge_C: float | None = None) -> None:
        """The source-meters that are driven now; none: the bar goes."""
        self.meters, self.full_charge_C = meters, full_charge_C
        self.setVisible(bool(meters))
        self.look()

    def look(self) -> None:
        """Show what the guardian last said."""
        if not self.meters:
            return
        meter = self.meters[0]
        control = meter.control
        look = theme.active()
        self.stop.setStyleSheet(
            f"background: {look.bad}; color: #ffffff; font-weight: 700; font-size: 14px; border: none; border-radius: 6px;"
        )
        colour, words = self._words(control)
        self.output.setText(f'<span style="color:{colour}">●</span> {words}')
        self.message.set_text(control.message)
        self._show_program(control)

    def _words(self, control: Any) -> tuple[str, str]:
        look = theme.active()
        state = STATES.get(control.state, control.state)
        # not known is shown as dangerous, never as off
        if control.output_on is None:
            return look.bad, f"{state} · output MAY BE ON"
        if not control.output_on:
            sure = " · verified" if control.verified else " · NOT verified"
            return (look.warning if control.verified else look.bad), state + sure
        level = quantity(control.level, "A" if control.mode == "current" else "V", 4)
        parts = [state]
        if control.state in ("program", "as found") or control.level:
            parts.append(level)
        if control.state in ("program", "paused"):
            parts.append(f"charge {quantity(control.charge_C, 'C', 3)}")
            left = self._time_to_full(control)
            if left:
                parts.append(left)
        return look.good, " · ".join(parts)

    def _time_to_full(self, control: Any) -> str:
        """How long this current takes to the full charge of the cell."""
        full = self.full_charge_C
        if full is None or control.mode != "current" or not control.level:
            return ""
        left = (full - abs(control.charge_C)) / abs(control.level)
        return f"full in {duration(left)}" if left > 0 else "full charge reached"

    def _show_program(self, control: Any) -> None:
        progress = control.progress
        runs = control.state in ("program", "paused")
        is_off = control.state in ("tripped", "safe")
        for widget in (self.step, self.progress, self.pause, self.skip, self.abort):
            widget.setVisible(runs)
        self.rearm.setVisible(is_off)
        self.program.setVisible(not runs)
        if not runs or progress is None:
            return
        self.step.setText(f"step {progress.done + 1} of {progress.total} · {progress.label}")
        fraction = progress.step_fraction
        # an empty range: the bar runs to and fro
        self.progress.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.progress.setValue(int(1000 * fraction))
        self.pause.setText("Resume" if control.state == "paused" else "Pause")

    def _pause(self) -> None:
        self._each("resume" if self.meters and self.meters[0].control.state == "paused" else "pause")

    def _each(self, order: str) -> None:
        for meter in self.meters:
            getattr(meter, order)()
        self.look()
