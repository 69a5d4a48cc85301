"""Work at the terminal ends when it is told to."""

from __future__ import annotations

import signal

import pytest

from tandem_em.cli.terminal import work
from tandem_em.core.jobs import Job, Progress


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_was_swallowed_ends_the_work_at_the_next_step(number: signal.Signals) -> None:
    went_on = []

    def job() -> Job[None]:
        yield Progress(0)
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            pass  # as a compiler's callback does
        yield Progress(1)
        went_on.append(True)

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        work("Preparing", job())
    assert not went_on
    assert signal.getsignal(number) is before


def test_what_an_interrupt_broke_is_an_interrupt() -> None:
    def job() -> Job[None]:
        yield Progress(0)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("no compiled object yet") from None

    with pytest.raises(KeyboardInterrupt):
        work("Preparing", job())
