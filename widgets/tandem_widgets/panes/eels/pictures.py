"""What the row of pictures shows of a spectrum image: survey, composite, single map, kept results, states side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.eels.colours import channel_limits
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_widgets.panes.eels.choice import QUANTITIES, array_name, lookup
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.composite import Limits, common_limits, smoothed

SINGLE = "map"


@dataclass
class Shown:
    """One picture: its key (a channel, or the single map), name, colour, values and the limits it has now."""

    key: str
    name: str
    colour: str
    values: NDArray[Any]
    limits: tuple[float, float]


class Pictures:
    """Asks the live maps for what was chosen in the scene and hands it to the row of pictures."""

    def __init__(self, scene: EelsScene, images: EelsImages) -> None:
        self._scene, self._images = scene, images
        self._limits = Limits()
        self._channel_levels = Limits(channel_limits)
        self.troubles: dict[str, str] = {}
        """Why the map of an edge (by its id) cannot be made."""

    def _show_survey(self, image: SpectrumImage) -> None:
        """Without an ADF in the file the counts of all channels together show where things are."""
        if image.adf is None and (total := self._scene.live(image).total_counts()) is not None:
            self._images.show_survey(total, "all energies (no ADF in the file)")

    def _counts(self, image: SpectrumImage, edge: Edge) -> Floats | None:
        """The map of an edge; nothing where it lies elsewhere, or its windows are impossible (said in the note line)."""
        try:
            return self._scene.live(image).counts(edge)
        except UserError as error:
            self._complain(image, edge, error)
            return None

    def _complain(self, image: SpectrumImage, edge: Edge, error: UserError) -> None:
        """Edges of other maps, far from this one's energies, are left out without a word unless they are chosen."""
        low, high = float(image.energy_eV[0]), float(image.energy_eV[-1])
        elsewhere = all(window[0] > high or window[1] < low for window in (edge.fit, edge.signal))
        # edges of the core loss are no trouble of a low-loss map, unless one is chosen
        if not elsewhere or edge is self._scene.edge:
            self.troubles[edge.id] = f"{error.title} {error.advice}"

    def _channels(self, image: SpectrumImage) -> list[tuple[Edge, Floats]]:
        """Edges that have a colour channel, with the maps that are shown of them."""
        found = []
        for edge in self._scene.session.edges:
            if edge.channel and (counts := self._counts(image, edge)) is not None:
                found.append((edge, smoothed(counts) if self._scene.choice.smooth else counts))
        return found

    def _channel_limits(self, edge: Edge, counts: Floats) -> tuple[float, float]:
        return self._scene.choice.channel_limits.get(edge.channel) or self._channel_levels.of(
            counts, self._scene.choice.percent
        )

    def shown_maps(self) -> list[Shown]:
        """What can be given limits: the channels of the composite and the single map."""
        image = self._scene.image
        if image is None:
            return []
        found = [
            Shown(edge.channel, edge.name, edge.colour, counts, self._channel_limits(edge, counts))
            for edge, counts in self._channels(image)
        ]
        single = self._images.single
        if single.frame is not None and np.isfinite(single.frame).any():
            found.append(
                Shown(SINGLE, single.caption, theme.active().quiet, np.asarray(single.frame), single.levels)
            )
        return found

    def show(self, image: SpectrumImage) -> None:
        """Survey, composite and single map of a spectrum image."""
        self.troubles.clear()
        self._show_survey(image)
        channels = self._channels(image)
        maps = {str(edge.channel): counts for edge, counts in channels}
        levels = {str(edge.channel): self._channel_limits(edge, counts) for edge, counts in channels}
        names = " · ".join(edge.name.split(" ")[0] for edge, _ in channels)
        self._images.show_composite(maps, levels, names, safe=self._scene.choice.safe_colours)
        self._show_single(image)

    def _show_single(self, image: SpectrumImage) -> None:
        """The map of the chosen edge, or a kept result; of every state side by side while comparing."""
        edge, choice = self._scene.edge, self._scene.choice
        colours = lookup(choice.colours)
        states = list(self._scene.session.maps) if choice.compare and edge is not None else []
        if edge is not None and states:
            found = [(each.state or each.name, self._quantity(each, edge)) for each in states]
            there = [(name, values) for name, values in found if values is not None]
            # states are compared: the same colour means the same counts
            common = choice.limits or common_limits([values for _, values in there], choice.percent)
            self._images.show_states([(f"{self._caption(edge)} · {n}", v) for n, v in there], common, colours)
            if there:
                return
        self._images.show_states([], (0.0, 1.0), colours)
        shown, caption = self._kept(image)
        if shown is None and edge is not None:
            shown, caption = self._quantity(image, edge), self._caption(edge)
            caption += " · estimate" if self._scene.live(image).is_estimate(edge) else ""
        if shown is None:
            self._images.refresh()
            return
        if choice.smooth:
            shown = smoothed(shown)
        self._images.show_single(
            shown, choice.limits or self._limits.of(shown, choice.percent), caption, colours
        )

    def _caption(self, edge: Edge) -> str:
        base = self._scene.session.maps.get(self._scene.choice.ratio_to)
        if base is not None:
            return f"{edge.name} ÷ {base.state or base.name}"
        return (
            edge.name
            if self._scene.choice.quantity == QUANTITIES[0]
            else f"{edge.name} · {self._scene.choice.quantity}"
        )

    def _kept(self, image: SpectrumImage) -> tuple[Floats | None, str]:
        result = self._scene.chosen_result(image)
        if result is None:
            return None, ""
        name = self._scene.choice.result[1]
        unit = result.units.get(name, "")
        caption = f"{result.analysis} · {array_name(name)}"
        caption += f" ({unit})" if unit and unit not in name else ""
        caption += " · stale" if result.made_by and self._scene.session.is_stale(result.made_by) else ""
        return result.arrays[name].astype(np.float64), caption

    def _quantity(self, image: SpectrumImage, edge: Edge) -> Floats | None:
        """Counts, signal to noise or error of an edge; or its counts over those of another state."""
        live = self._scene.live(image)
        call = dict(zip(QUANTITIES, (live.counts, live.snr, live.error)))[self._scene.choice.quantity]
        try:
            base = self._scene.session.maps.get(self._scene.choice.ratio_to)
            # a ratio needs pixel by pixel the same place
            if base is None or base.shape[:2] != image.shape[:2]:
                return call(edge)
            return live.ratio(self._scene.live(base), edge)
        except UserError as error:
            self._complain(image, edge, error)
            return None
