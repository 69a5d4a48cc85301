"""A desk for parts of a pane that are built alone: jobs run in threads, their answers come on the GUI thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import Runner
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bridge import Bridge


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path) -> Iterator[Desk]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.DARK)
    bridge = Bridge()
    made = Desk(Session("alone"), Runner(bridge.post), Notices(), Settings(tmp_path / "preferences.json"))
    yield made
    bridge.close()
    made.runner.close()
