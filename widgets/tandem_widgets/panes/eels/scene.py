"""What the EELS pane shows, and how: tools, menus, pictures and plots take this, not the pane. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from psygnal import Signal

from tandem_em.desk.desk import Desk
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.eels.maps import default_edges, fitting_edges
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import Edge, SpectrumImage

Point = tuple[float, float]


@dataclass(frozen=True)
class Choice:
    """How the maps are shown; a way of looking, not part of the session's history."""

    quantity: str = "counts"
    colours: str = "lithium"
    limits: tuple[float, float] | None = None
    """None: between percentiles."""
    channel_limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of the composite, by channel; a channel that is missing lies between percentiles."""
    ratio_to: str = ""
    """Id of the map (state) by which the counts are divided; empty for the counts themselves."""
    safe_colours: bool = False
    smooth: bool = False
    percent: float = 2.0
    result: tuple[str, str] = ("", "")
    """Id of a stored result and the name of its array, shown instead of the edge."""
    compare: bool = False
    normalised: bool = False
    overlay_edges: bool = False
    anchor: str = ""
    """`ADF` or the id of an edge whose steepest step becomes 0."""
    site_scale: Literal["none", "maximum", "sum"] = "none"
    site_offset: float = 0.25
    scree: bool = False
    """The scree plot of the newest components stands where the profile does."""


@dataclass(frozen=True)
class Region:
    """A rectangle of whole pixels of a map; x1 and y1 are the last ones inside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def between(cls, one: Point, other: Point, shape: tuple[int, int]) -> Region:
        """The pixels from one place to another, held inside the map (height, width)."""
        (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(one, other))
        inside = [
            min(max(round(value), 0), size - 1)
            for value, size in ((x0, shape[1]), (y0, shape[0]), (x1, shape[1]), (y1, shape[0]))
        ]
        return cls(*inside)

    @property
    def text(self) -> str:
        """Size of the region in map pixels, for captions."""
        return f"region {self.x1 - self.x0 + 1} × {self.y1 - self.y0 + 1} px"


class EelsScene:
    """One spectrum image of the session with its edges, sites and results; the other maps are there to be compared."""

    image_changed = Signal()
    """Another spectrum image is shown, or none."""
    changed = Signal()
    """Something about what is shown or how: everything is to be redrawn."""
    pointed = Signal()
    """Another place, or another region: only the spectrum is another one."""
    region_changed = Signal()
    tool_changed = Signal(str)

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session
        self.image: SpectrumImage | None = None
        self.choice = Choice()
        self.lives: dict[str, LiveMap] = {}
        """What answers for each map of the session, by its id."""
        self.place: Point | None = None
        """Pixel under the pointer."""
        self.region: Region | None = None
        self.is_quick = False
        """The region is being drawn: some of its pixels are enough."""
        self.tool: Literal["", "profile", "sites"] = ""
        """The active tool; none: a drag draws a region."""

    # --- which map -----------------------------------------------------------------------------------------------

    @property
    def chosen_image(self) -> SpectrumImage | None:
        """The one that is selected in the session, else its first."""
        return self.session.maps.get(self.session.focus.selected("map")) or self.session.maps.first

    def choose(self) -> None:
        """Show the chosen map, with the usual edges where there are none; every map of the session is read."""
        image = self.chosen_image
        if image is not None:
            self._add_default_edges(image)
        if self.image is not image:
            self.image, self.region = image, None
            self.image_changed.emit()
        for each in self.session.maps:
            if each.id not in self.lives:
                self.read(each)
        self.changed.emit()

    def _add_default_edges(self, image: SpectrumImage) -> None:
        # edges that a person has chosen are left alone
        if not len(self.session.edges):
            for edge in fitting_edges(default_edges(), image.energy_eV):
                self.session.edges.add(edge)

    def read(self, image: SpectrumImage) -> None:
        """Read a map, or read it anew: its energies have changed."""
        live = LiveMap(self.desk, image)
        live.ready.connect(self._answers_are_better)
        self.lives[image.id] = live

    def _answers_are_better(self) -> None:
        self.changed.emit()

    def live(self, image: SpectrumImage) -> LiveMap:
        """What answers for a map of the session."""
        return self.lives[image.id]

    # --- what of it ----------------------------------------------------------------------------------------------

    @property
    def edge(self) -> Edge | None:
        """The selected one, else the first that lies on the axis of the shown map."""
        edges = self.session.edges
        chosen = edges.get(self.session.focus.selected("edge"))
        if chosen is not None or self.image is None:
            return chosen or edges.first
        return next(iter(fitting_edges(list(edges), self.image.energy_eV)), edges.first)

    @property
    def energies(self) -> tuple[float, float]:
        """The ends of the energy axis of the shown map (eV)."""
        image = self.image
        return (float(image.energy_eV[0]), float(image.energy_eV[-1])) if image is not None else (0.0, 200.0)

    def edges_on(self, image: SpectrumImage) -> list[Edge]:
        """Edges of the session that lie on the energy axis of a map."""
        return fitting_edges(list(self.session.edges), image.energy_eV)

    def look(self, **fields: Any) -> None:
        """Change how the maps are shown: fields of the choice."""
        self.choice = replace(self.choice, **fields)
        self.changed.emit()

    def limit(self, channel: str, limits: tuple[float, float] | None) -> None:
        """Limits of a colour channel of the composite; None: between percentiles."""
        others = {key: value for key, value in self.choice.channel_limits.items() if key != channel}
        self.look(channel_limits=others if limits is None else {**others, channel: limits})

    def chosen_result(self, image: SpectrumImage) -> ResultSet | None:
        """The stored result that was chosen in the menu, when it belongs to this map."""
        result_id, name = self.choice.result
        result = self.session.results.get(result_id)
        # the choice outlives the image and the result it was made for
        if result is None or result.owner_id != image.id or name not in result.arrays:
            return None
        return result

    def components_of(self, image: SpectrumImage) -> ResultSet | None:
        """The newest components of a map."""
        from tandem_em.model.results.of_maps import Components

        found = [r for r in self.session.results if r.owner_id == image.id and Components.of(r) is not None]
        return found[-1] if found else None

    # --- where ---------------------------------------------------------------------------------------------------

    def point(self, place: Point | None) -> None:
        """The pointer is there (pixels of the map), or has left."""
        self.place = place
        self.pointed.emit()

    def draw_region(self, region: Region | None, moving: bool = False) -> None:
        """`moving`: the hand is still at it."""
        if region != self.region or not moving:
            self.region, self.is_quick = region, moving
            self.region_changed.emit()
            self.pointed.emit()

    def use_tool(self, name: Literal["", "profile", "sites"]) -> None:
        """Activate a tool; "" deactivates the one that is active."""
        if name == self.tool:
            return
        with_sites = "sites" in (name, self.tool)
        self.tool = name
        self.tool_changed.emit(name)
        if with_sites:
            self.changed.emit()  # their spectra take the place of the others
