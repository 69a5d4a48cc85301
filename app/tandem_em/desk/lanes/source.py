"""What a kind of lane has to say about itself. One file of this package is one source; others may be registered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tandem_em.desk.lanes.series import Interval, Limit, Series
from tandem_em.model.curves import Column
from tandem_em.model.session import Session


@dataclass(frozen=True)
class Heading:
    """How a lane is titled: short beside the lane, in full on an axis."""

    title: str
    label: str
    unit: str = ""
    """The base unit, that prefixes may be put to."""
    caption: str = ""
    """Stands in the window where the unit would (`× start`)."""
    axis_unit: str | None = None
    """What figures write instead of the unit or the caption."""

    @property
    def drawn_unit(self) -> str:
        """The unit figures, movies and tables go by."""
        return self.axis_unit if self.axis_unit is not None else self.unit or self.caption


class LaneSource(ABC):
    """One kind of lane. It holds nothing of a session: window and exporters ask the same object, from any thread."""

    kind: str
    """Its identity in session files."""
    title: str
    """In the gutter beside the lane: a word."""
    name: str
    """In menus and on axes."""
    unit: str = ""
    caption: str = ""
    from_zero: bool = False
    """Whether the axis shows how far the values are from nothing."""
    shows_each: bool = False
    """Whether each curve has its value in the gutter."""
    has_names: bool = False
    """Whether the names of its curves stand at its foot."""
    has_table: bool = True
    """Whether its points make a table of their own; False where another table holds them already."""
    modes: Mapping[str, str] = MappingProxyType({})
    """Ways to show it, with their names in the menu."""
    asks: str = ""
    """What a click on its note opens: `cell` or `text`."""

    @abstractmethod
    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """What is to be shown, at least over `span` (session seconds; None: everything)."""

    def heading(self, session: Session) -> Heading:
        """Title, axis label and unit; may depend on what the session holds."""
        return Heading(self.title, self.name, self.unit, self.caption)

    def limits(self, session: Session) -> list[Limit]:
        """Asked only where there are curves."""
        return []

    def missing(self, session: Session, *, asked: bool) -> str:
        """What a person has to do before there are curves; `asked`: the lane was switched on by hand."""
        return ""

    def is_offered(self, session: Session) -> bool:
        """Whether menus list it."""
        return True

    def claims(self, column: Column) -> bool:
        """Whether a recorded column is shown here and needs no lane of its own."""
        return column.quantity == self.kind

    def in_mode(self, mode: str) -> LaneSource:
        """The source that shows this mode; itself where there are no modes."""
        return self
