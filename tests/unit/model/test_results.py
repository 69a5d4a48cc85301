"""Typed results give back what is stored, and store it under the same keys again."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.base import TypedResult
from tandem_em.model.results.of_maps import (
    Components,
    ElementMap,
    Quantification,
    References,
    ZeroLoss,
)
from tandem_em.model.results.of_runs import Cycles, Gitt
from tandem_em.model.results.of_sites import LithiumPerSilicon
from tandem_em.model.results.of_stacks import Dose, DoseMap, Kinetics, Layers, RegionStatistics

TYPES: dict[str, type[TypedResult]] = {
    "dose": Dose, "dose map": DoseMap, "region statistics": RegionStatistics, "layers": Layers, "kinetics": Kinetics,
    "cycles": Cycles, "gitt": Gitt, "zero loss": ZeroLoss, "PCA": Components, "NMF": Components, "map": ElementMap,
    "MLLS": References, "quantification": Quantification, "lithium per silicon": LithiumPerSilicon,
}  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ResultSet]:
    path: Path = tmp_path_factory.mktemp("session") / "demo.nxs"
    with gzip.open(DATA / "sessions" / "demo-1.0.nxs.gz") as packed, path.open("wb") as out:
        shutil.copyfileobj(packed, out)
    document = run_to_end(files.open_session(path, readonly=True))
    found = {result.analysis: result for result in document.session.results}
    document.store.close()
    return found


@pytest.mark.parametrize("name", TYPES)
def test_a_stored_result_is_the_same_after_it_was_read(stored: dict[str, ResultSet], name: str) -> None:
    result = stored[name]
    typed = TYPES[name].of(result)
    assert typed is not None
    made = typed.to_result(result.name, Item(id=result.owner_id, simulated=result.simulated))
    assert made.analysis == result.analysis
    assert made.arrays.keys() == result.arrays.keys()
    for key, values in result.arrays.items():
        np.testing.assert_array_equal(made.arrays[key], values)
    assert made.units == result.units
    assert {key: list(v) if isinstance(v, tuple) else v for key, v in made.values.items()} == result.values
    assert (made.owner_id, made.simulated) == (result.owner_id, result.simulated)


def test_fields_have_the_names_of_what_they_are(stored: dict[str, ResultSet]) -> None:
    layers, components = Layers.of(stored["layers"]), Components.of(stored["NMF"])
    assert layers is not None
    assert components is not None
    assert len(layers.edges_px) == len(layers.thickness) + 1
    assert components.method == "NMF"
    assert len(components.maps) == components.kept == len(components.factors)
    kinetics = Kinetics.of(stored["kinetics"])
    assert kinetics is not None
    assert kinetics.best in kinetics.fits


def test_what_is_of_another_kind_or_not_whole_is_no_result(stored: dict[str, ResultSet]) -> None:
    assert Dose.of(stored["layers"]) is None
    assert Dose.of(None) is None
    assert RegionStatistics.of(ResultSet(analysis="region statistics")) is None
    with pytest.raises(KeyError, match="broken has no t_s"):
        RegionStatistics.from_result(ResultSet(name="broken", analysis="region statistics"))


def test_what_released_versions_did_not_write_is_kept_beside_what_they_wrote(
    stored: dict[str, ResultSet],
) -> None:
    halves, counts = Cycles.of(stored["cycles"]), ElementMap.of(stored["map"])
    assert halves is not None
    assert counts is not None
    assert (halves.cycle_begins_with, halves.mean_efficiency, halves.notes, counts.notes) == (None,) * 4
    told = replace(halves, cycle_begins_with="discharge", mean_efficiency=0.98, notes=["One note."])
    again = Cycles.of(told.to_result("cycles", Item()))
    assert again is not None
    assert (again.cycle_begins_with, again.mean_efficiency, again.notes) == (
        "discharge",
        0.98,
        ["One note."],
    )
    noted = ElementMap.of(replace(counts, notes=["Two notes."]).to_result("map", Item()))
    assert noted is not None
    assert noted.notes == ["Two notes."]


def test_layers_without_errors_have_none() -> None:
    bare = ResultSet(
        analysis="layers", arrays={"t_s": np.arange(2.0), "edge_1": np.ones(2)}, values={"line_id": "l"}
    )
    found = Layers.of(bare)
    assert found is not None
    assert np.isnan(found.edge_errors_px[0]).all()
    assert found.thickness == ()
