"""Sites by hand: click adds one, drag moves it, right-click removes it; their spectra above one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QMouseEvent

from tandem_em.desk import eels_places
from tandem_em.desk.desk import Desk
from tandem_em.desk.live_map import LiveMap
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_widgets.panes.eels_choice import Choice
from tandem_widgets.parts.image_canvas import ImageCanvas
from tandem_widgets.parts.image_tools import BaseTool
from tandem_widgets.parts.spectrum_plot import Content, Curve

GRAB_PX = 10.0
ToMap = Callable[[ImageCanvas, float, float], tuple[float, float]]


class SiteTool(BaseTool):
    """Click: a new site. Press on a site and drag: it moves."""

    hint = "Click adds a site · drag moves it · right-click removes it · Esc leaves"

    def __init__(
        self,
        desk: Desk,
        canvas: ImageCanvas,
        to_map: ToMap,
        image: Callable[[], SpectrumImage | None],
        cancelled: Callable[[], None],
    ) -> None:
        super().__init__(cancelled)
        self._desk, self._canvas, self._to_map, self._image = desk, canvas, to_map, image
        self._held: Site | None = None

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        image = self._image()
        if image is None:
            return False
        place = self._to_map(self._canvas, x, y)
        self._held = eels_places.site_at(self._desk.session, place, GRAB_PX / self._canvas.view.zoom)
        if self._held is None:
            eels_places.add_site(self._desk, image, place)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        image = self._image()
        if self._held is None or image is None:
            return False
        eels_places.move_site(self._desk, self._held, image, self._to_map(self._canvas, x, y))
        return True

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        if self._held is not None:
            self._desk.end_gesture()
        self._held = None
        return True


def site_spectra(live: LiveMap, sites: Iterable[Site]) -> list[tuple[Site, NDArray[np.float64]]]:
    """Sites that lie on a map, with their mean spectra."""
    found = ((site, live.spectrum(*site.points[0], site.radius_px)) for site in sites if site.points)
    return [(site, spectrum) for site, spectrum in found if spectrum is not None]


def add_site_spectra(content: Content, live: LiveMap, sites: list[Site], choice: Choice) -> None:
    """Mean spectra of the sites on this map, each lifted by the same share of the highest one."""
    from tandem_em.analysis.eels_spectra import normalised

    energy = live.image.energy_eV
    low, high = content.x_range or (float(energy[0]), float(energy[-1]))
    first, last = int(np.searchsorted(energy, low)), int(np.searchsorted(energy, high))
    found = [
        (site, normalised(spectrum, choice.site_scale, (first, last)))
        for site, spectrum in site_spectra(live, sites)
        if site.visible
    ]
    seen = [s[first:last] for _, s in found if last > first]
    top = max((float(np.nanmax(s)) for s in seen if np.isfinite(s).any()), default=1.0)
    for place, (site, spectrum) in enumerate(found):
        lifted = spectrum + place * choice.site_offset * top
        content.curves.append(Curve(energy, lifted, site.colour, 1.2, label=str(site.number)))
    content.legend_right = content.legend_at_ends = True
