"""From the session to what the lanes show: which lanes there are, and the curves, flags and bands in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tandem_em.core.texts import quantity
from tandem_em.desk.biasing.runs import LaneChoice, cell_of, lane_choices
from tandem_em.desk.lanes.kinds import COLUMN, MODE_TITLES, MODES, describe, per_area, per_one_c
from tandem_em.desk.stacks import stack
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.session import Session
from tandem_widgets.panes.biasing import lithium
from tandem_widgets.panes.biasing.area import StackCurves, dose_curves
from tandem_widgets.panes.biasing.derived import can_derive
from tandem_widgets.panes.biasing.series import SeriesStore
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Band, Flag, Lane, LanesContent, Limit
from tandem_widgets.parts.lanes.time_axis import span_text

NO_RUN = "Drop a biasing log here, or open one (Ctrl+O)."
NO_SAMPLE = "No sample has come yet."
NO_LAYER = "Draw a profile across a layer in the image stack (L), mark its edges and follow them."
NO_REGION = "Drag a region in the image stack: □ ROI."
NO_DRIFT = "The drift of the stack has not been measured."
NO_AREA = "Set the electrode area: click here, or Cell…"
NO_CAPACITY = "Set the area and the theoretical capacity: click here, or Cell…"


class LaneMaker:
    """Makes the lanes' content from the session. Holds no state but what it may compute again."""

    def __init__(self, session: Session, store: SeriesStore) -> None:
        self._session = session
        self._store = store
        self._stack = StackCurves(session)

    def content(self) -> LanesContent:
        lanes = [lane for choice in lane_choices(self._session) if (lane := self._lane(choice)) is not None]
        return LanesContent(lanes, self._flags(), self._bands(), clocks_agree_s=clocks_agree_s(self._session))

    # --- lanes ---------------------------------------------------------------------------------------------------

    def _lane(self, choice: LaneChoice) -> Lane | None:
        if choice.shown is False:
            return None
        described = describe(self._session, choice.kind)
        lane = Lane(
            choice.kind,
            described.title,
            described.unit,
            weight=choice.weight,
            y=choice.y,
            caption=described.caption,
        )
        self._fill(lane, choice)
        if not lane.curves and not lane.note and choice.shown is None:
            return None
        return lane

    def _fill(self, lane: Lane, choice: LaneChoice) -> None:
        fillers: dict[str, Callable[[Lane], None]] = {
            "voltage": self._voltage, "current": self._current, "charge": self._charge, "capacity": self._capacity,
            "density": self._density, "c_rate": self._c_rate, "resistance": self._resistance,
            "drift": lambda lane: self._per_frame(lane, *self._stack.drift(), NO_DRIFT),
            "dose_rate": lambda lane: self._dose(lane, cumulative=False),
            "dose": lambda lane: self._dose(lane, cumulative=True),
            "area": lambda lane: self._area(lane, choice.mode),
            "lithium": self._lithium,
            "thickness": lambda lane: self._per_frame(lane, *self._stack.thickness(), NO_LAYER),
            "region": lambda lane: self._per_frame(lane, *self._stack.regions(), NO_REGION),
        }  # fmt: skip
        fillers.get(lane.kind, self._column)(lane)

    def runs_with(self, *quantities: str) -> list[BiasRun]:
        return [
            run
            for run in self._session.runs
            if run.visible and len(run) and all(name in run.columns for name in quantities)
        ]

    def _colour(self, run: BiasRun, own: str) -> str:
        """The quantity's colour, unless another run was recorded at the same time: then that of the run."""
        mine = _extent(run)
        for other in self._session.runs:
            if other is not run and other.visible and len(other):
                theirs = _extent(other)
                if theirs[0] < mine[1] and mine[0] < theirs[1]:
                    return run.colour
        return own

    def _columns(self, lane: Lane, name: str, colour: str) -> list[tuple[BiasRun, Curve]]:
        made = []
        for run in self.runs_with(name):
            curve = self._store.of(run).curve(name, run.name, self._colour(run, colour))
            curve.is_unplaced = is_unplaced(self._session, run)
            made.append((run, curve))
            lane.curves.append(curve)
        if not made and lane.kind in ("voltage", "current") and not len(self._session.runs):
            note = NO_SAMPLE if any(map(stack.is_filmed, self._session.stacks)) else NO_RUN
            lane.note = note if lane.kind == "voltage" else ""
        self._chosen_first(lane)
        return made

    def _chosen_first(self, lane: Lane) -> None:
        """The selected run's value is the one written in the gutter."""
        chosen = self._session.focus.selected("run")
        lane.curves.sort(key=lambda curve: not curve.key.startswith(f"{chosen}:"))

    def _voltage(self, lane: Lane) -> None:
        for run, _curve in self._columns(lane, "voltage", theme.active().voltage):
            cell = cell_of(self._session, run)
            limits = ((cell.safe_low_V, "safe from"), (cell.safe_high_V, "safe to")) if cell else ()
            for value, label in limits:
                if value is None:
                    continue
                limit = Limit(value, theme.active().bad, f"{label} {value:g} V", *_extent(run))
                if not any(_same_limit(limit, other) for other in lane.limits):
                    lane.limits.append(limit)

    def _current(self, lane: Lane) -> None:
        for run, curve in self._columns(lane, "current", theme.active().current):
            curve.shift = -run.zero_current_A

    def _scaled_current(
        self, lane: Lane, factor_of: Callable[[Cell | None], float | None], note: str
    ) -> None:
        for run, curve in self._columns(lane, "current", theme.active().current):
            cell = cell_of(self._session, run)
            factor = factor_of(cell)
            if factor is None:
                lane.curves.remove(curve)
                lane.note = note
                continue
            curve.key = f"{run.id}:{lane.kind}"
            curve.factor, curve.shift = factor, -run.zero_current_A * factor
        if lane.curves:
            lane.note = ""

    def _density(self, lane: Lane) -> None:
        self._scaled_current(lane, per_area, NO_AREA)

    def _c_rate(self, lane: Lane) -> None:
        self._scaled_current(lane, per_one_c, NO_CAPACITY)

    def _derived(self, lane: Lane, name: str, colour: str) -> list[tuple[BiasRun, Curve]]:
        made = []
        for run in self.runs_with("current"):
            derived = self._store.derived(run, name) if can_derive(run, name) else None
            if derived is not None:
                curve = self._store.of(run).derived_curve(derived, run.name, self._colour(run, colour))
                curve.is_unplaced = is_unplaced(self._session, run)
                made.append((run, curve))
                lane.curves.append(curve)
            elif can_derive(run, name):
                lane.note = f"Computing the {name}…"
        self._chosen_first(lane)
        return made

    def _charge(self, lane: Lane) -> None:
        self._derived(lane, "charge", theme.active().accent)

    def _capacity(self, lane: Lane) -> None:
        for run, curve in self._derived(lane, "charge", theme.active().accent):
            cell = cell_of(self._session, run)
            factor = per_area(cell)
            if factor is None:
                lane.curves.remove(curve)
                lane.note = NO_AREA
                continue
            curve.key = f"{run.id}:capacity"
            curve.factor = factor / 3600.0
        if lane.curves:
            lane.note = ""

    def _resistance(self, lane: Lane) -> None:
        self._derived(lane, "resistance", theme.active().good)
        if not lane.curves and not lane.note and self._session.runs.first is not None:
            lane.note = "Resistance needs a voltage and a current."

    def _column(self, lane: Lane) -> None:
        self._columns(lane, lane.kind.removeprefix(COLUMN), theme.active().accent)

    def _area(self, lane: Lane, mode: str) -> None:
        lane.curves = self._stack.areas(mode)
        lane.caption = MODES.get(mode, MODES[""])
        lane.shows_each = True
        lane.title = MODE_TITLES.get(mode, "Area")
        if not lane.curves and len(self._session.particles):
            lane.note = "No outline of a particle has a time or a calibration yet."
        elif not lane.curves and lane.kind == "area" and self._area_asked():
            lane.note = "Follow a particle in the image stack: N draws its outline."

    def _lithium(self, lane: Lane) -> None:
        passed = self._derived(lane, "charge", theme.active().accent)
        swollen = lithium.swelling(self._stack.areas("volume"))
        lane.curves = [
            *swollen,
            *lithium.charges(passed, swollen, lambda run: cell_of(self._session, run)),
            *lithium.measured(self._session),
        ]
        lane.shows_each = lane.has_names = True
        if not lane.curves:
            lane.note = lithium.NO_SWELLING

    def _area_asked(self) -> bool:
        return any(c.kind == "area" and c.shown for c in lane_choices(self._session))

    def _per_frame(self, lane: Lane, curves: list[Curve], unit: str, missing: str) -> None:
        """A lane of what was measured in each frame; `missing` is said where it was asked for and is not there."""
        lane.curves, lane.unit, lane.shows_each = curves, unit, True
        if lane.kind in ("thickness", "region"):
            lane.caption = unit
        if not curves and any(c.kind == lane.kind and c.shown for c in lane_choices(self._session)):
            lane.note = missing

    def _dose(self, lane: Lane, *, cumulative: bool) -> None:
        lane.curves, dose = dose_curves(self._session, cumulative)
        lane.from_zero = True
        if cumulative and lane.curves and dose is not None and dose.budget_e_A2:
            lane.limits.append(Limit(dose.budget_e_A2, theme.active().bad, "budget"))
        if not lane.curves and any(c.kind == lane.kind and c.shown for c in lane_choices(self._session)):
            lane.note = "Type the dose rate, or calibrate the counts, in the image stack."

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
            tip = f"{text}\nfrom {interval[0]:.1f} s, lasted {span_text(lasted)}" if lasted > 0 else text
            bands.append(Band(each.id, *interval, text, each.colour, tip))
        return sorted(bands, key=lambda band: band.start)


def clocks_in_use(session: Session) -> list[Clock]:
    """The clocks of everything that is shown, each once."""
    streams: list[Any] = [*session.runs, *session.stacks, *session.maps]
    return list({id(stream.clock): stream.clock for stream in streams if stream.visible}.values())


def clocks_agree_s(session: Session) -> float:
    """Lags shorter than this are not resolved between the two least certain clocks; 0 when there is only one."""
    doubts = sorted(clock.uncertainty_s for clock in clocks_in_use(session))
    return sum(doubts[-2:]) if len(doubts) > 1 else 0.0


def is_unplaced(session: Session, run: BiasRun) -> bool:
    """Whether nobody knows where a run lies among the other streams."""
    return run.clock.is_provisional and len(clocks_in_use(session)) > 1


def _same_limit(one: Limit, other: Limit) -> bool:
    return one.value == other.value and one.is_within(other.start, other.end)


def _extent(run: BiasRun) -> tuple[float, float]:
    times = run.times.view
    return float(run.clock.to_session(float(times[0]))), float(run.clock.to_session(float(times[-1])))


def summary(session: Session) -> str:
    """What is in the pane, for its subtitle."""
    runs = [run for run in session.runs if len(run)]
    if not runs:
        return ""
    chosen = session.runs.get(session.focus.selected("run")) or runs[0]
    times = chosen.times.view
    lasted = float(times[-1] - times[0])
    parts = [chosen.name or "run", f"{len(chosen):,} samples".replace(",", " ")]
    if lasted > 0 and len(chosen) > 1:
        parts.append(quantity((len(chosen) - 1) / lasted, "Hz") if math.isfinite(lasted) else "")
    if chosen.clock.is_provisional:
        parts.append("time provisional: drawn grey" if is_unplaced(session, chosen) else "time provisional")
    if len(runs) > 1:
        parts.append(f"+ {len(runs) - 1} more")
    return " · ".join(part for part in parts if part)
