"""The demo's stack in three states: what the program shows agrees with what went in, within the error it shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tandem_em.analysis.eels.spectra import line_spectra
from tandem_em.core.jobs import Runner, run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import maps
from tandem_em.desk.eels import results as eels_results
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.simulation.eels_images import SimulatedMap, simulate_map

SHAPE = (30, 92, 1024)
LINE = (0.0, 15.0), (91.0, 15.0)
WIDTH_PX = 20


def as_item(simulated: SimulatedMap) -> SpectrumImage:
    return SpectrumImage(
        name=simulated.state, state=simulated.state, source=MemoryArray(simulated.data), energy_eV=simulated.energy_eV,
        pixel_nm=(simulated.pixel_nm, simulated.pixel_nm), counts_per_electron=1.0, simulated=True,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["pristine", "charged"])
def simulated(request: pytest.FixtureRequest) -> SimulatedMap:
    return simulate_map(request.param, SHAPE, seed=7)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    runner = Runner()
    yield Desk(Session(), runner, Notices(), Settings(tmp_path / "preferences.json"))
    runner.close()


def test_maps_agree_within_the_error_shown(simulated: SimulatedMap) -> None:
    for made in run_to_end(maps.make_maps(as_item(simulated), maps.default_edges())):
        truth = simulated.truth.net_counts[made.edge.name]
        assert made.found.error is not None
        off = (made.found.counts - truth) / made.found.error
        assert np.sqrt((off**2).mean()) < 1.15, made.edge.name
        assert (np.abs(off) < 2).mean() > 0.92, made.edge.name


def test_profiles_agree_and_lithium_gathers_only_when_charged(simulated: SimulatedMap, desk: Desk) -> None:
    live = LiveMap(desk, as_item(simulated))
    read = threading.Event()
    live.ready.connect(lambda: read.set())
    assert live.is_ready or read.wait(60)
    profiles = {}
    for edge in maps.default_edges():
        found = live.profile(edge, *LINE, WIDTH_PX)
        assert found is not None
        truth = simulated.truth.net_counts[edge.name]
        _, sums, count = line_spectra(np.repeat(truth[..., None], 2, axis=-1), *LINE, WIDTH_PX)
        _, counts, error = found
        off = (counts - sums[:, 0] / count) / error
        assert np.sqrt((off**2).mean()) < 1.5, edge.name
        assert (np.abs(off) < 2).mean() > 0.8, edge.name
        profiles[edge.name] = counts, error
    counts, error = profiles["Li K"]
    cathode = simulated.truth.layers[0]
    interface = round(float(cathode["to_px"]))
    near = slice(interface - 5, interface + 2)
    beside = np.r_[counts[interface - 14 : interface - 8], counts[interface + 4 : interface + 12]]
    # above the richer of both layers, by many standard deviations
    rise = (counts[near].mean() - max(beside[:6].mean(), beside[6:].mean())) / (
        error[near].mean() / np.sqrt(7)
    )
    assert rise > 4 if simulated.state == "charged" else rise < 2


def test_zero_loss_and_thickness_within_three_per_cent(simulated: SimulatedMap) -> None:
    made = run_to_end(eels_results.zero_loss(as_item(simulated)))
    width = made.fwhm_eV / simulated.truth.fwhm_eV - 1
    thick = made.t_over_lambda / simulated.truth.t_over_lambda - 1
    assert np.abs(width).max() < 0.03
    assert np.abs(thick).max() < 0.03
    shift = made.position_eV - simulated.truth.energy_shift_eV
    assert np.abs(shift).max() < simulated.energy_eV[1] - simulated.energy_eV[0]
