"""The session, its collections, clocks and focus keep their promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psygnal import EmitLoopError

from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.edits import AddItem, ChangeFields, RemoveItem, Together
from tandem_em.model.focus import Focus
from tandem_em.model.frames import FrameStack
from tandem_em.model.history import History
from tandem_em.model.items import IDENTITY_COLOURS
from tandem_em.model.marks import Event
from tandem_em.model.provenance import Step
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle

finite = st.floats(-1e6, 1e6)


def make_run(samples: int = 5) -> BiasRun:
    run = BiasRun(name="run", columns={"voltage": Column("voltage", "V", GrowingArray())})
    run.append(np.arange(samples, dtype=float), {"voltage": np.ones(samples)})
    return run


@given(offset=finite, rate=st.floats(-500, 500), t=finite)
@settings(deadline=None)
def test_clock_goes_there_and_back(offset: float, rate: float, t: float) -> None:
    clock = Clock(offset_s=offset, rate_ppm=rate)
    assert clock.to_device(clock.to_session(t)) == pytest.approx(t, abs=1e-6, rel=1e-9)


@given(blocks=st.lists(st.lists(finite, max_size=50), max_size=30))
@settings(deadline=None, max_examples=30)
def test_growing_array_equals_concatenation_and_old_views_stay(blocks: list[list[float]]) -> None:
    grown = GrowingArray()
    views = []
    for block in blocks:
        grown.append(np.array(block, float))
        views.append((grown.view, grown.view.copy()))
    for view, copy in views:
        np.testing.assert_array_equal(view, copy)
    np.testing.assert_array_equal(grown.view, [value for block in blocks for value in block])


def test_the_extent_of_a_run_follows_what_is_appended_and_the_clock_and_touches_no_more() -> None:
    run = BiasRun(columns={"voltage": Column("voltage", "V", GrowingArray())})
    assert run.extent is None
    run.append(np.array([np.nan, 3.0, 1.0]), {})
    assert run.extent == (1.0, 3.0)
    run.append(np.array([0.5, 9.0]), {})
    assert run.extent == (0.5, 9.0)
    run.clock.offset_s = 100.0
    assert run.extent == (100.5, 109.0)
    session = Session()
    session.runs.add(run)
    assert session.extent() == (100.5, 109.0)
    assert run._t is None  # nobody needed the session time of every sample


def test_run_tells_what_was_appended_and_fills_missing_columns() -> None:
    run = BiasRun(columns={q: Column(q, "", GrowingArray()) for q in ("voltage", "current")})
    told: list[tuple[int, int]] = []
    run.appended.connect(lambda start, stop: told.append((start, stop)))
    run.append(np.array([0.0, 1.0]), {"voltage": np.array([3.0, 3.1])})
    run.append(np.array([2.0]), {"current": np.array([1e-12])})
    assert told == [(0, 2), (2, 3)]
    assert np.isnan(run.values("current")[:2]).all()
    assert np.isnan(run.values("voltage")[2])


def test_moving_a_clock_moves_its_streams_and_undo_moves_them_back() -> None:
    session = Session()
    run = make_run()
    session.clocks.add(run.clock)
    session.runs.add(run)
    heard = []
    session.runs.changed.connect(lambda item, names: heard.append((item.id, names)))
    session.history.do(ChangeFields("Align", run.clock.id, {"offset_s": 5.0}))
    np.testing.assert_allclose(run.t, np.arange(5) + 5)
    assert heard == [(run.id, frozenset({"clock"}))]
    session.history.undo()
    np.testing.assert_allclose(run.t, np.arange(5))


def test_appending_after_reading_session_times_keeps_them_right() -> None:
    run = make_run(3)
    run.clock.offset_s = 10
    assert run.t[-1] == 12
    run.append(np.array([3.0]), {})
    np.testing.assert_allclose(run.t, [10, 11, 12, 13])


def test_gaps_are_long_pauses_and_new_segments() -> None:
    run = BiasRun(columns={})
    run.append(np.array([0, 1, 2, 30, 31, 32.0]), {})
    run.segment_starts.append(5)
    assert run.gaps().tolist() == [3, 5]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.floats(-10, 110))
@settings(deadline=None, max_examples=60)
def test_frame_at_t_is_the_newest_not_later(times: list[float], t: float) -> None:
    stack = FrameStack(source=MemoryArray(np.zeros((len(times), 2, 2))), times=np.array(times))
    shown = times[stack.index_at(t)]
    past = [each for each in times if each <= t + 1e-9]
    assert shown == (max(past) if past else min(times))


def test_history_merges_a_drag_and_undoes_it_as_one() -> None:
    session = Session()
    event = session.events.add(Event(name="a", t=1.0))
    for t in (2.0, 3.0, 4.0):
        session.history.do(ChangeFields("Move flag", event.id, {"t": t}, merge_key="drag"))
    session.history.end_merge()
    session.history.do(ChangeFields("Move flag", event.id, {"t": 9.0}, merge_key="drag"))
    session.history.undo()
    assert event.t == 4.0
    session.history.undo()
    assert event.t == 1.0
    assert session.history.undo_label == ""
    assert session.history.redo_label == "Move flag"


edits = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "change", "undo", "redo"]), st.integers(0, 5)), max_size=40
)


@given(edits)
@settings(deadline=None, max_examples=60)
def test_undoing_everything_gives_back_the_beginning(steps: list[tuple[str, int]]) -> None:
    session = Session()
    for name in ("x", "y"):
        session.events.add(Event(name=name, t=0.0))

    def state() -> list[tuple[str, float]]:
        return [(event.name, event.t) for event in session.events]

    beginning = state()
    for what, number in steps:
        present = list(session.events)
        if what == "add":
            session.history.do(AddItem("add", Event(name=f"new {number}", t=number)))
        elif what == "remove" and present:
            session.history.do(RemoveItem("remove", present[number % len(present)]))
        elif what == "change" and present:
            session.history.do(
                ChangeFields("change", present[number % len(present)].id, {"t": float(number)})
            )
        elif what == "undo":
            session.history.undo()
        elif what == "redo":
            session.history.redo()
    while session.history.undo():
        pass
    assert state() == beginning


def test_together_is_all_or_nothing() -> None:
    session = Session()
    event = session.events.add(Event(name="a", t=0.0))
    broken = ChangeFields("wrong", event.id, {"no_such_field": 1})
    with pytest.raises(AttributeError):
        session.history.do(Together("both", [ChangeFields("right", event.id, {"t": 5.0}), broken]))
    assert event.t == 0.0
    assert session.history.undo_label == ""


def test_an_edit_whose_ground_is_gone_is_dropped() -> None:
    session = Session()
    event = session.events.add(Event(name="a", t=0.0))
    session.history.do(ChangeFields("Move", event.id, {"t": 5.0}))
    session.events.remove(event.id)
    assert session.history.undo() is None


def test_a_step_whose_edit_raises_is_not_lost() -> None:
    session = Session()
    event = session.events.add(Event(name="a", t=0.0))
    session.history.do(ChangeFields("Move", event.id, {"t": 5.0}))

    def refuse(*_: object) -> None:
        raise RuntimeError("not now")

    session.events.changed.connect(refuse)
    with pytest.raises(EmitLoopError):
        session.history.undo()
    session.events.changed.disconnect(refuse)
    assert (session.history.undo_label, session.history.redo_label) == ("Move", "")
    assert session.history.undo() is not None
    assert event.t == 0.0
    session.events.changed.connect(refuse)
    with pytest.raises(EmitLoopError):
        session.history.redo()
    session.events.changed.disconnect(refuse)
    assert session.history.redo() is not None
    assert event.t == 5.0


def test_the_clean_mark_is_reached_again_by_undo_and_redo_only() -> None:
    session = Session()
    history = session.history
    event = session.events.add(Event(name="a", t=0.0))
    move, rename = ChangeFields("Move", event.id, {"t": 5.0}), ChangeFields("Rename", event.id, {"name": "b"})
    assert history.is_clean
    history.do(move)
    assert not history.is_clean
    history.mark_clean()
    history.do(rename)
    assert not history.is_clean
    history.undo()
    assert history.is_clean
    history.undo()
    assert not history.is_clean
    history.redo()
    assert history.is_clean
    history.undo()
    history.do(ChangeFields("Rename", event.id, {"name": "c"}))  # the way back to the mark is gone
    history.undo()
    assert not history.is_clean


def test_a_drag_that_goes_on_after_saving_is_not_clean() -> None:
    session = Session()
    event = session.events.add(Event(name="a", t=0.0))
    session.history.do(ChangeFields("Move", event.id, {"t": 1.0}, "drag"))
    session.history.mark_clean()
    session.history.do(ChangeFields("Move", event.id, {"t": 2.0}, "drag"))
    assert not session.history.is_clean
    session.history.undo()
    assert event.t == 0.0
    assert not session.history.is_clean


def test_the_mark_of_the_beginning_goes_when_the_oldest_steps_are_forgotten() -> None:
    session = Session()
    history = History(session, limit=2)
    event = session.events.add(Event(name="a", t=0.0))
    for t in (1.0, 2.0, 3.0):
        history.do(ChangeFields("Move", event.id, {"t": t}))
    while history.undo():
        pass
    assert event.t == 1.0
    assert not history.is_clean
    history.mark_clean()
    history.clear()
    assert history.is_clean


def test_every_change_of_a_session_counts_once() -> None:
    session = Session()
    before = session.revision
    event = session.events.add(Event(name="a", t=0.0))
    session.history.do(ChangeFields("Move", event.id, {"t": 5.0}))
    session.history.undo()
    session.events.remove(event.id)
    assert session.revision == before + 4


def test_a_session_is_simulated_as_long_as_something_in_it_is() -> None:
    session = Session()
    event = Event(name="a", t=0.0, simulated=True)
    session.history.do(AddItem("Add", event))
    assert session.is_simulated
    session.history.undo()
    assert not session.is_simulated
    session.history.redo()
    session.change(event, simulated=False)
    assert not session.is_simulated


def test_focus_speaks_once_per_change_and_not_when_nothing_changes() -> None:
    focus = Focus()
    told: list[float] = []
    focus.t_changed.connect(told.append)
    focus.t = 3.0
    focus.t = 3.0
    assert told == [3.0]
    focus.span = (5.0, 1.0)
    assert focus.span == (1.0, 5.0)


def test_colours_and_names_are_handed_out_once() -> None:
    session = Session()
    for _ in range(len(IDENTITY_COLOURS)):
        session.particles.add(Particle(name=session.particles.free_name("P")))
    assert {particle.colour for particle in session.particles} == set(IDENTITY_COLOURS)
    assert [particle.name for particle in session.particles][:3] == ["P1", "P2", "P3"]


def test_a_result_goes_stale_when_an_input_changes() -> None:
    session = Session()
    run = session.runs.add(make_run())
    step = session.steps.add(Step(name="cycles", inputs={run.id: run.revision}))
    assert not session.is_stale(step.id)
    session.change(run, name="renamed")
    assert session.is_stale(step.id)


def test_moving_a_clock_ages_only_what_holds_times() -> None:
    session = Session()
    run = session.runs.add(make_run())
    clock = session.clocks.add(run.clock)
    outlines = session.steps.add(Step(name="outlines", inputs={run.id: run.revision}))
    timed = session.steps.add(Step(name="timed", inputs={run.id: run.revision, clock.id: clock.revision}))
    session.change(clock, offset_s=60.0)
    assert not session.is_stale(outlines.id)
    assert session.is_stale(timed.id)
    session.change(run, name="renamed")
    assert session.is_stale(outlines.id)


def test_extent_covers_every_stream() -> None:
    session = Session()
    assert session.extent() is None
    session.runs.add(make_run())
    session.events.add(Event(t=-3.0))
    assert session.extent() == (-3.0, 4.0)


@given(
    st.lists(st.lists(st.one_of(st.floats(0, 100), st.just(np.nan)), max_size=8), min_size=1, max_size=6),
    st.booleans(),
    st.floats(-10, 110),
)
@settings(deadline=None, max_examples=80)
def test_a_growing_stack_finds_its_frames_as_a_finished_one(
    portions: list[list[float]], is_sorted: bool, t: float
) -> None:
    if is_sorted:
        every = iter(sorted(each for portion in portions for each in portion if np.isfinite(each)))
        portions = [[next(every) for each in portion if np.isfinite(each)] for portion in portions]
    whole = np.array([each for portion in portions for each in portion])
    grown = FrameStack(source=MemoryArray(np.zeros((len(whole), 2, 2))))
    grown.clock.offset_s = finished_offset = 2.0
    for portion in portions:
        grown.append(np.array(portion))
    finished = FrameStack(source=grown.source, times=whole)
    finished.clock.offset_s = finished_offset
    assert grown.index_at(t) == finished.index_at(t)
    assert grown.time_span == finished.time_span
    known = whole[np.isfinite(whole)] + 2.0
    assert grown.time_span == (None if not len(known) else (known.min(), known.max()))
