"""The values at the cursor in the gutter of a lane: all of them, or as many as fit and how many more there are."""

from __future__ import annotations

import numpy as np

from tandem_widgets.parts.lanes.layout import MORE_PX, has_unit_beside, in_rows
from tandem_widgets.parts.lanes.model import Curve, Lane


def lane(count: int) -> Lane:
    none = np.empty(0)
    curves = [Curve(key=f"P{number}", label="", colour="#888888", x=none, y=none) for number in range(count)]
    return Lane(kind="area", title="Area", unit="", curves=curves, shows_each=True)


def test_values_that_fit_are_all_there() -> None:
    assert in_rows([38, 38, 38, 38], 76, 2) == [(0, 0), (38, 0), (0, 1), (38, 1)]


def test_what_does_not_fit_leaves_room_to_be_counted() -> None:
    places = in_rows([38] * 6, 76, 2)
    assert places == [(0, 0), (38, 0), (0, 1)]
    assert places[-1][0] + 38 + MORE_PX <= 76


def test_a_low_lane_of_four_particles_has_its_unit_beside_the_title() -> None:
    assert has_unit_beside(lane(4), 44)
    assert not has_unit_beside(lane(2), 44)
    assert not has_unit_beside(lane(4), 100)
    long = lane(4)
    long.caption = "a unit of many words"
    assert not has_unit_beside(long, 44)
