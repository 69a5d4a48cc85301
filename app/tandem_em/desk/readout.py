"""What every stream says at one moment, as short texts: the header line and the stamps of figures and movies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.core.texts import quantity
from tandem_em.desk.stacks import dose
from tandem_em.model.curves import BiasRun, usual_gap_limit
from tandem_em.model.results.of_stacks import Dose
from tandem_em.model.session import Session

HELD_S = 1.0
"""How long a sample is read where none follows soon."""


@dataclass(frozen=True)
class Reading:
    """What streams say at one moment: texts for the header, and the dose by itself."""

    parts: list[str]
    dose: str = ""


def active_run(session: Session, t: float | None = None) -> BiasRun | None:
    """The selected run, else the one that was recording at t, else the first."""
    selected = session.runs.get(session.focus.selected("run"))
    if selected is not None:
        return selected
    if t is not None:
        for run in session.runs:
            extent = run.extent
            if extent is not None and extent[0] <= t <= extent[1]:
                return run
    return session.runs.first


def value_at(run: BiasRun, name: str, t: float) -> float:
    """The last sample at or before t, held for a moment at its end; NaN in gaps and outside."""
    times, own = run.times.view, run.clock.to_device(t + 1e-9)  # the cursor on a sample reads that sample
    index = int(np.searchsorted(times, own, side="right")) - 1
    if index < 0 or (own > times[index] + HELD_S and _ends_at(run, index)):
        return float("nan")
    one = slice(index, index + 1)
    return float((run.current_in(one) if name == "current" else run.values(name)[one])[0])


def _ends_at(run: BiasRun, index: int) -> bool:
    """Whether nothing follows a sample, or what follows comes after a gap."""
    times, following = run.times.view, index + 1
    if following >= len(times) or following in run.segment_starts:
        return True
    limit = usual_gap_limit(times) if run.gap_limit_s is None else run.gap_limit_s
    return bool(times[following] - times[index] > limit)


def read_at(session: Session, t: float) -> Reading:
    """Time, frame, voltage and current at `t` as texts; parts without a value there are left out."""
    if session.is_empty:
        return Reading([])
    parts = [f"t = {t:.2f} s".replace("-", "−")]
    stack = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
    if stack is not None and len(stack) and stack.axis0_is_time is not False:
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
    """Rate and dose up to t, as measured frame by frame where that was done; a sign where the budget is passed."""
    settings = session.doses.first
    stack = session.stacks.get(settings.stack_id) if settings is not None else None
    stack = stack or session.stacks.first
    measured = Dose.of(dose.of_stack(session, stack)) if stack is not None else None
    if measured is not None and stack is not None and len(stack.times):
        at = min(stack.index_at(t), len(measured.dose_e_A2) - 1)
        rate, total = float(measured.rate_e_A2s[at]), float(measured.dose_e_A2[at])
    elif settings is not None and settings.rate_e_A2s:
        rate = settings.rate_e_A2s
        extent = session.extent()
        start = stack.time_of(0) if stack is not None and len(stack) else (extent[0] if extent else 0.0)
        total = max(0.0, t - start) * rate
    else:
        return ""
    over = settings is not None and settings.budget_e_A2 and total > settings.budget_e_A2
    return f"{rate:.1f} e⁻/Å²s · Σ {total:.0f}{' ⚠' if over else ''}"
