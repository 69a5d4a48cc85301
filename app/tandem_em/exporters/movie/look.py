"""What a movie shows and how: size, speed, span and panes, the colours, and where each pane stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tandem_em.exporters.movie.canvas import Rect

Pane = Literal["stack", "eels", "biasing"]
PANES: tuple[Pane, ...] = ("stack", "eels", "biasing")
SIZES = {
    "960 × 540": (960, 540), "1280 × 720": (1280, 720), "1920 × 1080": (1920, 1080), "3840 × 2160": (3840, 2160),
}  # fmt: skip


@dataclass(frozen=True)
class MovieSettings:
    """What is chosen. With `every_frame` each frame of the stack is one frame of the movie, else time runs evenly."""

    size: tuple[int, int] | None = (1280, 720)
    """Width and height (px); None: the stack's own, for the stack alone."""
    rate: int = 30
    """Frames per second of the movie."""
    speed: float | None = None
    """Session seconds in one second of movie; None: what makes it about 20 s long."""
    span: tuple[float, float] | None = None
    """Session seconds; None: the stack and the maps around it."""
    panes: tuple[Pane, ...] = PANES
    every_frame: bool = False
    outlines: bool = True
    stamp: bool = True
    """Time, scale bar and names; without them the stack alone is nothing but its frames."""
    light: bool = False


@dataclass(frozen=True)
class Colours:
    """Colours (`#rrggbb`) of one look of the movie, dark or light."""

    window: str
    pane: str
    line: str
    text: str
    quiet: str
    cursor: str
    accent: str
    mark: str
    roles: dict[str, str]
    """By what a colour stands for."""


DARK = Colours(
    "#14171c", "#1c2026", "#2f353e", "#e8ebef", "#9aa3ad", "#ffffff", "#4a9eff", "#b98cff",
    {"voltage": "#7fe3a4", "current": "#ffbf47", "charge": "#4a9eff", "resistance": "#5fd38d", "dose": "#b98cff",
     "other": "#4a9eff", "neutral": "#8a8f98", "x": "#4a9eff", "y": "#5fd38d", "first": "#ffbf47", "second": "#5fd38d",
     "third": "#4a9eff", "fourth": "#b98cff"},
)  # fmt: skip
LIGHT = Colours(
    "#e9ecf0", "#ffffff", "#d5dae1", "#1b2027", "#5c6670", "#11151a", "#0b6bd3", "#7a4fd0",
    {"voltage": "#178a4c", "current": "#b06f00", "charge": "#0b6bd3", "resistance": "#1f8f4d", "dose": "#7a4fd0",
     "other": "#0b6bd3", "neutral": "#8a8f98", "x": "#0b6bd3", "y": "#1f8f4d", "first": "#b06f00", "second": "#1f8f4d",
     "third": "#0b6bd3", "fourth": "#7a4fd0"},
)  # fmt: skip


def places(
    panes: tuple[Pane, ...], size: tuple[int, int], stack_aspect: float, unit: float
) -> dict[Pane, Rect]:
    """Where the panes stand under the header. A tall stack takes the left side, a wide one the place it has in the window."""
    width, height = size
    gap, top = 6 * unit, 38 * unit
    x, y, w, h = gap, top, width - 2 * gap, height - top - gap
    if len(panes) == 1:
        return {panes[0]: (x, y, w, h)}
    others = [pane for pane in panes if pane != "stack"]
    if "stack" in panes and stack_aspect < 1.4:
        left = min((h - 30 * unit) * stack_aspect, 0.56 * w)
        found: dict[Pane, Rect] = {"stack": (x, y, left, h)}
        rest = (x + left + gap, y, w - left - gap, h)
        return found | _stacked(others, rest, gap)
    if len(panes) == 2:
        return _stacked(list(panes), (x, y, w, h), gap)
    tall = 0.6 * h
    left = min((tall - 30 * unit) * stack_aspect, 0.6 * w)
    return {
        "stack": (x, y, left, tall),
        "eels": (x + left + gap, y, w - left - gap, tall),
        "biasing": (x, y + tall + gap, w, h - tall - gap),
    }


def _stacked(panes: Sequence[Pane], rect: Rect, gap: float) -> dict[Pane, Rect]:
    x, y, w, h = rect
    if len(panes) == 1:
        return {panes[0]: rect}
    upper = 0.5 * (h - gap)
    return {panes[0]: (x, y, w, upper), panes[1]: (x, y + upper + gap, w, h - upper - gap)}
