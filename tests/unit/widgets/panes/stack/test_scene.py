"""The scene of the stack pane: which frame is wanted, what is said, and that a move of the cursor asks for one frame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.panes.stack.questions import ask_what_is_unknown
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.titles import pixel_text, stack_text

COUNT = 5


def movie(name: str = "movie") -> FrameStack:
    frames = np.arange(COUNT * 6 * 8, dtype=np.uint16).reshape(COUNT, 6, 8)
    return FrameStack(
        name=name,
        source=MemoryArray(frames),
        times=np.arange(COUNT, dtype=float),
        times_from="file",
        pixel_nm=0.5,
    )


@pytest.fixture
def scene(tmp_path: Path) -> StackScene:
    desk = Desk(Session("scene"), AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
    stack = movie()
    desk.session.clocks.add(stack.clock)
    desk.session.stacks.add(stack)
    made = StackScene(desk)
    made.choose()
    return made


def wanted(scene: StackScene) -> list[int]:
    found: list[int] = []
    scene.frame_wanted.connect(found.append)
    return found


def test_a_move_of_the_cursor_asks_for_one_frame(scene: StackScene) -> None:
    asked = wanted(scene)
    for t in (2.0, 2.2, 2.4, 4.0):
        scene.session.focus.t = t
        scene.follow()
    assert asked == [2, 4]
    scene.show_again()
    assert asked == [2, 4, 4]


def test_what_is_on_screen_is_told_with_its_moment(scene: StackScene) -> None:
    assert scene.stack is not None
    scene.go_to(3)
    assert scene.session.focus.t == 3.0
    scene.follow()
    assert scene.frame_index == 3  # on its way
    scene.place(2, scene.stack.frame(2))
    assert (scene.frame_index, scene.stamp) == (2, "2.00 s")
    assert scene.outlines is not None
    assert scene.outlines.frame == 2
    assert pixel_text(scene, 1.2, 0.1) == f"{2 * 48 + 1} {scene.stack.unit} · 1, 0"
    assert pixel_text(scene, -5, 0) == ""
    scene.place(2, None)
    assert pixel_text(scene, 1, 0) == ""


def test_images_that_are_no_movie_are_chosen_by_number(scene: StackScene) -> None:
    assert scene.stack is not None
    scene.stack.axis0_is_time = False
    asked = wanted(scene)
    scene.show_image(-1)
    scene.go_to(99)
    scene.go_to(-3)
    assert (asked, scene.image) == ([COUNT - 1, 0], 0)
    scene.place(0, None)
    assert scene.stamp == f"1 / {COUNT}"


def test_another_stack_begins_anew(scene: StackScene) -> None:
    told: list[object] = []
    scene.stack_changed.connect(lambda: told.append(scene.stack))
    scene.choose()
    assert told == []
    scene.follow()
    scene.place(0, None)
    scene.questions.ask("axis", "Is it?", leave="No")
    other = movie("other")
    scene.session.stacks.add(other)
    scene.session.focus.select("stack", other.id)
    scene.choose()
    assert told == [other]
    assert (scene.shown, scene.questions.question) == (-1, None)
    for stack in list(scene.session.stacks):
        scene.session.stacks.remove(stack.id)
    scene.choose()
    assert told == [other, None]
    assert scene.stamp == ""


def test_sentences_are_told_when_they_change(scene: StackScene) -> None:
    told: list[str] = []
    scene.drawn_changed.connect(lambda: told.append(scene.hint))
    scene.say(hint="Drag")
    scene.say(trouble="")
    scene.say(lag="3 frames behind")
    scene.say(hint="")
    assert told == ["Drag", "Drag", ""]
    assert scene.lag == "3 frames behind"


def test_the_drift_is_taken_off_on_view_only(scene: StackScene) -> None:
    assert scene.stack is not None
    scene.stack.drift_px = np.full((COUNT, 2), 3.0)
    scene.follow()
    asked = wanted(scene)
    assert scene.drift.shift(1) == (3.0, 3.0)
    assert scene.on_sample((10.0, 10.0)) == (7.0, 7.0)
    scene.drift.use(False)
    assert asked == [0]
    assert scene.drift.shift(1) == (0.0, 0.0)
    assert "drift not corrected" in stack_text(scene)
    scene.use_filter(ViewFilter("mean", 3))
    assert stack_text(scene).endswith(ViewFilter("mean", 3).text)


def test_an_unknown_axis_is_asked_and_the_answer_is_undone(scene: StackScene) -> None:
    stack = scene.stack
    assert stack is not None
    stack.axis0_is_time = None
    ask_what_is_unknown(scene.desk, stack, scene.questions)
    question = scene.questions.question
    assert question is not None
    assert [words for words, _ in question.answers] == ["Yes, a movie", "No, separate images"]
    scene.questions.answer(question.answers[1][1])
    assert stack.axis0_is_time is False
    assert scene.questions.question is None
    scene.session.history.undo()
    assert stack.axis0_is_time is None


def test_the_scene_needs_no_qt() -> None:
    call = "import tandem_widgets.panes.stack.scene, sys; print([m for m in sys.modules if m.startswith('PyQt')])"
    said = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
