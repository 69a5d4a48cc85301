"""What a person would do with the demo: take the current's zero, correct the drift, outline particles, follow them."""

from __future__ import annotations

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk.biasing import runs
from tandem_em.desk.outlines import following
from tandem_em.desk.outlines.drift import DRIFT
from tandem_em.desk.outlines.follow import FOLLOW
from tandem_em.desk.provenance import step_for
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_em.simulation.movie_physics import truth
from tandem_em.simulation.movie_recipe import MovieRecipe

REST_S = (-60.0, 3.0)
"""Before the needle touches no current flows."""
DRAWN = ("P1", "P2", "P3")
COLOURS = ("#ff5a5f", "#4a9eff", "#ffbf47")


def analyse(session: Session, stack: FrameStack, recipe: MovieRecipe) -> Job[None]:
    """Zero, drift, then outlines from a first drawing that is a few per cent off, as a hand's is."""
    run = session.runs.first
    assert run is not None
    zero = yield from runs.measuring_zero(run, REST_S)
    run.zero_current_A, run.zero_current_error_A, run.zero_span = zero.current_A, zero.error_A, REST_S
    yield Progress(0, 0, "Measuring the drift")
    drift = yield from following.find_drift(stack)
    stack.drift_px = drift
    session.steps.add(step_for("drift", [stack], {"region": None}, [stack.id], DRIFT.name))
    drawn = []
    # Seeded: every demo of one recipe is the same.
    rng = np.random.default_rng(recipe.seed)
    for name, colour in zip(DRAWN, COLOURS):
        particle = Particle(name=name, stack_id=stack.id, colour=colour, reference_frames=[0], simulated=True)
        particle.outlines[0] = following.key_outline(by_hand(truth(recipe, 0)[name], rng))
        drawn.append(session.particles.add(particle))
    found = yield from following.follow(stack, drawn)
    step = session.steps.add(
        step_for("follow outlines", [stack], {"drift": "estimated"}, [p.id for p in drawn], FOLLOW.name)
    )
    for particle, followed in zip(drawn, found):
        particle.outlines = followed.outlines
        particle.made_by = step.id
        particle.followed = (0, len(stack) - 1)


def by_hand(
    polygon: np.ndarray[tuple[int, ...], np.dtype[np.float64]], rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """About thirty vertices, each off by two per cent of the size: a hand-drawn outline."""
    few = polygon[:: max(1, len(polygon) // 30)]
    size = float(np.ptp(few, axis=0).mean())
    return few + rng.normal(0, 0.015 * size, few.shape)
