"""Kinetics, diagnostics, figures and programs: each dialog alone, with the truth known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics import diagnose
from tandem_em.desk.export import preview
from tandem_em.model.curves import Cell
from tandem_em.model.tracks import Outline, Particle
from tandem_widgets.dialogs.diagnostics.dialog import DoctorDialog
from tandem_widgets.dialogs.export.figures import FiguresPage
from tandem_widgets.dialogs.instruments.program import ProgramDialog
from tandem_widgets.dialogs.instruments.program_steps import STEPS, new_step
from tandem_widgets.dialogs.kinetics.dialog import KineticsDialog

SQUARE = np.array([[4.0, 4], [14, 4], [14, 14], [4, 14]])


@pytest.fixture
def growing(desk: Desk) -> Particle:
    """A square that grows by one pixel² a frame from frame 10 on."""
    stack = desk.session.stacks.first
    particle = Particle(name="grows", stack_id=stack.id)
    for frame in range(len(stack)):
        area = 100.0 + max(0, frame - 10)
        shape = 4.0 + (SQUARE - 4.0) * np.sqrt(area) / 10
        particle.outlines[frame] = Outline(shape, 0.95, frame == 0, area, area - 0.5, area + 0.5)
    desk.session.particles.add(particle)
    return particle


def test_growth_is_fitted_in_nm_and_the_stretch_chooses_what_of(
    desk: Desk, parent: QWidget, growing: Particle, qtbot: QtBot
) -> None:
    dialog = KineticsDialog(parent, desk, desk.session.stacks.first, growing)
    assert dialog.particle is growing
    qtbot.waitUntil(lambda: dialog.analysed is not None, timeout=30_000)
    first = dialog.analysed
    np.testing.assert_allclose(
        dialog.curve.area, [o.area_px * 0.25 for o in growing.outlines.values()], rtol=1e-6
    )
    dialog.start.setValue(15.0)
    dialog.end.setValue(35.0)
    dialog._typed()
    qtbot.waitUntil(lambda: dialog.analysed is not None and dialog.analysed is not first, timeout=30_000)
    assert dialog.analysed.span == pytest.approx((15.0, 35.0), abs=0.6)
    assert dialog.curve_plot.interval == pytest.approx((15.0, 35.0), abs=0.6)
    linear = next(fit for fit in dialog.analysed.found.fits if fit.model.name == "linear")
    assert all(low <= linear.parameters[name] <= high for name, (low, high) in linear.intervals.items())
    assert 0.25 in [pytest.approx(value, rel=0.02) for value in linear.parameters.values()], "nm² a second"
    dialog.close()


def test_a_particle_of_one_outline_has_no_kinetics(desk: Desk, parent: QWidget) -> None:
    stack = desk.session.stacks.first
    single = Particle(name="single", stack_id=stack.id)
    single.outlines[3] = Outline(SQUARE, 0.9, True, 100.0, 95.0, 105.0)
    desk.session.particles.add(single)
    dialog = KineticsDialog(parent, desk, stack, single)
    offered = [dialog.chooser.itemText(number) for number in range(dialog.chooser.count())]
    assert "single" not in offered
    assert not dialog.keep.isEnabled()
    dialog.close()


def test_findings_are_those_of_the_session_and_follow_it(desk: Desk, parent: QWidget, qtbot: QtBot) -> None:
    dialog = DoctorDialog(parent, desk)
    qtbot.waitUntil(lambda: not desk.runner.tasks, timeout=30_000)
    expected = run_to_end(diagnose.examine_session(desk.session))
    qtbot.waitUntil(lambda: len(dialog.rows) == len(expected), timeout=10_000)
    assert str(len(expected)) in dialog.headline.text() or len(expected) < 2
    backward = desk.session.runs.first
    desk.change("Break", backward, zero_current_A=1.0)
    stack = desk.session.stacks.first
    desk.change("Uncalibrate", stack, pixel_nm=None)
    more = run_to_end(diagnose.examine_session(desk.session))
    assert {finding.what for finding in more} != {finding.what for finding in expected}
    qtbot.waitUntil(lambda: len(dialog.rows) == len(more), timeout=30_000)
    dialog.done(0)


def test_a_noted_finding_is_quiet_until_it_is_asked_for(desk: Desk, parent: QWidget, qtbot: QtBot) -> None:
    dialog = DoctorDialog(parent, desk)
    dialog.show()
    found = [each for each in run_to_end(diagnose.examine_session(desk.session)) if each.severity != "error"]
    assert found
    diagnose.accept(desk, found[0])
    count = len(run_to_end(diagnose.examine_session(desk.session)))
    qtbot.waitUntil(lambda: len(dialog.rows) == count and dialog.noted.isVisible(), timeout=30_000)
    dialog.noted.click()
    assert diagnose.accepted(desk.session) == []
    qtbot.waitUntil(lambda: len(dialog.rows) > count and not dialog.noted.isVisible(), timeout=30_000)
    dialog.done(0)


@pytest.fixture
def page(desk: Desk, qtbot: QtBot) -> FiguresPage:
    made = FiguresPage(desk)
    qtbot.addWidget(made)
    material = run_to_end(preview.collecting(desk.session))
    made.take(material)
    return made


def test_every_figure_there_are_data_for_is_offered_and_ticked(page: FiguresPage) -> None:
    names = [page.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(page.list.count())]
    assert page._material is not None
    assert names == list(page._material.figures)
    assert page.settings().names == tuple(names)
    page.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert page.settings().names == tuple(names[1:])


def test_what_is_chosen_is_what_is_drawn(page: FiguresPage) -> None:
    page.width_box.setCurrentText("120")
    page.size_box.setValue(8.5)
    page.dpi_box.setCurrentText("600")
    page.times.setText("0 16,5; −3 25")
    page.kinds["png"].setChecked(False)
    chosen = page.settings()
    assert (chosen.width_mm, chosen.size_pt, chosen.dpi, chosen.kinds) == (120.0, 8.5, 600, ("pdf", "svg"))
    assert chosen.times[0] == 0.0
    assert chosen.times[-2:] == (-3.0, 25.0)


def test_the_preview_comes_and_the_files_are_written(
    page: FiguresPage, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.waitUntil(lambda: not page.preview.image.isNull(), timeout=60_000)
    for row in range(1, page.list.count()):
        page.list.item(row).setCheckState(Qt.CheckState.Unchecked)
    page.save_into(tmp_path / "figures")
    qtbot.waitUntil(lambda: not desk.runner.tasks, timeout=60_000)
    name = page.settings().names[0]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        f"{name}.pdf",
        f"{name}.png",
        f"{name}.svg",
    ]
    page.close_page()


@pytest.mark.expects_log
def test_nothing_ticked_writes_nothing_and_says_so(page: FiguresPage, desk: Desk, tmp_path: Path) -> None:
    for check in page.kinds.values():
        check.setChecked(False)
    page.save_into(tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
    assert desk.notices.items[-1].level == "warning"
    page.close_page()


@pytest.mark.parametrize("kind", list(STEPS))
def test_every_kind_of_step_has_a_preview_or_says_what_is_missing(
    desk: Desk, parent: QWidget, qtbot: QtBot, kind: str
) -> None:
    cell = Cell(name="cell", area_um2=10.0, capacity_uAh_cm2=100.0)
    dialog = ProgramDialog(parent, desk, [new_step(kind)], cell)
    dialog.show_meter(True, 3.8, "")
    dialog.draw()
    qtbot.waitUntil(lambda: not desk.runner.tasks and dialog.summary.text() != "", timeout=20_000)
    assert dialog.list.count() == 1
    assert dialog.findChildren(QPushButton)
    dialog.close()
