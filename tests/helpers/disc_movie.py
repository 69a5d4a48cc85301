"""A movie of one disc in the stack pane of the real window, and a hand that draws on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest as QTestStubs
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from settling import settle

from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.shell.window.main_window import MainWindow

QTest: Any = QTestStubs
FRAMES, SIDE, RADIUS = 9, 160, 30.0


def disc_movie() -> FrameStack:
    """A dark disc that swells by a pixel every two frames, on a grey ground with noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:SIDE, :SIDE]
    far = np.hypot(x - 80, y - 80)
    frames = np.empty((FRAMES, SIDE, SIDE), np.uint16)
    for index in range(FRAMES):
        soft = 1 / (1 + np.exp((far - RADIUS - 0.5 * index) / 1.2))
        frames[index] = rng.poisson(200 - 90 * soft)
    return FrameStack(
        name="disc", source=MemoryArray(frames), times=np.arange(FRAMES, dtype=float), times_from="file",
        pixel_nm=0.5, drift_px=np.zeros((FRAMES, 2)),
    )  # fmt: skip


def circle(radius: float, count: int = 60) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([80 + radius * np.cos(angle), 80 + radius * np.sin(angle)])


def shown_in(qtbot: QtBot, window: MainWindow, stack: FrameStack) -> StackPane:
    """The stack pane of the window, with a session of this stack."""
    session = Session(stack.name)
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    window.show_session(session)
    found = window.docks.stack.widget()
    assert isinstance(found, StackPane)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: found.canvas.frame is not None, timeout=10_000)
    return found


def settled(qtbot: QtBot, window: MainWindow) -> None:
    settle(qtbot, window.services.runner)


def drag(
    pane: StackPane,
    points: list[tuple[float, float]],
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """Press at the first image point, move through the others, let go at the last."""
    canvas = pane.canvas
    places = [pane.canvas.to_screen(x, y).toPoint() for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, keys, places[0])
    for place in places[1:]:
        moved(canvas, QPointF(place), keys)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, keys, places[-1])


def moved(canvas: QWidget, place: QPointF, keys: Qt.KeyboardModifier) -> None:
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), button, button, keys)
    QApplication.sendEvent(canvas, event)


def area(polygon: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
