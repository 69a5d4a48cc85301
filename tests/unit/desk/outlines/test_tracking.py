"""`tandem track` and the window: what goes wrong with one particle is said by its name, the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from at_once import AtOnce
from disc_frames import disc_frames, true_outline

from tandem_em.analysis.geometry.polygon import overlap
from tandem_em.analysis.outlines import propose as outline_propose
from tandem_em.analysis.outlines import walk
from tandem_em.cli.commands import run
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import recompute
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.outlines import tracking
from tandem_em.desk.outlines.follow import OUTSIDE
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle

FRAMES = 20


def still(_k: int) -> tuple[float, float, float]:
    return 60.0, 90.0, 22.0


def growing(k: int) -> tuple[float, float, float]:
    return 110.0, 40.0, 18 + 0.2 * k


def leaving(k: int) -> tuple[float, float, float]:
    return 20 - 2.0 * k, 125.0, 6.0


DISCS = {"A": still, "B": growing, "away": leaving}
CLICKS: list[dict[str, Any]] = [
    {"name": "A", "frame": 0, "click": [62, 88]},
    {"name": "nothing", "frame": 3, "click": [130, 130]},
    {"name": "B", "frame": 0, "click": [108, 42]},
    {"name": "away", "frame": 0, "polygon": true_outline(leaving, 0).tolist()},
]


def movie(inside: float = 110.0, *, drift: bool = True) -> FrameStack:
    frames = disc_frames(DISCS.values(), FRAMES, inside=inside)
    return FrameStack(
        name="discs", source=MemoryArray(frames), times=np.arange(float(FRAMES)), pixel_nm=0.5,
        drift_px=np.zeros((FRAMES, 2)) if drift else None,
    )  # fmt: skip


def followed_by_the_command(stack: FrameStack, rows: list[dict[str, Any]]) -> tracking.Tracked:
    session = Session("discs")
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    request = tracking.read_request({"particles": rows}, "OUTLINE.json")
    tracked = tracking.track(session, stack, request, run_to_end)
    assert list(session.particles) == tracked.found
    return tracked


def break_in(monkeypatch: pytest.MonkeyPatch, frame: int, left_of: int) -> None:
    """An error that nobody has thought of, for particles whose crop begins left of a column."""
    step = walk.Walk.step

    def broken(self: walk.Walk, number: int, direction: int, ahead: list[int]) -> None:
        if number == frame and self.crops.origin[0] < left_of:
            raise RuntimeError("boom")
        step(self, number, direction, ahead)

    monkeypatch.setattr(walk.Walk, "step", broken)


@pytest.mark.parametrize("inside", [110.0, 800.0])
def test_a_click_that_finds_nothing_and_a_particle_that_leaves_stop_nobody(inside: float) -> None:
    stack = movie(inside, drift=False)
    tracked = followed_by_the_command(stack, CLICKS)
    report = {each["name"]: each for each in tracking.report(stack, tracked)["particles"]}
    assert list(report) == ["A", "nothing", "B", "away"]
    for particle in tracked.particles[0], tracked.particles[2]:
        assert sorted(particle.outlines) == list(range(FRAMES))
        for k, outline in particle.outlines.items():
            assert overlap(outline.polygon, true_outline(DISCS[particle.name], k)) > 0.96
        assert report[particle.name]["lost"] == []
        assert report[particle.name]["failed"] is None
    assert report["nothing"]["polygons"] == [None] * FRAMES
    assert "nothing is not found under the click at 130, 130 in frame 3" in report["nothing"]["failed"]
    assert tracked.failed.keys() == {"nothing"}
    assert report["away"]["polygons"][0] is not None
    lost = [k for k, polygon in enumerate(report["away"]["polygons"]) if polygon is None]
    assert len(lost) >= 5
    assert min(lost) > 5
    assert all(said.startswith("away is lost in frame") for said in report["away"]["lost"])


def test_when_no_click_finds_anything_all_are_named() -> None:
    rows = [{"name": f"N{k}", "frame": k, "click": [130, 130]} for k in (0, 3)]
    with pytest.raises(UserError, match=r"N0 is not found.*N3 is not found"):
        followed_by_the_command(movie(), rows)


@pytest.mark.expects_log
def test_an_unexpected_error_is_that_of_one_particle(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_in(monkeypatch, 4, left_of=30)
    tracked = followed_by_the_command(movie(), [CLICKS[0], CLICKS[2]])
    assert [sorted(p.outlines) for p in tracked.particles] == [list(range(4)), list(range(FRAMES))]
    assert tracked.failed["A"].title.startswith("A is lost in frame 4: something unexpected")
    assert "RuntimeError: boom" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.expects_log
def test_a_click_that_breaks_is_that_of_one_particle(monkeypatch: pytest.MonkeyPatch) -> None:
    propose = outline_propose.propose_outline

    def broken(image: Any, x: float, y: float) -> Any:
        if x > 100:
            raise ValueError("boom")
        return propose(image, x, y)

    monkeypatch.setattr(outline_propose, "propose_outline", broken)
    tracked = followed_by_the_command(movie(), [CLICKS[0], CLICKS[2]])
    assert len(tracked.particles[0].outlines) == FRAMES
    assert "B is not found under the click at 108, 42" in tracked.failed["B"].title


def test_the_command_keeps_what_was_found_and_says_what_was_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "discs.tif", disc_frames(DISCS.values(), FRAMES))
    (tmp_path / "outline.json").write_text(json.dumps({"particles": CLICKS}))
    call = ["track", str(tmp_path / "discs.tif"), "--outline", str(tmp_path / "outline.json")]
    status = run([*call, "-o", str(tmp_path / "tracks.json")], None)  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert status == 1
    assert said.err.count("\n") == 1
    assert "nothing is not found under the click at 130, 130 in frame 3" in said.err
    assert f"A: {FRAMES} of {FRAMES} frames" in said.out
    assert "away is lost in frame" in said.out
    tracks = json.loads((tmp_path / "tracks.json").read_text())
    assert [each["name"] for each in tracks["particles"]] == ["A", "nothing", "B", "away"]
    (tmp_path / "outline.json").write_text(json.dumps({"particles": [CLICKS[0], CLICKS[3]]}))
    assert run(call, None) == 0  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert json.loads(said.out)["particles"][1]["lost"]
    assert said.err == ""


def followed_in_the_window(
    names: list[str], drift: np.ndarray
) -> tuple[Desk, dict[str, Particle], list[dict[str, tuple[int, ...]]]]:
    """Drawn in the first frame and followed by the verb that the window calls; what it was told at the end."""
    frames = disc_frames(DISCS.values(), FRAMES, drift=drift)
    stack = FrameStack(
        name="discs", source=MemoryArray(frames), times=np.arange(float(FRAMES)), drift_px=drift
    )
    session = Session("discs")
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    desk = Desk(session, AtOnce(), Notices(), Settings())
    chosen = []
    for name in names:
        chosen.append(particles_edit.draw(desk, stack, 0, true_outline(DISCS[name], 0)))
        particles_edit.rename(desk, chosen[-1], name)
    stops: list[dict[str, tuple[int, ...]]] = []
    particles_edit.follow(desk, stack, chosen, on_end=stops.append)
    return desk, dict(zip(names, chosen)), stops


def test_the_window_says_who_is_outside_and_asks_nobody_to_correct_it() -> None:
    drift = np.zeros((FRAMES, 2))
    drift[8:] = -95, 0
    desk, found, stops = followed_in_the_window(["A", "B"], drift)
    assert sorted(found["A"].outlines) == list(range(8))
    assert stops == [{particle.id: () for particle in found.values()}]
    said = [notice.title for notice in desk.notices.items]
    assert said == [f"A is lost in frames 9 to {FRAMES}: it lies outside the image."]
    assert found["A"].extra[OUTSIDE] == list(range(8, FRAMES))
    assert particles_edit.doubts(found["A"]) == []


def test_followed_again_because_it_was_stale_it_says_the_same_and_is_one_step() -> None:
    drift = np.zeros((FRAMES, 2))
    drift[8:] = -95, 0
    desk, found, _ = followed_in_the_window(["A", "B"], drift)
    (stack,) = desk.session.stacks
    desk.change("Calibrate", stack, pixel_nm=2.0)
    (work,) = recompute.stale(desk.session)
    desk.notices.items.clear()
    before = [particle.made_by for particle in found.values()]
    assert recompute.recompute(desk, work) is not None
    assert [n.title for n in desk.notices.items] == [
        f"A is lost in frames 9 to {FRAMES}: it lies outside the image."
    ]
    assert found["A"].extra[OUTSIDE] == list(range(8, FRAMES))
    assert recompute.stale(desk.session) == []
    desk.session.history.undo()
    assert [particle.made_by for particle in found.values()] == before


@pytest.mark.expects_log
def test_an_unexpected_error_in_the_window_is_that_of_one_particle(monkeypatch: pytest.MonkeyPatch) -> None:
    break_in(monkeypatch, 4, left_of=30)
    desk, found, stops = followed_in_the_window(["A", "B"], np.zeros((FRAMES, 2)))
    assert [len(particle.outlines) for particle in found.values()] == [4, FRAMES]
    assert stops == [{found["A"].id: (4,), found["B"].id: ()}]
    (notice,) = [notice for notice in desk.notices.items if notice.level == "error"]
    assert notice.title.startswith("A is lost in frame 5: something unexpected")
    desk.session.history.undo()  # one step for both
    assert [len(particle.outlines) for particle in found.values()] == [1, 1]
