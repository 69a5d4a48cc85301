"""The examples in the help of the commands are what the commands read."""

from __future__ import annotations

import json
from typing import Any, get_args

from tandem_em.cli import maps, track
from tandem_em.desk.eels import maps as eels
from tandem_em.desk.outlines import tracking
from tandem_em.model.spectra import BackgroundModel


def object_in(text: str) -> Any:
    return json.loads(text[text.index("\n\n{") : text.rindex("}\n\n") + 1])


def test_the_outlines_in_the_help_of_track_are_read() -> None:
    asked = tracking.read_request(object_in(track.EXAMPLE), "OUTLINE.json").particles
    assert [(each.name, each.frame, each.click) for each in asked] == [
        ("P1", 0, None),
        ("P2", 12, (240.0, 310.0)),
    ]


def test_the_edges_in_the_help_of_maps_are_read_and_every_background_is_named() -> None:
    edges = eels.edges_from_json(object_in(maps.EXAMPLE), "EDGES.json")
    assert [edge.name for edge in edges] == ["Li K", "Si L"]
    assert all(model in maps.EXAMPLE for model in get_args(BackgroundModel))
