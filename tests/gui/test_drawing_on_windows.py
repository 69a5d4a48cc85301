"""Pictures of the window on Windows, where Qt draws without a display."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tandem_widgets.shell import application


@pytest.mark.parametrize("own", ["", "F:/letters"])
def test_letters_are_looked_for_where_windows_keeps_them(monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    monkeypatch.setenv("QT_QPA_FONTDIR", own)  # so that it is put back
    if not own:
        monkeypatch.delenv("QT_QPA_FONTDIR")
    monkeypatch.setenv("WINDIR", "W:")
    monkeypatch.setattr(sys, "platform", "win32")
    application.draw_nowhere()
    assert Path(os.environ["QT_QPA_FONTDIR"]) == Path(own or "W:/Fonts")
