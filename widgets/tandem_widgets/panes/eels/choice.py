"""What the pictures show and how: quantity, colours and limits of the single map, colours of the composite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtWidgets import QMenu

from tandem_em.analysis.eels.colour import lithium_colours
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

QUANTITIES = ("counts", "signal to noise", "error")
COLOURS = ("lithium", "viridis", "cividis", "magma", "gray")


@dataclass
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


def array_name(name: str) -> str:
    """The name of a kept array as people write it: in files it has no strokes."""
    return name.replace("t over lambda", "t/λ")


def lookup(name: str) -> NDArray[np.uint8] | None:
    """Colours (256, 3); None is grey."""
    if name == "lithium":
        return lithium_colours()
    if name == "gray":
        return None
    import pyqtgraph as pg

    table: NDArray[np.uint8] = pg.colormap.get(name).getLookupTable(0.0, 1.0, 256, alpha=False)
    return table


def option(menu: QMenu, text: str, checked: bool, call: Callable[[], None]) -> None:
    action = menu.addAction(text, call)
    if action is not None:
        action.setCheckable(True)
        action.setChecked(checked)


class ChoiceMenus:
    """Fills the menus of the tools RGB and Map; `changed` redraws."""

    def __init__(
        self, session: Session, choice: Choice, changed: Callable[[], None], ask_limits: Callable[[], None]
    ) -> None:
        self._session, self._choice, self._changed, self._ask_limits = session, choice, changed, ask_limits

    def set(self, **fields: object) -> None:
        for name, value in fields.items():
            setattr(self._choice, name, value)
        self._changed()

    def fill_rgb(self, menu: QMenu) -> None:
        menu.clear()
        choice = self._choice
        option(menu, "Red · green · blue", not choice.safe_colours, lambda: self.set(safe_colours=False))
        option(menu, "Safe for colour-blind eyes", choice.safe_colours, lambda: self.set(safe_colours=True))
        menu.addSeparator()
        for percent in (0.5, 2.0, 5.0):
            option(
                menu, f"Limits at {percent:g} % of the pixels",
                choice.percent == percent and not choice.channel_limits,
                partial(self.set, percent=percent, channel_limits={}, limits=None),
            )  # fmt: skip
        menu.addAction("Limits and histograms…", self._ask_limits)
        menu.addSeparator()
        option(menu, "Smooth the display (2 × 2)", choice.smooth, lambda: self.set(smooth=not choice.smooth))

    def fill_map(self, menu: QMenu, image: SpectrumImage | None) -> None:
        menu.clear()
        choice = self._choice
        for quantity in QUANTITIES:
            checked = not choice.result[0] and not choice.ratio_to and choice.quantity == quantity
            option(menu, quantity.capitalize(), checked,
                   partial(self.set, quantity=quantity, ratio_to="", result=("", ""), limits=None))  # fmt: skip
        for other in self._others(image):
            checked = not choice.result[0] and choice.ratio_to == other.id
            option(menu, f"Counts ÷ those of {other.state or other.name}", checked,
                   partial(self.set, quantity=QUANTITIES[0], ratio_to=other.id, result=("", ""), limits=None))  # fmt: skip
        self._add_results(menu, image)
        menu.addSeparator()
        for name in COLOURS:
            text = "Lithium, blue to red" if name == "lithium" else name.capitalize()
            option(menu, text, choice.colours == name, partial(self.set, colours=name))
        menu.addSeparator()
        option(menu, "Automatic limits", choice.limits is None, lambda: self.set(limits=None))
        menu.addAction("Limits and histograms…", self._ask_limits)

    def _others(self, image: SpectrumImage | None) -> list[SpectrumImage]:
        """Other states with the same pixels."""
        if image is None:
            return []
        return [m for m in self._session.maps if m is not image and m.shape[:2] == image.shape[:2]]

    def _add_results(self, menu: QMenu, image: SpectrumImage | None) -> None:
        if image is None:
            return
        first = True
        for result in self._session.results:
            if result.owner_id != image.id:
                continue
            for name, array in result.arrays.items():
                if array.shape != image.shape[:2]:
                    continue
                if first:
                    menu.addSection("Kept results")
                    first = False
                stale = " (stale)" if result.step_id and self._session.is_stale(result.step_id) else ""
                key = (result.id, name)
                option(menu, f"{result.analysis} · {array_name(name)}{stale}", self._choice.result == key,
                       partial(self.set, result=key, limits=None))  # fmt: skip
