"""The scene of the biasing pane: the chosen run, moments and stretches, and following what is being measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce
from cycled_run import RATE_HZ, cycled

from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_widgets.panes.biasing.scene import VIEWS, BiasingScene


@pytest.fixture
def scene(tmp_path: Path) -> BiasingScene:
    session = Session("scene")
    for number in range(2):
        run = cycled(f"run {number}", start=1000.0 * number)
        session.clocks.add(run.clock)
        session.runs.add(run)
    return BiasingScene(Desk(session, AtOnce(), Notices(), Settings(tmp_path / "preferences.json")))


def test_the_chosen_run_is_the_selected_one_else_that_at_the_cursor(scene: BiasingScene) -> None:
    first, second = scene.session.runs
    scene.session.focus.t = 1100.0
    assert scene.chosen_run() is second
    scene.session.focus.t = 700.0
    assert scene.chosen_run() is first
    scene.session.focus.select("run", second.id)
    assert scene.chosen_run() is second


def test_a_view_is_told_once(scene: BiasingScene) -> None:
    told: list[str] = []
    scene.view_changed.connect(told.append)
    for name in ("cycles", "cycles", "time"):
        scene.show_view(name)
    assert told == ["cycles", "time"]
    assert "cycles" in {name for name, _text, _tip in VIEWS}


def test_showing_all_time_begins_with_the_chosen_run(scene: BiasingScene) -> None:
    scene.session.focus.t = 1100.0
    scene.fit_time()
    assert scene.session.focus.span == (1000.0, pytest.approx(1399.9))
    scene.fit_time()
    assert scene.session.focus.span == (0.0, pytest.approx(1399.9))


def test_the_newest_moment_stays_in_view_until_the_cursor_is_taken_away(scene: BiasingScene) -> None:
    run = list(scene.session.runs)[1]
    focus = scene.session.focus
    focus.span = (1350.0, 1410.0)

    def record(start: float) -> None:
        run.append(start + np.arange(100) / RATE_HZ, {"voltage": np.ones(100), "current": np.zeros(100)})
        scene.follow([run])

    record(1400.0)
    record(1410.0)
    assert focus.span == (pytest.approx(1419.9 - 54), pytest.approx(1419.9 + 6))
    scene.go_to(1415.0)
    record(1420.0)
    assert focus.span[1] == pytest.approx(1425.9)
    scene.set_follow(True)
    assert focus.span[1] > 1429
    scene.end_growing()
    assert scene.newest is None


def test_events_and_stretches(scene: BiasingScene) -> None:
    event = Event(name="contact", t=100.0)
    scene.session.events.add(event)
    scene.go_to_event(event.id)
    assert (scene.session.focus.t, scene.session.focus.selected("event")) == (100.0, event.id)
    scene.move_event(event.id, 120.0)
    assert event.t == 120.0
    scene.mark_stretch(10.0, 20.0)
    marked = list(scene.session.events)[-1]
    assert (marked.name, marked.t, marked.end) == ("event 2", 10.0, 20.0)
    scene.session.focus.t = 50.0
    scene.take_as_zero(5.0, 95.0)
    assert scene.chosen_run() is not None
    assert scene.session.runs.first is not None
    assert scene.session.runs.first.zero_span == (5.0, 95.0)


def test_the_scene_needs_no_qt() -> None:
    call = "import tandem_widgets.panes.biasing.scene, sys; print([m for m in sys.modules if m.startswith('PyQt')])"
    said = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
