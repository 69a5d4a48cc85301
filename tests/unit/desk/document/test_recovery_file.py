"""Changes that are not saved: the session's bytes stay, a recovery file has the edits, a kill loses none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tandem_em.core.jobs import Runner, call_as_job, run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk import importing
from tandem_em.desk.demo import build as demo
from tandem_em.desk.desk import Desk
from tandem_em.desk.document import files, places, recovery
from tandem_em.desk.document.recovery_file import RecoveryFile
from tandem_em.desk.events import mark
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.edits import ChangeFields, RemoveItem
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.unsaved import read_note

SIDE = 64


def experiment() -> Session:
    rng = np.random.default_rng(5)
    session = Session("experiment")
    clock = session.clocks.add(Clock(name="meter", offset_s=1.0))
    times = np.arange(50_000.0)
    run = BiasRun(
        name="bias",
        clock=clock,
        times=GrowingArray(times),
        columns={"voltage": Column("voltage", "V", GrowingArray(rng.normal(size=50_000)))},
    )
    stack = FrameStack(
        name="movie",
        source=MemoryArray(rng.integers(0, 60_000, (40, 128, 128), dtype=np.uint16)),
        times=np.arange(40.0),
    )
    session.clocks.add(stack.clock)
    session.runs.add(run)
    session.stacks.add(stack)
    for number in range(3):
        square = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]) + number
        outlines = {frame: Outline(square + frame, 0.9) for frame in range(10)}
        session.particles.add(Particle(name=f"P{number}", stack_id=stack.id, outlines=outlines))
    session.events.add(Event(name="bias on", t=2.0))
    session.events.add(Event(name="bias off", t=4.0))
    session.edges.add(Edge(name="Li K", onset_eV=54.7))
    return session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "work" / "a.nxs"
    made.parent.mkdir()
    run_to_end(files.create_session(made, experiment())).store.close()
    return made


def opened(path: Path) -> files.Opened:
    return run_to_end(recovery.open_with(path))


def work(session: Session) -> None:
    """What a person does in a minute: a bit of everything."""
    first, second = list(session.events)
    stack, run, particle = session.stacks.first, session.runs.first, session.particles.first
    assert stack is not None
    assert run is not None
    assert particle is not None
    session.history.do(ChangeFields("", first.id, {"name": "bias really on"}))
    session.history.do(RemoveItem("", second))
    session.events.add(Event(name="new", t=7.0))
    session.history.do(ChangeFields("", stack.id, {"name": "renamed", "pixel_nm": 0.25}))
    session.history.do(ChangeFields("", run.clock.id, {"offset_s": 11.0}))
    session.history.do(ChangeFields("", run.id, {"name": "bias run", "cell_id": "cell-1"}))
    session.cells.add(Cell(id="cell-1", name="cell", area_um2=3.0))
    moved = {**particle.outlines, 3: Outline(np.full((3, 2), 5.0), is_key=True)}
    session.history.do(ChangeFields("", particle.id, {"outlines": moved}))
    session.history.do(RemoveItem("", list(session.particles)[2]))
    session.history.do(ChangeFields("", session.info.id, {"sample": "Si"}))


def has_work(session: Session) -> None:
    assert [event.name for event in session.events] == ["bias really on", "new"]
    stack, run, particle = session.stacks.first, session.runs.first, session.particles.first
    assert stack is not None
    assert run is not None
    assert particle is not None
    assert (stack.name, stack.pixel_nm) == ("renamed", 0.25)
    assert (run.name, run.cell_id, run.clock.offset_s) == ("bias run", "cell-1", 11.0)
    assert run.t[0] == 11.0
    assert session.cells["cell-1"].area_um2 == 3.0
    assert len(particle.outlines) == 10
    assert particle.outlines[3].is_key
    assert particle.outlines[4].polygon[1, 0] == 13.0
    assert [p.name for p in session.particles] == ["P0", "P1"]
    assert session.info.sample == "Si"
    assert [edge.name for edge in session.edges] == ["Li K"]
    assert len(run) == 50_000
    assert stack.frame(7).shape == (128, 128)


def test_looking_at_a_session_does_not_change_a_byte(path: Path) -> None:
    before = path.read_bytes()
    run_to_end(files.open_session(path)).store.close()
    assert path.read_bytes() == before


def test_edits_and_autosaves_leave_the_file_alone_until_it_is_saved(path: Path) -> None:
    before = path.read_bytes()
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    recovery = path.with_name("a.nxs.recovery")
    assert recovery.is_file()
    # beside the room for commits there are neither frames (1.3 MB) nor samples (0.4 MB)
    assert recovery.stat().st_size < (2 << 20) + 250_000
    held.session.events.add(Event(name="later", t=9.0))
    run_to_end(keeper.keep())
    keeper.drop()  # discarded
    keeper.close()
    held.store.close()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]


def test_saving_writes_everything_and_the_recovery_file_goes(path: Path) -> None:
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    run_to_end(files.save_session(held))
    keeper.drop()
    keeper.close()
    held.store.close()
    again = opened(path)
    assert again.lost == []
    has_work(again.session)
    again.store.close()
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]


def crash(held: files.Opened, keeper: RecoveryFile) -> None:
    """As if killed: the recovery file stays, nothing more is written."""
    keeper.close(keep=True)
    held.store.abandon()


def recovered(path: Path) -> files.Opened:
    held = opened(path)
    assert held.lost
    return run_to_end(recovery.recover(held, held.lost[0]))


def let_go(held: files.Opened) -> None:
    RecoveryFile(held).close()
    held.store.close()


def test_edits_are_recovered_and_then_saved(path: Path) -> None:
    before = path.read_bytes()
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    crash(held, keeper)
    again = recovered(path)
    assert again.problems == []
    assert not again.lost[0].is_older
    has_work(again.session)
    assert again.saved is not None
    assert again.saved.differs(again.session)
    keeper = RecoveryFile(again, [lost.path for lost in again.lost])
    assert path.read_bytes()[: 64 << 10] == before[: 64 << 10]
    report = run_to_end(files.save_session(again))
    files.use_embedded_arrays(again, report.embedded)
    keeper.drop()
    keeper.close()
    again.store.close()
    third = opened(path)
    assert third.lost == []
    has_work(third.session)
    third.store.close()


def test_what_was_changed_back_after_an_autosave_comes_back_as_it_was(path: Path) -> None:
    held = opened(path)
    keeper = RecoveryFile(held)
    session = held.session
    stack, event = session.stacks.first, session.events.first
    assert stack is not None
    assert event is not None
    session.history.do(ChangeFields("", stack.id, {"name": "wrong", "exposure_s": 3.0}))
    session.history.do(RemoveItem("", event))
    run_to_end(keeper.keep())
    session.history.undo()
    session.history.undo()
    session.change(stack, pixel_nm=0.5)
    run_to_end(keeper.keep())
    crash(held, keeper)
    again = recovered(path)
    found = again.session.stacks.first
    assert found is not None
    assert (found.name, found.exposure_s, found.pixel_nm) == ("movie", None, 0.5)
    assert [each.name for each in again.session.events] == ["bias on", "bias off"]
    let_go(again)


def test_a_recovered_session_is_kept_and_recovered_again(path: Path) -> None:
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    crash(held, keeper)
    again = recovered(path)
    keeper = RecoveryFile(again, [lost.path for lost in again.lost])
    again.session.change(again.session.info, user="Ada")
    run_to_end(keeper.keep())
    crash(again, keeper)
    third = recovered(path)
    assert len(third.lost) == 2  # the newest is taken
    has_work(third.session)
    assert third.session.info.user == "Ada"
    keeper = RecoveryFile(third, [lost.path for lost in third.lost])
    keeper.drop()
    keeper.close()
    third.store.close()
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]


def test_imported_frames_are_found_again_and_made_ones_are_kept(path: Path, tmp_path: Path) -> None:
    from tandem_em.exporters import raw_files

    held = opened(path)
    keeper = RecoveryFile(held)
    session, stack = held.session, held.session.stacks.first
    assert stack is not None
    frames = np.random.default_rng(1).integers(0, 60_000, (64, 256, 256), dtype=np.uint16)
    film = FrameStack(name="film", source=MemoryArray(frames), times=np.arange(64.0), pixel_nm=0.1)
    source = raw_files.write_movie_mrc(tmp_path / "film.mrc", film)
    session.history.do(importing.adding(session, run_to_end(importing.import_files(session, [source]))))
    values = np.random.default_rng(2).random((4, 5, 60)).astype(np.float32)
    session.maps.add(SpectrumImage(name="made here", source=MemoryArray(values), energy_eV=np.arange(60.0)))
    imported = list(session.stacks)[1]
    session.change(imported, name="my film")
    run_to_end(keeper.keep())
    run_to_end(keeper.keep())
    recovery = path.with_name("a.nxs.recovery")
    assert recovery.stat().st_size < frames.nbytes / 2
    crash(held, keeper)
    again = recovered(path)
    assert again.problems == []
    found = list(again.session.stacks)[1]
    assert found.name == "my film"
    np.testing.assert_array_equal(found.frame(63), frames[63])
    made = again.session.maps.first
    assert made is not None
    np.testing.assert_array_equal(made.source.read(slice(None)), values)
    report = run_to_end(files.save_session(again))
    files.use_embedded_arrays(again, report.embedded)
    keeper = RecoveryFile(again, [lost.path for lost in again.lost])
    keeper.drop()
    keeper.close()
    source.unlink()
    np.testing.assert_array_equal(found.frame(5), frames[5])
    np.testing.assert_array_equal(made.source.read(slice(None)), values)
    again.store.close()


def test_undo_back_to_what_was_saved_is_no_change(path: Path) -> None:
    held = opened(path)
    session = held.session
    saved, before = SavedState(session), session.revision
    assert not saved.differs(session)
    desk = Desk(session, Runner(), Notices(), Settings(path.with_name("p.json")))
    mark(desk, "here")
    assert saved.differs(session)
    desk.change("", session.particles.first, outlines={})  # type: ignore[arg-type]
    clock = session.clocks.first
    assert clock is not None
    desk.change("", clock, offset_s=99.0)
    for _ in range(3):
        assert saved.differs(session)
        session.history.undo()
    assert not saved.differs(session)
    assert session.revision != before
    session.history.redo()
    assert saved.differs(session)
    held.store.close()


def test_one_item_taken_away_and_another_one_added_is_a_change(path: Path) -> None:
    held = opened(path)
    saved, before = SavedState(held.session), held.session.revision
    held.session.events.remove(next(iter(held.session.events)).id)
    held.session.events.add(Event(name="another", t=2.0))
    assert saved.differs(held.session)
    assert held.session.revision != before
    held.store.close()


def test_a_session_that_is_open_elsewhere_is_kept_apart(path: Path, home: Path) -> None:
    """What is done to it here goes to the recovery folder and into a copy, never beside the other program's."""
    before = path.read_bytes()
    first = opened(path)
    second = opened(path)
    assert second.store.is_readonly
    work(second.session)
    keeper = RecoveryFile(second)
    run_to_end(keeper.keep())
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]
    assert list((home / "recovery").glob("a.nxs*.recovery"))
    copy = run_to_end(files.save_session_as(second, second.session, path.with_name("copy.nxs")))
    files.use_embedded_arrays(second, copy.embedded)
    keeper.drop()
    keeper.close()
    second.store.close()
    copy.store.close()
    first.store.close()
    assert path.read_bytes() == before
    again = opened(path.with_name("copy.nxs"))
    has_work(again.session)
    again.store.close()
    assert not list((home / "recovery").iterdir())


def test_save_as_leaves_the_file_it_was_opened_from_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    held = opened(path)
    work(held.session)
    copy = run_to_end(files.save_session_as(held, held.session, path.with_name("b.nxs")))
    files.use_embedded_arrays(held, copy.embedded)
    held.store.close()
    assert path.read_bytes() == before
    assert copy.store.changes(held.session).is_empty  # and nothing of it has to be written again
    has_work(copy.session)
    copy.store.close()
    again = opened(path.with_name("b.nxs"))
    has_work(again.session)
    again.store.close()


def test_a_place_where_nothing_may_be_written_is_no_reason_to_lose_work(
    path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    crash(held, keeper)
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]
    assert [lost.session_path for lost in recovery.everything([])] == [path.resolve()]
    again = recovered(path)
    has_work(again.session)
    let_go(again)
    recovery.discard(again.lost)
    assert recovery.everything([str(path)]) == []


def test_the_recovery_file_of_another_session_is_not_mixed_in(path: Path) -> None:
    held = opened(path)
    keeper = RecoveryFile(held)
    work(held.session)
    run_to_end(keeper.keep())
    crash(held, keeper)
    path.unlink()
    run_to_end(files.create_session(path, Session("another"))).store.close()
    again = recovered(path)
    assert again.session.info.name == "another"
    assert not len(again.session.events)
    assert "another session" in again.problems[0]
    again.store.close()


def test_a_session_that_was_saved_since_says_so(path: Path) -> None:
    held = opened(path)
    keeper = RecoveryFile(held)
    held.session.change(held.session.info, user="Ada")
    run_to_end(keeper.keep())
    crash(held, keeper)
    other = opened(path)
    other.session.change(other.session.info, sample="Ge")
    run_to_end(files.save_session(other))
    other.store.close()
    again = recovered(path)
    assert again.lost[0].is_older
    assert "saved since" in again.lost[0].sentence
    assert (again.session.info.user, again.session.info.sample) == ("Ada", "Ge")
    let_go(again)


EDIT = """
import sys
from pathlib import Path
from tandem_em.desk import importing
from tandem_em.desk.document import files, places, recovery
from tandem_em.desk.document.recovery_file import RecoveryFile
from tandem_em.core.jobs import run_to_end
from tandem_em.model.marks import Event

opened = run_to_end(recovery.open_with(Path(sys.argv[1])))
keeper = RecoveryFile(opened)
number = 0
while True:
    number += 1
    opened.session.events.add(Event(name=f"edit {number}", t=float(number)))
    opened.session.change(opened.session.info, description=f"{number} edits")
    run_to_end(keeper.keep())
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 4, 9])
def test_killed_while_it_works_the_edits_are_offered_and_the_session_is_untouched(
    path: Path, after: int
) -> None:
    before = path.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", EDIT, str(path)], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        promised = 0
        while promised < after:
            promised = int(program.stdout.readline())
        assert recovery.everything([str(path)]) == []  # it is at work
        program.kill()
        said = [int(line) for line in program.stdout if line.endswith("\n")]
        promised = max([promised, *said])
    note = slice((64 << 10) + 4096, (64 << 10) + 8192)  # who has it open: no part of the session
    left = path.read_bytes()
    assert left[: note.start] + left[note.stop :] == before[: note.start] + before[note.stop :]
    assert [lost.session_path for lost in recovery.everything([str(path)])] == [path.resolve()]
    again = recovered(path)
    names = [event.name for event in again.session.events if event.name.startswith("edit")]
    assert len(names) in (promised, promised + 1)
    assert names == [f"edit {number}" for number in range(1, len(names) + 1)]
    assert again.session.info.description == f"{len(names)} edits"
    let_go(again)
    assert path.read_bytes() == before
    recovery.discard(again.lost)


def test_the_demo_is_pristine_at_each_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def build(*_numbers: int) -> object:
        built.append(1)
        return call_as_job(experiment)

    monkeypatch.setattr(demo, "build_demo", build)
    first = run_to_end(demo.demo_path())
    assert places.is_demo(first)
    content = first.read_bytes()
    held = opened(first)
    work(held.session)
    run_to_end(files.save_session(held))
    second = run_to_end(demo.demo_path())
    assert second != first  # that one is in use
    assert second.read_bytes() == content
    held.store.close()
    keeper = RecoveryFile(held := opened(first))
    held.session.change(held.session.info, user="a visitor")
    run_to_end(keeper.keep())
    crash(held, keeper)
    assert run_to_end(demo.demo_path()) == first
    assert first.read_bytes() == content
    again = opened(first)
    assert again.lost == []
    assert [event.name for event in again.session.events] == ["bias on", "bias off"]
    again.store.close()
    assert built == [1]


def test_a_recovery_file_that_is_none_is_left_alone(path: Path) -> None:
    shutil.copyfile(path, path.with_name("a.nxs.recovery"))
    assert recovery.find(path) == []
    assert read_note(path) is None
    path.with_name("a.nxs.recovery2").write_bytes(b"not HDF5")
    assert recovery.find(path) == []
