"""What the pictures show and how: quantity, colours and limits of the single map, colours of the composite."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtWidgets import QInputDialog, QMenu, QWidget

from tandem_em.analysis.eels_colour import lithium_colours
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


def lookup(name: str) -> NDArray[np.uint8] | None:
    """Colours (256, 3); None is grey."""
    if name == "lithium":
        return lithium_colours()
    if name == "gray":
        return None
    import pyqtgraph as pg

    table: NDArray[np.uint8] = pg.colormap.get(name).getLookupTable(0.0, 1.0, 256, alpha=False)
    return table


def read_limits(text: str) -> tuple[float, float] | None:
    """`-20 – 300`: two numbers, the lower first, signs allowed."""
    found = re.findall(r"(?:(?<=^)|(?<=[\s–;]))[-−+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?", text.strip())
    numbers = [float(each.replace(",", ".").replace("−", "-")) for each in found]
    return (numbers[0], numbers[1]) if len(numbers) == 2 and numbers[0] < numbers[1] else None


def option(menu: QMenu, text: str, checked: bool, call: Callable[[], None]) -> None:
    action = menu.addAction(text, call)
    if action is not None:
        action.setCheckable(True)
        action.setChecked(checked)


class ChoiceMenus:
    """Fills the menus of the tools RGB and Map; `changed` redraws."""

    def __init__(self, owner: QWidget, session: Session, choice: Choice, changed: Callable[[], None]) -> None:
        self._owner, self._session, self._choice, self._changed = owner, session, choice, changed

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
                menu, f"Limits at {percent:g} % of the pixels", choice.percent == percent,
                partial(self.set, percent=percent),
            )  # fmt: skip
        menu.addSeparator()
        option(menu, "Smooth the display (2 × 2)", choice.smooth, lambda: self.set(smooth=not choice.smooth))

    def fill_map(self, menu: QMenu, image: SpectrumImage | None, shown: tuple[float, float]) -> None:
        menu.clear()
        choice = self._choice
        for quantity in QUANTITIES:
            checked = not choice.result[0] and choice.quantity == quantity
            option(menu, quantity.capitalize(), checked,
                   partial(self.set, quantity=quantity, result=("", ""), limits=None))  # fmt: skip
        self._add_results(menu, image)
        menu.addSeparator()
        for name in COLOURS:
            text = "Lithium, blue to red" if name == "lithium" else name.capitalize()
            option(menu, text, choice.colours == name, partial(self.set, colours=name))
        menu.addSeparator()
        option(menu, "Automatic limits", choice.limits is None, lambda: self.set(limits=None))
        option(menu, "Limits…", choice.limits is not None, lambda: self._ask_limits(shown))

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
                key = (result.id, name)
                option(menu, f"{result.analysis} · {name}", self._choice.result == key,
                       partial(self.set, result=key, limits=None))  # fmt: skip

    def _ask_limits(self, shown: tuple[float, float]) -> None:
        before = f"{shown[0]:.4g} – {shown[1]:.4g}"
        text, accepted = QInputDialog.getText(self._owner, "Limits", "Lowest – highest:", text=before)
        if accepted:
            self.set(limits=read_limits(text))
