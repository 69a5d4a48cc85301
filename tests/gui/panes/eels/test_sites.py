"""Sites on a canvas alone: a click adds one, a drag moves it, their spectra stand above one another."""

from __future__ import annotations

import numpy as np
import pytest
from lithium_map import STEP
from mouse import click, drag
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from tandem_em.desk.eels import places
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.sites import SiteTool, add_site_spectra, site_spectra
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.plot.spectrum_plot import Content


@pytest.fixture
def canvas(scene: EelsScene, images: EelsImages) -> ImageCanvas:
    scene.use_tool("sites")
    images.single.tool = SiteTool(scene, images.single, images.to_map)
    return images.single


def test_a_click_adds_a_site_and_a_drag_moves_it_in_one_step(scene: EelsScene, canvas: ImageCanvas) -> None:
    click(canvas, 3, 6)
    click(canvas, 20, 6)
    assert [site.number for site in scene.session.sites] == [0, 1]
    drag(canvas, (20, 6), (18, 5), (15, 4))
    second = list(scene.session.sites)[1]
    assert second.points[0] == pytest.approx((15, 4), abs=0.5)
    scene.session.history.undo()
    assert second.points[0] == pytest.approx((20, 6), abs=0.5)


def test_escape_deactivates_the_tool(scene: EelsScene, canvas: ImageCanvas) -> None:
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert scene.tool == ""


def test_without_a_map_a_click_is_not_swallowed(scene: EelsScene, canvas: ImageCanvas) -> None:
    scene.image = None
    click(canvas, 3, 6)
    assert not len(scene.session.sites)


def test_spectra_are_lifted_by_the_chosen_share(scene: EelsScene) -> None:
    image = scene.image
    assert image is not None
    for column in (3.0, STEP + 6.0):
        places.add_site(scene.desk, image, (column, 6.0))
    (_, low), (_, high) = site_spectra(scene.live(image), scene.session.sites)
    content = Content()
    scene.look(site_offset=0.5, site_scale="maximum")
    add_site_spectra(content, scene.live(image), list(scene.session.sites), scene.choice, None)
    first, second = content.curves
    assert [first.label, second.label] == ["0", "1"]
    assert float(np.nanmax(first.y)) == pytest.approx(1.0)
    assert np.allclose(second.y, high / high.max() + 0.5, atol=1e-6)
    assert np.allclose(first.y, low / low.max(), atol=1e-6)
