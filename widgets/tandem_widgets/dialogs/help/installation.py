"""Help → Check this installation: runs `tandem selftest` in another process and shows its lines as they come."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from PyQt6.QtCore import QProcess
from PyQt6.QtGui import QCloseEvent, QFontDatabase, QGuiApplication
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

RUNNING = "Every part of the program is used once, on small files made for that. This takes a minute."
PASSED = "Everything works on this computer."
FAILED = (
    "Not everything works. Under each line that says FAILED it says what to do. The report can be copied."
)
BROKEN = "The check stopped before it had finished. Copy the report and send it with your question."


def command() -> list[str]:
    """The self-test as a process of its own."""
    return [sys.executable, "-m", "tandem_em", "selftest"]


class InstallationDialog(QDialog):
    """The report of the self-test; closing the dialog ends it."""

    def __init__(self, parent: QWidget | None = None, start: Sequence[str] | None = None) -> None:
        """`start`: what is run instead of the self-test."""
        super().__init__(parent)
        self.setWindowTitle("Check this installation")
        self.sentence = QLabel(RUNNING)
        self.sentence.setWordWrap(True)
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.report.setMinimumSize(640, 420)
        self._buttons()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        for widget in (self.sentence, self.report, self.buttons):
            column.addWidget(widget)
        self._rest = b""
        self.process = QProcess(self)
        self.process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self.process.readyReadStandardOutput.connect(self._show_lines)
        self.process.finished.connect(self._show_end)
        self.process.errorOccurred.connect(self._show_error)
        program, *words = start or command()
        self.process.start(program, words)

    def copy(self) -> None:
        """The report onto the clipboard."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.report.toPlainText())

    def done(self, result: int) -> None:
        """However the dialog is closed, its check ends with it."""
        self._end()
        super().done(result)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """The same for the window's own button."""
        self._end()
        super().closeEvent(event)

    def _buttons(self) -> None:
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copying = self.buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        if self.copying is not None:
            self.copying.clicked.connect(self.copy)
            self.copying.setAutoDefault(False)
        self.buttons.rejected.connect(self.reject)

    def _show_lines(self) -> None:
        whole, mark, self._rest = (self._rest + self.process.readAllStandardOutput().data()).rpartition(b"\n")
        if mark:
            self.report.appendPlainText(whole.decode("utf-8", "replace").replace("\r", ""))

    def _show_end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._show_lines()
        is_whole = status == QProcess.ExitStatus.NormalExit and code in (0, 1)
        self.sentence.setText(BROKEN if not is_whole else FAILED if code else PASSED)

    def _show_error(self, error: QProcess.ProcessError) -> None:
        self.sentence.setText(BROKEN)
        if error == QProcess.ProcessError.FailedToStart:
            self.report.appendPlainText(self.process.errorString())

    def _end(self) -> None:
        if self.process.state() != QProcess.ProcessState.NotRunning:
            self.process.errorOccurred.disconnect()
            self.process.finished.disconnect()
            self.process.kill()
            self.process.waitForFinished(5000)
