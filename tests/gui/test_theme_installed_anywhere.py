"""The style sheet where the program was put into a folder with a blank and letters beyond ASCII in its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from tandem_widgets.parts.basic import theme


@pytest.mark.parametrize(
    "place", ["/opt/tandem", "/home/Jörg Maß/Program Files (1)/TandEM", "C:\\Program ä 1\\TandEM"]
)
def test_every_rule_of_the_style_sheet_holds(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(theme.resources, "files", lambda _package: Path(place))
    sheet, active = qapp.styleSheet(), theme._active
    monkeypatch.setattr(theme, "_active", active)
    title, button = QLabel("title"), QPushButton("button")
    title.setProperty("role", "title")
    qtbot.addWidget(title)
    qtbot.addWidget(button)
    try:
        theme.apply(qapp, theme.DARK)
        for widget in (title, button):
            widget.ensurePolished()
        assert title.font().bold()  # this rule stands behind those with pictures
    finally:
        qapp.setStyleSheet(sheet)
