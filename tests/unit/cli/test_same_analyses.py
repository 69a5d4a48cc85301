"""The commands have no work of their own: they ask for the analyses of the window and keep what the window keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tandem_em.cli import commands
from tandem_em.core.jobs import run_to_end
from tandem_em.desk import analyses, recompute
from tandem_em.desk.analysis import Analysis, Request
from tandem_em.desk.document import files
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A disc that grows, and a spectrum image with lithium."""
    session = Session("small")
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    frames = np.stack(
        [rng.poisson(200 - 90 / (1 + np.exp((np.hypot(x - 30, y - 30) - 14 - k) / 1.2))) for k in range(4)]
    ).astype(np.uint16)
    stack = session.stacks.add(
        FrameStack(
            name="movie", source=MemoryArray(frames), times=np.arange(4.0), times_from="file", pixel_nm=0.5
        )
    )
    session.clocks.add(stack.clock)
    energy = np.arange(38.0, 130.0, 0.5)
    spectra = rng.poisson(np.broadcast_to(2e7 * energy**-3.0 + 50.0 * (energy > 54), (5, 6, len(energy))))
    image = session.maps.add(
        SpectrumImage(
            name="SI", source=MemoryArray(spectra.astype(np.float32)), energy_eV=energy, clock=stack.clock
        )
    )
    assert image.shape == (5, 6, len(energy))
    run_to_end(files.create_session(tmp_path / "s.nxs", session)).store.close()
    return tmp_path / "s.nxs"


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the analyses whose work is done, in order."""
    names: list[str] = []
    for analysis in analyses.BUILT_IN:

        def job(
            session: Session, request: Request, own: Analysis = analysis, work: Any = analysis.job
        ) -> Any:
            names.append(own.name)
            return work(session, request)

        monkeypatch.setattr(analysis, "job", job)
    return names


def command(*arguments: object) -> int:
    window: Any = None  # nothing here opens one
    return commands.run([str(each) for each in arguments], window)


def opened(path: Path) -> Session:
    document = run_to_end(files.open_session(path, readonly=True))
    assert not document.problems
    document.store.close()
    return document.session


def names_of_steps(session: Session) -> Sequence[str]:
    return [step.analysis for step in session.steps]


def test_track_follows_as_the_window_does(path: Path, used: list[str], tmp_path: Path) -> None:
    outline = tmp_path / "outline.json"
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    drawn = (30 + 14 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).tolist()
    outline.write_text(json.dumps({"particles": [{"name": "A", "frame": 0, "polygon": drawn}]}))
    out = tmp_path / "tracks.json"
    assert command("track", path, "--outline", outline, "-o", out, "--save") == 0
    assert used == ["drift", "follow outlines"]
    session = opened(path)
    assert names_of_steps(session) == ["drift", "follow outlines"]
    (particle,), (stack,) = session.particles, session.stacks
    report = json.loads(out.read_text())
    (told,) = report["particles"]
    kept = [particle.outlines[frame].area_px * 0.25 for frame in range(4)]
    np.testing.assert_allclose(told["area_nm2"], kept)
    np.testing.assert_allclose(report["drift_px"], stack.drift_px)
    assert recompute.stale(session) == []
    session.change(stack, pixel_nm=1.0)
    (work,) = recompute.stale(session)
    assert recompute.can_recompute(session, work)


def test_maps_are_made_and_kept_as_in_the_window(path: Path, used: list[str], tmp_path: Path) -> None:
    assert command("maps", path, "-o", tmp_path / "maps", "--save") == 0
    assert used == ["map"]
    session = opened(path)
    assert names_of_steps(session) == ["map"]
    results = [result for result in session.results if isinstance(result, ResultSet)]
    report = json.loads((tmp_path / "maps" / "maps.json").read_text())
    assert len(results) > 1
    assert [entry["name"] for entry in report["edges"]] == [result.values["edge"] for result in results]
    for entry, result in zip(report["edges"], results, strict=True):
        np.testing.assert_allclose(
            np.load(tmp_path / "maps" / entry["files"]["npy"]), result.arrays["counts"], rtol=1e-6
        )
    assert recompute.stale(session) == []


def test_without_save_the_session_stays_as_it_was(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    assert command("maps", path, "-o", tmp_path / "maps") == 0
    assert path.read_bytes() == before
