"""A hand on a widget: clicks and drags at points of an image, with events of this test's own making."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from tandem_widgets.parts.image.canvas import ImageCanvas

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def move(widget: QWidget, place: QPointF, buttons: Qt.MouseButton = LEFT) -> None:
    """A mouse move with a button held: QTest cannot say that."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, widget.mapToGlobal(place), Qt.MouseButton.NoButton, buttons, NONE
    )
    QApplication.sendEvent(widget, event)


def click(canvas: ImageCanvas, x: float, y: float) -> None:
    QTest.mouseClick(canvas, LEFT, pos=canvas.to_screen(x, y).toPoint())


def drag(canvas: ImageCanvas, *points: tuple[float, float]) -> None:
    """Press at the first image point, move through the others, let go at the last."""
    places = [canvas.to_screen(x, y).toPoint() for x, y in points]
    QTest.mousePress(canvas, LEFT, NONE, places[0])
    for place in places[1:]:
        move(canvas, QPointF(place))
    QTest.mouseRelease(canvas, LEFT, NONE, places[-1])
