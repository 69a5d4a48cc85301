"""The guardian: a process of its own that switches the cell off when the window no longer gives signs of life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tandem_em.desk.selftest.check import Check, require
from tandem_em.sources.guardian.source import GuardedSource
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.simulators import simulate

START_S, OFF_S = 30.0, 5.0


def checks() -> Iterator[Check]:
    yield Check(
        "guardian switches the output off",
        guardian,
        "Do not drive a source-meter from this computer until this check passes: the cell would not be protected.",
    )


def guardian(folder: Path) -> None:
    """A simulated source-meter is watched; then the window's heartbeat stops."""
    with simulate("scpi") as simulated:
        assert isinstance(simulated.table, ScpiTable)
        source = GuardedSource(simulated.table)
        source.start()
        try:
            watched = source.wait_for(lambda control: control.state == "watching", START_S)
            require(
                watched,
                f"The guardian did not begin to watch: {source.control.state} {source.control.message}",
            )
            source.beats_itself = False
            tripped = source.wait_for(lambda c: c.state == "tripped" and c.output_on is False, OFF_S)
            require(tripped, f"Without a heartbeat the output stayed on ({source.control.state}).")
            require(source.control.verified, "The output was not verified to be off.")
            require(not simulated.instrument.meter.output_on, "The instrument itself still says on.")
        finally:
            source.close()
