"""What a job finds out about a run before it is drawn: its order in time, its gaps, the levels of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.ordered import Ordered, time_order
from tandem_em.model.curves import usual_gap_limit
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.levels import Levels
from tandem_widgets.parts.lanes.stamps import Even, look_through


@dataclass
class Ready(Ordered):
    """What a job found out about a run: how to order it, where it is interrupted, the levels of its columns."""

    levels: dict[str, Levels] = field(default_factory=dict)
    even: Even | None = None


def making_ready(
    times: Floats,
    columns: dict[str, NDArray[Any]],
    limit_s: float | None,
    segments: Sequence[int],
) -> Job[Ready]:
    """Order, gaps and levels of one run. Nothing but arrays goes in, so that it can run anywhere."""
    levels.warm()
    total = len(times) * (len(columns) + 1)
    yield Progress(0, total, "Looking for gaps")
    limit = usual_gap_limit(times) if limit_s is None else limit_s
    x, order = times, None
    in_order, gaps, even = look_through(times, limit)
    # instruments repeat or step back in time: drawing and searching need rising times
    if not in_order:
        order = time_order(times)
        x = times[order]
        limit = usual_gap_limit(x) if limit_s is None else limit_s
        _, gaps, even = look_through(x, limit)
    # sorted samples no longer lie where the segments began
    starts = [s for s in segments if 0 < s < len(x)] if order is None else []
    ready = Ready(x, order, limit, np.union1d(gaps, starts).astype(np.intp), even=even)
    for number, (name, values) in enumerate(columns.items(), start=1):
        yield Progress(number * len(times), total, f"Reading {name}")
        ready.levels[name] = yield from levels.build(values if order is None else values[order])
    return ready
