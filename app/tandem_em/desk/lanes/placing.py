"""How streams lie on the one time axis: whose clocks are known, how well they agree, which runs overlap."""

from __future__ import annotations

from typing import Any

from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session


def clocks_shown(session: Session) -> list[Clock]:
    """The clocks of everything that is visible, each once."""
    streams: list[Any] = [*session.runs, *session.stacks, *session.maps]
    return list({id(stream.clock): stream.clock for stream in streams if stream.visible}.values())


def clocks_agree_s(session: Session) -> float:
    """Lags shorter than this are not resolved between the two least certain clocks; 0 when there is only one."""
    doubts = sorted(clock.uncertainty_s for clock in clocks_shown(session))
    return sum(doubts[-2:]) if len(doubts) > 1 else 0.0


def is_unplaced(session: Session, run: BiasRun) -> bool:
    """Whether nobody knows where a run lies among the other streams."""
    return run.clock.is_provisional and len(clocks_shown(session)) > 1


def is_alone(session: Session, run: BiasRun) -> bool:
    """Whether no other visible run was recorded at the same time."""
    mine = ends(run)
    others = (ends(other) for other in session.runs if other is not run and other.visible and len(other))
    return not any(theirs[0] < mine[1] and mine[0] < theirs[1] for theirs in others)


def ends(run: BiasRun) -> tuple[float, float]:
    """Session seconds of the first and the last sample in the order of the recording."""
    times = run.times.view
    return float(run.clock.to_session(float(times[0]))), float(run.clock.to_session(float(times[-1])))
