"""Outlines and drift that grow in the session while it is filmed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.analysis.drift.live import LiveDrift
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.live import follow
from tandem_em.desk.live.follow import FollowIncoming, LiveFollow, thinned
from tandem_em.desk.outlines.following import key_outline
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_em.simulation.demo_movie import demo_recipe
from tandem_em.simulation.movie_physics import render_frame, truth

FRAMES, FRAME_PX = 30, 256


@pytest.fixture(scope="module")
def recipe():
    return demo_recipe(300, 256)


@pytest.fixture(scope="module")
def frames(recipe):
    return [render_frame(recipe, number) for number in range(FRAMES)]


def area(polygon):
    return key_outline(polygon).area_px


def test_frames_may_be_left_out(recipe, frames):
    work = FollowIncoming(frames.__getitem__)
    work.watch("p", 0, truth(recipe, 0)["P1"])
    for number in range(0, FRAMES, 3):
        found = work.follow_incoming(number, frames[number])
        assert set(found.outlines["p"]) == {number}
    assert work.drift_px.shape == (28, 2)
    steps = np.diff(work.drift_px[0:4], axis=0)
    np.testing.assert_allclose(
        steps, np.tile(steps[0], (3, 1)), atol=1e-9
    )  # straight across what was left out
    last = max(found.outlines["p"])
    assert found.outlines["p"][last].area_px == pytest.approx(area(truth(recipe, last)["P1"]), rel=0.12)


def test_an_outline_drawn_on_an_older_frame_catches_up(recipe, frames):
    work = FollowIncoming(frames.__getitem__)
    for number in range(20):
        work.follow_incoming(number, frames[number])
    work.watch("p", 12, truth(recipe, 12)["P2"])
    found = work.follow_incoming(20, frames[20])
    assert set(found.outlines["p"]) == set(range(12, 21))
    assert found.outlines["p"][20].area_px == pytest.approx(area(truth(recipe, 20)["P2"]), rel=0.08)


def test_frames_still_on_their_way_to_disk_are_skipped_when_catching_up(recipe, frames):
    def read(number):
        if number > 14:
            raise IndexError(number)
        return frames[number]

    work = FollowIncoming(read)
    for number in range(20):
        work.follow_incoming(number, frames[number])
    work.watch("p", 12, truth(recipe, 12)["P2"])
    found = work.follow_incoming(20, frames[20])
    assert set(found.outlines["p"]) == {12, 13, 14, 20}


@pytest.mark.expects_log
def test_a_frame_that_cannot_be_followed_ends_nothing(recipe, frames, monkeypatch, caplog):
    from tandem_em.analysis.outlines import live as outline_live

    take = outline_live.LiveFollower.take
    calls: list[int] = []

    def sometimes(self, frame, drift, level, gap=1):
        calls.append(gap)
        if len(calls) in (4, 5):
            raise ValueError("array must not contain infs or NaNs")
        return take(self, frame, drift, level, gap)

    monkeypatch.setattr(outline_live.LiveFollower, "take", sometimes)
    work = FollowIncoming(frames.__getitem__)
    work.watch("p", 0, truth(recipe, 0)["P1"])
    seen = [
        number for number in range(12) if number in work.follow_incoming(number, frames[number]).outlines["p"]
    ]
    assert seen == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    assert "cannot be followed" in caplog.text

    monkeypatch.setattr(follow, "MOST_FAILURES", 2)
    calls.clear()
    assert [work.follow_incoming(number, frames[number]).lost for number in range(12, 18)][-1] == ("p",)


def test_a_particle_outside_is_looked_for_again_while_filming() -> None:
    """Its neighbour goes on meanwhile; bright particles are no different from dark ones."""
    from disc_frames import disc_frames, true_outline

    def left(_k):
        return 30.0, 90.0, 18.0

    def right(_k):
        return 120.0, 60.0, 18.0

    drift = np.zeros((16, 2))
    drift[4:12] = -70, 0
    movie = disc_frames([left, right], 16, ground=40, inside=160, shape=(140, 200), drift=drift)
    work = FollowIncoming(movie.__getitem__)
    work._measure_drift = lambda number, _frame: work._drifts.append(drift[number])
    work.watch("left", 0, true_outline(left, 0))
    work.watch("right", 0, true_outline(right, 0))
    seen = {"left": [], "right": []}
    for number, frame in enumerate(movie):
        found = work.follow_incoming(number, frame)
        assert found.lost == ()
        for name in seen:
            seen[name] += list(found.outlines[name])
    assert seen["right"] == list(range(16))
    assert seen["left"] == [0, 1, 2, 3, 12, 13, 14, 15]
    last = found.outlines["left"][15]
    assert last.area_px == pytest.approx(np.pi * 18**2, rel=0.04)
    assert last.confidence > 0.5


def test_a_frame_without_beam_gets_no_outline(recipe, frames):
    work = FollowIncoming(frames.__getitem__)
    work.watch("p", 0, truth(recipe, 0)["P1"])
    for number in range(5):
        work.follow_incoming(number, frames[number])
    found = work.follow_incoming(5, np.zeros_like(frames[0]) + 2)
    assert found.outlines == {}
    assert set(work.follow_incoming(6, frames[6]).outlines["p"]) == {6}


def filmed_session(recipe, frames):
    session = Session()
    stack = FrameStack(
        name="camera", source=MemoryArray(np.stack(frames)), times=np.arange(FRAMES) * 0.1, times_from="file"
    )
    session.stacks.add(stack)
    particle = Particle(name="P1", stack_id=stack.id)
    particle.outlines[0] = key_outline(truth(recipe, 0)["P1"])
    return session, stack, particle


def test_the_session_grows_while_it_is_filmed(recipe, frames):
    session, stack, particle = filmed_session(recipe, frames)
    session.particles.add(particle)
    posted, taken = [], threading.Semaphore(0)
    stack.drift_px = np.zeros((1, 2))  # asked for
    live = LiveFollow(session, stack, posted.append)
    take = live._take
    live._take = lambda *which: (take(*which), taken.release())  # to know when a frame is through
    live.start()
    for number, frame in enumerate(frames):
        live.offer(number, frame, follow.host_now())
        assert taken.acquire(timeout=20)
    live.stop()
    assert 0 < len(posted) < FRAMES + 1  # a few times a second, not for each frame
    for show in posted:
        show()
    live.finish()
    assert set(particle.outlines) == set(range(FRAMES))
    assert particle.outlines[0].is_key
    assert stack.drift_px is not None
    assert stack.drift_px.shape == (FRAMES, 2)
    lag = live.lag
    assert (lag.frame, lag.behind_frames, lag.lost) == (FRAMES - 1, 0, ())
    assert 0 < lag.work_s < 10
    assert lag.behind_s > 0
    step = session.steps.get(particle.made_by)
    assert step is not None
    assert not session.is_stale(step.id)


def filmed(session, stack, frames, warned=()):
    """Follow these frames, one after the other, and show what was found."""
    posted, taken = [], threading.Semaphore(0)
    live = LiveFollow(session, stack, posted.append, lambda title, _advice: warned.append(title))
    take = live._take
    live._take = lambda *which: (take(*which), taken.release())
    live.start()
    for number, frame in enumerate(frames):
        live.offer(number, frame, follow.host_now())
        assert taken.acquire(timeout=20)
    live.stop()
    for show in posted:
        show()
    live.finish()


def test_drift_is_taken_off_only_when_somebody_has_asked_for_it(recipe, frames, tmp_path):
    session, stack, particle = filmed_session(recipe, frames)
    session.particles.add(particle)
    filmed(session, stack, frames[:8])
    assert stack.drift_px is None
    assert set(particle.outlines) == set(range(8))  # following does not need it on screen
    desk = Desk(session, AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
    follow.ask_for_drift(desk, stack)
    filmed(session, stack, frames[:8])
    assert stack.drift_px.shape == (8, 2)
    session.history.undo()
    assert stack.drift_px is None


def test_what_is_shown_is_the_drift_of_whole_frames_also_while_one_is_at_work(recipe, frames, monkeypatch):
    session, stack, _particle = filmed_session(recipe, frames)
    stack.drift_px = np.zeros((1, 2))
    live = LiveFollow(session, stack, lambda _action: None)
    live._take(0, frames[0], follow.host_now())
    measure, shown = live._work._measure_drift, []

    def measured(number, frame):
        measure(number, frame)
        live._show(True)  # as the session's thread does at any time
        shown.append(len(stack.drift_px))

    monkeypatch.setattr(live._work, "_measure_drift", measured)
    live._take(3, frames[3], follow.host_now())
    assert shown == [1]
    live._show(True)
    assert len(stack.drift_px) == 4


def test_a_drift_that_cannot_be_true_is_not_taken_off_any_longer(recipe, frames, monkeypatch):
    session, stack, _particle = filmed_session(recipe, frames)
    stack.drift_px = np.zeros((1, 2))
    monkeypatch.setattr(follow, "compile_kernels", lambda *_: None)  # it follows something of its own
    monkeypatch.setattr(LiveDrift, "shift", lambda *_: (np.array([0.0, 0.26 * FRAME_PX]), True))
    warned = []
    filmed(session, stack, frames[:4], warned)
    assert stack.drift_px is None
    assert len(warned) == 1
    assert "no longer corrected" in warned[0]


def test_frames_that_come_too_fast_are_left_out_and_the_lag_says_so(recipe, frames):
    session, stack, particle = filmed_session(recipe, frames)
    session.particles.add(particle)
    live = LiveFollow(session, stack, lambda _show: None)
    entered, go_on = threading.Event(), threading.Event()
    take = live._take

    def slow(*which):
        entered.set()
        go_on.wait(20)
        take(*which)

    live._take = slow
    live.start()
    live.offer(0, frames[0], 0.0)
    assert entered.wait(20)
    for number in range(1, 21):
        live.offer(number, frames[number], float(number))
    go_on.set()
    live.stop()
    assert live.lag.frame in (0, 20)
    assert live.lag.behind_frames == 20 - live.lag.frame
    live.finish()
    assert set(particle.outlines) <= {0, 20}


def test_a_correction_restarts_and_a_deleted_particle_is_let_go(recipe, frames):
    session, stack, particle = filmed_session(recipe, frames)
    live = LiveFollow(session, stack, lambda _show: None)
    live._look_at(particle)
    assert live._wanted[particle.id][0] == 0
    outlines = dict(particle.outlines) | {7: key_outline(truth(recipe, 7)["P1"])}
    session.particles.add(particle)
    session.change(particle, outlines=outlines)
    live._look_again(particle, None)
    assert live._wanted[particle.id][0] == 7
    live._wanted.clear()
    session.change(particle, name="renamed")
    live._look_again(particle, None)
    assert live._wanted == {}
    live._forget(particle)
    assert live._wanted == {particle.id: None}


def test_a_day_of_outlines_is_thinned_and_keeps_what_was_drawn(monkeypatch):
    monkeypatch.setattr(follow, "KEPT", 10)
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    outlines = {k: key_outline(square) for k in range(11)}
    found = {k: follow.replace(o, is_key=k == 3) for k, o in outlines.items()}
    assert sorted(thinned(found)) == [0, 2, 3, 4, 6, 8, 10]
    assert thinned({k: found[k] for k in range(10)}).keys() == set(range(10))
