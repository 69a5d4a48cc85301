"""A session of the released schema 1.0 with every kind of result opens whole, and its results can be made again."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.desk import analyses, recompute
from tandem_em.desk.diagnostics import fixes
from tandem_em.desk.document import files
from tandem_em.desk.export.methods import methods
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_em.storage.codec.fields import Written, encode_item, write_record
from tandem_em.storage.codec.read_fields import read_fields

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


def test_everything_that_work_has_made_names_its_step(session: Session) -> None:
    made = [*session.results, *session.particles]
    assert all(item.made_by in session.steps for item in made)
    derived = [image for image in session.maps if image.made_by]
    assert {session.steps[image.made_by].what for image in derived} == {"single scattering", "reconstruction"}
    assert not any("step_id" in image.extra for image in session.maps)


def test_the_step_of_a_result_is_kept_under_its_present_name(released: Path) -> None:
    document = run_to_end(files.open_session(released))
    session = document.session
    image = next(image for image in session.maps if image.made_by)
    changed = [next(iter(session.results)), image, next(iter(session.particles))]
    for item in changed:
        session.change(item, made_by="step-newer")
    run_to_end(files.save_session(document))
    document.store.close()
    document = run_to_end(files.open_session(released, readonly=True))
    assert all(document.session.item(item.id).made_by == "step-newer" for item in changed)  # type: ignore[attr-defined]
    document.store.close()


@pytest.mark.parametrize("cls", [ResultSet, Particle])
def test_what_an_older_program_has_written_since_counts(cls: type[ResultSet | Particle]) -> None:
    """1.0 knows the field by another name and leaves ours alone; our own writing takes that name away."""
    with h5py.File("turns.h5", "w", driver="core", backing_store=False) as file:
        item = cls(name="a", made_by="step-1")
        write_record(file, encode_item(item), Written())
        old_name = cls.stored_before["made_by"]
        file[old_name] = ""
        assert read_fields(file, cls, {})[0]["made_by"] == "step-1"
        del file[old_name]
        file[old_name] = "step-2"
        assert read_fields(file, cls, {})[0]["made_by"] == "step-2"
        item.made_by = "step-3"
        write_record(file, encode_item(item), Written())
        assert old_name not in file
        assert read_fields(file, cls, {})[0]["made_by"] == "step-3"


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
    assert [w.name for w in work if not recompute.can_recompute(session, w)] == []
    results = list(session.results)
    told = run_to_end(fixes.mend(session))
    assert {finding.severity for finding in told} == {"info"}
    assert recompute.stale(session) == []
    assert list(session.results) == results  # each in its place


def test_a_methods_section_says_how_each_step_was_done(session: Session) -> None:
    said = methods(session)
    assert any(
        s.startswith("Zero loss of SI-4 strip: position and width of the peak in every pixel") for s in said
    )
    assert any(s.startswith("Outlines of P1, P2, P3: edges followed frame by frame") for s in said)
    assert all(analyses.of_step(session, step) is not None for step in session.steps)
