"""Which kinds of lanes there are. One line for each of ours; others are registered from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tandem_em.desk.lanes.area import Area
from tandem_em.desk.lanes.c_rate import CRate
from tandem_em.desk.lanes.capacity import Capacity
from tandem_em.desk.lanes.charge import Charge
from tandem_em.desk.lanes.current import Current
from tandem_em.desk.lanes.density import Density
from tandem_em.desk.lanes.dose import Dose, DoseRate
from tandem_em.desk.lanes.drift import Drift
from tandem_em.desk.lanes.lithium import Lithium
from tandem_em.desk.lanes.other_column import PREFIX, OtherColumn
from tandem_em.desk.lanes.region import Region
from tandem_em.desk.lanes.resistance import Resistance
from tandem_em.desk.lanes.source import LaneSource
from tandem_em.desk.lanes.temperature import Temperature
from tandem_em.desk.lanes.thickness import Thickness
from tandem_em.desk.lanes.voltage import Voltage
from tandem_em.model.session import Session

OURS = (
    Voltage(), Current(), Charge(), Capacity(), Density(), CRate(), Resistance(), Area(), Lithium(), Thickness(), Region(),
    DoseRate(), Dose(), Drift(), Temperature(),
)  # fmt: skip
"""In the order of the menu."""


class LaneRegistry:
    """Sources by kind, in the order of the menu."""

    def __init__(self, sources: Iterable[LaneSource] = ()) -> None:
        self._sources = {source.kind: source for source in sources}

    def __iter__(self) -> Iterator[LaneSource]:
        # A copy: a plug-in may register while the window goes through the lanes.
        return iter(list(self._sources.values()))

    def register(self, source: LaneSource) -> None:
        """Add a kind of lane. A kind that is there already is refused: two plug-ins must not shadow one another."""
        if source.kind in self._sources or source.kind.startswith(PREFIX):
            raise ValueError(f"There is a lane {source.kind!r} already.")
        self._sources[source.kind] = source

    @contextmanager
    def with_source(self, source: LaneSource) -> Iterator[LaneSource]:
        """A kind of lane for a while."""
        self.register(source)
        try:
            yield source
        finally:
            del self._sources[source.kind]

    def source(self, kind: str, mode: str = "") -> LaneSource:
        """The source of a kind in one of its modes; a kind nobody knows is a column of that name."""
        known = self._sources.get(kind)
        if known is None:
            # Also for a lane of a plug-in that is not installed: the session still opens.
            return OtherColumn(kind)
        return known.in_mode(mode) if mode else known

    def offered(self, session: Session) -> list[LaneSource]:
        """What the menu of a session lists: the kinds, then columns that none of them shows."""
        # A dictionary as an ordered set: columns stay in the order of the runs.
        columns: dict[str, None] = {}
        for run in session.runs:
            for name, column in run.columns.items():
                if name not in self._sources and not any(source.claims(column) for source in self):
                    columns[name] = None
        kinds = [source for source in self if source.is_offered(session)]
        return [*kinds, *(OtherColumn(PREFIX + name) for name in columns)]


LANES = LaneRegistry(OURS)
"""What the program shows: window, figures, movie, tables and report ask here."""
