"""The low-loss guard speaks when it must, with the numbers, and is silent on a sound map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from known_edges import windows_for

from tandem_em.analysis.eels.advice.advise import check_map
from tandem_em.analysis.eels.advice.data import (
    dead_channel_warnings,
    find_saturation,
    saturation_warnings,
)
from tandem_em.analysis.eels.advice.plasmons import Plasmon, find_plasmons
from tandem_em.analysis.eels.advice.windows import GuardWarning
from tandem_em.analysis.eels.data import find_dead_channels
from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.table import default_edges, edge_table, find_edge
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.simulation.eels_images import simulate_map

AXIS = EnergyAxis(-10.0, 0.2, 1000)
LITHIUM = windows_for("Li K")


def codes(**more: Any) -> dict[str, list[GuardWarning]]:
    found: dict[str, list[GuardWarning]] = {}
    for warning in check_map(LITHIUM, AXIS, **more):
        found.setdefault(warning.code, []).append(warning)
    return found


@pytest.mark.parametrize(
    ("metal", "onset", "level"),
    [("Mn", 49, "warning"), ("Fe", 54, "warning"), ("Co", 60, "note"), ("Ni", 68, "note")],
)
def test_lithium_beside_a_transition_metal(metal: str, onset: float, level: str) -> None:
    (warning,) = codes(elements=[metal])["edge-overlap"]
    assert warning.level == level
    assert warning.numbers["onset_eV"] == onset
    assert metal in warning.title
    assert f"{onset} eV" in warning.reason
    assert metal in " ".join(w.title for w in check_map(LITHIUM, AXIS))  # assumed possible when nobody says


def test_lithium_on_a_plasmon_multiple_of_silicon() -> None:
    (warning,) = codes(elements=[], plasmons=[Plasmon(16.7, 4.0, 0.3, 0.5)])["plasmon-multiple"]
    assert "3 × 16.7 = 50.1 eV" in warning.title
    assert warning.numbers["strength"] == pytest.approx(0.5**2 / 6)
    assert "plasmon-multiple" in codes(elements=["Si"])  # from the table when the spectra do not show it
    assert "plasmon-multiple" not in codes(elements=[], plasmons=[Plasmon(16.7, 4.0, 0.3, 0.05)])  # too thin
    assert "plasmon-multiple" not in codes(
        elements=[], plasmons=[Plasmon(19.5, 4.0, 0.3, 0.5)]
    )  # 39 and 58.5 eV


def test_background_windows_on_edges() -> None:
    assert "fit-window-edge" in codes(elements=["Mn"])
    assert "fit-window-edge" not in codes(elements=["Co"])
    own = EdgeWindows("Li K", "power law", 2, (45.0, 56.0), (57.0, 60.0))
    assert "fit-window-own-edge" in [w.code for w in check_map(own, AXIS, elements=[])]
    both = EdgeWindows("Li K", "power law", 2, (41.0, 53.0), (52.5, 57.5))
    assert "windows-overlap" in [w.code for w in check_map(both, AXIS, elements=[])]
    aluminium = EdgeWindows("Al L1", fit=(104, 115), signal=(118, 125))
    beside = check_map(windows_for("P L2,3"), AXIS, others=[aluminium])
    assert "fit-window-edge" not in [w.code for w in beside]  # minor edges do not count


@pytest.mark.parametrize(("thickness", "level"), [(0.4, None), (0.85, "note"), (1.3, "warning")])
def test_thick_samples(thickness: float, level: str | None) -> None:
    found = codes(elements=[], t_over_lambda=np.full((5, 5), thickness)).get("too-thick")
    assert (found[0].level if found else None) == level


def test_a_background_that_misses_the_data() -> None:
    energy, fitted = AXIS.values, EdgeWindows("Li K", "power law lsq", 2, LITHIUM.fit, LITHIUM.signal)
    good = np.where(energy > 5, 1e8 * np.maximum(energy, 5) ** -3.0, 0) + np.where(energy > 54.7, 60.0, 0)
    noisy = np.random.default_rng(0).poisson(good)
    assert check_map(fitted, AXIS, spectrum=noisy, elements=[]) == []
    bump = good + 200 * np.exp(-0.5 * ((energy - 46) / 1.5) ** 2)
    (warning,) = codes(elements=[], spectrum=bump)["structured-residual"]
    assert warning.numbers["misfit_sigma"] > 3


def test_cut_windows_blank_pixels_and_few_counts() -> None:
    rng = np.random.default_rng(0)
    short = EnergyAxis(20.0, 0.2, 180)
    data = rng.poisson(1e4 * short.values**-2.5, (30, 180)).astype(float)
    data[:10] = 0
    found = {w.code for w in check_map(LITHIUM, short, found=map_edge(data, short, LITHIUM), elements=[])}
    assert {"window-cut", "blank-pixels", "few-counts"} <= found


def test_a_sound_map_is_left_alone_and_the_quick_estimator_owns_up() -> None:
    rng = np.random.default_rng(0)
    data = rng.poisson(1e8 * np.maximum(AXIS.values, 5) ** -3.0, (40, 1000))
    fitted = EdgeWindows("Li K", "power law lsq", 2, LITHIUM.fit, LITHIUM.signal)
    thin = np.full(40, 0.3)

    def said(edge: EdgeWindows) -> list[str]:
        found = map_edge(data, AXIS, edge)
        return [
            w.code
            for w in check_map(
                edge, AXIS, spectrum=data.sum(axis=0), found=found, t_over_lambda=thin, elements=[]
            )
        ]

    assert said(fitted) == []
    assert said(LITHIUM) == ["two-area-offset"]


def test_the_demo_shows_silicon_under_lithium() -> None:
    image = simulate_map("pristine", (20, 60, 512))
    plasmons = find_plasmons(image.data, image.energy_eV, image.truth.t_over_lambda)
    assert any(abs(p.energy_eV - 16.7) < 0.7 and 0.1 < p.share < 0.4 for p in plasmons)
    found = check_map(LITHIUM, image.energy_eV, plasmons=plasmons, elements=["Co"])
    assert {"plasmon-multiple", "edge-overlap"} <= {w.code for w in found}
    assert all(w.title and w.reason and w.numbers for w in found)
    assert [w.level for w in found] == sorted((w.level for w in found), reverse=True)


def test_saturation_is_seen_in_floats_and_integers() -> None:
    image = simulate_map("pristine", (4, 10, 512))
    assert find_saturation(image.data) is None
    top = float(image.data.max()) / 3
    found = find_saturation(np.minimum(image.data, top))
    assert found is not None
    assert found.share == 1.0
    (beside,) = saturation_warnings(found, image.energy_eV, LITHIUM)
    assert beside.level == "note"  # the zero loss, far from the windows
    assert abs(beside.numbers["high_eV"]) < 3
    assert find_saturation(np.minimum(image.data, 65535).astype(np.uint16)) is not None
    assert find_saturation(np.zeros((3, 100))) is None
    assert find_saturation(np.full((3, 100), np.nan)) is None


def test_saturation_that_reaches_into_a_window_is_grave() -> None:
    data = np.full((6, 1000), 5e3)
    data += np.arange(1000) % 7
    data[:, : AXIS.channel(45.0)] = 65535.0
    (warning,) = saturation_warnings(find_saturation(data), AXIS, LITHIUM)
    assert warning.level == "warning"
    assert "reach into the windows of Li K" in warning.reason


def test_dead_channels_in_a_window() -> None:
    data = np.random.default_rng(0).poisson(500, (50, 1000)).astype(np.float32)
    assert dead_channel_warnings(find_dead_channels(data), AXIS, LITHIUM) == []
    data[:, AXIS.channel(55.0)] = 0
    (warning,) = dead_channel_warnings(find_dead_channels(data), AXIS, LITHIUM)
    assert warning.numbers == {"channels": 1.0, "first_eV": pytest.approx(55.0)}


def test_spectra_without_low_loss_have_no_plasmons() -> None:
    assert find_plasmons(np.ones((3, 3, 100)), 300.0 + np.arange(100)) == []
    assert find_plasmons(np.zeros((3, 3, 1000)), AXIS) == []


def test_the_table_is_whole() -> None:
    names = [edge.name for edge in edge_table()]
    assert len(names) == len(set(names)) > 250
    for edge in edge_table():
        assert 0 < edge.fit_eV[0] < edge.fit_eV[1] <= edge.signal_eV[0] < edge.signal_eV[1], edge
    assert windows_for("Li K") == EdgeWindows("Li K", "power law", 2, (41.0, 51.0), (52.5, 57.5))
    assert windows_for("Si L").fit == (88.0, 98.0)
    assert windows_for("si l2,3").signal == (102.0, 107.0)
    assert windows_for("P L2,3").fit == (120.0, 130.0)
    assert {e.name for e in default_edges()} == {"Li K", "Si L2,3", "P L2,3"}
    assert [e.name for e in default_edges(EnergyAxis(0, 0.2, 500))] == ["Li K"]
    assert find_edge("Li") is None
    assert find_edge("Si L₂,₃") is find_edge("Si L2,3") is not None  # as the window writes it
    assert find_edge("Unobtainium K") is None
