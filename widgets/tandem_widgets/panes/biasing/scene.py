"""What the biasing pane shows, and how: its pages and menus take this, not the pane. Without Qt."""

from __future__ import annotations

from psygnal import Signal

from tandem_em.desk import events
from tandem_em.desk.biasing import runs
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_em.model.marks import Event

VIEWS = (
    ("time", "Time", "Lanes against time"),
    ("capacity", "Capacity", "Voltage against capacity, half cycle by half cycle"),
    ("iv", "V–I", "Current against voltage"),
    ("dqdv", "dQ/dV", "Incremental capacity"),
    ("cycles", "Cycles", "Half cycles: charge, efficiency, plateaus"),
    ("gitt", "GITT", "Titration pulses: diffusivity after Weppner and Huggins"),
    ("overlay", "Overlay", "Several runs, aligned at their start, per area"),
)
"""Name, text and tip of each view of the same data."""


class BiasingScene:
    """The runs of a session on the time axis of its focus, and the view that is shown of them."""

    view_changed = Signal(str)

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session
        self.view = "time"
        self.newest: float | None = None
        """The newest sample of the runs that grow (session seconds)."""

    def show_view(self, name: str) -> None:
        """Changes to another view of the runs and tells it once."""
        if name != self.view:
            self.view = name
            self.view_changed.emit(name)

    def chosen_run(self) -> BiasRun | None:
        """The selected run, else the one at the cursor, else the first."""
        session = self.session
        selected = session.runs.get(session.focus.selected("run"))
        if selected is not None and len(selected):
            return selected
        for run in session.runs:
            if len(run):
                start, end = run.clock.to_session(run.times.view[[0, -1]])
                if start <= session.focus.t <= end:
                    return run
        return next((run for run in session.runs if len(run)), None)

    # --- moments -------------------------------------------------------------------------------------------------

    def go_to(self, t: float) -> None:
        """The cursor goes there, and no longer with the newest moment."""
        self.session.focus.follow_live = False
        self.session.focus.t = t

    def go_to_event(self, event_id: str) -> None:
        """Selects an event and moves the cursor to it; nothing if it has been deleted meanwhile."""
        event = self.session.events.get(event_id)
        if event is not None:
            self.session.focus.select("event", event_id)
            self.go_to(event.t)

    def move_event(self, event_id: str, t: float) -> None:
        """Moves an event to `t` as an undoable step; nothing if it has been deleted meanwhile."""
        event = self.session.events.get(event_id)
        if event is not None:
            events.move(self.desk, event, t)

    def go_to_map(self, map_id: str) -> None:
        """Where a map was measured."""
        found = self.session.maps.get(map_id)
        if found is not None and found.interval is not None:
            self.session.focus.select("map", map_id)
            self.go_to(found.interval[0])

    def select_curve(self, key: str) -> None:
        """The particle whose curve this is."""
        if key in self.session.particles:
            self.session.focus.select("particle", key)

    # --- stretches of time ---------------------------------------------------------------------------------------

    def fit_time(self) -> None:
        """Show everything that overlaps what is in view; once more shows the whole session."""
        session = self.session
        extent = session.extent()
        if extent is None or extent[1] <= extent[0]:
            return
        chosen = self.chosen_run()
        span = extent
        if chosen is not None and len(session.runs) > 1:
            own = chosen.clock.to_session(chosen.times.view[[0, -1]])
            # pressed again it shows everything
            if own[1] > own[0] and tuple(own) != session.focus.span:
                span = float(own[0]), float(own[1])
        session.focus.span = span

    def follow(self, growing: list[BiasRun]) -> None:
        """While samples come, the newest stays in view as long as it was and nobody has taken the cursor elsewhere."""
        if not growing:
            return
        focus = self.session.focus
        newest = max(float(run.clock.to_session(float(run.times.view[-1]))) for run in growing)
        before, self.newest = self.newest, newest
        low, high = focus.span
        # a person who looks elsewhere is not pulled along
        if not focus.follow_live or newest <= high or (before is not None and before > high):
            return
        first = min(float(run.clock.to_session(float(run.times.view[0]))) for run in growing)
        # all of it is in view: it stays in view, with room for what comes
        if low <= first:
            focus.span = low, newest + 0.25 * (newest - low)
        else:
            focus.span = newest - 0.9 * (high - low), newest + 0.1 * (high - low)

    def set_follow(self, on: bool) -> None:
        """Go on with the newest moment, or stay."""
        focus = self.session.focus
        focus.follow_live = on
        if on and self.newest is not None and self.newest > focus.span[1]:
            width = focus.span[1] - focus.span[0]
            focus.span = self.newest - 0.9 * width, self.newest + 0.1 * width

    def end_growing(self) -> None:
        """The recording is over: nothing is followed any more."""
        self.newest = None

    def take_as_zero(self, low: float, high: float) -> None:
        """Take the mean current of a marked rest as the zero of the chosen run."""
        run = self.chosen_run()
        if run is None:
            return
        self.desk.start(
            "Measuring the zero",
            runs.measuring_zero(run, (low, high)),
            lambda zero: runs.set_zero(self.desk, run, zero.current_A, zero.error_A, (low, high)),
            key="zero",
        )

    def mark_stretch(self, low: float, high: float) -> None:
        """An event with a beginning and an end."""
        event = Event(name=f"event {len(self.session.events) + 1}", t=low, end=high)
        self.desk.add(f"Mark {event.name}", event)
