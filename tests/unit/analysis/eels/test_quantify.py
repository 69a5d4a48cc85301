"""Quantities: cross sections named, fractions that add up, errors that are the scatter."""

from __future__ import annotations

import numpy as np
import pytest
from known_edges import windows_for

from tandem_em.analysis.eels.cross_sections import MODEL, effective_angle, partial_cross_section
from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.quantify import quantify
from tandem_em.core.notices import UserError
from tandem_em.simulation.eels_images import simulate_map

BEAM = {"beam_kV": 200.0, "collection_mrad": 20.0, "convergence_mrad": 10.0}


def test_lipon_comes_out_near_its_composition() -> None:
    image = simulate_map("pristine", (20, 60, 1024))
    electrolyte = image.data[:, 27:33].sum(axis=1)
    maps = [map_edge(electrolyte, image.energy_eV, windows_for(name)) for name in ("Li K", "P L2,3")]
    found = quantify(maps, **BEAM)
    np.testing.assert_allclose(found.fractions.sum(axis=0), 1.0)
    ratio, error = found.ratio("Li", "P")
    assert found.model == MODEL
    assert (error > 0).all()
    # the simulated cross sections are smooth shapes near the hydrogenic ones, not the same
    assert ratio.mean() == pytest.approx(36.3 / 12.5, rel=0.35)


def test_what_is_missing_is_said() -> None:
    energy = 20 + 0.2 * np.arange(700)
    data = np.random.default_rng(0).poisson(1e6 * energy**-2.0, (5, 700)).astype(float)
    lithium, phosphorus, cobalt = (
        map_edge(data, energy, windows_for(n)) for n in ("Li K", "P L2,3", "Co M2,3")
    )
    with pytest.raises(UserError, match="at least two"):
        quantify([lithium], **BEAM)
    with pytest.raises(UserError, match="beam energy and the collection angle"):
        quantify([lithium, phosphorus], beam_kV=None, collection_mrad=None)
    with pytest.raises(UserError, match="K and L2,3 edges only"):
        quantify([lithium, cobalt], **BEAM)
    with pytest.raises(UserError, match="of its own element"):
        quantify([lithium, lithium], **BEAM)
    assert "convergence" in quantify([lithium, phosphorus], beam_kV=200, collection_mrad=20).remark


def test_cross_sections_grow_with_window_and_angle() -> None:
    beam = {"beam_kV": 200.0, "collection_mrad": 20.0}
    narrow, wide = (partial_cross_section("Li K", (52.5, high), **beam) for high in (57.5, 65.0))
    assert 0 < narrow < wide
    assert partial_cross_section("Li K", (52.5, 57.5), beam_kV=200, collection_mrad=5) < narrow
    with pytest.raises(UserError, match="before the edge"):
        partial_cross_section("Li K", (40.0, 50.0), **beam)
    with pytest.raises(UserError, match="does not know"):
        partial_cross_section("Xx K", (40.0, 50.0), **beam)


def test_a_cone_of_illumination_collects_less() -> None:
    parallel = effective_angle(55.0, beam_kV=200, convergence_mrad=0, collection_mrad=20)
    assert parallel == 20
    angles = [
        effective_angle(55.0, beam_kV=200, convergence_mrad=a, collection_mrad=20) for a in (0.5, 10, 30)
    ]
    assert parallel * 1.001 > angles[0] > angles[1] > angles[2]
