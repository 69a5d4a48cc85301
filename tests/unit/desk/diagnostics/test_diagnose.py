"""The doctor: each thing is said once, with its place and what one click does about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.diagnostics import diagnose
from tandem_em.desk.document import files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage


def sick_session() -> Session:
    session = Session("sick")
    times = np.array([0.0, 1, 2, 2, 1.5, 3, 4, 5])
    currents = Column("current", "A", GrowingArray(np.full(8, 50.0)))
    run = BiasRun(name="log", times=GrowingArray(times), columns={"current": currents}, clock=Clock(name="log", offset_s=100.0, origin="file time", zone_assumed=True))  # fmt: skip
    frames = np.zeros((6, 8, 8), np.uint8)
    frames[4] = 255
    stack = FrameStack(
        name="movie", source=MemoryArray(frames), times=np.arange(6.0), times_from="nominal", axis0_is_time=None,
        frame_numbers=np.array([0, 1, 2, 5, 6, 7]), clock=Clock(name="camera"),
    )  # fmt: skip
    image = SpectrumImage(name="SI", source=MemoryArray(np.ones((4, 4, 3))), energy_eV=np.array([1.0, 3.0, 2.0]), clock=stack.clock)  # fmt: skip
    for stream in (run, stack, image):
        if stream.clock.id not in session.clocks:
            session.clocks.add(stream.clock)
        session.collection_of(stream).add(stream)
    session.sources.add(SourceFile(name="big.mrc", linked=True, problems=["It is missing."]))
    return session


def test_everything_is_found_once_and_worst_first() -> None:
    found = run_to_end(diagnose.examine_session(sick_session()))
    said = [finding.what for finding in found]
    assert len(said) == len(set(said))
    for words in (
        "runs backwards", "time stamp as the one before", "50 A, which is not plausible", "time zone", "2 frames were dropped", "nominal",
        "movie is not calibrated", "first axis is time", "are saturated", "energies do not increase", "no place on the time axis",
        "provisional", "It is missing",
    ):  # fmt: skip
        assert sum(words in sentence for sentence in said) == 1, words
    assert [f.severity for f in found] == sorted(
        (f.severity for f in found), key=["error", "warning", "info"].index
    )
    assert all(finding.advice for finding in found)


def test_findings_know_what_mends_them_and_when_it_was() -> None:
    found = {f.what.split(": ")[-1]: f for f in run_to_end(diagnose.examine_session(sick_session()))}
    fixes = {f.fix for f in found.values()}
    assert {"relink", "clock", "zone", "axis", "calibrate", "show"} <= fixes
    backward = next(f for f in found.values() if "backward" in f.what)
    assert backward.at == 101.5  # in session seconds
    saturated = next(f for f in found.values() if "are saturated" in f.what)
    assert saturated.at == 4.0


def test_a_file_says_nothing_twice(tmp_path: Path) -> None:
    session = sick_session()
    session.sources.remove(session.sources.first.id)  # type: ignore[union-attr]
    opened = run_to_end(files.create_session(tmp_path / "s.nxs", session))
    opened.store.close()
    found = run_to_end(diagnose.examine(tmp_path / "s.nxs"))
    lasting = {replace(f, where="") for f in run_to_end(diagnose.examine_session(session))}
    assert {replace(f, where="") for f in found} == lasting


def test_a_good_session_has_nothing() -> None:
    session = Session("good")
    times = np.arange(5.0)
    stack = FrameStack(name="m", source=MemoryArray(np.zeros((5, 4, 4), np.uint8)), times=times, times_from="file", pixel_nm=1.0, clock=Clock(origin="file time"))  # fmt: skip
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    assert run_to_end(diagnose.examine_session(session)) == []
