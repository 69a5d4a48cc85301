"""Following with a scene alone: what is found is kept, what is lost is asked about, what is stale is offered again."""

from __future__ import annotations

import pytest
from disc_movie import FRAMES, RADIUS, circle
from PyQt6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.following import Following
from tandem_widgets.panes.stack.scene import StackScene


class Corrections:
    """Remembers where a person was asked to put something right."""

    def __init__(self, scene: StackScene) -> None:
        self.asked: list[tuple[Particle, int]] = []
        self.owner = QObject()
        self.following = Following(scene, self.owner, lambda *where: self.asked.append(where))


@pytest.fixture
def corrections(scene: StackScene) -> Corrections:
    return Corrections(scene)


@pytest.fixture
def particle(scene: StackScene) -> Particle:
    assert scene.stack is not None
    return particles_edit.draw(scene.desk, scene.stack, 0, circle(RADIUS))


def test_a_particle_is_followed_through_the_movie(
    qtbot: QtBot, scene: StackScene, corrections: Corrections, particle: Particle
) -> None:
    corrections.following.start([particle])
    assert corrections.following.is_running
    qtbot.waitUntil(lambda: not corrections.following.is_running, timeout=90_000)
    assert sorted(particle.outlines) == list(range(FRAMES))
    assert scene.questions.question is None


@pytest.mark.expects_log
def test_without_a_key_there_is_a_sentence(scene: StackScene, corrections: Corrections) -> None:
    assert scene.stack is not None
    corrections.following.start([Particle(name="P9", stack_id=scene.stack.id)])
    assert "no key frame" in scene.desk.notices.items[-1].title
    assert not corrections.following.is_running


def test_a_lost_particle_is_asked_about_where_it_was_lost(
    scene: StackScene, corrections: Corrections, particle: Particle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {}
    monkeypatch.setattr(
        particles_edit, "follow", lambda *given, **_named: ends.setdefault("ended", given[5]) and None
    )
    corrections.following.start([particle])
    ends["ended"]({particle.id: (4,)})
    question = scene.questions.question
    assert question is not None
    assert question.about == f"stop {particle.id}"
    assert "P1 is lost in frame" in question.text
    assert scene.selected is particle
    here, call = question.answers[0]
    assert here == "Correct here"
    scene.questions.answer(call)
    assert scene.questions.question is None
    assert [each for each, _frame in corrections.asked] == [particle]


def test_a_new_calibration_offers_to_follow_again(
    qtbot: QtBot, scene: StackScene, corrections: Corrections, particle: Particle
) -> None:
    corrections.following.start([particle])
    qtbot.waitUntil(lambda: not corrections.following.is_running, timeout=90_000)
    assert scene.stack is not None
    stacks.set_pixel(scene.desk, scene.stack, 0.4)
    corrections.following.say_stale()
    question = scene.questions.question
    assert question is not None
    assert question.about.startswith("stale")
    scene.questions.answer(question.answers[0][1])
    qtbot.waitUntil(lambda: not corrections.following.is_running, timeout=90_000)
    assert not particles_edit.stale(scene.session, particle)
    assert scene.questions.question is None
