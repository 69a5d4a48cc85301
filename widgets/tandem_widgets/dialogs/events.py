"""The list of events: search, jump, rename, remove."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk import events
from tandem_em.desk.desk import Desk
from tandem_em.model.marks import Event
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings


class EventsDialog(QDialog):
    """Shows the session's events; every change is one undoable step."""

    def __init__(self, parent: QWidget, desk: Desk) -> None:
        super().__init__(parent)
        self.setWindowTitle("Events")
        self.resize(520, 360)
        self._desk = desk
        self._shown: list[Event] = []
        self._filling = False
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search…")
        self.line.textChanged.connect(lambda _text: self._fill())
        self.line.returnPressed.connect(self._jump)
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Time (s)", "Event", "Type"])
        self.table.verticalHeader().hide()  # type: ignore[union-attr]
        self.table.horizontalHeader().setStretchLastSection(True)  # type: ignore[union-attr]
        self.table.setColumnWidth(0, 90)
        self.table.setColumnWidth(1, 280)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.cellDoubleClicked.connect(lambda row, column: self._jump() if column == 0 else None)
        self.table.itemChanged.connect(self._rename)
        remove = QPushButton("Remove")
        remove.clicked.connect(self._remove)
        remove.setAutoDefault(False)  # Enter in the line jumps, it never removes
        jump = QPushButton("Go to")
        jump.setAutoDefault(False)
        jump.clicked.connect(self._jump)
        row = QHBoxLayout()
        row.addWidget(remove)
        row.addStretch(1)
        row.addWidget(jump)
        column = QVBoxLayout(self)
        column.addWidget(self.line)
        column.addWidget(self.table)
        column.addLayout(row)
        bindings = Bindings(self)
        for signal in (desk.session.events.added, desk.session.events.removed):
            bindings.on(signal, lambda _event: self._fill())
        bindings.on(desk.session.events.changed, lambda _event, _names: self._fill())
        self._fill()

    def _fill(self) -> None:
        self._filling = True
        self._shown = events.search(self._desk, self.line.text())
        self.table.setRowCount(len(self._shown))
        for row, event in enumerate(self._shown):
            time_item = QTableWidgetItem(f"{event.t:.2f}")
            time_item.setFlags(time_item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            time_item.setForeground(theme.colour(event.colour))
            self.table.setItem(row, 0, time_item)
            self.table.setItem(row, 1, QTableWidgetItem(event.name))
            self.table.setItem(row, 2, QTableWidgetItem(event.category))
        if self._shown:
            self.table.selectRow(0)
        self._filling = False

    def _current(self) -> Event | None:
        row = self.table.currentRow()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _jump(self) -> None:
        event = self._current()
        if event is not None:
            self._desk.session.focus.t = event.t

    def _rename(self, item: QTableWidgetItem) -> None:
        # filling the table changes items as well; the time is dragged on the lanes
        if self._filling or item.column() == 0:
            return
        event = self._shown[item.row()]
        name = "name" if item.column() == 1 else "category"
        self._desk.change(f"Rename {event.name}", event, **{name: item.text().strip()})

    def _remove(self) -> None:
        event = self._current()
        if event is not None:
            self._desk.remove(f"Remove {event.name}", event)
