"""How counts become grey: percentile or by hand, gamma, colours; a small panel under the Contrast tool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QFrame, QWidget

from tandem_widgets.parts.image.render import auto_levels, colour_table

COLOUR_MAPS = ("gray", "viridis", "magma", "cividis", "inferno", "turbo")


@dataclass(frozen=True)
class Contrast:
    """Settings of one image; `low` and `high` are counts, kept while scrubbing."""

    mode: str = "percentile"
    """percentile (found once) | each frame | manual"""
    percent: float = 0.2
    low: float | None = None
    high: float | None = None
    gamma: float = 1.0
    colours: str = "gray"
    invert: bool = False

    def levels(self, frame: NDArray[Any]) -> tuple[float, float]:
        """Counts shown black and white; read from this frame unless they are fixed."""
        if self.mode != "each frame" and self.low is not None and self.high is not None:
            return self.low, self.high
        return auto_levels(frame, self.percent)

    def table(self) -> NDArray[np.uint32]:
        """ARGB colours from black to white level, with gamma and inversion."""
        return colour_table(colours_named(self.colours), self.gamma, invert=self.invert)


def colours_named(name: str) -> NDArray[np.uint8] | None:
    """256 colours (n, 3) of a map; None is grey."""
    if name == "gray":
        return None
    # imported late: a start does not pay for it
    import cmap

    rgba = cmap.Colormap(name).lut(256)
    return np.asarray(np.round(np.asarray(rgba)[:, :3] * 255), np.uint8)


class ContrastPanel(QFrame):
    """Edits a Contrast; emits every change at once."""

    changed = pyqtSignal(object)

    def __init__(self, contrast: Contrast, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "pane")
        self._contrast = contrast
        self._mode = QComboBox()
        self._mode.addItems(["percentile", "each frame", "manual"])
        self._mode.setCurrentText(contrast.mode)
        self._percent = _number(0, 20, contrast.percent, " %", 2)
        self._low = _number(-1e9, 1e9, contrast.low or 0.0, "", 1)
        self._high = _number(-1e9, 1e9, contrast.high or 1.0, "", 1)
        self._gamma = _number(0.1, 5, contrast.gamma, "", 2)
        self._gamma.setSingleStep(0.1)
        self._colours = QComboBox()
        self._colours.addItems(COLOUR_MAPS)
        self._colours.setCurrentText(contrast.colours)
        self._invert = QCheckBox("Invert")
        self._invert.setChecked(contrast.invert)
        form = QFormLayout(self)
        form.addRow("Contrast", self._mode)
        form.addRow("Saturated", self._percent)
        form.addRow("Black at", self._low)
        form.addRow("White at", self._high)
        form.addRow("Gamma", self._gamma)
        form.addRow("Colours", self._colours)
        form.addRow("", self._invert)
        self._mode.currentTextChanged.connect(lambda _text: self._tell())
        self._colours.currentTextChanged.connect(lambda _text: self._tell())
        self._invert.toggled.connect(lambda _on: self._tell())
        self._percent.valueChanged.connect(lambda _value: self._tell())
        self._gamma.valueChanged.connect(lambda _value: self._tell())
        for field in (self._low, self._high):
            field.valueChanged.connect(lambda _value: self._by_hand())

    def _by_hand(self) -> None:
        # a limit that is typed is meant to stay
        self._mode.setCurrentText("manual")
        self._tell()

    def _tell(self) -> None:
        manual = self._mode.currentText() == "manual"
        self._contrast = replace(
            self._contrast,
            mode=self._mode.currentText(),
            percent=self._percent.value(),
            low=self._low.value() if manual else None,
            # black and white may not coincide
            high=max(self._high.value(), self._low.value() + 1e-6) if manual else None,
            gamma=self._gamma.value(),
            colours=self._colours.currentText(),
            invert=self._invert.isChecked(),
        )
        self.changed.emit(self._contrast)


def _number(low: float, high: float, value: float, suffix: str, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(decimals)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
