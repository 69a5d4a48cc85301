"""From the session to what the lanes show: its lanes wrapped for drawing, and the flags and bands in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tandem_em.core.texts import counted, quantity
from tandem_em.desk.lanes.placing import clocks_agree_s, is_unplaced
from tandem_em.desk.lanes.series import OfRun, Points, Series
from tandem_em.model.session import Session
from tandem_widgets.panes.biasing.series import SeriesStore
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Band, Flag, Lane, LanesContent, Limit
from tandem_widgets.parts.lanes.time_axis import span_text

if TYPE_CHECKING:
    from tandem_em.desk.lanes.shown import ShownLane


class LaneMaker:
    """Makes the lanes' content from the session. Holds no state but what it may compute again."""

    def __init__(self, session: Session, store: SeriesStore) -> None:
        self._session = session
        self._store = store

    def content(self) -> LanesContent:
        """All shown lanes with their flags and bands, as the session is now."""
        from tandem_em.desk.lanes.shown import shown  # every kind of lane: the empty window shows none

        lanes = [self._lane(each) for each in shown(self._session, None)]
        return LanesContent(lanes, self._flags(), self._bands(), clocks_agree_s=clocks_agree_s(self._session))

    # --- lanes ---------------------------------------------------------------------------------------------------

    def _lane(self, shown_lane: ShownLane) -> Lane:
        choice, source, heading = shown_lane.choice, shown_lane.source, shown_lane.heading
        lane = Lane(
            choice.kind, heading.title, heading.unit, weight=choice.weight, y=choice.y, caption=heading.caption,
            note=shown_lane.note, from_zero=source.from_zero, shows_each=source.shows_each, has_names=source.has_names,
        )  # fmt: skip
        for series in shown_lane.curves:
            curve, computing = self._curve(series)
            if curve is not None:
                lane.curves.append(curve)
            elif computing:
                lane.note = f"Computing the {computing}…"
        lane.limits = [
            Limit(each.value, theme.active().bad, each.name, each.start, each.end)
            for each in shown_lane.limits
        ]
        self._chosen_first(lane)
        return lane

    def _chosen_first(self, lane: Lane) -> None:
        """The selected run's value is the one written in the gutter."""
        if not lane.shows_each:
            chosen = self._session.focus.selected("run")
            # the first curve is the one that is read out and measured
            lane.curves.sort(key=lambda curve: not curve.key.startswith(f"{chosen}:"))

    def _curve(self, series: Series) -> tuple[Curve | None, str]:
        """A series as it is drawn; or None, and the name of what is being computed for it."""
        samples = series.samples
        if isinstance(samples, Points):
            curve = of_points(series, samples)
        else:
            found = self._of_run(series, samples)
            if found is None:
                what = samples.what
                return None, what if isinstance(what, str) else what.name
            curve = found
        curve.key, curve.factor, curve.shift = series.key, series.factor, series.shift
        curve.is_unplaced, curve.is_stale = series.is_unplaced, series.is_stale
        return (curve if series.scaling is None else _scaled(curve, series)), ""

    def _of_run(self, series: Series, samples: OfRun) -> Curve | None:
        """Nothing is copied: the curve looks at the run's own arrays, by the levels that a job has made of them."""
        known = self._store.of(samples.run)
        if isinstance(samples.what, str):
            return known.curve(samples.what, series.name, colour_of(series))
        derived = self._store.derived(samples.run, samples.what)
        return None if derived is None else known.derived_curve(derived, series.name, colour_of(series))

    # --- flags and bands -----------------------------------------------------------------------------------------

    def _flags(self) -> list[Flag]:
        return [
            Flag(
                event.id,
                event.t,
                event.name,
                event.colour,
                event.end,
                f"{event.name}\n{event.category}, {event.t:.2f} s",
            )
            for event in self._session.events
            if event.visible
        ]

    def _bands(self) -> list[Band]:
        bands = []
        for each in self._session.maps:
            interval = each.interval
            if interval is None or not each.visible:
                continue
            text = f"{each.name} {each.state}" if each.state and each.state not in each.name else each.name
            lasted = interval[1] - interval[0]
            tip = f"{text}\nfrom {interval[0]:.1f} s, duration {span_text(lasted)}" if lasted > 0 else text
            bands.append(Band(each.id, *interval, text, each.colour, tip))
        return sorted(bands, key=lambda band: band.start)


def of_points(series: Series, points: Points) -> Curve:
    """Samples that are there already, in session seconds."""
    kind = LinearCurve if series.is_linear else Curve
    return kind(
        series.key, series.name, colour_of(series), points.x, points.y, marker=series.has_marker, error=points.error,
        band=None if points.low is None or points.high is None else (points.low, points.high),
        hold_s=series.hold_s, is_main=not series.is_fit,
    )  # fmt: skip


class LinearCurve(Curve):
    """A curve known between its samples too: a typed rate needs two of them."""

    def value_at(self, t: float) -> float:
        """Shown value at `t`, interpolated between samples; NaN before the first and after the last."""
        if not self.x[0] <= t <= self.x[-1]:
            return float("nan")
        return float(self.shown(np.interp(t, self.x, self.y)))


def _scaled(curve: Curve, series: Series) -> Curve | None:
    """A curve that is scaled by its own values; None where they give no scale."""
    extent = curve.extent
    scaling = series.scaling(extent, curve.value_at) if series.scaling is not None and extent else None
    if scaling is None:
        return None
    curve.label, curve.factor, curve.shift = scaling.name, scaling.factor, scaling.shift
    return curve


def colour_of(series: Series) -> str:
    """What the role of a series looks like in the theme in force; without one, the colour of its item."""
    active = theme.active()
    roles = {
        "voltage": active.voltage, "current": active.current, "charge": active.accent, "resistance": active.good,
        "dose": active.dose, "other": active.accent, "neutral": active.text, "x": active.accent, "y": active.good,
        "first": active.warning, "second": active.good, "third": active.accent, "fourth": active.dose,
    }  # fmt: skip
    return roles.get(series.role, series.colour)


def summary(session: Session) -> str:
    """What is in the pane, for its subtitle."""
    runs = [run for run in session.runs if len(run)]
    if not runs:
        return ""
    chosen = session.runs.get(session.focus.selected("run")) or runs[0]
    times = chosen.times.view
    lasted = float(times[-1] - times[0])
    parts = [chosen.name or "run", counted(len(chosen), "sample")]
    if lasted > 0 and len(chosen) > 1:
        parts.append(quantity((len(chosen) - 1) / lasted, "Hz") if math.isfinite(lasted) else "")
    if chosen.clock.is_provisional:
        parts.append("provisional clock: drawn grey" if is_unplaced(session, chosen) else "provisional clock")
    if len(runs) > 1:
        parts.append(f"+ {len(runs) - 1} more")
    return " · ".join(part for part in parts if part)
