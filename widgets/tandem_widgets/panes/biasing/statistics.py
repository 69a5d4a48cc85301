"""Statistics of a stretch of the lanes, computed off the GUI thread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6 import sip

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk.desk import Desk
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Lane, value_text
from tandem_widgets.parts.lanes.widget import Lanes

MOST_CURVES = 4
Numbers = dict[str, tuple[int, float, float, float, float]]
"""By curve key: count, mean, standard deviation, smallest, largest (shown unit)."""


class StretchStatistics:
    """Fills the lanes' statistics for the chosen stretch; a newer stretch cancels an older one."""

    def __init__(self, desk: Desk, lanes: Lanes) -> None:
        self._desk = desk
        self._lanes = lanes
        self.numbers: Numbers = {}

    def show(self, stretch: tuple[float, float] | None) -> None:
        """Computes the numbers of a stretch (session seconds); None, or an empty one, takes them away."""
        self.numbers = {}
        if stretch is None or stretch[1] <= stretch[0]:
            return
        curves = [curve for lane in self._lanes.content.lanes for curve in lane.main_curves[:MOST_CURVES]]
        self._desk.start(
            "Statistics of the selection",
            computing(curves, *stretch),
            lambda numbers: self._take(stretch, numbers),
            key="stretch statistics",
        )

    def _take(self, stretch: tuple[float, float], numbers: Numbers) -> None:
        # the session may have been closed meanwhile
        if sip.isdeleted(self._lanes):
            return
        now = self._lanes.stretch
        # the answer to a stretch that has been changed since
        if now is None or (now.low, now.high) != stretch:
            return
        self.numbers = numbers
        ups = {lane.kind: up for lane, up in zip(self._lanes.content.lanes, self._lanes.ups)}
        self._lanes.show_statistics(
            {
                lane.kind: _text(lane, numbers, ups[lane.kind].low, ups[lane.kind].high)
                for lane in self._lanes.content.lanes
                if lane.kind in ups
            }
        )


def computing(curves: list[Curve], low: float, high: float) -> Job[Numbers]:
    """Numbers of every curve between two moments (session seconds), by the curve's key."""
    found: Numbers = {}
    for number, curve in enumerate(curves):
        yield Progress(number, len(curves))
        first, last = np.searchsorted(curve.x, (curve.own(low), curve.own(high)))
        values = curve.shown(np.asarray(curve.y[first:last], np.float64))
        values = values[np.isfinite(values)]
        if len(values):
            found[curve.key] = numbers_of(values)
    return found


def numbers_of(values: NDArray[Any]) -> tuple[int, float, float, float, float]:
    """Count, mean, standard deviation (NaN for a single value), least and greatest of finite values."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return len(values), float(np.mean(values)), spread, float(np.min(values)), float(np.max(values))


def _text(lane: Lane, numbers: Numbers, low: float, high: float) -> str:
    if lane.shows_each:
        return ""
    chosen = next((numbers[curve.key] for curve in lane.main_curves if curve.key in numbers), None)
    if chosen is None:
        return ""
    count, mean, spread, least, most = chosen
    factor, unit = lane.unit_for(low, high)
    texts = [value_text(value, low, high, factor) for value in (mean, spread, least, most)]
    return f"mean {texts[0]} ± {texts[1]} {unit}  ·  {texts[2]} … {texts[3]}  ·  n {count}"
