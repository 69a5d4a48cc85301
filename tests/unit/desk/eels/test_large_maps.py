"""Spectrum images too large for memory: worked in blocks, answered from sums, the same figures as small ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tandem_em.core.jobs import Runner, run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import maps, spectra
from tandem_em.desk.eels import results as eels_results
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.simulation.eels_images import simulate_map


@pytest.fixture(scope="module")
def image() -> SpectrumImage:
    found = simulate_map("charged", (24, 30, 512), seed=3)
    return SpectrumImage(name="large", source=MemoryArray(found.data), energy_eV=found.energy_eV)


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing fitted into memory, and blocks were a few rows."""
    monkeypatch.setattr(spectra, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(spectra, "BLOCK_BYTES", 8 * 30 * 512 * 5)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    runner = Runner()
    yield Desk(Session(), runner, Notices(), Settings(tmp_path / "preferences.json"))
    runner.close()


def test_zero_loss_and_thickness_in_blocks_are_those_of_the_whole(
    image: SpectrumImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_to_end(eels_results.zero_loss(image))
    monkeypatch.setattr(spectra, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(spectra, "BLOCK_BYTES", 8 * 30 * 512 * 5)
    assert len(list(spectra.in_blocks(image))) == 5
    blocks = run_to_end(eels_results.zero_loss(image))
    assert np.allclose(blocks.fwhm_eV, whole.fwhm_eV, equal_nan=True)
    assert np.allclose(blocks.t_over_lambda, whole.t_over_lambda, rtol=0.01)


@pytest.mark.usefixtures("small_memory")
def test_the_window_answers_from_sums_and_reads_few_pixels(image: SpectrumImage, desk: Desk) -> None:
    live = LiveMap(desk, image)
    read = threading.Event()
    live.ready.connect(lambda: read.set())
    assert live.is_ready or read.wait(60)
    assert live.data is None
    edge = maps.default_edges()[0]
    read.clear()
    assert live.counts(edge) is not None
    assert live.is_estimate(edge)  # at once
    assert read.wait(60)  # and soon the figures of the file
    (exact,) = run_to_end(maps.make_maps(image, [edge]))
    assert not live.is_estimate(edge)
    assert np.array_equal(live.counts(edge), exact.found.counts)
    assert np.array_equal(live.error(edge), exact.found.error)
    data = image.source.read(slice(None))
    assert np.array_equal(live.spectrum(4, 5), data[5, 4])
    few = live.region(0, 0, 29, 23)
    assert few.sum() == pytest.approx(data.mean(axis=(0, 1)).sum(), rel=0.02)


@pytest.mark.usefixtures("small_memory")
def test_what_needs_all_spectra_at_once_says_so(image: SpectrumImage) -> None:
    with pytest.raises(UserError, match="larger than"):
        run_to_end(eels_results.components(image))
