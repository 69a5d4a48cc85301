"""The dialog draws whatever form the registry holds, also of a source from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PyQt6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from thermometer import THERMOMETER, ThermometerTable

from tandem_em.sources import registry
from tandem_widgets.dialogs.instruments.dialog import InstrumentsDialog
from tandem_widgets.dialogs.instruments.form import FieldForm
from tandem_widgets.parts.basic.quantity_edit import QuantityEdit
from tandem_widgets.shell.window.main_window import MainWindow


@pytest.fixture
def dialog(window: MainWindow) -> Iterator[InstrumentsDialog]:
    registry.register(THERMOMETER)
    shown = window.recording.show_instruments()
    assert isinstance(shown, InstrumentsDialog)
    yield shown
    shown.close()
    window.recording.close()
    registry.unregister("thermometer")


def test_a_source_from_outside_is_offered_shown_and_edited(qtbot: QtBot, dialog: InstrumentsDialog) -> None:
    menu = dialog.add.menu()
    assert menu is not None
    offered = {action.text(): action for action in menu.actions()}
    assert "Simulated thermometer" in offered
    offered["Thermometer"].trigger()
    assert dialog.chosen == "Room"
    assert dialog._title.text() == "Thermometer"
    form = dialog._form
    assert isinstance(form, FieldForm)
    assert list(form.editors) == ["name", "address", "rate_hz", "calibration"]
    rate, port = form.editors["rate_hz"], form.editors["address"]
    assert isinstance(rate, QuantityEdit)
    assert rate.value == 50.0
    assert isinstance(port, QLineEdit)
    assert port.placeholderText() == "COM3"
    port.setText("COM7")
    port.editingFinished.emit()
    table = dialog._instruments.table("Room")
    assert isinstance(table, ThermometerTable)
    assert table.address == "COM7"
    dialog._edited("Room", "rate_hz", 0.0)
    assert "greater than 0" in dialog.trouble.text()
