"""The two-minute tour: a card that says what is where, with a frame around it, and moves the cursor to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PyQt6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_widgets.parts.basic import theme

ON = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Right)
BACK = (Qt.Key.Key_Left,)


@dataclass(frozen=True)
class Stop:
    """One card. `place` names what is framed; `at` puts the cursor at this part of the shown time."""

    title: str
    text: str
    place: str = ""
    at: float | None = None


STOPS = (
    Stop("Three records, one clock",
         "A battery experiment in the microscope gives biasing curves, a movie and EELS maps. Here they share one clock, one "
         "cursor and one file."),
    Stop("The cursor",
         "Click or drag in the biasing pane: the frame, the values and the time follow. The arrow keys step frame by frame, "
         "Space plays. The wheel zooms the time axis.", "biasing", 0.3),
    Stop("The image stack",
         "Each outline is one particle with its own colour. Press N and draw or click a particle to follow it through the "
         "movie; drag its outline where it is wrong. Its area appears as a lane below.", "stack", 0.55),
    Stop("The EELS maps",
         "Drag a window in the spectrum and the map follows. The numbered sites are spectra; the line gives the profile at the "
         "bottom, for every state. The yellow line warns where a map could mislead.", "eels"),
    Stop("Events and undo",
         "M marks an event at the cursor, Ctrl+F lists all events. Ctrl+Z undoes any change, in any pane. Edit → Clocks… "
         "aligns the streams in time.", "biasing", 0.68),
    Stop("Export and recording",
         "Ctrl+E exports figures, a movie, tables and a report. Everything else is in the TandEM menu: File → Diagnostics "
         "lists problems in the data, Live connects instruments; R starts and stops recording.", "header"),
    Stop("Everything else",
         "Ctrl+K finds any command by name, F1 lists all shortcuts, Shift+F1 opens the guide. To begin, drop your own files on "
         "the window."),
)  # fmt: skip


class Glow(QWidget):
    """A frame around what the card speaks of; the mouse goes through it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def around(self, target: QWidget) -> None:
        """Moves the frame around a widget and above everything beside it."""
        parent = self.parentWidget()
        assert parent is not None
        corner = target.mapTo(parent, QPoint(0, 0)) if parent.isAncestorOf(target) else QPoint(0, 0)
        self.setGeometry(QRect(corner, target.size()).adjusted(-3, -3, 3, 3))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """A round frame in the accent colour; the inside stays clear."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.active().accent), 2.5))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), theme.RADIUS, theme.RADIUS)


class Tour(QDialog):
    """Next and Back, Enter and the arrow keys, Escape ends it; the program can be used meanwhile."""

    def __init__(self, window: QWidget, desk: Desk, places: dict[str, QWidget]) -> None:
        super().__init__(window, Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("tour")
        self._window, self._desk, self._places = window, desk, places
        self._glow = Glow(window)
        self.number = 0
        self.heading, self.text, self.count = QLabel(), QLabel(), QLabel()
        self.heading.setProperty("role", "heading")
        self.text.setWordWrap(True)
        self.text.setMinimumHeight(84)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.count.setProperty("role", "quiet")
        self.back, self.next, self.end = QPushButton("Back"), QPushButton("Next"), QPushButton("End the tour")
        self.next.setProperty("role", "primary")
        row = QHBoxLayout()
        row.addWidget(self.end)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.back)
        row.addWidget(self.next)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 16)
        column.setSpacing(10)
        column.addWidget(self.heading)
        column.addWidget(self.text)
        column.addLayout(row)
        self.setFixedWidth(460)
        self.setStyleSheet(
            f"#tour {{ background: {theme.active().raised}; border: 1px solid {theme.active().accent}; }}"
        )
        for button, call in ((self.back, self.go_back), (self.next, self.go_on), (self.end, self.close)):
            connect: Callable[..., object] = button.clicked.connect
            connect(lambda _checked=False, call=call: call())
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys belong to the card
        # the card stands on the window but is not part of its layout
        window.installEventFilter(self)
        self._show()

    def showEvent(self, event: QShowEvent | None) -> None:
        """At the first start the window is long there when the card comes: the keys are to go to the card."""
        super().showEvent(event)
        self.activateWindow()

    def event(self, event: QEvent | None) -> bool:
        """While the card has the focus its keys are not those of the window behind."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in ON + BACK
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter, Space and → go on, ← goes back."""
        key = event.key() if event is not None else 0
        if key in ON:
            self.go_on()
        elif key in BACK:
            self.go_back()
        else:
            super().keyPressEvent(event)

    def go_on(self) -> None:
        """Shows the next stop; after the last one the tour ends."""
        if self.number + 1 < len(STOPS):
            self.number += 1
            self._show()
        else:
            self.close()

    def go_back(self) -> None:
        """Shows the stop before; at the first one it stays."""
        self.number = max(0, self.number - 1)
        self._show()

    def _show(self) -> None:
        stop = STOPS[self.number]
        self.heading.setText(stop.title)
        self.text.setText(stop.text)
        self.count.setText(f"{self.number + 1} of {len(STOPS)}")
        self.back.setEnabled(self.number > 0)
        self.next.setText("Next" if self.number + 1 < len(STOPS) else "Begin")
        self.adjustSize()
        self._place()
        extent = self._desk.session.watched_extent()
        if stop.at is not None and extent is not None:
            self._desk.session.focus.t = extent[0] + stop.at * (extent[1] - extent[0])

    def _place(self) -> None:
        """The frame around its place, the card where it hides least of it."""
        target = self._places.get(STOPS[self.number].place)
        whole = QRect(self._window.mapToGlobal(QPoint(0, 0)), self._window.size())
        centre = whole.center()
        if target is None:
            self._glow.hide()
        else:
            self._glow.around(target)
            there = QRect(target.mapToGlobal(QPoint(0, 0)), target.size())
            x = whole.left() + whole.width() // 4 if there.center().x() > centre.x() + 50 else centre.x()
            # the card stands on the other side of what it speaks of
            if there.center().x() < centre.x() - 50:
                x = whole.right() - whole.width() // 4
            y = there.top() - self.height() // 2 - 20 if there.center().y() > centre.y() + 50 else centre.y()
            centre = QPoint(x, y)
        self.move(centre - self.rect().center())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follows the window when it is moved or resized; no event is held back."""
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place()
        return False

    def done(self, result: int) -> None:
        """Ends the tour and takes the glow away."""
        self._leave()
        super().done(result)

    def closeEvent(self, event: QEvent | None) -> None:
        """Ends the tour also when its card is closed by the window system."""
        self._leave()
        super().closeEvent(event)  # type: ignore[arg-type]

    def _leave(self) -> None:
        self._window.removeEventFilter(self)
        self._glow.hide()
        # it is a child of the window, which outlives the tour
        self._glow.deleteLater()
