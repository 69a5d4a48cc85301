"""Lanes on one time axis, painted by one widget: what stands still is kept as a picture, the cursor drawn on top."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QScrollBar, QSizePolicy, QToolTip, QWidget

from tandem_em.model.focus import Focus
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.lanes import paint, time_cursor
from tandem_widgets.parts.lanes.adjusting import LaneAdjusting
from tandem_widgets.parts.lanes.gestures import LaneGestures
from tandem_widgets.parts.lanes.layout import GUTTER, SPACE, Layout, lay_out
from tandem_widgets.parts.lanes.model import Band, Flag, LanesContent
from tandem_widgets.parts.lanes.paint import Fonts, LaneScale
from tandem_widgets.parts.lanes.time_axis import TimeScale
from tandem_widgets.parts.lanes.time_cursor import Stretch

GUTTER_TIP = (
    "Drag the name to move the lane, its lower border to resize it.\n"
    "On the axis numbers: wheel zooms, drag shifts, double-click fits."
)
AXIS_TIP = "Drag to pan, wheel to zoom, double-click to show all time (F)."


class Lanes(QWidget):
    """Shows a `LanesContent` at the focus' span and moment. Gestures set the focus; what belongs to the session is signalled."""

    flag_clicked = pyqtSignal(str)
    flag_moved = pyqtSignal(str, float)
    """A flag is being dragged to a session second."""
    band_clicked = pyqtSignal(str)
    note_clicked = pyqtSignal(str)
    curve_clicked = pyqtSignal(str)
    y_chosen = pyqtSignal(str, object)
    """Kind of a lane and its new limits (None: everything; "visible"; or low, high)."""
    weights_chosen = pyqtSignal(object)
    order_chosen = pyqtSignal(str, int)
    gesture_ended = pyqtSignal()
    fit_wanted = pyqtSignal()
    stretch_chosen = pyqtSignal(object)
    """(low, high) in session seconds, or None when it is gone."""
    menu_wanted = pyqtSignal(object, float, str)
    """Global position, session second, kind of the lane (empty outside)."""

    def __init__(self, focus: Focus) -> None:
        super().__init__()
        self.setAccessibleName("Biasing lanes")
        self.setAccessibleDescription("Curves over time with a common cursor")
        # every pixel is painted: Qt need not clear it first
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 80)
        self.focus_model = focus
        self.content = LanesContent()
        self.layout_now = Layout()
        self.scale = TimeScale(0.0, 1.0, GUTTER, 100.0)
        self.ups: list[LaneScale] = []
        self.stretch: Stretch | None = None
        self.statistics: dict[str, str] = {}
        self.static_count = 0
        self._fonts: Fonts | None = None
        self._still: QPixmap | None = None
        self._changed = True
        self._flag_boxes: list[tuple[Flag, QRectF]] = []
        self._band_boxes: list[tuple[Band, QRectF, bool]] = []
        self.adjusting = self._make_adjusting()
        self._gestures = self._make_gestures()
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.hide()
        self._bar.valueChanged.connect(lambda _value: self.invalidate())
        self.bindings = Bindings(self)
        self.bindings.on(focus.t_changed, self._show_t)
        self.bindings.on(focus.span_changed, self._show_span)

    def _make_adjusting(self) -> LaneAdjusting:
        adjusting = LaneAdjusting(self)
        adjusting.y_chosen.connect(self.y_chosen)
        adjusting.weights_chosen.connect(self.weights_chosen)
        adjusting.order_chosen.connect(self.order_chosen)
        adjusting.ended.connect(self.gesture_ended)
        return adjusting

    def _make_gestures(self) -> LaneGestures:
        gestures = LaneGestures(self, self.adjusting)
        gestures.flag_clicked.connect(self.flag_clicked)
        gestures.flag_moved.connect(self.flag_moved)
        gestures.band_clicked.connect(self.band_clicked)
        gestures.note_clicked.connect(self.note_clicked)
        gestures.curve_clicked.connect(self.curve_clicked)
        gestures.gesture_ended.connect(self.gesture_ended)
        gestures.fit_wanted.connect(self.fit_wanted)
        gestures.drop_moved.connect(self.update)
        gestures.shape_wanted.connect(self._show_shape)
        gestures.scrolled.connect(self._scroll_by)
        gestures.menu_asked.connect(self._ask_menu)
        return gestures

    def _show_shape(self, shape: Qt.CursorShape) -> None:
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def sizeHint(self) -> QSize:
        """Wide and low: the strip under the two panes."""
        return QSize(900, 260)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_content(self, content: LanesContent) -> None:
        """Show other lanes, flags and bands; cursor, span and stretch stay."""
        self.content = content
        self.invalidate()

    def invalidate(self) -> None:
        """Paint everything anew at the next turn."""
        self._changed = True
        self.update()

    def show_statistics(self, texts: dict[str, str]) -> None:
        """What is known of the stretch, by kind of lane; comes later than the stretch itself."""
        self.statistics = texts
        self.update()

    def _show_t(self, _t: float) -> None:
        self.update()

    def _show_span(self, low: float, high: float) -> None:
        # at once: gestures ask for it before the next painting
        self.scale = TimeScale(low, high, self.layout_now.left, self.layout_now.plot_width)
        self.invalidate()

    def arrange(self) -> None:
        """Bring layout and scales up to date with size, span and content."""
        self._fonts = self._fonts or Fonts()
        low, high = self.focus_model.span
        self.scale = TimeScale(low, high, GUTTER, Layout(self.width()).plot_width)
        # before the lanes: the rows of flags push them down
        self._flag_boxes = paint.flag_boxes(self.content.flags, self.scale, self._fonts, 1.0)
        head = max((box.bottom() for _flag, box in self._flag_boxes), default=0.0)
        layout = lay_out(self.content, self.width(), self.height(), self._bar.value(), head)
        self._show_bar(layout)
        self.layout_now = layout
        self.ups = [
            LaneScale(*lane.y_range(low, high), rect) for lane, rect in zip(self.content.lanes, layout.lanes)
        ]

    def _show_bar(self, layout: Layout) -> None:
        needed = layout.overflow > 0.5
        self._bar.setVisible(needed)
        if needed:
            self._bar.setRange(0, round(layout.overflow))
            self._bar.setGeometry(
                self.width() - 11, 2 + int(layout.head), 10, int(layout.bottom - layout.head) - 4
            )

    # --- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """While everything changes (a pan), it is painted straight; once it stands still, it is kept as a picture."""
        ratio = self.devicePixelRatioF()
        painter = QPainter(self)
        if self._changed:
            self._changed = False
            self._still = None
            self._paint_all(painter, ratio)
        else:
            painter.drawPixmap(0, 0, self._still_picture(ratio))
        self._paint_moving(painter)
        painter.end()

    def _paint_all(self, painter: QPainter, ratio: float) -> None:
        # only when painted: many changes, one layout
        self.arrange()
        self.static_count += 1
        painter.fillRect(self.rect(), theme.colour(theme.active().plot))
        self._paint_still(painter, self._fonts or Fonts(), ratio)

    def _still_picture(self, ratio: float) -> QPixmap:
        size = self.size() * ratio
        if self._still is None or self._still.size() != size:
            self._still = QPixmap(size)
            self._still.setDevicePixelRatio(ratio)
            painter = QPainter(self._still)
            self._paint_all(painter, ratio)
            painter.end()
        return self._still

    def _paint_still(self, painter: QPainter, fonts: Fonts, ratio: float) -> None:
        layout, scale = self.layout_now, self.scale
        painter.save()
        painter.setClipRect(QRectF(0, layout.head, self.width(), layout.bottom - layout.head))
        for lane, up in zip(self.content.lanes, self.ups):
            if up.rect.bottom() > 0 and up.rect.top() < layout.bottom:
                paint.paint_lane(painter, lane, scale, up, fonts, ratio)
        paint.paint_run_names(painter, self.content.lanes, scale, self.ups, fonts)
        painter.restore()
        paint.paint_flags(painter, self._flag_boxes, layout, scale, fonts)
        paint.paint_strip(painter, self.content, layout, scale)
        paint.paint_axis(painter, layout, scale, fonts)
        self._band_boxes = paint.band_boxes(self.content.bands, scale, fonts, layout.bands)
        paint.paint_bands(painter, self._band_boxes, layout, scale, fonts)

    def _paint_moving(self, painter: QPainter) -> None:
        """Cursor, values at it, the stretch: cheap, at every step of the cursor."""
        fonts = self._fonts or Fonts()
        t, scale, layout = self.focus_model.t, self.scale, self.layout_now
        painter.setClipRect(QRectF(0, 0, self.width(), self.height()))
        if self.stretch is not None:
            time_cursor.paint_stretch(
                painter, self.stretch, layout, scale, fonts, self.content.clocks_agree_s
            )
        time_cursor.paint_cursor(painter, t, layout, scale)
        painter.setClipRect(QRectF(0, layout.head, self.width(), layout.bottom - layout.head))
        for lane, up in zip(self.content.lanes, self.ups):
            time_cursor.paint_markers(painter, lane, t, scale, up)
            time_cursor.paint_values(painter, lane, t, up, fonts)
            if self.stretch is not None:
                text = self.statistics.get(lane.kind, "")
                time_cursor.paint_difference(painter, lane, self.stretch, text, scale, up, fonts)
        self._paint_drop(painter)

    def _paint_drop(self, painter: QPainter) -> None:
        """Where a lane that is being dragged would go."""
        drop, rects = self._gestures.drop_at, self.layout_now.lanes
        if drop < 0 or not rects:
            return
        y = rects[drop].top() - SPACE / 2 if drop < len(rects) else rects[-1].bottom() + SPACE / 2
        painter.setPen(paint.pen(theme.active().accent, 2.0))
        painter.drawLine(QLineF(8, y, self.width() - 8, y))

    def changeEvent(self, event: QEvent | None) -> None:
        """Another theme or font: the fonts and the kept picture are made anew."""
        if event is not None and event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.FontChange,
            QEvent.Type.StyleChange,
        ):
            # made anew when painted, in the fonts of the new style
            self._fonts = None
            self.invalidate()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Everything lies elsewhere now."""
        self.invalidate()

    # --- what lies where -----------------------------------------------------------------------------------------

    def time_at(self, x: float) -> float:
        """Session second of widget pixel x, held inside the plot."""
        return self.scale.t(min(max(x, self.scale.left), self.scale.left + self.scale.width))

    def flag_at(self, at: QPointF) -> str:
        """Id of the flag whose tab is there; empty: none."""
        return next((flag.id for flag, box in self._flag_boxes if box.contains(at)), "")

    def band_at(self, at: QPointF) -> str:
        """Id of the map there, with a few pixels to spare; empty: none."""
        for band, box, _long in self._band_boxes:
            # diamonds are small
            if box.adjusted(-2, -3, 2, 3).contains(at):
                return band.id
        return ""

    def curve_at(self, at: QPointF, lane: int) -> str:
        """Key of the marked curve under a point, if one is within a few pixels."""
        up, t = self.ups[lane], self.time_at(at.x())
        near = [
            (abs(up.y(value) - at.y()), curve.key)
            for curve in self.content.lanes[lane].curves
            # not NaN
            if curve.marker and (value := curve.value_at(t)) == value
        ]
        distance, key = min(near, default=(99.0, ""))
        return key if distance <= 5.0 else ""

    # --- answers to gestures -------------------------------------------------------------------------------------

    def set_cursor_time(self, t: float) -> None:
        """A hand moves the cursor: it follows the newest moment no longer."""
        self.focus_model.follow_live = False
        self.focus_model.t = t

    def set_span(self, span: tuple[float, float]) -> None:
        """Show from one session second to another, in every pane that follows the focus."""
        self.focus_model.span = span

    def set_stretch(self, stretch: Stretch | None) -> None:
        """Begin a stretch, or end it (None), which is told; a new one is told when it is complete."""
        self.stretch = stretch
        self.statistics = {}
        self.update()
        if stretch is None:
            self.stretch_chosen.emit(None)

    def move_stretch(self, edge: str, t: float) -> None:
        """Move its end `a` or `b`; the statistics no longer hold and go."""
        if self.stretch is not None:
            setattr(self.stretch, edge, t)
            self.statistics = {}
            self.update()

    def end_stretch(self, *, click: bool) -> None:
        """A Ctrl+click compares the pointer with the cursor; a Ctrl+drag chooses a stretch."""
        if self.stretch is None:
            return
        if click:
            # a Ctrl+click on the cursor itself compares nothing: it ends the stretch
            if abs(self.scale.x(self.focus_model.t) - self.scale.x(self.stretch.b)) < 1:
                self.set_stretch(None)
                return
            self.stretch.a = self.focus_model.t
            self.update()
        self.stretch_chosen.emit((self.stretch.low, self.stretch.high))

    def _scroll_by(self, pixels: float) -> None:
        self._bar.setValue(self._bar.value() + round(pixels))

    def _ask_menu(self, at: QPointF, where: object) -> None:
        _zone, number = self.layout_now.zone(at.x(), at.y())
        kind = self.content.lanes[number].kind if number >= 0 else ""
        self.menu_wanted.emit(where, self.time_at(at.x()), kind)

    # --- events --------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """A gesture begins."""
        if event is not None:
            self._gestures.press(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """A gesture goes on, or the pointer passes over."""
        if event is not None:
            self._gestures.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """A gesture ends."""
        if event is not None:
            self._gestures.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fits time or values."""
        if event is not None:
            self._gestures.double_click(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zooms or pans; never scrolls what the lanes lie in."""
        if event is not None:
            self._gestures.wheel(event)
            event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Esc ends the stretch."""
        if event is not None and event.key() == Qt.Key.Key_Escape and self.stretch is not None:
            self.set_stretch(None)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """Tips depend on the place in the widget, so they are answered here."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def tip_at(self, at: QPointF) -> str:
        """What a flag, a map, a finding or the gutter says when the pointer rests on it."""
        for flag, box in self._flag_boxes:
            if box.contains(at):
                return f"{flag.tip or flag.text}\nDrag moves it."
        for band, box, _long in self._band_boxes:
            if box.contains(at):
                return band.tip or band.text
        zone, _number = self.layout_now.zone(at.x(), at.y())
        if zone == "strip":
            # a finding may be thinner than a pixel
            t, reach = self.time_at(at.x()), 3 * self.scale.per_pixel
            found = [f.tip for f in self.content.findings or () if f.start - reach <= t <= f.end + reach]
            return "\n".join(found[:6]) or "No anomalies here."
        return {"name": GUTTER_TIP, "ticks": GUTTER_TIP, "border": GUTTER_TIP, "axis": AXIS_TIP}.get(zone, "")
