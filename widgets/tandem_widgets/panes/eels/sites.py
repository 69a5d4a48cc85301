"""Sites by hand: click adds one, drag moves it, right-click removes it; their spectra above one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QMouseEvent

from tandem_em.core.texts import figure
from tandem_em.desk.eels import outlines, places
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.eels.maps import fitting_edges
from tandem_em.model.spectra import Edge, Site
from tandem_widgets.panes.eels.scene import Choice, EelsScene
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import BaseTool
from tandem_widgets.parts.plot.spectrum_plot import Content, Curve

GRAB_PX = 10.0
ToMap = Callable[[ImageCanvas, float, float], tuple[float, float]]


class SiteTool(BaseTool):
    """Click: a new site. Press on a site and drag: it moves."""

    hint = "Click adds a site · Drag moves it · Right-click removes it · Esc ends"

    def __init__(self, scene: EelsScene, canvas: ImageCanvas, to_map: ToMap) -> None:
        super().__init__(lambda: scene.use_tool(""))
        self._scene, self._desk, self._canvas, self._to_map = scene, scene.desk, canvas, to_map
        self._held: Site | None = None

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Takes hold of the site under the mouse; where there is none, a new one is made."""
        image = self._scene.image
        if image is None:
            return False
        place = self._to_map(self._canvas, x, y)
        self._held = places.site_at(self._desk.session, place, GRAB_PX / self._canvas.view.zoom)
        if self._held is None:
            places.add_site(self._desk, image, place)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Moves the held site along."""
        image = self._scene.image
        if self._held is None or image is None:
            return False
        places.move_site(self._desk, self._held, image, self._to_map(self._canvas, x, y))
        return True

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Lets go; the whole drag becomes one step of the history."""
        if self._held is not None:
            self._desk.end_gesture()
        self._held = None
        return True


def site_spectra(live: LiveMap, sites: Iterable[Site]) -> list[tuple[Site, NDArray[np.float64]]]:
    """Sites that lie on a map, with their mean spectra. An outline lies on the map that it was placed on only."""
    found = (
        (site, _spectrum(live, site))
        for site in sites
        # an outline belongs to its own map, a disc is looked at on every state
        if site.points and (site.shape == "disc" or site.map_id == live.image.id)
    )
    return [(site, spectrum) for site, spectrum in found if spectrum is not None]


def _spectrum(live: LiveMap, site: Site) -> NDArray[np.float64] | None:
    if site.shape == "disc":
        return live.spectrum(*site.points[0], site.radius_px)
    return live.spectrum_of(places.mask_of(site, live.image.shape))


def name_of(site: Site, live: LiveMap, spectrum: NDArray[np.float64], edge: Edge | None) -> str:
    """The number of a site; of a particle its name and what the chosen edge counts in it."""
    if not site.particle_id:
        return str(site.number)
    if edge is None or not fitting_edges([edge], live.image.energy_eV):
        return site.name
    pixels = int(places.mask_of(site, live.image.shape).sum())
    counts, error = outlines.content(live.image, spectrum, pixels, edge)
    return f"{site.name} · {edge.name} {figure(counts)} ± {figure(error, 2)} / px"


def add_site_spectra(
    content: Content, live: LiveMap, sites: list[Site], choice: Choice, edge: Edge | None
) -> None:
    """Mean spectra of the sites on this map, each lifted by the same share of the highest one."""
    from tandem_em.desk.eels.along_lines import normalised

    energy = live.image.energy_eV
    low, high = content.x_range or (float(energy[0]), float(energy[-1]))
    first, last = int(np.searchsorted(energy, low)), int(np.searchsorted(energy, high))
    found = [
        (site, normalised(spectrum, choice.site_scale, (first, last)), name_of(site, live, spectrum, edge))
        for site, spectrum in site_spectra(live, sites)
        if site.visible
    ]
    seen = [s[first:last] for _, s, _ in found if last > first]
    # offsets in units of the highest shown peak, so that they look alike on any scale
    top = max((float(np.nanmax(s)) for s in seen if np.isfinite(s).any()), default=1.0)
    for place, (site, spectrum, name) in enumerate(found):
        lifted = spectrum + place * choice.site_offset * top
        content.curves.append(Curve(energy, lifted, site.colour, 1.2, label=name))
    content.legend_right = content.legend_at_ends = True
