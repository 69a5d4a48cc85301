"""Help → Check this installation: what the self-test says, as it says it, to be copied."""

from __future__ import annotations

import sys

from PyQt6.QtCore import QProcess
from PyQt6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tandem_widgets.dialogs.help import installation
from tandem_widgets.dialogs.help.installation import InstallationDialog


def dialog(qtbot: QtBot, program: str) -> InstallationDialog:
    made = InstallationDialog(None, [sys.executable, "-c", program])
    qtbot.addWidget(made)
    return made


def test_lines_are_shown_and_can_be_copied(qtbot: QtBot) -> None:
    made = dialog(qtbot, "print('ok   1.0 s  session saved')\nprint('1 checks, all passed')")
    qtbot.waitUntil(lambda: made.sentence.text() == installation.PASSED)
    assert made.report.toPlainText().splitlines() == ["ok   1.0 s  session saved", "1 checks, all passed"]
    assert made.copying is not None
    made.copying.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == made.report.toPlainText()


def test_a_failure_says_where_to_look(qtbot: QtBot) -> None:
    made = dialog(qtbot, "print('FAILED  guardian')\nraise SystemExit(1)")
    qtbot.waitUntil(lambda: made.sentence.text() == installation.FAILED)
    assert "guardian" in made.report.toPlainText()


def test_a_check_that_falls_is_told(qtbot: QtBot) -> None:
    made = dialog(qtbot, "import os; os._exit(7)")
    qtbot.waitUntil(lambda: made.sentence.text() == installation.BROKEN)


def test_a_program_that_is_not_there_is_told(qtbot: QtBot) -> None:
    made = InstallationDialog(None, ["/nowhere/python"])
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: made.sentence.text() == installation.BROKEN)
    assert made.report.toPlainText()


def test_closing_ends_the_check(qtbot: QtBot) -> None:
    made = dialog(qtbot, "import sys; print('begun', flush=True); sys.stdin.read()")
    qtbot.waitUntil(lambda: "begun" in made.report.toPlainText())
    made.reject()
    assert made.process.state() == QProcess.ProcessState.NotRunning


def test_it_is_the_self_test_that_runs() -> None:
    assert installation.command()[1:] == ["-m", "tandem_em", "selftest"]
