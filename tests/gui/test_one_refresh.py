"""Many changes, one refresh: what a mouse move costs the window, also in a large session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.model.items import Item
from tandem_em.model.provenance import Step
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session
from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.shell.window.main_window import MainWindow

MANY = 5000


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every item of a session that somebody goes through, and every comparison with what was saved."""
    seen: list[str] = []
    items, differs = Session.items, SavedState.differs

    def counted_items(session: Session) -> Iterator[Item]:
        for item in items(session):
            seen.append(item.id)
            yield item

    def counted_differs(state: SavedState, session: Session) -> bool:
        seen.append("compared with what was saved")
        return differs(state, session)

    monkeypatch.setattr(Session, "items", counted_items)
    monkeypatch.setattr(SavedState, "differs", counted_differs)
    return seen


@pytest.fixture
def drag(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """A saved session with many items is open, a window of an edge is in hand: moves it, a pixel at each call."""
    path = tmp_path / "large.nxs"
    session = window.desk.session
    for number in range(MANY):
        session.steps.add(Step(name=f"step {number}"))
    run_to_end(files.create_session(path, session)).store.close()
    window.show_session(Session())
    window.files.open_paths([path])
    qtbot.waitUntil(lambda: window.document.path == path, timeout=60_000)
    pane = window.docks.eels.widget()
    assert isinstance(pane, EelsPane)
    assert pane.image is not None
    live = pane.live(pane.image)
    qtbot.waitUntil(lambda: live.is_ready and not window.services.runner.tasks, timeout=90_000)
    plot = pane.spectrum
    edge = pane.session.edges.first
    assert edge is not None
    middle, y = float(plot.x_to_px(sum(edge.signal) / 2)), plot.height() // 2

    def move(to: int) -> None:
        place = QPointF(middle + to, y)
        event = QMouseEvent(
            QMouseEvent.Type.MouseMove, place, plot.mapToGlobal(place), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        plot.mouseMoveEvent(event)

    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPointF(middle, y).toPoint())
    move(1)
    window.state_refresher.flush()
    yield move
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPointF(middle, y).toPoint())


def test_a_move_of_the_mouse_refreshes_the_actions_once_and_looks_at_no_item(
    qtbot: QtBot, window: MainWindow, drag: Callable[[int], None], looked_at: list[str]
) -> None:
    changes = window.desk.session.revision
    before = window.actions_table.refreshed
    looked_at.clear()
    drag(4)
    assert window.desk.session.revision > changes
    assert window.actions_table.refreshed == before, "not while the mouse moves"
    qtbot.waitUntil(lambda: window.actions_table.refreshed > before, timeout=1000)
    assert window.actions_table.refreshed == before + 1
    assert not window.state_refresher.is_marked  # nothing else has been asked for
    assert window.windowTitle().startswith("large.nxs •")
    assert looked_at == []


def test_undo_back_to_what_was_saved_takes_the_mark_out_of_the_title(
    qtbot: QtBot, window: MainWindow, drag: Callable[[int], None]
) -> None:
    drag(4)
    assert window.document.is_dirty
    window.desk.end_gesture()
    while window.desk.session.history.undo_label:
        window.undo()
    assert not window.document.is_dirty
    qtbot.waitUntil(lambda: window.windowTitle().startswith("large.nxs –"), timeout=1000)
