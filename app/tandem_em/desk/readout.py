"""What every stream says at one moment, as short texts: the header line and the stamps of figures and movies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session
from tandem_em.texts import quantity


@dataclass(frozen=True)
class Reading:
    parts: list[str]
    dose: str = ""


def active_run(session: Session, t: float | None = None) -> BiasRun | None:
    """The selected run, else the one that was recording at t, else the first."""
    selected = session.runs.get(session.focus.selected("run"))
    if selected is not None:
        return selected
    if t is not None:
        for run in session.runs:
            if len(run) and run.t[0] <= t <= run.t[-1]:
                return run
    return session.runs.first


def value_at(run: BiasRun, name: str, t: float) -> float:
    """The last sample at or before t; NaN in gaps and outside."""
    times = run.t
    index = int(np.searchsorted(times, t, side="right")) - 1
    if index < 0 or (index == len(times) - 1 and t > times[-1] + 1.0):
        return float("nan")
    return float(run.current[index] if name == "current" else run.values(name)[index])


def read_at(session: Session, t: float) -> Reading:
    if session.is_empty:
        return Reading([])
    parts = [f"t = {t:.2f} s".replace("-", "−")]
    stack = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
    if stack is not None and len(stack):
        parts.append(f"frame {stack.index_at(t) + 1} / {len(stack)}")
    run = active_run(session, t)
    if run is not None and len(run):
        for name, unit, digits in (("voltage", "V", 4), ("current", "A", 3)):
            if name in run.columns:
                value = value_at(run, name, t)
                if np.isfinite(value):
                    parts.append(
                        f"{value:.3f} V".replace("-", "−") if unit == "V" else quantity(value, unit, digits)
                    )
    return Reading(parts, _dose_text(session, t))


def _dose_text(session: Session, t: float) -> str:
    dose = session.doses.first
    if dose is None or not dose.rate_e_A2s:
        return ""
    text = f"{dose.rate_e_A2s:.1f} e⁻/Å²s"
    extent = session.extent()
    stack = session.stacks.get(dose.stack_id) or session.stacks.first
    start = stack.time_of(0) if stack is not None and len(stack) else (extent[0] if extent else 0.0)
    return f"{text} · Σ {max(0.0, t - start) * dose.rate_e_A2s:.0f}"
