"""Sizes, kymograph, dose map and montage alone: what they show is what the session holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.dialogs.dose_map import DoseMapDialog
from tandem_widgets.dialogs.kymograph import KymographDialog
from tandem_widgets.dialogs.montage.dialog import MontageDialog
from tandem_widgets.dialogs.particle_table import ParticleTableDialog, _text
from tandem_widgets.parts.image.contrast import colours_named
from tandem_widgets.parts.image.render import colour_table

Column = Qt.Orientation.Horizontal


@pytest.fixture
def sizes(desk: Desk, parent: QWidget, qtbot: QtBot) -> ParticleTableDialog:
    stack, particle = desk.session.stacks.first, desk.session.particles.first
    dialog = ParticleTableDialog(parent, desk, stack, particle)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def column(dialog: ParticleTableDialog, words: str) -> list[str]:
    model = dialog.model
    at = next(n for n in range(model.columnCount()) if str(model.headerData(n, Column)).startswith(words))
    return [model.data(model.index(row, at)) for row in range(model.rowCount())]


def test_the_table_has_a_row_for_every_frame(sizes: ParticleTableDialog, desk: Desk) -> None:
    particle = desk.session.particles.first
    areas = column(sizes, "area")
    assert len(areas) == 40
    for frame, text in enumerate(areas):
        outline = particle.outlines.get(frame)
        assert (text == "") == (outline is None)
        if outline is not None:
            assert float(text.split(" ± ")[0]) == pytest.approx(outline.area_px * 0.25, rel=1e-2)
    assert column(sizes, "frame")[:3] == ["1", "2", "3"]
    assert sizes.note.text().startswith(f"{len(particle.outlines)} of 40 frames")


def test_a_row_leads_to_its_frame_and_the_cursor_to_its_row(sizes: ParticleTableDialog, desk: Desk) -> None:
    sizes._go_to(7)
    assert desk.session.focus.t == pytest.approx(desk.session.stacks.first.time_of(7))
    desk.session.focus.t = desk.session.stacks.first.time_of(21)
    assert sizes.view.currentIndex().row() == 21


def test_another_particle_and_a_correction_are_shown(sizes: ParticleTableDialog, desk: Desk) -> None:
    second = list(desk.session.particles)[1]
    sizes.chooser.setCurrentIndex(1)
    sizes.refresh()
    assert sizes.particle is second
    kept = {frame: outline for frame, outline in second.outlines.items() if frame < 10}
    desk.change("Cut", second, outlines=kept)
    assert sizes.note.text().startswith(f"{len(kept)} of 40 frames")
    assert "lost or not followed" in sizes.note.text()


def test_the_table_is_copied_with_its_limits_and_saved(
    sizes: ParticleTableDialog, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(sizes, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    head, *lines = clipboard.text().splitlines()
    assert "area low (nm²)" in head.split("\t")
    assert len(lines) == 40
    sizes.save(tmp_path / "sizes.csv")
    qtbot.waitUntil(lambda: not desk.runner.tasks, timeout=10_000)
    assert "area low (nm²)" in (tmp_path / "sizes.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [(np.nan, None, ""), (12.3456, None, "12.35"), (100.0, 2.5, "100.0 ± 2.5"), (100.0, 0.001, "100.0 ± 0.1"), (100.0, np.nan, "100.0")],
)  # fmt: skip
def test_no_error_is_finer_than_its_value(value: float, half: float | None, text: str) -> None:
    assert _text("area (nm²)", value, half) == text
    assert _text("frame", 3.0, None) == "4"
    assert (_text("drawn by hand", 1.0, None), _text("drawn by hand", 0.0, None)) == ("yes", "")


def test_a_kymograph_is_the_profile_of_every_frame(
    desk: Desk, parent: QWidget, qtbot: QtBot, tmp_path: Path
) -> None:
    stack = desk.session.stacks.first
    stack.drift_px = None
    line = ProfileLine(name="across", owner_id=stack.id, start=(4.0, 10.0), end=(24.0, 10.0), width_px=1.0)
    dialog = KymographDialog(parent, desk, stack, line)
    with pytest.raises(UserError, match="not finished"):
        dialog.save(tmp_path / "early.csv")
    qtbot.waitUntil(lambda: dialog.values is not None, timeout=20_000)
    frames = stack.source.read(slice(None))
    np.testing.assert_allclose(dialog.values, frames[:, 10, 4:25], rtol=1e-5)
    dialog.save(tmp_path / "k.csv")
    head, *rows = (tmp_path / "k.csv").read_text("utf-8").splitlines()
    assert head.split(",")[:3] == ["time_s \\ distance_nm", "0", "0.5"]
    table = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    np.testing.assert_allclose(table[:, 0], stack.t)
    np.testing.assert_allclose(table[:, 1:], dialog.values, rtol=1e-5)
    dialog._read_out(3.0, 0.0)
    assert dialog.readout.text().startswith("0.00 s · 1.50 nm · ")
    with pytest.raises(UserError, match="could not be written"):
        dialog.save(tmp_path / "no such folder" / "k.csv")
    dialog.close()


def test_a_dose_map_is_read_out_and_says_what_is_over_budget(desk: Desk, parent: QWidget) -> None:
    stack = desk.session.stacks.first
    desk.session.doses.first.budget_e_A2 = 150.0
    dose = np.zeros((10, 12), np.float32)
    dose[2:6, 3:9] = 100.0
    dose[4:6, 3:9] = 200.0
    result = ResultSet(
        name="dose map", arrays={"dose_e_A2": dose}, values={"step_px": 2.0, "origin_px": [-6.0, -4.0]}
    )
    dialog = DoseMapDialog(parent, desk, stack, result)
    assert dialog.readout.text().startswith(
        "100 to 200 e⁻/Å² in the field of view. 50 % of that area is over the budget of 150"
    )
    dialog._read_out(5.0, 4.0)
    assert dialog.readout.text() == "x 4  y 4 px in the first frame · 200 e⁻/Å² · 133 % of the budget"
    dialog._read_out(-5.0, 4.0)
    assert dialog.readout.text().startswith("100 to 200")
    assert dialog.canvas.pixel_nm == pytest.approx(1.0)
    assert dialog.canvas.levels == (0.0, 200.0)
    dialog.resize(400, 400)
    assert not dialog.grab().isNull()


def test_a_dose_map_of_nothing_says_so(desk: Desk, parent: QWidget) -> None:
    result = ResultSet(
        name="dose map",
        arrays={"dose_e_A2": np.zeros((4, 4))},
        values={"step_px": 1.0, "origin_px": [0.0, 0.0]},
    )
    dialog = DoseMapDialog(parent, desk, desk.session.stacks.first, result)
    assert dialog.readout.text() == "No part of the sample received any dose."


@pytest.fixture
def montage(desk: Desk, parent: QWidget) -> MontageDialog:
    return MontageDialog(
        parent, desk, desk.session.stacks.first, ((0.0, 99.0), colour_table(colours_named("grey")))
    )


@pytest.mark.parametrize(
    ("typed", "frames"),
    [
        ("0 16 25", [0, 16, 25]), ("0, 16; 25", [0, 16, 25]), ("−3 99", [0, 39]), ("", []), ("soon 5 later", [5]), ("7.9", [7]),
        (" ".join(map(str, range(60))), list(range(40))),
    ],
)  # fmt: skip
def test_typed_moments_are_the_frames_of_a_montage(
    montage: MontageDialog, typed: str, frames: list[int]
) -> None:
    montage.times.setText(typed)
    assert montage.wanted() == frames


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf", "1e400"])
def test_no_word_ends_the_reading_of_moments(montage: MontageDialog, typed: str) -> None:
    montage.times.setText(typed)
    assert all(0 <= frame < 40 for frame in montage.wanted())
    montage._stack.axis0_is_time = False
    assert montage.wanted() == []


def test_a_montage_has_a_panel_for_each_moment(montage: MontageDialog, qtbot: QtBot) -> None:
    montage.plot.setChecked(False)
    montage.times.setText("0 10 20")
    montage.read()
    montage.panel.setValue(130)
    qtbot.waitUntil(lambda: montage.image.width() == 3 * 130 + 2 * 6, timeout=20_000)
