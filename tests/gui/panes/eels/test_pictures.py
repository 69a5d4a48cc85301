"""What the row of pictures shows of a scene, without the pane: maps, composite, states side by side, limits by hand."""

from __future__ import annotations

import numpy as np
import pytest
from lithium_map import STEP
from mouse import LEFT, NONE, move
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.limits import LimitsPanel
from tandem_widgets.panes.eels.pictures import Pictures
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.spectrum import SpectrumShown


@pytest.fixture
def pictures(scene: EelsScene, images: EelsImages) -> Pictures:
    made = Pictures(scene, images)
    assert scene.image is not None
    made.show(scene.image)
    return made


def test_the_map_of_the_edge_is_shown_and_another_quantity_on_demand(
    scene: EelsScene, images: EelsImages, pictures: Pictures
) -> None:
    image, edge = scene.image, scene.edge
    assert image is not None
    assert edge is not None
    counts = np.asarray(images.single.frame)
    assert np.allclose(counts, scene.live(image).counts(edge))
    assert counts[:, STEP:].mean() > 5 * abs(counts[:, :STEP].mean())
    scene.look(quantity="signal to noise", limits=(-2.0, 7.0))
    pictures.show(image)
    assert images.single.levels == (-2.0, 7.0)
    assert images.single.caption.endswith("signal to noise")


def test_states_side_by_side_share_their_limits(
    scene: EelsScene, images: EelsImages, pictures: Pictures
) -> None:
    assert scene.image is not None
    scene.look(compare=True)
    pictures.show(scene.image)
    shown = [canvas for canvas in images.canvases if canvas.isVisible()]
    assert [canvas.caption.split(" · ")[1] for canvas in shown] == ["pristine", "charged"]
    assert shown[0].levels == shown[1].levels


def test_impossible_windows_are_a_trouble_of_the_edge(scene: EelsScene, pictures: Pictures) -> None:
    image, edge = scene.image, scene.edge
    assert image is not None
    assert edge is not None
    scene.desk.change("Signal", edge, signal=(900.0, 910.0))
    pictures.show(image)
    assert edge.id in pictures.troubles


def test_limits_are_dragged_typed_and_reset(qtbot: QtBot, scene: EelsScene, pictures: Pictures) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    told: list[object] = []
    scene.changed.connect(lambda: told.append(scene.choice.limits))
    panel = LimitsPanel(parent, scene, pictures.shown_maps())
    panel.setWindowFlags(Qt.WindowType.Widget)  # a popup would grab the keyboard of the whole screen
    panel.show()
    histogram = panel.rows["red"].histogram
    low, high = histogram.limits
    place = QPointF(histogram._to_px(high), 20.0)
    QTest.mousePress(histogram, LEFT, NONE, place.toPoint())
    move(histogram, place - QPointF(30, 0))
    QTest.mouseRelease(histogram, LEFT, NONE, place.toPoint())
    assert scene.choice.channel_limits["red"][0] == pytest.approx(low)
    assert scene.choice.channel_limits["red"][1] < high
    QTest.mouseDClick(histogram, LEFT, NONE, place.toPoint())
    assert "red" not in scene.choice.channel_limits
    row = panel.rows["map"]
    row.low.setText("−1,5")
    row.high.setText("5e3")
    row.high.editingFinished.emit()
    assert scene.choice.limits == told[-1] == (-1.5, 5000.0)
    row.high.setText("-7")
    row.high.editingFinished.emit()
    assert scene.choice.limits == (-1.5, 5000.0)  # the lower one is not above the upper one
    assert row.high.text() == "5000"


def test_the_spectrum_is_that_of_the_place_the_region_or_the_map(
    scene: EelsScene, images: EelsImages
) -> None:
    image = scene.image
    assert image is not None
    shown = SpectrumShown(scene)
    assert shown.content(image).title == "whole map"
    scene.point((20.0, 6.0))
    content = shown.content(image)
    assert content.title == "pixel 20, 6"
    assert np.allclose(content.curves[0].y, image.source.read((6, 20)))
    scene.use_tool("sites")
    assert shown.content(image).title == "sites of pristine"
