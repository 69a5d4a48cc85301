"""The clock tool: every clock with its offset, rate and uncertainty, and the ways to lay streams on one another."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.notices import UserError
from tandem_em.core.texts import figure
from tandem_em.desk.clocks import align as clocks
from tandem_em.desk.desk import Desk
from tandem_em.model.clock import Clock
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.number_box import number_box
from tandem_widgets.parts.basic.refresh import Refresher

COLUMNS = ("Clock", "Streams", "Known from", "Offset (s)", "Rate (ppm)", "± (s)")


class ClocksDialog(QDialog):
    """Stays open while the cursor is moved: an event is marked where it is seen, once in each stream."""

    def __init__(self, parent: QWidget, desk: Desk, clock_id: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Clocks")
        self.resize(760, 560)
        self._desk = desk
        self._device_s: float | None = None
        self._session_s: float | None = None
        self._rows: list[tuple[Clock, list[clocks.Stream]]] = []
        self.table = QTableWidget(0, len(COLUMNS))
        self._make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.addWidget(self.table, 1)
        column.addWidget(self._event_box())
        lower = QHBoxLayout()
        lower.addWidget(self._number_box(), 1)
        lower.addWidget(self._other_box(), 1)
        column.addLayout(lower)
        self.place_box = self._place_box()
        column.addWidget(self.place_box)
        for button in self.findChildren(QPushButton):
            # Enter in a number field must not press a button
            button.setAutoDefault(False)
        bindings = Bindings(self)
        # a live recording changes the session far more often than anybody reads
        self._refresher = Refresher(self, self.fill, rate_hz=10)
        bindings.on(desk.session.changed, lambda _item: self._refresher.mark())
        bindings.on(desk.session.focus.t_changed, lambda _t: self._show_cursor())
        self.fill()
        self.choose(clock_id)

    # --- building ------------------------------------------------------------------------------------------------

    def _make_table(self) -> None:
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()  # type: ignore[union-attr]
        self.table.horizontalHeader().setStretchLastSection(True)  # type: ignore[union-attr]
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for number, width in enumerate((150, 190, 110, 95, 80, 70)):
            self.table.setColumnWidth(number, width)
        self.table.itemSelectionChanged.connect(self._chosen)

    def _event_box(self) -> QGroupBox:
        box = QGroupBox("An event seen in two streams")
        grid = QGridLayout(box)
        self.here, self.there = QPushButton(), QPushButton("Same event in another stream")
        self.here_text, self.there_text = QLabel("–"), QLabel("–")
        self.sure = number_box(0.0001, 1e6, 0.1, " s")
        self.sure.setToolTip("Uncertainty of the time at which the event is seen")
        self.apply = QPushButton("Align")
        self.apply.setProperty("role", "primary")
        self.residuals = QLabel()
        self.residuals.setProperty("role", "quiet")
        self.forget = QPushButton("Remove last event")
        self.here.setToolTip("Put the cursor where the selected stream shows the event, then click")
        self.there.setToolTip("Put the cursor where another stream shows the same event, then click")
        for row, (button, label) in enumerate(((self.here, self.here_text), (self.there, self.there_text))):
            grid.addWidget(button, row, 0)
            grid.addWidget(label, row, 1)
        grid.addWidget(QLabel("Uncertainty ±"), 0, 2, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.sure, 0, 3)
        grid.addWidget(self.apply, 1, 3)
        grid.addWidget(self.residuals, 2, 0, 1, 3)
        grid.addWidget(self.forget, 2, 3)
        grid.setColumnStretch(1, 1)
        self.here.clicked.connect(self.mark_here)
        self.there.clicked.connect(self.mark_there)
        self.apply.clicked.connect(self.align)
        self.forget.clicked.connect(self._forget)
        return box

    def _number_box(self) -> QGroupBox:
        box = QGroupBox("Set manually")
        grid = QGridLayout(box)
        self.offset, self.rate = number_box(-1e9, 1e9, 0, " s"), number_box(-99_999, 99_999, 0, " ppm")
        self.uncertainty = number_box(0, 1e9, 1, " s")
        fields = {"Offset": self.offset, "Rate": self.rate, "Uncertainty ±": self.uncertainty}
        for row, (name, field) in enumerate(fields.items()):
            grid.addWidget(QLabel(name), row, 0)
            grid.addWidget(field, row, 1)
        self.set_button, self.header = QPushButton("Set"), QPushButton("Reset to file time")
        grid.addWidget(self.header, 3, 0)
        grid.addWidget(self.set_button, 3, 1)
        self.set_button.clicked.connect(self._set)
        self.header.clicked.connect(lambda: self._try(clocks.back_to_header))
        return box

    def _other_box(self) -> QGroupBox:
        box = QGroupBox("Correlation of changes")
        grid = QGridLayout(box)
        self.reference = QComboBox()
        self.within = number_box(0.1, 1e5, 60, " s")
        self.correlate = QPushButton("Find lag")
        self.lag_text = QLabel("Compares steps of the bias with changes in the images.")
        self.lag_text.setWordWrap(True)
        self.lag_text.setProperty("role", "quiet")
        grid.addWidget(QLabel("Compare with"), 0, 0)
        grid.addWidget(self.reference, 0, 1)
        grid.addWidget(QLabel("Within ±"), 1, 0)
        grid.addWidget(self.within, 1, 1)
        grid.addWidget(self.lag_text, 2, 0, 1, 2)
        self.take_lag = QPushButton("Apply lag")
        self.take_lag.setEnabled(False)
        grid.addWidget(self.correlate, 3, 0)
        grid.addWidget(self.take_lag, 3, 1)
        self.correlate.clicked.connect(self._correlate)
        self.take_lag.clicked.connect(self._use_lag)
        return box

    def _place_box(self) -> QGroupBox:
        box = QGroupBox("Acquisition time of a map")
        row = QHBoxLayout(box)
        self.map_choice = QComboBox()
        self.map_start, self.map_end = number_box(-1e9, 1e9, 0, " s"), number_box(-1e9, 1e9, 0, " s")
        self.place = QPushButton("Set time")
        row.addWidget(self.map_choice, 1)
        for text, field in (("from", self.map_start), ("to", self.map_end)):
            row.addWidget(QLabel(text))
            row.addWidget(field)
        row.addWidget(self.place)
        self.map_choice.currentIndexChanged.connect(lambda _index: self._show_map())
        self.place.clicked.connect(self.place_map)
        return box

    # --- showing -------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """The table anew; the chosen row stays."""
        chosen = self.clock.id if self.clock is not None else ""
        self._rows = clocks.clocks_in_use(self._desk.session)
        # filling is no choice of a row
        self.table.blockSignals(True)
        self.table.setRowCount(len(self._rows))
        for row, (clock, streams) in enumerate(self._rows):
            sure = figure(clock.uncertainty_s, 2) if math.isfinite(clock.uncertainty_s) else "unknown"
            cells = (clock.name or "clock", ", ".join(s.name for s in streams), clock.origin,
                     f"{clock.offset_s:+.4f}".replace("-", "−"), f"{clock.rate_ppm:+.3g}".replace("-", "−"), sure)  # fmt: skip
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column > 2:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self.table.blockSignals(False)
        self.choose(chosen)

    def choose(self, item_id: str) -> None:
        """Select a clock by its id, or that of a stream that goes by it."""
        for row, (clock, streams) in enumerate(self._rows):
            if item_id in (clock.id, *(stream.id for stream in streams)):
                self.table.selectRow(row)
                self._chosen()
                self.map_choice.setCurrentIndex(max(0, self.map_choice.findData(item_id)))
                return
        if self._rows and self.clock is None:
            self.table.selectRow(0)
        self._chosen()

    @property
    def clock(self) -> Clock | None:
        """Clock of the chosen row; None where no row is chosen."""
        row = self.table.currentRow()
        return self._rows[row][0] if 0 <= row < len(self._rows) else None

    @property
    def streams(self) -> list[clocks.Stream]:
        """What is timed by the chosen clock; empty where no row is chosen."""
        row = self.table.currentRow()
        return self._rows[row][1] if 0 <= row < len(self._rows) else []

    def _chosen(self) -> None:
        clock = self.clock
        if clock is None:
            return
        for box, value in ((self.offset, clock.offset_s), (self.rate, clock.rate_ppm),
                           (self.uncertainty, clock.uncertainty_s if math.isfinite(clock.uncertainty_s) else 0.0)):  # fmt: skip
            box.setValue(value)
        self.here.setText(f"{self.streams[0].name} shows the event here")
        others = [
            s
            for c, streams in self._rows
            if c is not clock
            for s in streams
            # a map has one moment, no course to be compared
            if not isinstance(s, SpectrumImage)
        ]
        # left alone when it is the same: filling it would lose the choice
        if [self.reference.itemData(n) for n in range(self.reference.count())] != [s.id for s in others]:
            self.reference.clear()
            for stream in others:
                self.reference.addItem(stream.name, stream.id)
        able = bool(others) and not isinstance(self.streams[0], SpectrumImage)
        self.correlate.setEnabled(able)
        maps = [stream for stream in self.streams if isinstance(stream, SpectrumImage)]
        self.place_box.setVisible(bool(maps))
        if [self.map_choice.itemData(n) for n in range(self.map_choice.count())] != [m.id for m in maps]:
            self.map_choice.clear()
            for image in maps:
                self.map_choice.addItem(image.name, image.id)
        self._show_events(clock)
        self._show_cursor()

    def _show_map(self) -> None:
        image = self._desk.session.maps.get(self.map_choice.currentData() or "")
        if image is not None and image.interval is not None:
            self.map_start.setValue(image.interval[0])
            self.map_end.setValue(image.interval[1])

    def _show_events(self, clock: Clock) -> None:
        events = clock.reference_events
        known = [e for e in events if "device_s" in e and "session_s" in e]
        self.forget.setVisible(bool(known))
        if not known:
            self.residuals.setText("No common event yet." if not events else "")
            return
        fit = clocks.fit_events(clock, known)
        worst = max(abs(each) for each in fit.residuals_s)
        many = (
            "1 common event"
            if len(known) == 1
            else f"{len(known)} common events, residual up to {figure(worst, 2)} s"
        )
        self.residuals.setText(f"Fitted to {many}.")

    def _show_cursor(self) -> None:
        device, session = self._device_s, self._session_s
        self.here_text.setText("–" if device is None else f"{device:.4f} s on its own clock")
        self.there_text.setText("–" if session is None else f"{session:.4f} s")
        self.apply.setEnabled(device is not None and session is not None)
        clock = self.clock
        if clock is not None and device is not None and session is not None:
            moved = session - float(clock.to_session(device))
            self.apply.setText(f"Shift by {moved:+.3f} s".replace("-", "−"))
        else:
            self.apply.setText("Align")

    # --- doing ---------------------------------------------------------------------------------------------------

    def mark_here(self) -> None:
        """Keeps the cursor as the moment of the event by the chosen clock."""
        if self.clock is not None:
            self._device_s = float(self.clock.to_device(self._desk.session.focus.t))
            self._show_cursor()

    def mark_there(self) -> None:
        """Keeps the cursor as the moment of the same event in the other stream."""
        self._session_s = self._desk.session.focus.t
        self._show_cursor()

    def align(self) -> None:
        """Shifts the clock so that both marks fall together and forgets them; both must be there."""
        clock = self.clock
        if clock is None or self._device_s is None or self._session_s is None:
            return
        clocks.relate(self._desk, clock, self._device_s, self._session_s, self.sure.value())
        self._device_s = self._session_s = None
        self.fill()

    def place_map(self) -> None:
        """Gives the chosen map the typed start and end (session seconds)."""
        image = self._desk.session.maps.get(self.map_choice.currentData() or "")
        if image is None:
            return
        try:
            clocks.place_map(self._desk, image, self.map_start.value(), self.map_end.value())
        except UserError as error:
            self._desk.notices.tell(error)

    def _forget(self) -> None:
        if self.clock is not None:
            clocks.forget_event(self._desk, self.clock, len(self.clock.reference_events) - 1)

    def _set(self) -> None:
        self._try(clocks.set_by_hand, self.offset.value(), self.rate.value(), self.uncertainty.value())

    def _try(self, verb: Any, *values: Any) -> None:
        if self.clock is None:
            return
        try:
            verb(self._desk, self.clock, *values)
        except UserError as error:
            self._desk.notices.tell(error)

    def _correlate(self) -> None:
        reference = self._desk.session.find(self.reference.currentData() or "")
        clock = self.clock
        if reference is None or clock is None:
            return
        self.take_lag.setEnabled(False)
        job = clocks.correlating(reference, self.streams[0], self.within.value())  # type: ignore[arg-type]

        def found(lag: Any) -> None:
            # with its clock: another row may be chosen by the time it is applied
            self._lag = clock, lag
            self.take_lag.setEnabled(lag.confidence > 0)
            words = (
                "reliable" if lag.confidence > 0.6 else "plausible" if lag.confidence > 0.3 else "uncertain"
            )
            text = f"{lag.lag_s:+.3f} ± {figure(lag.uncertainty_s, 2)} s; {words} match (score {lag.confidence:.2f} of 1)"
            self.lag_text.setText(
                text.replace("-", "−") if lag.confidence > 0 else "No common changes were found."
            )

        # a newer search takes the place of one that still runs
        self._desk.start("Correlating", job, found, key=f"correlate {id(self)}")

    def _use_lag(self) -> None:
        clock, lag = self._lag
        clocks.use_lag(self._desk, clock, lag)
        self.take_lag.setEnabled(False)
