"""The clock tool alone: what it shows of every clock, and each way to move one."""

from __future__ import annotations

import pytest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk.desk import Desk
from tandem_widgets.dialogs.clocks import ClocksDialog


@pytest.fixture
def dialog(desk: Desk, parent: QWidget) -> ClocksDialog:
    run = desk.session.runs.first
    assert run is not None
    return ClocksDialog(parent, desk, run.id)


def cells(dialog: ClocksDialog) -> list[str]:
    return [dialog.table.item(dialog.table.currentRow(), column).text() for column in range(6)]


def test_the_clock_of_a_stream_is_chosen_and_read(dialog: ClocksDialog, desk: Desk) -> None:
    assert dialog.clock is desk.session.runs.first.clock
    assert cells(dialog) == ["log", "log", "file time", "+0.2500", "+40", "unknown"]
    assert (dialog.offset.value(), dialog.rate.value()) == (0.25, 40.0)
    assert dialog.residuals.text() == "No common event yet."
    assert not dialog.apply.isEnabled()
    assert not dialog.place_box.isVisibleTo(dialog), "a log is no map"


def test_an_offset_by_hand_moves_the_stream_and_can_be_undone(
    dialog: ClocksDialog, desk: Desk, qtbot: QtBot
) -> None:
    run = desk.session.runs.first
    start = float(run.t[0])
    dialog.offset.setValue(-3.0)
    dialog.rate.setValue(0.0)
    dialog.uncertainty.setValue(0.5)
    dialog.set_button.click()
    assert (run.clock.offset_s, run.clock.rate_ppm, run.clock.uncertainty_s) == (-3.0, 0.0, 0.5)
    qtbot.waitUntil(lambda: cells(dialog)[3] == "−3.0000")
    desk.session.history.undo()
    assert float(run.t[0]) == start
    qtbot.waitUntil(lambda: dialog.offset.value() == 0.25)


def test_an_event_seen_in_two_streams_moves_one_onto_the_other(dialog: ClocksDialog, desk: Desk) -> None:
    run, focus = desk.session.runs.first, desk.session.focus
    focus.t = 10.0
    device = float(run.clock.to_device(10.0))
    dialog.mark_here()
    focus.t = 12.0
    dialog.mark_there()
    assert dialog.apply.text() == "Shift by +2.000 s"
    dialog.sure.setValue(0.2)
    dialog.align()
    assert float(run.clock.to_session(device)) == pytest.approx(12.0)
    assert run.clock.origin == "marked event"
    assert "1 common event" in dialog.residuals.text()
    assert dialog.forget.isVisibleTo(dialog)
    assert not dialog.apply.isEnabled(), "the next one begins anew"
    dialog.forget.click()
    assert run.clock.reference_events == []


def test_a_mark_belongs_to_the_device_however_its_clock_is_moved_meanwhile(
    dialog: ClocksDialog, desk: Desk
) -> None:
    run, focus = desk.session.runs.first, desk.session.focus
    focus.t = 10.0
    dialog.mark_here()
    dialog.offset.setValue(100.0)
    dialog.set_button.click()
    focus.t = 50.0
    dialog.mark_there()
    dialog.align()
    assert float(run.clock.to_session((10.0 - 0.25) / (1 + 40e-6))) == pytest.approx(50.0)


@pytest.mark.expects_log
def test_a_map_is_placed_in_time_and_nonsense_is_a_notice(desk: Desk, parent: QWidget) -> None:
    image = desk.session.maps.first
    dialog = ClocksDialog(parent, desk, image.id)
    assert dialog.place_box.isVisibleTo(dialog)
    assert (dialog.map_start.value(), dialog.map_end.value()) == (3.0, 6.0)
    assert not dialog.correlate.isEnabled(), "a map has no changes to compare"
    dialog.map_start.setValue(5.0)
    dialog.map_end.setValue(9.0)
    dialog.place.click()
    assert image.interval == pytest.approx((5.0, 9.0))
    dialog.map_end.setValue(1.0)
    dialog.place.click()
    assert image.interval == pytest.approx((5.0, 9.0))
    assert desk.notices.items, "it is said"


@pytest.mark.expects_log
def test_a_clock_without_a_header_stays(desk: Desk, parent: QWidget) -> None:
    dialog = ClocksDialog(parent, desk, desk.session.stacks.first.id)
    before = desk.session.stacks.first.clock.offset_s
    dialog.header.click()
    assert desk.session.stacks.first.clock.offset_s == before
    assert desk.notices.items
