"""Connections to the model end with their widget, however that goes."""

from __future__ import annotations

import gc
import weakref

from psygnal import Signal
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tandem_widgets.parts.basic.bind import Bindings


class Model:
    changed = Signal()


class View(QWidget):
    """Counts what it hears, in a circle with itself as views with lambdas are."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.heard = 0
        self.model = model
        Bindings(self).on(model.changed, lambda: self.hear())

    def hear(self) -> None:
        self.heard += 1


def test_a_deleted_widget_hears_nothing_more(qtbot: QtBot) -> None:
    model = Model()
    view = View(model)
    model.changed.emit()
    assert view.heard == 1
    with qtbot.waitSignal(view.destroyed):
        view.deleteLater()
    model.changed.emit()
    assert view.heard == 1


def test_a_widget_that_is_garbage_together_with_its_model_ends_quietly() -> None:
    gone = []
    for _ in range(20):
        view = View(Model())
        gone.append(weakref.ref(view))
        del view
    gc.collect()
    assert [each() for each in gone] == [None] * 20
