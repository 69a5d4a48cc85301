"""Streams written as instruments write them come back through the importers as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bias_reading import first_run
from microscope_reading import map_in, stack_in

from tandem_em.exporters import raw_files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage

RNG = np.random.default_rng(4)


@pytest.fixture
def run() -> BiasRun:
    t = 10.0 + np.cumsum(RNG.uniform(0.05, 0.2, 60))
    columns = {
        "voltage": Column("voltage", "V", GrowingArray(3.6 + 0.01 * np.sin(t))),
        "current": Column("current", "A", GrowingArray(RNG.normal(1e-10, 1e-12, 60))),
    }
    clock = Clock(name="log", start_iso="2026-03-04T05:06:07+00:00", origin="file time")
    return BiasRun(name="log", times=GrowingArray(t), columns=columns, clock=clock)


@pytest.fixture
def stack() -> FrameStack:
    frames = RNG.integers(0, 4000, (6, 20, 30), dtype=np.uint16)
    times = np.array([0.0, 0.1, 0.2, 0.35, 0.4, 0.5])
    return FrameStack(name="movie", source=MemoryArray(frames), times=times, times_from="file", pixel_nm=0.25)


def test_a_table_of_si_units(tmp_path: Path, run: BiasRun) -> None:
    found = first_run(raw_files.write_csv(tmp_path / "log.csv", run))
    assert found.times.view - found.times.view[0] == pytest.approx(
        run.times.view - run.times.view[0], abs=1e-6
    )
    for name in ("voltage", "current"):
        np.testing.assert_allclose(found.values(name), run.values(name), rtol=1e-8)


def test_an_ec_lab_text(tmp_path: Path, run: BiasRun) -> None:
    found = first_run(raw_files.write_mpt(tmp_path / "log.mpt", run))
    np.testing.assert_allclose(found.values("voltage"), run.values("voltage"), rtol=1e-7)
    np.testing.assert_allclose(found.values("current"), run.values("current"), rtol=1e-7)
    assert found.times.view - found.times.view[0] == pytest.approx(
        run.times.view - run.times.view[0], abs=1e-5
    )
    assert found.clock.start_iso.startswith("2026-03-04T05:06:17"), "where its first sample is"


def test_a_tif_with_its_times_beside_it(tmp_path: Path, stack: FrameStack) -> None:
    found = stack_in(raw_files.write_movie_tif(tmp_path / "movie.tif", stack))
    np.testing.assert_array_equal(found.source.read(slice(None)), stack.source.read(slice(None)))
    assert found.pixel_nm == pytest.approx(0.25)
    assert found.times == pytest.approx(stack.times, abs=1e-6)


def test_an_mrc(tmp_path: Path, stack: FrameStack) -> None:
    found = stack_in(raw_files.write_movie_mrc(tmp_path / "movie.mrc", stack))
    np.testing.assert_array_equal(found.source.read(slice(None)), stack.source.read(slice(None)))
    assert found.pixel_nm == pytest.approx(0.25)


def test_a_hyperspy_file(tmp_path: Path) -> None:
    spectra = RNG.poisson(50, (4, 5, 64)).astype(np.float32)
    image = SpectrumImage(
        name="SI", source=MemoryArray(spectra), energy_eV=40 + 0.5 * np.arange(64), pixel_nm=(2.0, 3.0), beam_kV=200.0,
        convergence_mrad=20.0, collection_mrad=40.0, dwell_s=0.01,
    )  # fmt: skip
    found = map_in(raw_files.write_hspy(tmp_path / "si.hspy", image))
    np.testing.assert_array_equal(found.source.read(slice(None)), spectra)
    assert found.energy_eV == pytest.approx(image.energy_eV)
    assert found.pixel_nm == pytest.approx((2.0, 3.0))
    assert (found.beam_kV, found.convergence_mrad, found.collection_mrad) == pytest.approx(
        (200.0, 20.0, 40.0)
    )
