"""A session of the released schema 1.0 with every kind of result opens whole, and its results can be made again."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.desk import recompute
from tandem_em.desk.document import files
from tandem_em.model.session import Session

ANALYSES = {
    "dose", "dose map", "region statistics", "layers", "kinetics", "cycles", "gitt", "zero loss", "PCA", "NMF", "map", "MLLS",
    "quantification", "lithium per silicon",
}  # fmt: skip


@pytest.fixture
def released(tmp_path: Path) -> Path:
    path = tmp_path / "demo-1.0.nxs"
    with gzip.open(DATA / "sessions" / "demo-1.0.nxs.gz") as packed, path.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return path


@pytest.fixture
def session(released: Path) -> Iterator[Session]:
    document = run_to_end(files.open_session(released, readonly=True))
    assert not document.problems
    yield document.session
    document.store.close()


def test_everything_is_there(session: Session) -> None:
    assert [len(c) for c in (session.runs, session.stacks, session.maps, session.particles)] == [4, 1, 6, 3]
    assert {result.analysis for result in session.results} == ANALYSES
    assert len(session.steps) == 18
    assert all(len(particle.outlines) == 11 for particle in session.particles)
    assert session.particles.first is not None
    assert list(session.particles.first.keys) == [0]


def test_nothing_is_stale_until_an_input_changes_and_then_it_can_be_made_again(session: Session) -> None:
    assert recompute.stale(session) == []
    for item in (
        *session.stacks,
        *session.runs,
        *session.maps,
        *session.sites,
        *session.particles,
    ):
        session.change(item, name=item.name + " changed")
    work = recompute.stale(session)
    assert len(work) >= 14
    assert [w.name for w in work if not recompute.can(session, w)] == ["lithium of 1 on SI-4 strip"]
