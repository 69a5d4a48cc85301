"""The bar of a replay: pause, seek and speed of the session that plays. There while something is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSlider, QToolButton

from tandem_em.core.texts import duration
from tandem_widgets.parts.basic import icons, theme
from tandem_widgets.shell.window.header import SPEEDS

if TYPE_CHECKING:
    from tandem_em.desk.live.replay import Replay

STEPS = 1000


class ReplayBar(QFrame):
    """Moves the clock of one replay."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "pane")
        self.replay: Replay | None = None
        self.title = QLabel()
        self.pause = QToolButton()
        self.pause.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pause.setToolTip("Pause or resume the replay")
        self.pause.setAccessibleName("Pause the replay")
        self.pause.clicked.connect(lambda _checked=False: self.toggle())
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        # the arrow keys step through frames; they must not move the slider
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setToolTip("Go to another time of the recording")
        self.slider.setAccessibleName("Time of the recording")
        self.slider.sliderReleased.connect(self._seek)
        self.slider.actionTriggered.connect(self._paged)
        self.time = QLabel()
        self.time.setFont(theme.numbers_font(12))
        self.speed = QToolButton()
        self.speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.speed.setToolTip("Speed of the replay. Above 10× only the newest frames are shown.")
        self.speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.speed.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(self)
        for value in SPEEDS:
            menu.addAction(f"{value:g}×", lambda value=value: self.use_speed(value))
        self.speed.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 8, 5)
        row.setSpacing(10)
        row.addWidget(self.title)
        row.addWidget(self.pause)
        row.addWidget(self.slider, 1)
        row.addWidget(self.time)
        row.addWidget(self.speed)
        self.show_replay(None)

    def show_replay(self, replay: Replay | None) -> None:
        """The replay whose clock is moved; None: the bar goes."""
        self.replay = replay
        self.setVisible(replay is not None)
        if replay is not None:
            self.title.setText(
                f'<span style="color:{theme.active().event}">●</span> <b>Replay</b> of {replay.name}'
            )
        self.look()

    def look(self) -> None:
        """Show where the replay is; the handle stays while a hand holds it."""
        if self.replay is None:
            return
        clock = self.replay.clock
        # a recording of one moment
        length = max(clock.end_s - clock.start_s, 1e-9)
        if not self.slider.isSliderDown():
            self.slider.setValue(round(STEPS * (clock.now() - clock.start_s) / length))
        self.pause.setIcon(icons.icon("pause" if clock.is_running and not clock.is_over else "play"))
        end = " · at its end" if clock.is_over else ""
        self.time.setText(f"{duration(clock.now() - clock.start_s)} of {duration(length)}{end}")
        self.speed.setText(f"{clock.speed:g}×")

    def toggle(self) -> None:
        """Pause, go on, or begin again at the end."""
        if self.replay is None:
            return
        clock = self.replay.clock
        if clock.is_over:
            clock.seek(clock.start_s)
        elif clock.is_running:
            clock.pause()
        else:
            clock.resume()
        self.look()

    def use_speed(self, value: float) -> None:
        """Play at so many recorded seconds per second."""
        if self.replay is not None:
            self.replay.clock.speed = value
            self.look()

    def seek(self, fraction: float) -> None:
        """Go to a part (0 to 1) of the recording."""
        if self.replay is not None:
            clock = self.replay.clock
            clock.seek(clock.start_s + fraction * (clock.end_s - clock.start_s))
            self.look()

    def _seek(self) -> None:
        self.seek(self.slider.value() / STEPS)

    def _paged(self, _action: int) -> None:
        """A click beside the handle."""
        if not self.slider.isSliderDown():
            # not `value`: that follows only after this signal
            self.seek(self.slider.sliderPosition() / STEPS)
