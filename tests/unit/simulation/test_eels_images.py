"""The simulated stack: deterministic, quick, and true to what it says went into it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from known_edges import windows_for

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.spectra import line_profiles
from tandem_em.analysis.eels.table import default_edges
from tandem_em.core.jobs import run_to_end
from tandem_em.simulation.eels_images import SimulatedMap, simulate_map, simulate_states
from tandem_em.simulation.eels_stack import STATES

SHAPE = (40, 80, 1024)


@pytest.fixture(scope="module")
def maps() -> dict[str, SimulatedMap]:
    return {state: simulate_map(state, SHAPE) for state in STATES}


def inside(image: SimulatedMap, layer: str) -> slice:
    (found,) = [row for row in image.truth.layers if row["name"] == layer]
    return slice(int(float(found["from_px"]) + 4), int(float(found["to_px"]) - 2))


def test_the_same_seed_gives_the_same_map_and_another_another() -> None:
    first, again, other = (simulate_map("charged", (6, 8, 256), seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.data, again.data)
    assert (first.data != other.data).any()
    assert first.data.dtype == np.float32


def test_it_is_quick_enough_for_a_first_start() -> None:
    started = time.process_time()
    simulate_map("charged", (60, 80, 1024))
    assert time.process_time() - started < 6.0  # two seconds on an idle machine


@pytest.mark.parametrize("state", STATES)
def test_maps_agree_with_the_truth_within_the_error_shown(maps: dict[str, SimulatedMap], state: str) -> None:
    image = maps[state]
    for edge in default_edges():
        found = map_edge(image.data, image.energy_eV, edge)
        assert found.error is not None
        pull = (found.counts - image.truth.net_counts[edge.name]) / found.error
        # the systematic part stays below the error of a pixel, the scatter is the error
        for layer in ("LiCoO₂", "LiPON", "Si", "Cu"):
            part = pull[:, inside(image, layer)]
            if part.size:
                assert abs(part.mean()) < 0.8, (edge.name, layer)
                assert part.std() == pytest.approx(1.0, abs=0.15), (edge.name, layer)


def lithium_profile(image: SimulatedMap) -> tuple[np.ndarray, np.ndarray]:
    (profile,) = line_profiles(image.data, image.energy_eV, [windows_for("Li K")], (0, 20), (79, 20), 40)
    return profile.counts, profile.error


def test_lithium_gathers_at_the_interface_only_when_charged(maps: dict[str, SimulatedMap]) -> None:
    for state, gathers in (("pristine", False), ("charged", True), ("overcharged", True)):
        image = maps[state]
        counts, error = lithium_profile(image)
        interface = round(float(image.truth.layers[0]["to_px"]))
        before, at = slice(6, interface - 10), slice(interface - 3, interface)
        rise = counts[at].mean() - counts[before].mean()
        significance = rise / np.hypot(
            error[at].mean() / np.sqrt(3), error[before].mean() / np.sqrt(interface - 16)
        )
        assert (significance > 8) == gathers, (state, significance)
        assert (image.truth.accumulation_nm3.max() > 0) == gathers


def test_charging_moves_lithium_from_the_cathode_into_the_silicon(maps: dict[str, SimulatedMap]) -> None:
    cathode = [maps[state].truth.atoms_nm3["Li"][:, 5:15].mean() for state in STATES]
    silicon = [maps[state].truth.atoms_nm3["Li"][:, inside(maps[state], "Si")].mean() for state in STATES]
    assert cathode[0] > cathode[1] > cathode[2]
    assert silicon[0] < 1
    assert silicon[1] < silicon[2]
    assert [row["name"] for row in maps["overcharged"].truth.layers] == ["LiCoO₂", "LiPON", "Si", "Li", "Cu"]


def test_a_job_reports_and_returns_all_states() -> None:
    steps: list[float] = []
    found = run_to_end(simulate_states((4, 6, 128)), lambda p: steps.append(p.fraction or 0.0))
    assert [image.state for image in found] == list(STATES)
    assert steps == sorted(steps)
    assert all(image.adf.shape == (4, 6) for image in found)
