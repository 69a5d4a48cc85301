"""The session doctor in the window: what is wrong with the data, each with what mends it beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics import diagnose
from tandem_widgets.dialogs.diagnostics.fixes import FixContext, buttons
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings

SETTLED_MS = 200
"""The session is looked at again when nothing has changed for so long."""
SIGNS = {"error": "bad", "warning": "warning", "info": "quiet"}


class FindingRow(QFrame):
    """One finding: a bar in the colour of its weight, the sentence, what to do, and the buttons that do it."""

    def __init__(self, finding: diagnose.Finding, fixes: list[tuple[str, Callable[[], Any]]]) -> None:
        super().__init__()
        colour = getattr(theme.active(), SIGNS[finding.severity])
        self.setObjectName("finding")
        self.setStyleSheet(
            f"#finding {{ background: {theme.active().pane}; border-left: 3px solid {colour}; border-radius: 3px; }}"
        )
        what, advice = QLabel(finding.what), QLabel(finding.advice)
        what.setWordWrap(True)
        advice.setWordWrap(True)
        advice.setProperty("role", "quiet")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(what)
        if finding.advice:
            words.addWidget(advice)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 10, 8)
        row.addLayout(words, 1)
        self.buttons: list[QPushButton] = []
        for text, call in fixes:
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, call=call: call())
            self.buttons.append(button)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)


class DoctorDialog(QDialog):
    """Looks when it opens, when it is asked, and whenever the session has changed."""

    relink_wanted = pyqtSignal(str)
    """Id of the source whose linked file has to be found again."""
    clock_wanted = pyqtSignal(str)
    """Id of the clock, or of the map, that has no place in time."""

    calibration_wanted = pyqtSignal(str)
    """Id of the stack without a pixel size."""

    def __init__(self, parent: QWidget, desk: Desk, folder: Path | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Diagnostics")
        self.resize(760, 460)
        self.desk, self.folder = desk, folder
        self._fixes = FixContext(
            self,
            desk,
            folder,
            relink=self.relink_wanted.emit,
            clock=self.clock_wanted.emit,
            calibrate=self.calibration_wanted.emit,
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.look)
        Bindings(self).on(desk.session.history.changed, self._soon)
        self._open, self._round = True, 0
        self.rows: list[FindingRow] = []
        self.headline = QLabel()
        self.headline.setProperty("role", "heading")
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 6, 0)
        inner.addLayout(self._list)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        again = QPushButton("Check again")
        again.setAutoDefault(False)
        again.clicked.connect(self.look)
        foot = QHBoxLayout()
        self.noted = QPushButton()
        self.noted.setAutoDefault(False)
        self.noted.setFlat(True)
        self.noted.clicked.connect(lambda: diagnose.remind(self.desk))
        foot.addWidget(self.noted)
        foot.addStretch(1)
        foot.addWidget(again)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 12)
        column.addWidget(self.headline)
        column.addWidget(scroll)
        column.addLayout(foot)
        self.look()

    def look(self) -> None:
        """At once what is quick, and then the frames too."""
        self._round += 1
        now = self._round
        # what is known at once; looking into the files takes its time
        self._show(diagnose.look(self.desk.session))
        job = diagnose.examine_session(self.desk.session, self.folder)

        def found(findings: list[diagnose.Finding]) -> None:
            if now == self._round:  # an answer to an older question is no longer true
                self._show(findings)

        self.desk.start("Checking the session", job, found, key=f"doctor {id(self)}")

    def _show(self, found: list[diagnose.Finding]) -> None:
        if not self._open:
            return
        count = len(found)
        self.headline.setText(counted(count, "finding") if count else "No problems found.")
        count = len(diagnose.accepted(self.desk.session))
        self.noted.setVisible(bool(count))
        self.noted.setText(f"Show {counted(count, 'reviewed finding')} again")
        for row in self.rows:
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = [FindingRow(finding, buttons(self._fixes, finding)) for finding in found]
        for row in self.rows:
            self._list.addWidget(row)

    def _soon(self, *_: object) -> None:
        if self._open:
            self._timer.start(SETTLED_MS)

    def done(self, result: int) -> None:
        """Closes; a check that is still waiting or running tells nothing any more."""
        self._open = False
        self._timer.stop()
        super().done(result)
