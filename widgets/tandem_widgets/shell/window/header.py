"""The line at the top: menu, session, recording, transport, what the cursor reads, dose."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.readout import read_at
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.refresh import Refresher

DISK_SHOWN_MIN = 24 * 60
"""More room than that is not worth a place in the header."""
SPEEDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 100)


class Chip(QFrame):
    """A small rounded label with a coloured dot: a source, the dose, simulated."""

    pressed = pyqtSignal()

    def __init__(self, text: str = "", dot: str = "", tip: str = "") -> None:
        super().__init__()
        self.setProperty("role", "chip")
        self._label = QLabel()
        self._shown: str | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        row.addWidget(self._label)
        self.show_text(text, dot, tip)

    def show_text(self, text: str, dot: str = "", tip: str = "", parts: int = 9) -> None:
        """`parts`: how many of the facts in the text there is room for; the tip has all of them."""
        if text.count(" · ") >= parts:
            text, tip = " · ".join(text.split(" · ")[:parts]), f"{text}\n{tip}"
        self.setToolTip(tip)
        mark = f'<span style="color:{dot}">●</span> ' if dot else ""
        # several times a second while recording: an equal text must not lay out the line again
        if mark + text == self._shown:
            return
        self._shown = mark + text
        self._label.setMinimumWidth(0)  # else the old width counts as wanted
        self._label.setText(self._shown)
        wanted = (
            -(-self._label.sizeHint().width() // 8) * 8
        )  # in steps: running numbers must not make the line dance
        self._label.setFixedWidth(wanted)
        self.setVisible(bool(text))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Tells the press; what it means is for the owner."""
        self.pressed.emit()
        super().mousePressEvent(event)


class Header(QWidget):
    """Shows one desk; speaks of gestures through signals and the actions it was given."""

    speed_chosen = pyqtSignal(float)
    live_wanted = pyqtSignal()

    def __init__(self, menu: QMenu, transport: dict[str, QToolButton]) -> None:
        super().__init__()
        self._desk: Desk | None = None
        self._follows: bool | None = None
        self._bindings: Bindings | None = None
        self._refresher = Refresher(self, self._show_readout, rate_hz=30)
        brand = QToolButton()
        brand.setText("TandEM ▾")
        brand.setProperty("role", "brand")
        brand.setToolTip("Menu")
        brand.setAccessibleName("Menu")
        brand.setMenu(menu)
        brand.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.session_name = QLabel()
        self.session_name.setProperty("role", "quiet")
        self.chips = QHBoxLayout()
        self.chips.setSpacing(6)
        self.simulated = Chip()
        self.read_only = Chip()
        self.recording = Chip()
        self.stopped = Chip()
        self.stopped.pressed.connect(lambda: self.show_stopped(""))
        self.chips.addWidget(self.recording)
        self.chips.addWidget(self.stopped)
        self.sources: list[Chip] = []
        self.chips.addWidget(self.simulated)
        self.chips.addWidget(self.read_only)
        self.speed = QToolButton()
        self.speed.setToolTip("Playback speed")
        self.speed.setText("1×")
        self.speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        speeds = QMenu(self)
        for value in SPEEDS:
            speeds.addAction(f"{value:g}×", lambda value=value: self._choose_speed(value))
        self.speed.setMenu(speeds)
        self.speed.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.readout = QLabel()
        self.readout.setFont(theme.numbers_font(13, bold=True))
        # a long readout is cut; it must not widen the window
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.dose = Chip()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 10, 4)
        row.setSpacing(10)
        row.addWidget(brand)
        row.addWidget(self.session_name)
        row.addLayout(self.chips)
        row.addSpacing(6)
        for button in transport.values():
            row.addWidget(button)
        row.addWidget(self.speed)
        self.live = QToolButton()
        self.live.setText("Live")
        self.live.setCheckable(True)
        self.live.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.live.clicked.connect(lambda _checked=False: self.live_wanted.emit())
        self.live.hide()
        row.addWidget(self.live)
        row.addWidget(self.readout, 1)
        row.addWidget(self.dose)

    def show_desk(self, desk: Desk) -> None:
        """Follow another session; also called to show the same one in other colours."""
        if self._bindings is not None:
            self._bindings.release()
        self._desk = desk
        self._bindings = Bindings(self)
        self._bindings.on(desk.session.focus.t_changed, lambda _t: self._refresher.mark())
        self._bindings.on(desk.session.changed, lambda _item: self._refresher.mark())
        self._refresher.mark()

    def show_file(self, name: str, tip: str, holder: str) -> None:
        """Name and path of the document; `holder` says why it is read-only, empty: it is not."""
        self.session_name.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 220))
        self.session_name.setToolTip(tip)
        self.read_only.show_text("read-only" if holder else "", theme.active().warning, holder)

    def show_stopped(self, why: str) -> None:
        """A recording that had to stop by itself; stays until it is clicked or the next one begins (empty text)."""
        short = why.partition(": ")[2].partition(". ")[0]
        text = f"Recording stopped · {short}" if why else ""
        self.stopped.show_text(text, theme.active().bad, f"{why}\nClick to dismiss")

    def show_recording(
        self,
        elapsed: str,
        sources: list[tuple[str, str, str]],
        disk_minutes: float | None = None,
        word: str = "REC",
    ) -> None:
        """The red chip and one chip per source (text, dot colour, tip); empty text: nothing is recorded."""
        left = (
            "" if disk_minutes is None or disk_minutes > DISK_SHOWN_MIN else f" · disk {disk_minutes:.0f} min"
        )
        room = "" if disk_minutes is None else f"\nDisk space for {disk_minutes:,.0f} more minutes"
        self.recording.show_text(
            f"{word} {elapsed}{left}" if elapsed else "", theme.active().bad, f"Recording; R stops it{room}"
        )
        self._show_sources(sources)

    def show_armed(self, sources: list[tuple[str, str, str]], kept_s: float) -> None:
        """Connected and waiting for R; the last seconds are kept."""
        tip = f"R starts recording, including the last {kept_s:.0f} s. Nothing is written yet."
        self.recording.show_text(f"ARMED · last {kept_s:.0f} s kept", theme.active().warning, tip)
        self._show_sources(sources)

    def _show_sources(self, sources: list[tuple[str, str, str]]) -> None:
        while len(self.sources) < len(sources):
            chip = Chip()
            self.sources.append(chip)
            self.chips.addWidget(chip)
        for parts in (9, 2, 1):  # in a narrow window the names alone, rather than cut texts
            for index, chip in enumerate(self.sources):
                chip.show_text(*(sources[index] if index < len(sources) else ("", "", "")), parts=parts)
            if self._fits():
                return

    def _fits(self) -> bool:
        """Whether the line is wide enough for what the chips say now, before the next turn lays them out."""
        for chip in self.sources:
            chip.updateGeometry()
        self.chips.invalidate()
        return self.minimumSizeHint().width() <= self.width()

    def show_live(self, follows: bool | None) -> None:
        """Whether the cursor is on the newest moment; None: nothing is recorded."""
        # called at every step of the live cursor
        if follows == self._follows:
            return
        self._follows = follows
        self.live.setVisible(follows is not None)
        self.live.setChecked(bool(follows))
        self.live.setText("● Live" if follows else "Back to live")
        self.live.setToolTip("The newest data are shown" if follows else "Follow the newest data again (B)")
        colour = theme.active().bad if follows else theme.active().accent
        self.live.setStyleSheet(f"color: {colour}; font-weight: 700;")

    def _choose_speed(self, value: float) -> None:
        self.speed.setText(f"{value:g}×")
        self.speed_chosen.emit(value)

    def _show_readout(self) -> None:
        if self._desk is None:
            return
        session = self._desk.session
        reading = read_at(session, session.focus.t)
        self.readout.setText("  ·  ".join(reading.parts))
        self.readout.setToolTip("\n".join(reading.parts))
        self.dose.show_text(reading.dose, "", "Dose rate · dose up to the cursor")
        self.simulated.show_text(
            "Simulated" if session.is_simulated else "",
            theme.active().event,
            "These data are simulated.",
        )
