"""Stale results are made again by one verb, changed files are imported again; both undoable, kept in the file, and told once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from at_once import AtOnce

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import analyses, importing, recompute
from tandem_em.desk.biasing import runs
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics import diagnose, fixes, reimport
from tandem_em.desk.document import files
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks import dose, layers
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, ProfileLine, SpectrumImage


def desk_of(session: Session, tmp_path: Path) -> Desk:
    return Desk(session, AtOnce(threads=1), Notices(), Settings(tmp_path / "preferences.json"))


def movie() -> FrameStack:
    frames = np.full((6, 40, 60), 1000, np.uint16)
    frames[:, :, 20:40] = 400
    return FrameStack(name="movie", source=MemoryArray(frames), times=np.arange(6.0), times_from="file", pixel_nm=0.5,
                      clock=Clock(origin="file time"))  # fmt: skip


def full(tmp_path: Path) -> Desk:
    """A movie with layers, a region and a dose; a map with its zero loss and an element map."""
    session = Session("s")
    desk = desk_of(session, tmp_path)
    stack = movie()
    energy = np.arange(-10.0, 90.0, 0.5)
    spectra = 1e6 * np.exp(-(energy**2)) + np.where(energy > 5, 3e6 * np.maximum(energy, 5.0) ** -2.5, 20.0)
    counts = (
        np.random.default_rng(0).poisson(np.broadcast_to(spectra, (4, 5, len(energy)))).astype(np.float32)
    )
    image = SpectrumImage(
        name="SI", source=MemoryArray(counts), energy_eV=energy, start=0.0, end=1.0, clock=stack.clock
    )
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    session.maps.add(image)
    line = session.profiles.add(
        ProfileLine(name="layer", owner_id=stack.id, start=(5, 20), end=(55, 20), width_px=5)
    )
    edge = session.edges.add(Edge(name="Li K", onset_eV=54.7, fit=(41.0, 51.0), signal=(52.5, 57.5)))
    layers.follow(desk, stack, line, [15.0, 35.0], 0)
    stacks.region_statistics(desk, stack, (0, 0, 10, 10))
    dose.type_rate(desk, stack, 10.0, 500.0)
    dose.map_over_sample(desk, stack)
    for what, inputs in (("zero loss", []), ("map", [edge])):
        request = analyses.ask(session, what, image, inputs)
        request.keep(session, run_to_end(request.job(session)))
    return desk


def test_every_stale_result_is_made_again_in_its_place(tmp_path: Path) -> None:
    desk = full(tmp_path)
    session = desk.session
    assert recompute.stale(session) == []
    stack, image, edge = session.stacks.first, session.maps.first, session.edges.first
    assert stack
    assert image
    assert edge
    desk.change("calibrate", stack, pixel_nm=1.0)
    desk.change("beam", image, beam_kV=200.0)
    desk.change("window", edge, signal=(52.0, 58.0))
    names = sorted(result.name for result in session.results)
    assert len(names) == 6
    assert len(recompute.stale(session)) == 6
    said = run_to_end(fixes.mend(session))
    assert {finding.severity for finding in said} == {"info"}
    assert recompute.stale(session) == []
    assert sorted(result.name for result in session.results) == names
    thick = next(r for r in session.results if r.analysis == layers.LAYERS)
    np.testing.assert_allclose(thick.arrays["thickness_1"], 20.0, atol=0.5)  # 20 px of 1 nm


def test_one_click_is_one_step_back(tmp_path: Path) -> None:
    desk = full(tmp_path)
    session = desk.session
    stack = session.stacks.first
    assert stack
    desk.change("calibrate", stack, pixel_nm=1.0)
    work = next(w for w in recompute.stale(session) if w.name.startswith("Layers"))
    before = next(r for r in session.results if r.analysis == layers.LAYERS)
    thin = before.arrays["thickness_1"]
    recompute.recompute(desk, work)
    np.testing.assert_allclose(
        before.arrays["thickness_1"], 2 * thin
    )  # in its place: 1 nm a pixel, no longer 0.5
    assert not any(w.name.startswith("Layers") for w in recompute.stale(session))
    session.history.undo()
    assert before.arrays["thickness_1"] is thin
    assert next(r for r in session.results if r.analysis == layers.LAYERS) is before
    assert any(w.name.startswith("Layers") for w in recompute.stale(session))


def test_the_doctor_names_the_fix_of_what_is_stale(tmp_path: Path) -> None:
    desk = full(tmp_path)
    stack = desk.session.stacks.first
    assert stack
    desk.change("calibrate", stack, pixel_nm=1.0)
    stale = [f for f in diagnose.look(desk.session) if "out of date" in f.what]
    assert stale
    assert all(f.fix == "again" and "movie has changed" in f.what for f in stale)


# --- files that changed ---------------------------------------------------------------------------------------------


def log(path: Path, volts: float, rows: int = 30) -> Path:
    lines = ["time (s),voltage (V),current (A)"] + [
        f"{n},{volts + 0.01 * n:.4f},{1e-10 * (n % 7):.3e}" for n in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def imported(desk: Desk, *paths: Path) -> None:
    found = run_to_end(importing.import_files(desk.session, list(paths)))
    desk.session.history.do(importing.adding(desk.session, found))


@pytest.mark.expects_log
def test_a_log_that_changed_is_imported_again_and_keeps_its_name_and_clock(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    path = log(tmp_path / "bias.csv", 3.0)
    imported(desk, path)
    session = desk.session
    (run,) = session.runs
    desk.change("rename", run, name="cell A")
    desk.change("clock", run.clock, offset_s=12.5)
    _ = run.t
    assert run_to_end(reimport.looking(session, tmp_path)) == []
    log(path, 4.0, 50)
    (finding,) = [f for f in run_to_end(diagnose.examine_session(session)) if f.fix == "reimport"]
    assert "bias.csv has changed" in finding.what
    reimport.again(desk, session.sources[finding.where], Path(finding.detail))
    assert (run.name, run.clock.offset_s, len(run), len(run.t)) == ("cell A", 12.5, 50, 50)
    assert run.values("voltage")[0] == pytest.approx(4.0)
    assert run.extent == (12.5, 61.5)
    assert run_to_end(reimport.looking(session, tmp_path)) == []
    session.history.undo()
    assert (len(run), len(run.t), run.values("voltage")[0]) == (30, 30, pytest.approx(3.0))
    assert len(run_to_end(reimport.looking(session, tmp_path))) == 1


@pytest.mark.expects_log
def test_what_was_imported_again_is_in_the_file(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    session = desk.session
    frames = np.random.default_rng(1).integers(0, 900, (4, 16, 16), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "m.tif", frames, photometric="minisblack")
    imported(desk, tmp_path / "m.tif", log(tmp_path / "bias.csv", 3.0))
    opened = run_to_end(files.create_session(tmp_path / "s.nxs", session))
    files.use_embedded_arrays(opened, opened.embedded)
    tifffile.imwrite(tmp_path / "m.tif", frames[:3] + 1000, photometric="minisblack")
    log(tmp_path / "bias.csv", 4.0, 50)
    for changed in run_to_end(reimport.looking(session, tmp_path)):
        reimport.again(desk, changed.source, changed.path)
    report = run_to_end(files.save_session(opened))
    files.use_embedded_arrays(opened, report.embedded)
    opened.store.close()
    back = run_to_end(files.open_session(tmp_path / "s.nxs", readonly=True))
    (run,), (stack,) = back.session.runs, back.session.stacks
    assert len(run) == 50
    np.testing.assert_array_equal(np.asarray(stack.source.read(slice(None))), frames[:3] + 1000)
    back.store.close()


def test_a_file_without_data_changes_nothing(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    path = log(tmp_path / "bias.csv", 3.0)
    imported(desk, path)
    (run,), (source,) = desk.session.runs, list(desk.session.sources)
    path.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(UserError):
        reimport.again(desk, source, path)
    assert len(run) == 30


def test_a_moved_linked_file_is_found_by_repair(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    frames = np.random.default_rng(1).integers(0, 900, (4, 16, 16), dtype=np.uint16)
    tifffile.imwrite(folder / "m.tif", frames, photometric="minisblack")
    desk = desk_of(Session("s"), tmp_path)
    found = run_to_end(importing.import_files(desk.session, [folder / "m.tif"]))
    desk.session.history.do(importing.adding(desk.session, found))
    importing.mark_linked(desk.session, found, folder)
    run_to_end(files.create_session(folder / "s.nxs", desk.session)).store.close()
    assert not diagnose.serious(
        run_to_end(diagnose.examine(folder / "s.nxs"))
    )  # in its place nothing is wrong
    (folder / "movies").mkdir()
    shutil.move(folder / "m.tif", folder / "movies" / "m.tif")
    told = run_to_end(diagnose.examine(folder / "s.nxs"))
    assert any(f.fix == "relink" and "m.tif" in f.what for f in told), told
    said = run_to_end(diagnose.repair(folder / "s.nxs", folder / "mended.nxs"))
    assert any("linked again" in finding.what for finding in said)
    back = run_to_end(files.open_session(folder / "mended.nxs", readonly=True))
    (stack,) = back.session.stacks
    np.testing.assert_array_equal(stack.frame(2), frames[2])
    back.store.close()


# --- stamps, units, notes -------------------------------------------------------------------------------------------


def test_frames_without_a_time_get_one_between_their_neighbours(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    stack = movie()
    stack.times = np.array([np.nan, 1.0, 2.0, np.nan, 1.5, 5.0])
    desk.session.stacks.add(stack)
    finding = next(f for f in diagnose.look(desk.session) if "without a time stamp" in f.what)
    assert finding.fix == "stamps"
    stacks.restamp(desk, stack)
    np.testing.assert_allclose(stack.times, [0, 1, 2, 3, 4, 5])
    desk.session.history.undo()
    assert np.isnan(stack.times[0])


def test_times_come_from_a_table_with_a_row_a_frame(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    stack = movie()
    desk.session.stacks.add(stack)
    table = tmp_path / "t.csv"
    table.write_text("frame,time (ms)\n" + "\n".join(f"{n},{250 * n}" for n in range(6)), encoding="utf-8")
    stacks.take_times(desk, stack, table)
    np.testing.assert_allclose(stack.times, 0.25 * np.arange(6))
    assert stack.times_from == "companion log"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="each of the 6 frames"):
        stacks.take_times(desk, stack, table)


def test_milliamperes_taken_for_amperes_are_put_right(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    columns = {"current": Column("current", "A", GrowingArray(np.full(5, 50.0)))}
    run = BiasRun(name="log", times=GrowingArray(np.arange(5.0)), columns=columns, zero_current_A=2.0)
    desk.session.runs.add(run)
    finding = next(f for f in diagnose.look(desk.session) if f.fix == "unit")
    assert finding.detail == "current"
    runs.read_as(desk, run, "current", 1e-3, "mA")
    assert (run.values("current")[0], run.zero_current_A) == (0.05, 0.002)
    desk.session.history.undo()
    assert (run.values("current")[0], run.zero_current_A) == (50.0, 2.0)


def test_what_was_taken_note_of_is_not_said_again(tmp_path: Path) -> None:
    desk = desk_of(Session("s"), tmp_path)
    stack = movie()
    stack.times_from = "nominal"
    desk.session.stacks.add(stack)
    finding = next(f for f in diagnose.look(desk.session) if "nominal" in f.what)
    diagnose.accept(desk, finding)
    assert not any("nominal" in f.what for f in diagnose.look(desk.session))
    diagnose.remind(desk)
    assert any("nominal" in f.what for f in diagnose.look(desk.session))


def test_a_linked_or_missing_source_is_not_called_changed(tmp_path: Path) -> None:
    session = Session("s")
    session.sources.add(SourceFile(name="a", path=str(tmp_path / "gone.csv"), sha256="00"))
    session.sources.add(
        SourceFile(name="b", path=str(log(tmp_path / "b.csv", 1.0)), sha256="00", linked=True)
    )
    assert run_to_end(reimport.looking(session, tmp_path)) == []
