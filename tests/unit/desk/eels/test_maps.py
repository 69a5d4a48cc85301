"""Element maps as the window and `tandem maps` ask for them: broken channels, blocks, cluster, what the guard is told."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.eels import advice, maps
from tandem_em.exporters.map_files import file_stem
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.spectra import Edge, SpectrumImage

ENERGY = np.arange(30.0, 160.0, 0.5)
LITHIUM = Edge(name="Li K", onset_eV=54.7, background="power law lsq", fit=(41.0, 51.0), signal=(52.5, 57.5))


def spectra(height: int = 12, width: int = 7) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.poisson(np.broadcast_to(4e9 * ENERGY**-3.0, (height, width, ENERGY.size))).astype(np.float32)


def image_of(data: np.ndarray, energy: np.ndarray = ENERGY) -> SpectrumImage:
    return SpectrumImage(name="some map", source=MemoryArray(data), energy_eV=energy)


def codes(made: maps.MadeMap) -> dict[str, dict[str, object]]:
    return {warning["code"]: warning for warning in made.warnings}


def test_dead_channels_in_the_windows_are_mended_and_said() -> None:
    data = spectra()
    (sound,) = run_to_end(maps.make_maps(image_of(data), [LITHIUM]))
    broken = data.copy()
    broken[..., [30, 50]] = 0
    (made,) = run_to_end(maps.make_maps(image_of(broken), [LITHIUM]))
    error = sound.found.error
    assert error is not None
    assert np.abs(made.found.counts - sound.found.counts).max() < 3 * error.mean()
    assert "dead-channels" in codes(made)
    assert "structured-residual" not in codes(made)
    assert not broken[..., 30].any()  # the data themselves stay as they are


@pytest.mark.parametrize("kind", [np.nan, np.inf])
def test_broken_pixels_blank_alone_and_nothing_is_said_to_the_terminal(kind: float) -> None:
    data = spectra()
    data[2, 3] = kind
    (made,) = run_to_end(maps.make_maps(image_of(data), [LITHIUM]))
    assert np.isnan(made.found.counts).sum() == 1
    data[:] = kind
    (made,) = run_to_end(maps.make_maps(image_of(data), [LITHIUM]))
    assert np.isnan(made.found.counts).all()


def test_a_map_larger_than_memory_is_the_same_in_blocks() -> None:
    data = spectra(40, 5)
    data[..., 40] = 0
    image = image_of(data)
    (whole,) = run_to_end(maps.make_maps(image, [LITHIUM]))
    (blocks,) = run_to_end(maps.make_maps(image, [LITHIUM], block_bytes=1000))
    assert np.array_equal(whole.found.counts, blocks.found.counts)
    assert codes(whole).keys() == codes(blocks).keys()


def test_the_same_map_comes_from_a_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    image = image_of(spectra(9, 4))
    (here,) = run_to_end(maps.make_maps(image, [LITHIUM]))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        (there,) = run_to_end(maps.make_maps(image, [LITHIUM], scheduler=cluster.scheduler_address))
    assert np.array_equal(here.found.counts, there.found.counts)
    assert codes(here).keys() == codes(there).keys()


def test_no_scheduler_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("tandem_em.desk.cluster.CONNECT_S", 0.3)
    with pytest.raises(UserError, match=r"no Dask scheduler at tcp://127.0.0.1:9"):
        run_to_end(maps.make_maps(image_of(spectra(2, 2)), [LITHIUM], scheduler="tcp://127.0.0.1:9"))


def test_the_guard_knows_the_plasmon_and_the_thickness_of_the_sample() -> None:
    from tandem_em.simulation.eels_images import simulate_map

    found = simulate_map("pristine", (12, 60, 512))
    image = image_of(found.data, found.energy_eV)
    facts = advice.look_at(image, found.data)
    assert facts.t_over_lambda is not None
    assert facts.t_over_lambda == pytest.approx(found.truth.t_over_lambda, rel=0.05)
    assert any(abs(plasmon.energy_eV - 16.7) < 0.7 for plasmon in facts.plasmons)
    assert facts.fwhm_eV == pytest.approx(1.1, rel=0.05)
    (made,) = run_to_end(maps.make_maps(image, [LITHIUM]))
    numbers = codes(made)["plasmon-multiple"]["numbers"]
    assert isinstance(numbers, dict)
    assert "strength" in numbers


def test_files_that_hold_no_spectrum_and_edges_elsewhere_are_sentences() -> None:
    with pytest.raises(UserError, match="one energy channel"):
        run_to_end(maps.make_maps(image_of(np.ones((2, 2, 1), np.float32), np.array([30.0])), [LITHIUM]))
    with pytest.raises(UserError, match=r"The table has .*Ti L2,3.*O K"):
        run_to_end(maps.make_maps(image_of(np.ones((1, 1, 900)), np.arange(300.0, 1200.0)), []))


def test_file_names_keep_micro_and_subscripts() -> None:
    assert file_stem("P L₂,₃") == "P_L2_3"
    assert file_stem("10 µm, 2 μm") == "10_um_2_um"
    assert file_stem("dégâts −0.2 V") == "degats_-0.2_V"
    assert file_stem("…") == "map"


def test_a_core_loss_map_learns_its_thickness_from_the_low_loss_in_another_file() -> None:
    from tandem_em.desk.eels.spectra import low_loss_of, possible_partners
    from tandem_em.model.session import Session
    from tandem_em.simulation.eels_images import simulate_map

    found = simulate_map("pristine", (6, 30, 512))
    low = image_of(found.data, found.energy_eV)
    first = int(np.searchsorted(found.energy_eV, 30.0))
    core = image_of(np.ascontiguousarray(found.data[..., first:]), found.energy_eV[first:])
    session = Session()
    for each in (low, core):
        session.clocks.add(each.clock)
        session.maps.add(each)
    assert possible_partners(session, core) == [low]
    assert low_loss_of(session, core) is None
    core.low_loss_id = low.id
    assert low_loss_of(session, core) is low
    (alone,) = run_to_end(maps.make_maps(core, [LITHIUM]))
    (paired,) = run_to_end(maps.make_maps(core, [LITHIUM], low_loss=low))
    told = [codes(made).get("plasmon-multiple") for made in (alone, paired)]
    assert told[0] is None or "strength" not in told[0]["numbers"]  # type: ignore[operator]
    assert told[1] is not None
    assert "strength" in told[1]["numbers"]  # type: ignore[operator]
