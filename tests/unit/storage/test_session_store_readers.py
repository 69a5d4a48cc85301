"""Other programs open a session with calibrated axes: plain h5py, HyperSpy, silx, NexPy's library, an old h5dump."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import ResultSet, SourceFile, Step
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, ProfileLine, Site, SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.session_store import SessionStore

RNG = np.random.default_rng(8)


def everything() -> Session:
    """One of each kind, with the shapes that gave other programs trouble."""
    session = Session("Cluster at −0.2 V")
    session.info.start_iso, session.info.sample, session.info.user = (
        "2026-03-01T09:30:00+01:00",
        "Si",
        "A. Person",
    )
    session.info.beam_kV = 300.0
    jitter = RNG.uniform(-0.02, 0.02, 14)
    frames = RNG.poisson(90, (14, 40, 30)).astype(np.uint16)
    stack = session.stacks.add(
        FrameStack(name="cluster", source=MemoryArray(frames), times=np.arange(14) * 1.25 + jitter, pixel_nm=0.055,
                   frame_numbers=np.arange(14), exposure_s=1.2, drift_px=RNG.normal(size=(14, 2)))
    )  # fmt: skip
    session.stacks.add(FrameStack(name="no stamps", source=MemoryArray(frames[:2])))
    session.stacks.add(FrameStack(name="nothing yet"))
    uneven = np.cumsum([1, 1, 5, 1, 9, 1, 1.0])
    session.stacks.add(
        FrameStack(name="uneven", source=MemoryArray(frames[:7]), times=uneven, pixel_nm=0.055)
    )
    for name in ("pristine", "charged"):
        session.maps.add(
            SpectrumImage(name=name, source=MemoryArray(RNG.poisson(50, (20, 18, 128)).astype(np.float32)),
                          energy_eV=40 + 0.3 * np.arange(128), pixel_nm=(0.4, 0.5), adf=RNG.normal(size=(40, 36)),
                          convergence_mrad=10.0, collection_mrad=20.0, dwell_s=0.01, start=3.0, end=60.0)
        )  # fmt: skip
    columns = {
        "voltage": Column("voltage", "V", GrowingArray(RNG.normal(size=900))),
        "current": Column("current", "A", GrowingArray(RNG.normal(size=900) * 1e-12)),
    }
    session.runs.add(BiasRun(name="bias", times=GrowingArray(np.arange(900) * 0.1), columns=columns))
    session.runs.add(BiasRun(name="empty", columns={"voltage": Column("voltage", "V", GrowingArray())}))
    for number in range(3):
        shapes = {f: Outline(RNG.normal(20, 4, (12, 2)), 0.9, f == 3) for f in range(2, 9 + number)}
        session.particles.add(Particle(name=f"P{number}", stack_id=stack.id, outlines=shapes))
    session.events.add(Event(name="contact µ " * 40, t=2.0, category="contact", author="A. Person"))
    session.edges.add(Edge(name="Li K", onset_eV=54.7, fit=(41.0, 51.0), signal=(52.5, 57.5)))
    session.sites.add(Site(name="0", points=[(3.0, 4.0)]))
    session.profiles.add(ProfileLine(name="across"))
    session.doses.add(DoseSettings(rate_e_A2s=10.0))
    session.steps.add(Step(what="follow", parameters={"window": (1, 2)}, inputs={stack.id: 0}))
    session.sources.add(SourceFile(name="a.dm4", path="a.dm4", problems=["two frames were dropped"]))
    arrays = {
        "time": np.arange(9.0),
        "rate": RNG.normal(size=9),
        "map/Li": RNG.normal(size=(5, 4)),
        "none": np.zeros(0),
    }
    session.results.add(
        ResultSet(name="kinetics", analysis="kinetics", arrays=arrays, units={"rate": "nm^2/s"})
    )
    return session


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readers") / "session.nxs"
    with SessionStore.create(path, everything()):
        pass
    return path


def test_plain_h5py_shows_calibrated_axes(path: Path) -> None:
    with h5py.File(path) as h5:
        movie = h5[h5.attrs["default"]][h5["entry"].attrs["default"]]
        assert movie.attrs["NX_class"] == "NXdata"
        assert [str(axis) for axis in movie.attrs["axes"]] == ["time", "y", "x"]
        assert movie[movie.attrs["signal"]].shape == (14, 40, 30)
        assert movie["data"].chunks == (1, 40, 30)
        np.testing.assert_allclose(movie["x"][:], np.arange(30) * 0.055)
        assert (movie["x"].attrs["units"], movie["time"].attrs["units"]) == ("nm", "s")
        np.testing.assert_allclose(np.diff(movie["time"][:]), np.diff(movie["time"][:])[0], rtol=1e-6)
        np.testing.assert_allclose(movie["time"][:], movie["timestamp"][:], atol=0.04)
        assert movie["time"].attrs["start"] == "2026-03-01T09:30:00+01:00"
        eels = h5["entry/eels_001"]
        assert eels["energy"].attrs["units"] == "eV"
        np.testing.assert_allclose(eels["y"][:], np.arange(20) * 0.5)
        assert h5["entry/adf_001/data"].shape == (40, 36)
        np.testing.assert_allclose(h5["entry/adf_001/x"][[0, -1]], [-0.1, 18 * 0.4 - 0.3], atol=1e-9)
        np.testing.assert_allclose(h5["entry/sum_001/data"][:], eels["data"][:].sum(axis=(0, 1)), rtol=1e-6)
        assert h5["entry/bias_001_current/current"].attrs["units"] == "A"
        log = h5["entry/instrument/bias_001/sensor_current/value_log"]
        assert log["value"] == h5["entry/bias_001_current/current"]
        names = list(h5["entry"])
        shown = [name for name in names if h5["entry"][name].attrs.get("NX_class") == "NXdata"]
        assert not [
            (a, b) for a in shown for b in shown if a != b and b.startswith(a)
        ]  # HyperSpy matches prefixes


def test_no_text_arrays_and_no_empty_data_outside_nxdata(path: Path) -> None:
    """HyperSpy aborts on the first when it saves, and fails on the second when it loads."""
    odd: list[str] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.dtype.kind in "OS" and item.shape != ():
                odd.append(name)
            if item.size == 0:
                odd.append(name)

    with h5py.File(path) as h5:
        h5.visititems(look)
    assert odd == []


HYPERSPY = """
import json, sys, warnings
warnings.simplefilter("ignore")
import hyperspy.api as hs
hs.preferences.General.show_progressbar = False
path, out = sys.argv[1:]
found = {}
for name, options in {
    "plain": {}, "nxdata": {"nxdata_only": True, "lazy": True}, "hspy": {"file_format": "HSPY"},
    "default": {"use_default": True},
}.items():
    signals = hs.load(path, **options)
    signals = signals if isinstance(signals, list) else [signals]
    for number, signal in enumerate(signals):
        if number < {"nxdata": 1, "hspy": 9}.get(name, 2):
            signal.save(f"{out}/{name}{number}.hspy", overwrite=True)
    found[name] = [
        [type(s).__name__, s.metadata.General.title, [
            [a.name, getattr(a, "scale", None), str(a.units)] for a in s.axes_manager._axes]]
        for s in signals
    ]
    if name == "hspy":
        found["beam"] = [s.metadata.get_item("Acquisition_instrument.TEM.beam_energy") for s in signals]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_hyperspy_opens_and_saves_again(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HYPERSPY, str(path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["plain"]) > 20
    by_title = {title: (kind, axes) for kind, title, axes in found["nxdata"]}
    kind, axes = by_title["movie_001"]
    assert kind == "LazySignal2D"
    assert [(name, units) for name, _, units in axes] == [("time", "s"), ("y", "nm"), ("x", "nm")]
    np.testing.assert_allclose([scale for _, scale, _ in axes], [1.25, 0.055, 0.055], rtol=0.01)
    kind, axes = by_title["eels_002"]
    assert kind == "LazySignal1D"
    np.testing.assert_allclose([scale for _, scale, _ in axes], [0.5, 0.4, 0.3])
    by_title = {title: (kind, axes) for kind, title, axes in found["hspy"]}
    assert by_title["charged"][0] == "EELSSpectrum"
    assert by_title["cluster"][0] == "Signal2D"
    assert [axis[2] for axis in by_title["uneven"][1]] == ["s", "nm", "nm"]
    assert 300.0 in found["beam"]
    assert [title for _, title, _ in found["default"]] == ["movie_001"]


def test_silx_finds_the_default_plot_and_no_fault(path: Path) -> None:
    silx_io = pytest.importorskip("silx.io")
    from silx.io import nxdata

    with silx_io.open(str(path)) as h5:
        default = nxdata.get_default(h5)
        assert default.is_valid
        assert default.signal.shape == (14, 40, 30)
        assert default.axes_dataset_names == ["time", "y", "x"]
        for name in h5["entry"]:
            group = h5["entry"][name]
            if "signal" in group.attrs:
                found = nxdata.NXdata(group)
                assert (name, found.is_valid, found.issues) == (name, True, [])
        areas = nxdata.NXdata(h5["entry/particles_001/area_vs_time"])
        assert len(areas.auxiliary_signals) == 2


def test_the_library_of_nexpy_finds_the_default_plot(path: Path) -> None:
    nexus = pytest.importorskip("nexusformat.nexus")
    root = nexus.nxload(str(path))
    plot = root.plottable_data
    assert plot.nxsignal.shape == (14, 40, 30)
    assert [axis.nxname for axis in plot.nxaxes] == ["time", "y", "x"]
    assert str(root.entry.eels_001.nxaxes[2].units) == "eV"


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="hdf5-tools is not installed")
def test_an_old_h5dump_reads_everything(path: Path) -> None:
    done = subprocess.run(["h5dump", "-y", str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert b"error" not in done.stderr.lower()
    assert len(done.stdout) > 100_000


def test_particles_beyond_thirty_become_one_picture(tmp_path: Path) -> None:
    frames = np.zeros((5, 8, 8), np.uint8)
    session = Session("many")
    stack = session.stacks.add(FrameStack(name="s", source=MemoryArray(frames), times=np.arange(5.0)))
    for number in range(31):
        shapes = {f: Outline(RNG.normal(4, 1, (5, 2))) for f in range(5)}
        session.particles.add(Particle(name=f"P{number}", stack_id=stack.id, outlines=shapes))
    with SessionStore.create(tmp_path / "a.nxs", session):
        pass
    with h5py.File(tmp_path / "a.nxs") as h5:
        assert h5["entry/particles_001/area_vs_time/area"].shape == (31, 5)
