"""A snapshot is what was there when it was taken, whatever is recorded or changed afterwards."""

from __future__ import annotations

import numpy as np

from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.snapshot import frozen, snapshot
from tandem_em.model.tracks import Particle


class Film(MemoryArray):
    """A movie that is being recorded: frames are seen one after the other."""

    def __init__(self, count: int) -> None:
        super().__init__(np.arange(20.0).reshape(10, 2, 1))
        self.count = count

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count, 2, 1)

    @property
    def is_growing(self) -> bool:
        return True


def test_a_run_that_is_recorded_keeps_its_length_in_the_snapshot() -> None:
    session, clock = Session("s"), Clock(offset_s=5.0)
    run = BiasRun(
        name="r",
        clock=clock,
        columns={"voltage": Column("voltage", "V", GrowingArray())},
        host_times=GrowingArray(),
    )
    session.clocks.add(clock)
    session.runs.add(run)
    run.append(np.arange(3.0), {"voltage": np.ones(3)}, np.arange(3.0))
    assert run.t.tolist() == [5, 6, 7]
    still = snapshot(session).runs.first
    assert still is not None
    for _ in range(400):  # over the end of the storage
        run.append(np.arange(3.0, 6.0), {"voltage": np.zeros(3)}, np.arange(3.0))
    session.change(clock, offset_s=100.0)
    assert (len(still), still.extent, still.t.tolist()) == (3, (5.0, 7.0), [5, 6, 7])
    assert still.values("voltage").tolist() == [1, 1, 1]
    assert still.host_times is not None
    assert len(still.host_times) == 3
    assert len(run.values("voltage")) == 1203


def test_a_movie_that_is_recorded_keeps_its_frames_in_the_snapshot() -> None:
    session = Session("s")
    source = Film(4)
    stack = session.stacks.add(FrameStack(name="m", source=source, times=np.arange(4.0)))
    still = snapshot(session).stacks.first
    assert still is not None
    source.count = 6
    stack.append(np.array([4.0, 5.0]))
    assert (len(still), len(still.times), len(stack)) == (4, 4, 6)
    assert (still.source.ready, still.source.is_growing) == (4, False)
    np.testing.assert_array_equal(np.asarray(still.source), source.array[:4])
    for index in (-1, slice(None, None, -1), slice(2, 9), (slice(-2, None), 1), (..., 0)):
        np.testing.assert_array_equal(still.source[index], source.array[:4][index])
    np.testing.assert_array_equal(still.frame(3), source.array[3])


def test_streams_of_one_clock_go_by_one_clock_in_the_snapshot() -> None:
    session, clock = Session("s"), Clock(offset_s=5.0)
    one, two = (session.stacks.add(FrameStack(name=name, clock=clock)) for name in "ab")
    session.clocks.add(clock)
    still = snapshot(session)
    (theirs,) = still.clocks
    assert theirs is not clock
    assert all(stack.clock is theirs for stack in still.stacks)
    session.change(clock, offset_s=7.0)
    assert (one.clock.offset_s, two.clock.offset_s, theirs.offset_s) == (7.0, 7.0, 5.0)


def test_lists_and_dictionaries_of_a_frozen_item_stay_as_they_are() -> None:
    particle = Particle(name="p")
    stack = FrameStack(name="m", bad_frames=[1], instrument={"a": 1})
    still, twin = frozen(stack), frozen(particle)
    stack.bad_frames.append(2)
    stack.instrument["a"] = 2
    stack.clock.offset_s = 9.0
    assert (still.bad_frames, still.instrument, still.clock.offset_s) == ([1], {"a": 1}, 0.0)
    assert still.times is stack.times
    assert twin.outlines is not particle.outlines
    assert twin.id == particle.id


def test_a_held_array_and_the_growing_one_do_not_disturb_each_other() -> None:
    grown = GrowingArray(np.arange(3.0))
    held = grown.still()
    assert np.shares_memory(held.view, grown.view)
    grown.append(np.array([3.0]))
    held.append(np.array([30.0]))
    assert (grown.view.tolist(), held.view.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 30])
