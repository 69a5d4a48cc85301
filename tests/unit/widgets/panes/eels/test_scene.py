"""The scene of the EELS pane: which map and edge, how it is looked at, and who is told what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce
from lithium_map import lithium_map

from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.results.of_maps import Components
from tandem_em.model.session import Session
from tandem_widgets.panes.eels.scene import EelsScene, Region


@pytest.fixture
def scene(tmp_path: Path) -> EelsScene:
    desk = Desk(Session("scene"), AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
    for number, state in enumerate(("pristine", "charged")):
        image = lithium_map(f"SI-{number}", state, 9000.0, number)
        desk.session.clocks.add(image.clock)
        desk.session.maps.add(image)
    made = EelsScene(desk)
    made.choose()
    return made


def told(scene: EelsScene) -> list[str]:
    found: list[str] = []
    scene.image_changed.connect(lambda: found.append("image"))
    scene.changed.connect(lambda: found.append("all"))
    scene.pointed.connect(lambda: found.append("spectrum"))
    scene.region_changed.connect(lambda: found.append("region"))
    scene.tool_changed.connect(lambda name: found.append(f"tool {name}"))
    return found


def test_the_first_map_is_shown_with_the_edges_that_lie_on_it(scene: EelsScene) -> None:
    assert scene.image is scene.session.maps.first
    assert set(scene.lives) == {image.id for image in scene.session.maps}
    assert len(scene.session.edges) > 0
    assert scene.edge is not None
    assert scene.edge in scene.edges_on(scene.image)
    assert scene.energies == (38.0, 149.5)


def test_another_map_takes_the_region_away(scene: EelsScene) -> None:
    scene.draw_region(Region(1, 1, 4, 4))
    found, second = told(scene), list(scene.session.maps)[1]
    scene.choose()
    assert "image" not in found
    scene.session.focus.select("map", second.id)
    scene.choose()
    assert found.count("image") == 1
    assert (scene.image, scene.region) == (second, None)


def test_pointing_redraws_the_spectrum_only(scene: EelsScene) -> None:
    found = told(scene)
    scene.point((3.0, 4.0))
    scene.point(None)
    assert found == ["spectrum", "spectrum"]
    region = Region.between((7.2, 6.1), (2.0, -5.0), (12, 24))
    assert region == Region(2, 0, 7, 6)
    scene.draw_region(region, moving=True)
    scene.draw_region(region, moving=True)  # the hand has moved within a pixel
    scene.draw_region(region)
    assert found[2:] == ["region", "spectrum"] * 2
    assert not scene.is_quick


def test_a_tool_tells_and_sites_redraw_everything(scene: EelsScene) -> None:
    found = told(scene)
    scene.use_tool("profile")
    scene.use_tool("profile")
    scene.use_tool("sites")
    scene.use_tool("")
    assert found == ["tool profile", "tool sites", "all", "tool ", "all"]


def test_looking_in_another_way_is_no_step_of_the_history(scene: EelsScene) -> None:
    found, before = told(scene), scene.session.history.undo_label
    scene.look(quantity="error", limits=(0.0, 3.0))
    scene.limit("red", (1.0, 2.0))
    assert scene.choice.channel_limits == {"red": (1.0, 2.0)}
    scene.limit("red", None)
    assert scene.choice.channel_limits == {}
    assert found == ["all"] * 3
    assert scene.session.history.undo_label == before
    with pytest.raises(TypeError):
        scene.look(quanttity="error")


def test_a_chosen_result_belongs_to_its_map(scene: EelsScene) -> None:
    first, second = scene.session.maps
    found = Components(scree=np.ones(3), factors=np.ones((1, 60)), maps=(np.ones((12, 24)),))
    result = scene.session.results.add(found.to_result("PCA", first))
    scene.look(result=(result.id, "component 1"))
    assert scene.chosen_result(first) is result
    assert scene.chosen_result(second) is None
    assert scene.components_of(first) is result
    scene.look(result=(result.id, "component 9"))
    assert scene.chosen_result(first) is None


def test_the_scene_needs_no_qt() -> None:
    call = (
        "import tandem_widgets.panes.eels.scene, sys; print([m for m in sys.modules if m.startswith('PyQt')])"
    )
    said = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
