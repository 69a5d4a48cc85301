"""The look of figures: journal widths, 7 pt sans, thin lines, editable text; identity colours made dark enough for paper."""

from __future__ import annotations

import colorsys
import re
from pathlib import Path
from typing import Any

MM = 1 / 25.4
ONE_COLUMN, TWO_COLUMNS = 85 * MM, 180 * MM
RC: dict[str, Any] = {
    "svg.fonttype": "none", "pdf.fonttype": 42, "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Helvetica", "Nimbus Sans", "DejaVu Sans"], "font.size": 7, "axes.labelsize": 7,
    "axes.titlesize": 7, "xtick.labelsize": 6.5, "ytick.labelsize": 6.5, "legend.fontsize": 6.5,
    "axes.linewidth": 0.6, "lines.linewidth": 0.9, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "axes.unicode_minus": True,
    "mathtext.default": "regular", "image.interpolation": "nearest", "savefig.dpi": 300,
}  # fmt: skip


def lettered(text: str) -> str:
    """Subscript digits, which journal fonts lack, as typeset subscripts: `P L₂,₃`."""
    down = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
    return re.sub("[₀-₉](?:,?[₀-₉])*", lambda found: "$_{" + found.group().translate(down) + "}$", text)


def ink(colour: str) -> str:
    """The same hue, dark enough to be read on white."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    while 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.3 and light > 0.05:
        light -= 0.02
        red, green, blue = colorsys.hls_to_rgb(hue, light, strength)
    return "#" + "".join(f"{round(255 * c):02x}" for c in (red, green, blue))


def save(figure: Any, folder: Path, stem: str, simulated: bool) -> list[Path]:
    """PDF, SVG and PNG of one figure; simulated data say so in the corner."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from tandem_em.exporters.replacing import replacing

    FigureCanvasAgg(figure)
    if simulated:
        figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.11 / figure.get_figheight()))
        figure.text(0.995, 0.995, "simulated", ha="right", va="top", fontsize=6, color="#b3261e")
    written = []
    for kind in ("pdf", "svg", "png"):
        path = folder / f"{stem}.{kind}"
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, dpi=300)
        written.append(path)
    return written
