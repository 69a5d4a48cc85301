"""The queue between a receiver and a reader: order, room, patience, and a rate that forgets."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until

from tandem_em.sources.core import queues
from tandem_em.sources.core.base import EventBlock, SampleBlock
from tandem_em.sources.core.queues import BlockQueue


def block(number: float, rows: int = 1) -> SampleBlock:
    times = np.full(rows, number)
    return SampleBlock(source="s", times=times, host_times=times, columns={})


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 2000))
def test_what_is_kept_comes_in_order_and_within_the_room(sizes: list[int], max_bytes: int) -> None:
    queue = BlockQueue(max_bytes=max_bytes)
    kept = [number for number, rows in enumerate(sizes) if queue.put(block(number, rows))]
    waiting, waiting_bytes = queue.size
    assert waiting == len(kept)
    largest = max((16 * sizes[number] for number in kept), default=0)
    assert waiting_bytes <= max(max_bytes, largest), "one block always fits"
    taken = []
    while (one := queue.get(0.0)) is not None:
        taken.append(int(one.times[0]))
    assert taken == kept
    assert queue.size == (0, 0)
    assert queue.received == queue.delivered + queue.dropped == sum(sizes)


def test_a_patient_queue_waits_for_its_reader_and_drops_nothing() -> None:
    queue = BlockQueue(max_blocks=1, patience_s=20.0)
    queue.put(block(0))
    put: list[bool] = []
    writer = threading.Thread(target=lambda: put.append(queue.put(block(1))))
    writer.start()
    wait_until(lambda: queue.received == 2)
    assert put == []
    assert queue.get(0.0).times[0] == 0
    writer.join(10)
    assert put == [True]
    assert queue.get(1.0).times[0] == 1
    assert queue.dropped == 0


def test_a_closed_queue_gives_what_it_has_and_frees_a_writer() -> None:
    queue = BlockQueue(max_blocks=1, patience_s=60.0)
    queue.put(block(0))
    writer = threading.Thread(target=lambda: queue.put(block(1)))
    writer.start()
    wait_until(lambda: queue.received == 2)
    queue.close()
    writer.join(10)
    assert not writer.is_alive()
    assert queue.is_closed
    assert queue.get(5.0) is not None
    assert queue.get(60.0) is None, "closed and empty: nobody waits"
    queue.reopen()
    assert not queue.is_closed


def test_cleared_is_empty_and_has_room() -> None:
    queue = BlockQueue(max_blocks=2)
    for number in range(3):
        queue.put(block(number))
    queue.clear()
    assert queue.size == (0, 0)
    assert queue.put(block(9))
    assert queue.get(0.0).times[0] == 9


def test_the_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(queues, "host_now", lambda: now[0])
    queue = BlockQueue(max_blocks=10**6)
    for _ in range(200):  # 20 Hz for ten seconds
        now[0] += 0.05
        queue.put(block(0))
    assert queue.rate_hz() == pytest.approx(20, rel=0.05)
    now[0] += 2 * queues.RATE_WINDOW_S
    assert queue.rate_hz() == 0.0
    queue.put(EventBlock(source="s", host_time=0.0, text="lost"))
    assert queue.rate_hz() == 0.0, "an event is no sample"
