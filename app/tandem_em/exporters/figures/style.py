"""The look of figures: journal widths, 7 pt sans, thin lines, editable text; identity colours made dark enough for paper."""

from __future__ import annotations

import colorsys
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tandem_em.exporters.replacing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

MM = 1 / 25.4
ONE_COLUMN_MM, TWO_COLUMNS_MM = 85.0, 174.0
FONTS = (
    "Arial", "Helvetica", "Liberation Sans", "Noto Sans", "DejaVu Sans", "Times New Roman", "Liberation Serif",
    "DejaVu Serif",
)  # fmt: skip
ROLE_INKS = {
    "voltage": "#1a7f4b", "current": "#a86500", "charge": "#1560b0", "resistance": "#1f7a44", "dose": "#6d46c0",
    "other": "#1560b0", "neutral": "#8a8f98", "x": "#1560b0", "y": "#1f7a44",
    "first": "#a86500", "second": "#1f7a44", "third": "#1560b0", "fourth": "#6d46c0",
}  # fmt: skip
"""What a colour stands for has on paper the colour it has in the window, dark enough for white."""
DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
UP = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
DRAWING = threading.RLock()
"""Matplotlib's settings are one for the whole program: one figure is drawn at a time."""


@dataclass(frozen=True)
class FigureSettings:
    """What a person chooses for figures."""

    width_mm: float | None = None
    """None: one or two columns, whichever suits the figure."""
    font: str = ""
    """Empty: the first of FONTS that is here."""
    size_pt: float = 7.0
    dpi: int = 300
    kinds: tuple[str, ...] = ("pdf", "svg", "png")
    names: tuple[str, ...] = ()
    """Which figures; empty: all there are data for."""
    times: tuple[float, ...] = ()
    """Moments of the montage (s); empty: five, evenly."""
    stack_ids: tuple[str, ...] = ()
    """Rows of the montage; empty: the shown stack."""

    def width_in(self, suits_mm: float) -> float:
        """Width in inches: the person's choice, else what suits the figure."""
        return (self.width_mm or suits_mm) * MM


def fonts_here() -> list[str]:
    """Fonts that can be embedded as they are: TrueType only, so that every program can edit the text."""
    from matplotlib.font_manager import fontManager

    known = {entry.name for entry in fontManager.ttflist if entry.fname.lower().endswith(".ttf")}
    return [name for name in FONTS if name in known]


@contextmanager
def styled(settings: FigureSettings) -> Iterator[None]:
    """Matplotlib set up for print, for the time of one figure."""
    import matplotlib as mpl

    size = settings.size_pt
    here = fonts_here()
    families = [settings.font] if settings.font in here else []
    look: dict[str, Any] = {
        "svg.fonttype": "none", "pdf.fonttype": 42, "font.family": [*families, *here], "font.size": size,
        "axes.labelsize": size, "axes.titlesize": size, "xtick.labelsize": size - 0.5, "ytick.labelsize": size - 0.5,
        "legend.fontsize": size - 0.5, "legend.handlelength": 1.4, "legend.labelspacing": 0.25, "axes.linewidth": 0.6,
        "lines.linewidth": 0.9,
        "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
        "xtick.minor.size": 1.5, "ytick.minor.size": 1.5, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "axes.unicode_minus": True,
        "axes.formatter.useoffset": False, "axes.formatter.use_mathtext": True,
        "mathtext.default": "regular", "image.interpolation": "nearest", "savefig.dpi": settings.dpi,
        "svg.hashsalt": "tandem", "axes.labelpad": 2.5, "lines.solid_joinstyle": "round", "path.simplify": True,
    }  # fmt: skip
    with DRAWING, mpl.rc_context(look):
        yield


def new_figure(width_in: float, height_in: float) -> Any:
    """An empty figure that draws without a window, so that it can be made in any thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def lettered(text: str) -> str:
    """Raised and lowered signs, which journal fonts lack, as typeset ones: `P L₂,₃`, `Si L2,3`, `e⁻/Å²`."""
    text = re.sub(r"(?<= [LMNO])\d(?:,\d)*\b", lambda found: found.group().translate(DOWN), text)
    text = re.sub(
        "[₀-₉](?:,?[₀-₉])*",
        lambda found: "$_{" + found.group().translate(UP).replace(",", "{,}") + "}$",
        text,
    )
    return text.replace("⁻", "$^{-}$")


def figure_of(axes: Axes) -> Figure:
    """The figure these axes are drawn in. We make no figures within figures."""
    return cast("Figure", axes.figure)


def name_ends(axes: Axes, names: list[tuple[str, float, str]], size_pt: float) -> None:
    """Names in their colours right of the axes, at the height (data) where each curve ends, moved apart where they meet."""
    low, high = axes.get_ylim()
    tall = figure_of(axes).get_figheight() * 72 * axes.get_position().height or 60.0
    step = 1.15 * size_pt / tall * abs(high - low)
    wanted = sorted(names, key=lambda each: each[1])
    places = [y for _, y, _ in wanted]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + step)
    over = max(0.0, (places[-1] if places else 0.0) - max(high, max((y for _, y, _ in wanted), default=high)))
    for (name, _, colour), y in zip(wanted, places):
        axes.annotate(
            name, (1.0, y - over), (3, 0), ("axes fraction", "data"), "offset points", va="center", color=ink(colour),
            fontsize=size_pt - 0.5, annotation_clip=False,
        )  # fmt: skip


def ink(colour: str) -> str:
    """The same hue, dark enough to be read on white."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    while 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.3 and light > 0.05:
        light -= 0.02
        # rounding goes a hair below 0, and the power of that is a complex number
        red, green, blue = (max(0.0, part) for part in colorsys.hls_to_rgb(hue, light, strength))
    return "#" + "".join(f"{round(255 * c):02x}" for c in (red, green, blue))


def mark_simulated(figure: Figure) -> None:
    """Simulated data say so in the corner."""
    layout = cast("ConstrainedLayoutEngine", figure.get_layout_engine())
    layout.set(rect=(0, 0, 1, 1 - 0.11 / figure.get_figheight()))
    figure.text(0.995, 0.995, "simulated", ha="right", va="top", fontsize=6, color="#b3261e")


def save(figure: Figure, folder: Path, stem: str, settings: FigureSettings) -> list[Path]:
    """One figure in every wanted format."""
    written = []
    for kind in settings.kinds:
        path = folder / f"{stem}.{kind}"
        content = io.BytesIO()  # matplotlib's own writers do not survive a full disk
        figure.savefig(content, format=kind, dpi=settings.dpi)
        with replacing(path) as temporary:
            temporary.write_bytes(content.getvalue())
        written.append(path)
    return written
