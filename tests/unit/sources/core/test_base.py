"""The queue counts honestly, the clock fit finds offset and rate, and a lost source comes back as a new segment."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.sources.core.base import (
    EventBlock,
    SampleBlock,
    Source,
    SourceDescription,
    host_now,
)
from tandem_em.sources.core.envelope import Envelope
from tandem_em.sources.core.queues import BlockQueue
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource


def block(rows: int, start: float = 0.0) -> SampleBlock:
    times = start + np.arange(rows, dtype=float)
    return SampleBlock(source="s", times=times, host_times=times, columns={"voltage": times})


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=60))
def test_counters_always_add_up(actions: list[tuple[bool, int]]) -> None:
    queue = BlockQueue(max_blocks=4)
    for is_put, rows in actions:
        if is_put:
            queue.put(block(rows))
        else:
            queue.get(0.0)
    waiting = 0
    while (left := queue.get(0.0)) is not None:
        waiting += len(left)
    assert queue.received == queue.delivered + queue.dropped
    assert queue.received == sum(rows for is_put, rows in actions if is_put)


def test_events_are_never_dropped() -> None:
    queue = BlockQueue(max_blocks=1)
    queue.put(block(3))
    assert not queue.put(block(2))
    assert queue.put(EventBlock(source="s", host_time=0.0, text="lost"))
    assert (queue.received, queue.dropped) == (5, 2)


def test_bytes_are_bounded() -> None:
    queue = BlockQueue(max_bytes=100)
    assert queue.put(block(1))
    assert queue.put(block(1))
    for _ in range(10):
        queue.put(block(1))
    assert queue.size[1] <= 100
    assert queue.dropped > 0


def test_a_waiting_reader_wakes_when_the_queue_closes() -> None:
    queue = BlockQueue()
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(queue.get(20.0)))
    reader.start()
    queue.close()
    reader.join(2.0)
    assert answers == [None]


@pytest.mark.parametrize(("floor_s", "delay_s", "limit_s"), [(0.0002, 0.002, 1e-3), (0.001, 0.01, 3e-3)])
def test_one_hour_at_60_ppm(floor_s: float, delay_s: float, limit_s: float) -> None:
    """A first-sample anchor would be 217 ms wrong here."""
    rng = np.random.default_rng(1)
    device = np.sort(rng.uniform(0, 3600, 36_000))
    true_host = 1000.0 + device * (1 + 60e-6)
    host = true_host + floor_s + rng.exponential(delay_s, len(device))
    envelope = Envelope()
    for start in range(0, len(device), 100):
        envelope.add(device[start : start + 100], host[start : start + 100])
    fit = envelope.fit()
    errors = np.abs(fit.offset_s + device * (1 + fit.rate_ppm * 1e-6) - true_host)
    assert errors.max() < limit_s
    assert fit.rate_ppm == pytest.approx(60, abs=1)
    assert fit.uncertainty_s < 20 * limit_s


def test_a_short_record_does_not_invent_a_rate() -> None:
    envelope = Envelope()
    envelope.add(np.linspace(0, 5, 50), 10 + np.linspace(0, 5, 50) * 1.01)
    assert envelope.fit().rate_ppm == 0.0
    assert Envelope().fit().origin == "provisional"


class Flaky(ThreadedSource):
    """Delivers two blocks, loses its connection once, and goes on."""

    kind = "zmq"
    retry_s = 0.01

    def __init__(self) -> None:
        super().__init__("flaky")
        self.connects = 0
        self.pumped = 0

    def describe(self) -> SourceDescription:
        return SourceDescription(name=self.name, kind=self.kind)

    def _connect(self) -> None:
        self.connects += 1

    def _pump(self) -> None:
        self.pumped += 1
        if self.pumped == 3:
            raise SourceLostError("flaky went away.")
        if self.pumped <= 5:
            now = host_now()
            self._put_samples([now], [now], {"voltage": [float(self.pumped)]})
        else:
            self._stopping.wait(0.05)

    def _disconnect(self) -> None:
        pass


def test_a_lost_source_comes_back_as_a_new_segment() -> None:
    source = Flaky()
    assert isinstance(source, Source)
    source.start()
    seen = []
    while len(seen) < 6:
        got = source.read(2.0)
        assert got is not None
        seen.append(got)
    source.close()
    samples = [b for b in seen if isinstance(b, SampleBlock)]
    events = [b.text for b in seen if isinstance(b, EventBlock)]
    assert [b.new_segment for b in samples] == [False, False, True, False]
    assert events == ["flaky went away.", "flaky is connected again."]
    assert source.status().state == "stopped"
    assert source.connects == 2
    assert not [t for t in threading.enumerate() if t.name.startswith("source ")]
