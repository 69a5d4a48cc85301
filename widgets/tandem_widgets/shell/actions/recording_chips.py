"""One chip for each source that is recorded: its rate, what was lost, how well its clock is known."""

from __future__ import annotations

import math
from typing import Any

from tandem_em.core.texts import quantity
from tandem_em.desk.live.instruments import friendly
from tandem_em.desk.live.recorder import Counters
from tandem_em.model.clock import Clock
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme

Chip = tuple[str, str, str]
"""Text, colour of the dot, tooltip."""
STATES = {
    "connecting": "connecting",
    "waiting": "no data",
    "paused": "output off",
    "lost": "lost",
    "failed": "failed",
    "stopped": "stopped",
}
MOST = 4
"""Chips there is room for."""
SYNC = {
    "trigger": "Synchronised by a trigger",
    "same host": "Clock of this computer",
    "ntp": "Synchronised over the network",
    "marked event": "Aligned by a marked event",
    "correlation": "Aligned by correlation",
    "file time": "Time of the file",
    "provisional": "Clock not known yet",
}


def chips(session: Session, sources: list[Any], counters: dict[str, Counters]) -> list[Chip]:
    """A chip for each source; many sources share the last one."""
    made = [_chip(session, source, counters[source.name]) for source in sources]
    if len(made) <= MOST:
        return made
    rest = made[MOST - 1 :]
    look = theme.active()
    worst = next((c for c in (look.bad, look.warning) if any(dot == c for _, dot, _ in rest)), look.good)
    tip = "\n\n".join(f"{text}\n{tip}" for text, _, tip in rest)
    return [*made[: MOST - 1], (f"{len(rest)} more", worst, tip)]


def _chip(session: Session, source: Any, counters: Counters) -> Chip:
    look = theme.active()
    about = source.describe()
    # samples come in Hz, frames in fps
    unit = "Hz" if about.units or about.kind in ("scpi", "text", "impulse") else "fps"
    # the header has a chip of its own for that
    name = source.name.removeprefix("Simulated ") if about.simulated else source.name
    parts = [name[:1].upper() + name[1:]]
    if counters.dropped:  # first: a narrow window leaves out what comes last
        parts.append(f"{counters.dropped} lost")
    if counters.state == "running":
        parts.append(f"{counters.rate_hz:.3g} {unit}")
    elif about.replay and counters.state in ("waiting", "paused"):
        parts.append("paused" if counters.state == "paused" else "no data now")
    elif about.kind == "folder" and counters.state == "waiting":
        parts.append("waiting for files")
    else:
        parts.append(STATES.get(counters.state, counters.state))
    clock = _clock(session, source.name)
    if clock is not None and math.isfinite(clock.uncertainty_s) and counters.state == "running":
        parts.append(f"±{quantity(clock.uncertainty_s, 's', 2)}")
    bad = counters.state in ("lost", "failed") or counters.dropped
    colour = look.good if counters.state == "running" else look.warning
    return " · ".join(parts), look.bad if bad else colour, _tip(about, counters, clock)


def _clock(session: Session, name: str) -> Clock | None:
    """The clock of the newest stream of a source."""
    streams: list[Any] = [*session.runs, *session.stacks]
    return next((stream.clock for stream in reversed(streams) if stream.name == name), None)


def _tip(about: Any, counters: Counters, clock: Clock | None) -> str:
    lines = [friendly(about.label) or about.name]
    if about.simulated:
        lines.append("Simulated: these are not measured data")
    if about.replay:
        lines.append("A replay of recorded data")
    if counters.message:
        lines.append(counters.message)
    lines.append(
        f"{counters.received} received, {counters.acknowledged} written to disk, {counters.dropped} lost"
    )
    if clock is not None:
        sure = f" ± {quantity(clock.uncertainty_s, 's', 2)}" if math.isfinite(clock.uncertainty_s) else ""
        lines.append(SYNC.get(clock.origin, clock.origin) + sure)
    return "\n".join(lines)
