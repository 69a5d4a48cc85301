"""The menus of what the pictures show: quantity, colours and limits of the single map, colours of the composite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtWidgets import QMenu

from tandem_em.desk.eels.colours import lithium_colours
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.panes.eels.scene import EelsScene

QUANTITIES = ("counts", "signal to noise", "error")
COLOURS = ("lithium", "viridis", "cividis", "magma", "gray")


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
    """Appends an entry that can be ticked."""
    action = menu.addAction(text, call)
    if action is not None:
        action.setCheckable(True)
        action.setChecked(checked)


class ChoiceMenus:
    """Fills the menus of the tools RGB and Map; `ask_limits` opens the panel with the histograms."""

    def __init__(self, scene: EelsScene, ask_limits: Callable[[], None]) -> None:
        self._scene, self._ask_limits = scene, ask_limits

    def fill_rgb(self, menu: QMenu) -> None:
        """Fills the menu of the RGB tool anew with the choices of the composite."""
        menu.clear()
        choice = self._scene.choice
        option(
            menu, "Red, green, blue", not choice.safe_colours, lambda: self._scene.look(safe_colours=False)
        )
        option(
            menu,
            "Colour-blind safe",
            choice.safe_colours,
            lambda: self._scene.look(safe_colours=True),
        )
        menu.addSeparator()
        for percent in (0.5, 2.0, 5.0):
            option(
                menu, f"Saturate {percent:g} % of the pixels",
                choice.percent == percent and not choice.channel_limits,
                partial(self._scene.look, percent=percent, channel_limits={}, limits=None),
            )  # fmt: skip
        menu.addAction("Limits and histograms…", self._ask_limits)
        menu.addSeparator()
        option(
            menu,
            "Smooth display (2 × 2)",
            choice.smooth,
            lambda: self._scene.look(smooth=not choice.smooth),
        )

    def fill_map(self, menu: QMenu) -> None:
        """Fills the menu of the Map tool anew: quantities, ratios to other states, results."""
        menu.clear()
        scene, choice, image = self._scene, self._scene.choice, self._scene.image
        for quantity in QUANTITIES:
            checked = not choice.result[0] and not choice.ratio_to and choice.quantity == quantity
            option(menu, quantity.capitalize(), checked,
                   partial(scene.look, quantity=quantity, ratio_to="", result=("", ""), limits=None))  # fmt: skip
        for other in self._others(image):
            checked = not choice.result[0] and choice.ratio_to == other.id
            option(menu, f"Ratio to {other.state or other.name}", checked,
                   partial(scene.look, quantity=QUANTITIES[0], ratio_to=other.id, result=("", ""), limits=None))  # fmt: skip
        self._add_results(menu, image)
        menu.addSeparator()
        for name in COLOURS:
            text = {"lithium": "Blue to red", "gray": "Grey"}.get(name, name.capitalize())
            option(menu, text, choice.colours == name, partial(scene.look, colours=name))
        menu.addSeparator()
        option(menu, "Automatic limits", choice.limits is None, lambda: scene.look(limits=None))
        menu.addAction("Limits and histograms…", self._ask_limits)

    def _others(self, image: SpectrumImage | None) -> list[SpectrumImage]:
        """Other states with the same pixels."""
        if image is None:
            return []
        return [m for m in self._scene.session.maps if m is not image and m.shape[:2] == image.shape[:2]]

    def _add_results(self, menu: QMenu, image: SpectrumImage | None) -> None:
        if image is None:
            return
        first = True
        for result in self._scene.session.results:
            if result.owner_id != image.id:
                continue
            for name, array in result.arrays.items():
                if array.shape != image.shape[:2]:
                    continue
                if first:
                    menu.addSection("Results")
                    first = False
                stale = " (stale)" if result.made_by and self._scene.session.is_stale(result.made_by) else ""
                key = (result.id, name)
                option(menu, f"{result.analysis} · {array_name(name)}{stale}", self._scene.choice.result == key,
                       partial(self._scene.look, result=key, limits=None))  # fmt: skip
