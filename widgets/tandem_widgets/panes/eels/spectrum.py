"""What the spectrum plot shows: the spectrum of the region, the pixel or the whole map with its fits; sites; components."""

from __future__ import annotations

import re

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.sites import add_site_spectra
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.spectrum_plot import Band, Content, Curve


class SpectrumShown:
    """Puts together the content of the spectrum plot."""

    def __init__(self, scene: EelsScene) -> None:
        self._scene = scene

    def _current(self, image: SpectrumImage) -> Floats | None:
        """Of the region, else of the pixel under the pointer, else of the whole map."""
        live, region = self._scene.live(image), self._scene.region
        if region is not None:
            return live.region(region.x0, region.y0, region.x1, region.y1, quick=self._scene.is_quick)
        return self._hovered(image) if self._scene.place is not None else live.mean_spectrum()

    def _hovered(self, image: SpectrumImage) -> Floats | None:
        return self._scene.live(image).spectrum(*self._scene.place) if self._scene.place is not None else None

    def content(self, image: SpectrumImage) -> Content:
        """Windows, curves and title for the plot."""
        spectrum = self._current(image)
        look = theme.active()
        content = Content(x_label="Energy loss (eV)", zero_based=True, title_right=True)
        chosen = self._scene.edge
        edges = self._scene.edges_on(image)
        for edge in edges:
            mark = chosen is not None and edge.id == chosen.id
            if edge.background != "none":
                content.bands.append(Band(edge.id, "fit", *edge.fit, edge.colour, selected=mark))
            content.bands.append(Band(edge.id, "signal", *edge.signal, edge.colour, edge.name, selected=mark))
        content.x_range = energy_range(image, edges)
        if self._scene.tool == "sites":
            add_site_spectra(
                content, self._scene.live(image), list(self._scene.session.sites), self._scene.choice, chosen
            )
            content.title = f"sites of {image.state or image.name}"
        elif (factor := self._factor(image)) is not None:
            content.curves.append(Curve(image.energy_eV, factor[0], look.accent, 1.4))
            content.title = factor[1]
        elif spectrum is not None:
            if self._scene.region is not None and (pixel := self._hovered(image)) is not None:
                content.curves.append(Curve(image.energy_eV, pixel, look.faint, 1.0, scales=False))
            content.curves.append(Curve(image.energy_eV, spectrum, look.text))
            for edge in edges:
                self._add_fit(content, image, edge, spectrum)
            content.title = self._place_text()
        return content

    def _factor(self, image: SpectrumImage) -> tuple[Floats, str] | None:
        """The spectrum of the component whose map is shown."""
        result = self._scene.chosen_result(image)
        found = re.fullmatch(r"component (\d+)", self._scene.choice.result[1])
        if result is None or found is None or "factors" not in result.arrays:
            return None
        factors = result.arrays["factors"]
        number = int(found.group(1))
        # the axis may have been calibrated or cut since
        if number > len(factors) or factors.shape[1] != len(image.energy_eV):
            return None
        return factors[number - 1].astype(np.float64), f"spectrum of {result.analysis} component {number}"

    def _add_fit(self, content: Content, image: SpectrumImage, edge: Edge, spectrum: Floats) -> None:
        try:
            fit = self._scene.live(image).fit(edge, spectrum)
        except UserError:
            return  # the map has said so already
        if fit is not None:
            amber = theme.active().warning
            content.curves.append(Curve(fit.energy_eV, fit.background, amber, 1.2, dashed=True, scales=False))
            content.curves.append(Curve(fit.residual_energy_eV, fit.residual, edge.colour, 1.0, scales=False))

    def _place_text(self) -> str:
        if self._scene.region is not None:
            return self._scene.region.text
        if self._scene.place is None:
            return "whole map"
        return f"pixel {round(self._scene.place[0])}, {round(self._scene.place[1])}"


def energy_range(image: SpectrumImage, edges: list[Edge]) -> tuple[float, float]:
    """The stretch of the axis with all windows and a little room beside them; the whole axis without any."""
    energy = image.energy_eV
    if not edges:
        return float(energy[0]), float(energy[-1])
    low = min(min(edge.fit[0] or edge.signal[0], edge.signal[0]) for edge in edges)
    high = max(edge.signal[1] for edge in edges)
    room = 0.25 * (high - low)
    # more room behind the edges, where their tails are looked at
    return max(float(energy[0]), low - 0.12 * room), min(float(energy[-1]), high + room)
