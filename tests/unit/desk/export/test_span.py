"""Which stretch of time a figure shows while nobody has chosen one."""

from __future__ import annotations

import numpy as np

from tandem_em.desk.export.data import shown_span
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle


def session_with_a_movie_at(start: float) -> Session:
    session = Session("days")
    times = np.linspace(0.0, 10.0, 11)
    session.runs.add(
        BiasRun(
            name="log",
            times=GrowingArray(times),
            columns={"voltage": Column("voltage", "V", GrowingArray(times))},
        )
    )
    frames = np.zeros((3, 8, 8), np.uint8)
    session.stacks.add(
        FrameStack(name="movie", source=MemoryArray(frames), times=start + np.arange(3.0), times_from="file")
    )
    return session


def test_a_movie_of_another_year_does_not_take_the_curves_out_of_the_figure() -> None:
    assert shown_span(session_with_a_movie_at(2e8)) == (0.0, 10.0)


def test_else_the_movie_or_its_particles_say_what_is_shown() -> None:
    assert shown_span(session_with_a_movie_at(4.0)) == (4.0, 6.0)
    followed = session_with_a_movie_at(2e8)
    followed.particles.add(Particle(name="P1", stack_id="any"))
    assert shown_span(followed) == (2e8, 2e8 + 2)
