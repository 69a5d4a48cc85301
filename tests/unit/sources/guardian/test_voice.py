"""The order in which the guardian speaks."""

from __future__ import annotations

from tandem_em.sources.core.base import host_now
from tandem_em.sources.guardian.voice import Voice
from tandem_em.sources.guardian.wire import Answer, Samples, StateNow

LOST = StateNow("lost", "No answer.", None, False, "current", 0.0, 0.0)


def test_rows_read_before_a_loss_are_told_before_it_and_belong_to_the_old_stretch() -> None:
    said: list[Answer] = []
    voice = Voice(said.append)
    voice.row(0.0, host_now(), 3.6, 1e-12, 0.0)
    voice.flush(force=True)
    voice.row(0.1, host_now(), 3.6, 1e-12, 0.0)
    voice.state(LOST)
    voice.new_segment = True
    voice.row(5.0, host_now(), 3.6, 1e-12, 0.0)
    voice.flush(force=True)
    assert [type(answer) for answer in said] == [Samples, Samples, StateNow, Samples]
    assert [answer.segment for answer in said if isinstance(answer, Samples)] == [True, False, True]
