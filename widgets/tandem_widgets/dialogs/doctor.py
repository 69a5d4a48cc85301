"""The session doctor in the window: what is wrong with the data, and a click that goes there or mends it."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk import doctor
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.parts import theme

SIGNS = {"error": "bad", "warning": "warning", "info": "quiet"}


class DoctorDialog(QDialog):
    """Looks again whenever it is asked; shows the stream a finding speaks of."""

    relink_wanted = pyqtSignal(str)
    """Id of the source whose linked file has to be found again."""

    def __init__(self, parent: QWidget, desk: Desk) -> None:
        super().__init__(parent)
        self.setWindowTitle("Session doctor")
        self.resize(640, 380)
        self._desk = desk
        self._found: list[doctor.Finding] = []
        self.headline = QLabel()
        self.headline.setProperty("role", "heading")
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.itemActivated.connect(lambda _item: self._go())
        again = QPushButton("Look again")
        again.clicked.connect(self.look)
        go = QPushButton("Show or mend it")
        go.clicked.connect(self._go)
        row = QHBoxLayout()
        row.addWidget(again)
        row.addStretch(1)
        row.addWidget(go)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 12)
        column.addWidget(self.headline)
        column.addWidget(self.list)
        column.addLayout(row)
        self.look()

    def look(self) -> None:
        order = {"error": 0, "warning": 1, "info": 2}
        self._found = sorted(doctor.look(self._desk.session), key=lambda finding: order[finding.severity])
        count = len(self._found)
        self.headline.setText(
            "Nothing to complain about." if not count else f"{count} findings" if count > 1 else "One finding"
        )
        self.list.clear()
        for finding in self._found:
            item = QListWidgetItem(f"{finding.what}\n{finding.advice}".strip())
            item.setForeground(theme.colour(getattr(theme.active(), SIGNS[finding.severity])))
            self.list.addItem(item)

    def _go(self) -> None:
        row = self.list.currentRow()
        if not 0 <= row < len(self._found):
            return
        finding = self._found[row]
        if finding.fix == "relink":
            self.relink_wanted.emit(finding.where)
            return
        item = self._desk.session.find(finding.where)
        focus = self._desk.session.focus
        if isinstance(item, BiasRun):
            focus.select("run", item.id)
        elif isinstance(item, FrameStack):
            focus.select("stack", item.id)
        elif isinstance(item, SpectrumImage):
            focus.select("map", item.id)
