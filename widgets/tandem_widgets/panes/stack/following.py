"""Following in the window: outlines appear while they are found, stopping keeps them, doubts and stale tracks are said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QObject

from tandem_em.core.jobs import Task
from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.edits import Edit
from tandem_em.model.tracks import Outline, Particle
from tandem_widgets.panes.stack.scene import StackScene


@dataclass
class _Run:
    particles: list[Particle]
    began_with: dict[str, dict[int, Outline]]
    completing: Edit | None
    task: Task[Any] | None = None


class Following:
    """Starts follows on the shown stack and says what they find. `correct(particle, frame)` lets a person put it right there."""

    def __init__(self, scene: StackScene, owner: QObject, correct: Callable[[Particle, int], None]) -> None:
        self._scene, self._desk, self._owner, self._correct = scene, scene.desk, owner, correct
        self._runs: list[_Run] = []
        self._said_stale = ""

    @property
    def is_running(self) -> bool:
        """Whether any particle is being followed now."""
        return bool(self._runs)

    def start(
        self,
        chosen: list[Particle],
        span: tuple[int, int] | None = None,
        *,
        ask: bool = True,
        completing: bool = False,
    ) -> None:
        """Follow particles; without a known drift that is found first. `ask`: stop where it becomes guessing.

        `completing`: the newest step of the history is why; it is undone together with what is found.
        """
        stack, desk = self._scene.stack, self._desk
        if stack is None or len(stack) < 2 or stack.axis0_is_time is False or not chosen:
            return
        if stacks.is_growing(stack):
            return  # the recorder follows what is drawn
        chosen = [particle for particle in chosen if particle.keys]
        if not chosen:
            desk.notices.tell(UserError("There is no key frame to start from.", "Draw an outline first (N)."))
            return
        if stack.drift_px is None:
            # particles are followed on the sample, so the drift comes first
            stacks.correct_drift(desk, stack, on_end=lambda: self.start(chosen, span, ask=ask))
            return
        self._forget(chosen)
        self._scene.questions.withdraw("stale")  # this is the update
        run = _Run(
            chosen, {p.id: p.outlines for p in chosen}, desk.session.history.newest if completing else None
        )

        def arrived(found: dict[str, dict[int, Outline]]) -> None:
            wanted = {particle.id for particle in run.particles}
            desk.session.growing.add({key: outlines for key, outlines in found.items() if key in wanted})

        def ended(stops: dict[str, tuple[int, ...]]) -> None:
            self._forget(chosen)
            if self._scene.stack is stack and not self._ask_to_correct(chosen, stops):
                self._say_doubts(chosen)
                if not self._scene.questions.about:
                    self.say_stale()

        self._runs.append(run)
        run.task = particles_edit.follow(
            desk,
            stack,
            list(chosen),
            span,
            arrived,
            ended,
            on_stopped=partial(self._stopped, run),
            ask=ask,
            completing=run.completing,
        )

    def _forget(self, chosen: list[Particle]) -> None:
        """What was growing for these particles is kept now, or begins anew; questions about them have been answered."""
        for particle in chosen:
            self.withdraw(particle)
        ids = {particle.id for particle in chosen}
        self._desk.session.growing.drop(ids)
        self._runs = [run for run in self._runs if not ids & {particle.id for particle in run.particles}]
        self._scene.drawn_changed.emit()

    def outlines_changed(self, particle: Particle) -> None:
        """Undone or corrected while it is followed: what is found from the older outlines is of no use any more."""
        for run in list(self._runs):
            # by identity: this run's own result would also change them
            if particle in run.particles and particle.outlines is not run.began_with[particle.id]:
                self._leave(run, particle)

    def gone(self, particle: Particle) -> None:
        """Deleted, or never drawn after an undo."""
        self.withdraw(particle)
        for run in list(self._runs):
            if particle in run.particles:
                self._leave(run, particle)

    def _leave(self, run: _Run, particle: Particle) -> None:
        """Go on without a particle, or not at all when it was the last one."""
        # its result is being written: that change is its own
        if run.task is None or run.task.state not in ("waiting", "running"):
            return
        run.particles.remove(particle)
        self._desk.session.growing.drop([particle.id])
        if not run.particles:
            run.task.cancel()
            self._runs.remove(run)

    def withdraw(self, particle: Particle) -> None:
        """Nobody needs to answer for this particle any more."""
        for question in ("stop", "doubt"):
            self._scene.questions.withdraw(f"{question} {particle.id}")

    def _stopped(self, run: _Run, by_a_person: bool) -> None:
        """A follow that was stopped leaves what it had found, as one step; one that failed leaves nothing."""
        # taken over by a newer run, or the pane is closed
        if run not in self._runs or sip.isdeleted(self._owner):
            return
        if by_a_person:
            growing = self._desk.session.growing
            grown = {particle.id: dict(growing.of(particle.id)) for particle in run.particles}
            particles_edit.keep(self._desk, run.particles, grown, run.completing)
        self._forget(run.particles)

    # --- sentences -----------------------------------------------------------------------------------------------

    def _ask_to_correct(self, chosen: list[Particle], stops: dict[str, tuple[int, ...]]) -> bool:
        """Where following was given up: a person corrects it there, or lets it go on. Whether there was such a place."""
        lost = [particle for particle in chosen if stops.get(particle.id)]
        if not lost:
            return False
        particle = lost[0]
        frame = particles_edit.first_doubt(particle, stops[particle.id][0])
        others = f" (and {', '.join(other.name for other in lost[1:])})" if len(lost) > 1 else ""
        way = "before" if frame < min(particle.keys, default=0) else "after"
        self._show(particle, frame)
        self._scene.questions.ask(
            f"stop {particle.id}",
            f"{particle.name}{others} is lost in frame {frame + 1} and {way}. Correct the outline here, or continue anyway?",
            ("Correct here", partial(self._correct_in, particle, frame)),
            ("Continue", lambda: self.start(lost, ask=False)),
            leave="Ignore",
        )
        return True

    def _show(self, particle: Particle, frame: int) -> None:
        self._scene.go_to(frame)
        self._scene.select(particle.id)

    def _correct_in(self, particle: Particle, frame: int) -> None:
        self._show(particle, frame)
        self._correct(particle, frame)

    def _say_doubts(self, chosen: list[Particle]) -> None:
        for particle in chosen:
            doubts = particles_edit.doubts(particle)
            if doubts:
                first, _ = doubts[0]
                count = sum(end - start + 1 for start, end in doubts)
                frames = (
                    f"frame {first + 1}" if count == 1 else f"{count} frames, the first is frame {first + 1}"
                )
                self._scene.questions.ask(
                    f"doubt {particle.id}",
                    f"{particle.name} is uncertain in {frames}. Drag the outline there to correct it.",
                    ("Go to frame", partial(self._scene.go_to, first)),
                    leave="Ignore",
                )
                return
        self._scene.questions.withdraw("doubt")

    def say_stale(self) -> None:
        """Tracks older than the drift or the calibration they rest on."""
        stack, session, questions = self._scene.stack, self._desk.session, self._scene.questions
        if stack is None:
            return
        stale = [p for p in particles_edit.of_stack(session, stack) if particles_edit.stale(session, p)]
        if not stale:
            questions.withdraw("stale")
            self._said_stale = ""
            return
        about = f"stale {stack.id} {stack.revision} " + " ".join(sorted(p.id for p in stale))
        # said once; not while it is being put right, nor over a question that comes first
        if about == self._said_stale or self._runs or questions.about.startswith(("axis", "pixel")):
            return
        self._said_stale = about
        names = ", ".join(particle.name for particle in stale)
        questions.ask(
            about,
            f"{stack.name} has changed since {names} {'was' if len(stale) == 1 else 'were'} followed.",
            ("Update", lambda: self.start(stale)),
            leave="Later",
        )
