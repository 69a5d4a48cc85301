"""Every analysis: run on a small truth, kept, stale when an input changes, made again in its place, undone in one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.core.jobs import Job, call_as_job, run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import analyses, recompute
from tandem_em.desk.analysis import Analysis, Request, ResultAnalysis
from tandem_em.desk.desk import Desk
from tandem_em.desk.document import files
from tandem_em.desk.eels.maps import default_edges
from tandem_em.desk.export.methods import methods
from tandem_em.desk.outlines import following
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.base import TypedResult, array
from tandem_em.model.results.of_stacks import RegionStatistics
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine, Site, SpectrumImage
from tandem_em.model.tracks import Particle

FRAMES, SIZE = 8, 64


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A disc that grows beside a layer, a biasing run with pulses, and a spectrum image of lithium and silicon."""
    session = Session("small")
    clock = session.clocks.add(Clock(name="all", origin="file time"))
    stack = session.stacks.add(movie(clock))
    particle = Particle(name="P1", stack_id=stack.id)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    particle.outlines[0] = following.key_outline(30 + 14 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    session.particles.add(particle)
    session.profiles.add(ProfileLine(name="L1", owner_id=stack.id, start=(58, 4), end=(58, 60), width_px=3))
    session.cells.add(Cell(name="cell", area_um2=10.0))
    session.runs.add(run(clock))
    for edge in default_edges():
        session.edges.add(edge)
    image = session.maps.add(spectrum_image(clock))
    for column in (2.0, 9.0):
        session.sites.add(
            Site(name=f"site {column:g}", map_id=image.id, points=[(column, 3.0)], radius_px=1.5)
        )
    return Desk(session, AtOnce(threads=1), Notices(), Settings(tmp_path / "preferences.json"))


def movie(clock: Clock) -> FrameStack:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIZE, :SIZE]
    frames = np.empty((FRAMES, SIZE, SIZE), np.uint16)
    for k in range(FRAMES):
        clean = 200 - 90 / (1 + np.exp((np.hypot(x - 30, y - 30) - 14 - k) / 1.2))
        clean[20:40, 54:] = 60
        frames[k] = rng.poisson(clean)
    return FrameStack(
        name="movie", source=MemoryArray(frames), times=np.arange(float(FRAMES)), times_from="file", pixel_nm=0.5,
        clock=clock, exposure_s=1.0,
    )  # fmt: skip


def run(clock: Clock) -> BiasRun:
    t = np.arange(0.0, 600.0)
    current = np.where((t % 200) < 100, 0.0, 1e-9)
    charge = np.cumsum(current)
    voltage = 3.0 + charge / charge.max() + np.where(current > 0, 0.05, 0.0)
    columns = {
        "current": Column("current", "A", GrowingArray(current)), "voltage": Column("voltage", "V", GrowingArray(voltage)),
    }  # fmt: skip
    return BiasRun(name="run", times=GrowingArray(t), columns=columns, clock=clock)


def spectrum_image(clock: Clock) -> SpectrumImage:
    energy = np.arange(-10.0, 160.0, 0.5)
    spectrum = 1e6 * np.exp(-(energy**2) / 2) + np.where(
        energy > 5, 2e7 * np.maximum(energy, 5.0) ** -3.0, 20.0
    )
    for edge in default_edges():
        if not edge.name.startswith("P"):
            spectrum = spectrum + 100.0 * ((energy >= edge.signal[0]) & (energy < edge.signal[1]))
    left = np.where(np.arange(12) < 6, 1.0, 0.6)[None, :, None]
    counts = np.random.default_rng(0).poisson(np.broadcast_to(spectrum, (6, 12, len(energy))) * left)
    return SpectrumImage(
        name="SI", source=MemoryArray(counts.astype(np.float32)), energy_eV=energy, clock=clock, start=1.0, end=2.0,
        beam_kV=200.0, collection_mrad=10.0, convergence_mrad=1.0,
    )  # fmt: skip


Get = Callable[[Session], Any]


@dataclass
class Case:
    """How an analysis is asked for, and which input is changed then."""

    name: str
    owner: Get
    inputs: Get = lambda _session: []
    parameters: dict[str, Any] = field(default_factory=dict)
    change: tuple[Get, dict[str, Any]] | None = None
    before: tuple[str, ...] = ()
    """Analyses that have to be done first."""


STACK: Get = lambda s: s.stacks.first  # noqa: E731
IMAGE: Get = lambda s: s.maps.first  # noqa: E731
RUN: Get = lambda s: s.runs.first  # noqa: E731
PARTICLE: Get = lambda s: s.particles.first  # noqa: E731
EDGES: Get = lambda s: [e for e in s.edges if not e.name.startswith("P")]  # noqa: E731
PIXEL = (STACK, {"pixel_nm": 1.0})
BEAM = (IMAGE, {"beam_kV": 300.0})
CASES = [
    Case("drift", STACK),
    Case("follow outlines", STACK, lambda s: list(s.particles), change=PIXEL),
    Case("kinetics", PARTICLE, change=PIXEL, before=("follow outlines",)),
    Case("region statistics", STACK, parameters={"region": (2, 2, 12, 12)}, change=(STACK, {"unit": "e"})),
    Case("layers", lambda s: s.profiles.first, parameters={"edges_px": [16.0, 36.0], "frame": 0}, change=PIXEL),
    Case("dose", STACK, parameters={"rate_e_A2s": 10.0}, change=PIXEL),
    Case("dose map", STACK, change=PIXEL, before=("dose",)),
    Case("cycles", RUN, change=(RUN, {"zero_current_A": 1e-11})),
    Case("gitt", RUN, parameters={"length_cm": 1e-5}, change=(RUN, {"zero_current_A": 1e-11})),
    Case("zero loss", IMAGE, change=BEAM),
    Case("single scattering", IMAGE, change=BEAM),
    Case("align energies", IMAGE, lambda s: [s.maps.first]),
    Case("PCA", IMAGE, change=BEAM),
    Case("NMF", IMAGE, change=BEAM),
    Case("reconstruction", IMAGE, lambda s: list(s.results), {"components": 1}, BEAM, ("PCA",)),
    Case("MLLS", IMAGE, lambda s: list(s.sites), {"window_eV": (40.0, 140.0)}, (lambda s: s.sites.first, {"radius_px": 2.5})),
    Case("map", IMAGE, EDGES, change=(lambda s: EDGES(s)[0], {"signal": (52.0, 58.0)})),
    Case("quantification", IMAGE, EDGES, change=BEAM),
    Case("lithium per silicon", lambda s: s.sites.first, lambda s: [s.maps.first], change=BEAM),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}
CHANGING = [case for case in CASES if case.change is not None]
"""What is made from something that can change; drift and the alignment of energies are asked for anew."""


def asked(desk: Desk, case: Case) -> Request:
    session = desk.session
    return analyses.ask(session, case.name, case.owner(session), case.inputs(session), **case.parameters)


def done(desk: Desk, case: Case) -> list[Item]:
    """Ask for it, run it and keep it, after what it needs."""
    for name in case.before:
        done(desk, BY_NAME[name])
    kept: list[Item] = []
    asked(desk, case).start(desk, kept.extend)
    return kept


def test_each_analysis_has_a_case_here() -> None:
    assert {analysis.name for analysis in analyses.known()} == set(BY_NAME)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_kept_with_its_step_and_undone_in_one(desk: Desk, case: Case) -> None:
    for name in case.before:
        done(desk, BY_NAME[name])
    session = desk.session
    assert analyses.find(case.name) in analyses.offered(session, case.owner(session))
    before = {item.id: item.revision for item in session.items()}
    kept: list[Item] = []
    asked(desk, case).start(desk, kept.extend)
    assert kept
    step = list(session.steps)[-1]
    analysis = analyses.of_step(session, step)
    assert analysis is analyses.find(case.name)
    assert analysis is not None
    for item in kept:
        assert item.id in step.outputs
        makes = analysis.makes
        if issubclass(makes, TypedResult):
            assert isinstance(item, ResultSet)
            assert makes.of(item) is not None
        else:
            assert isinstance(item, makes)
        if item.id not in before or isinstance(item, Particle):
            assert isinstance(item, MadeItem)
            assert item.made_by == step.id
    session.history.undo()
    assert {item.id for item in session.items()} == set(before)


@pytest.mark.parametrize("case", CHANGING, ids=lambda case: case.name)
def test_what_is_stale_is_made_again_in_its_place_as_one_step(desk: Desk, case: Case) -> None:
    kept, session = done(desk, case), desk.session
    assert not any(set(work.items) & set(kept) for work in recompute.stale(session))
    assert case.change is not None
    get, fields = case.change
    desk.change("change an input", get(session), **fields)
    if case.name == "kinetics":  # the areas in nm are others
        assert recompute.of(session, kept[0].id) is not None
    work = recompute.of(session, kept[0].id)
    assert work is not None
    assert recompute.can_recompute(session, work)
    old_steps = [item.made_by for item in work.items]
    recompute.recompute(desk, work)
    assert recompute.of(session, kept[0].id) is None
    assert all(session.find(item.id) is item for item in kept)
    assert all(item.made_by not in old_steps for item in work.items)
    session.history.undo()
    assert [item.made_by for item in work.items] == old_steps
    assert recompute.of(session, kept[0].id) is not None
    assert session.history.undo_label == "change an input"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_people_and_programs_are_told_what_it_was(desk: Desk, case: Case) -> None:
    kept, session = done(desk, case), desk.session
    step = list(session.steps)[-1]
    analysis = analyses.find(case.name)
    assert analysis is not None
    assert analysis.menu
    sentence = analysis.method(session, step)
    assert sentence[0].isupper()
    assert any(said.startswith(sentence) for said in methods(session))
    if issubclass(analysis.makes, TypedResult):
        assert isinstance(kept[0], ResultSet)
        assert analyses.summary(session, kept[0])


class Script:
    """What a line of Python is run against: items are found by their names."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.requests: list[Request] = []

    def named(self, name: str) -> Item:
        return next(
            item for item in self.session.items() if item.name == name and item.kind not in ("step", "clock")
        )

    def analyse(self, name: str, owner: str, others: tuple[str, ...] = (), **parameters: Any) -> None:
        request = analyses.ask(
            self.session, name, self.named(owner), [self.named(n) for n in others], **parameters
        )
        self.requests.append(request)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_line_of_python_asks_for_the_same(desk: Desk, case: Case) -> None:
    done(desk, case)
    step, analysis = list(desk.session.steps)[-1], analyses.find(case.name)
    assert analysis is not None
    script = Script(desk.session)
    exec(analysis.code(desk.session, step), {"session": script})
    (request,) = script.requests
    assert request.step.inputs.keys() == step.inputs.keys()
    told_at_the_end = {"drift": {"frames"}, "align energies": {"spread_eV"}}.get(case.name, set())
    known = {key: value for key, value in step.parameters.items() if key not in told_at_the_end}
    assert request.parameters == known


def test_the_dose_that_is_made_again_is_the_one_of_the_counts(desk: Desk) -> None:
    stack = desk.session.stacks.first
    assert stack is not None
    calibration: dict[str, Any] = {"counts_per_electron": 8.0, "counts_offset": 20.0}
    request = analyses.ask(desk.session, "dose", stack, **calibration)
    request.start(desk)
    (result,) = desk.session.results
    rate = result.arrays["rate_e_A2s"]
    desk.change("calibrate", stack, pixel_nm=1.0)
    (work,) = recompute.stale(desk.session)
    recompute.recompute(desk, work)
    np.testing.assert_allclose(result.arrays["rate_e_A2s"], rate / 4)


def test_element_maps_of_one_step_are_made_again_together(desk: Desk) -> None:
    kept, session = done(desk, BY_NAME["map"]), desk.session
    assert len(kept) == 2
    desk.change("window", EDGES(session)[0], signal=(52.0, 58.0))
    (work,) = recompute.stale(session)
    recompute.recompute(desk, work)
    assert recompute.stale(session) == []
    assert all(item.values["signal_eV"] for item in kept if isinstance(item, ResultSet))
    assert kept[0].values["signal_eV"] == [52.0, 58.0]  # type: ignore[attr-defined]


def test_a_step_that_was_made_again_is_no_method_any_more(desk: Desk) -> None:
    done(desk, BY_NAME["region statistics"])
    stack = desk.session.stacks.first
    assert stack is not None
    desk.change("unit", stack, unit="e")
    (work,) = recompute.stale(desk.session)
    recompute.recompute(desk, work)
    assert sum("ROI 1 of movie" in said for said in methods(desk.session)) == 1


def test_what_changes_while_it_runs_makes_the_outcome_stale(desk: Desk) -> None:
    session, stack = desk.session, desk.session.stacks.first
    assert stack is not None
    request = analyses.ask(session, "region statistics", stack, region=(2, 2, 9, 9))
    found = run_to_end(request.job(session))
    desk.change("unit", stack, unit="e")
    (result,) = request.keep(session, found)
    assert recompute.of(session, result.id) is not None


def test_what_cannot_be_asked_says_why(desk: Desk) -> None:
    stack, image = desk.session.stacks.first, desk.session.maps.first
    assert stack is not None
    assert image is not None
    with pytest.raises(UserError, match="no analysis called magic"):
        analyses.ask(desk.session, "magic", stack)
    with pytest.raises(UserError, match="nothing for “dose”"):
        analyses.ask(desk.session, "dose", image, rate_e_A2s=1.0)
    with pytest.raises(UserError, match="contains no pixel"):
        analyses.ask(desk.session, "region statistics", stack, region=(3, 3, 3, 9))


# --- plug-ins --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Brightest(TypedResult):
    analysis: ClassVar[str] = "brightest pixel"

    most: np.ndarray[Any, Any] = array("counts")  # noqa: RUF009


class FindBrightest(ResultAnalysis):
    """What a plug-in may bring."""

    name = Brightest.analysis
    menu = "Brightest pixel"
    owner = FrameStack
    makes = Brightest

    def ask(self, session: Session, owner: Any, inputs: Any = (), **parameters: Any) -> Request:
        return Request(self, owner, [owner], parameters)

    def job(self, session: Session, request: Request) -> Job[Brightest]:
        stack: Any = request.owner
        return call_as_job(
            lambda: Brightest(most=np.array([float(frame.max()) for frame in stack.source.read(slice(None))]))
        )


@pytest.fixture
def plugin() -> Any:
    analysis: Analysis = FindBrightest()
    analyses.register(analysis)
    yield analysis
    analyses.forget(analysis.name)


def test_an_analysis_from_outside_works_like_one_of_ours(desk: Desk, plugin: Analysis) -> None:
    session, stack = desk.session, desk.session.stacks.first
    assert stack is not None
    assert plugin in analyses.offered(session, stack)
    analyses.ask(session, plugin.name, stack).start(desk)
    (result,) = session.results
    desk.change("unit", stack, unit="e")
    (work,) = recompute.stale(session)
    recompute.recompute(desk, work)
    assert recompute.stale(session) == []
    assert list(session.results) == [result]
    assert any(said.startswith("Brightest pixel of movie") for said in methods(session))
    with pytest.raises(ValueError, match="already"):
        analyses.register(FindBrightest())
    with pytest.raises(ValueError, match="built in"):
        analyses.forget("PCA")


def test_a_result_of_an_unknown_analysis_is_shown_as_it_is_stored(tmp_path: Path, desk: Desk) -> None:
    analyses.register(FindBrightest())
    try:
        stack = desk.session.stacks.first
        assert stack is not None
        analyses.ask(desk.session, "brightest pixel", stack, radius=2).start(desk)
        run_to_end(files.create_session(tmp_path / "s.nxs", desk.session)).store.close()
    finally:
        analyses.forget("brightest pixel")
    document = run_to_end(files.open_session(tmp_path / "s.nxs", readonly=True))
    session = document.session
    (result,) = session.results
    assert not document.problems
    assert len(result.arrays["most"]) == FRAMES
    assert analyses.summary(session, result) == ""
    stored = session.stacks.first
    assert stored is not None
    session.change(stored, unit="e")
    (work,) = recompute.stale(session)
    assert not recompute.can_recompute(session, work)
    assert any(said.startswith("Brightest pixel of movie (radius 2)") for said in methods(session))
    assert RegionStatistics.of(result) is None
    document.store.close()
