"""Figures of a session for print: which there are, how one is drawn, and all of them into a folder."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.curves import lanes
from tandem_em.exporters.figures.cycles import capacity, crossing, cycles, dqdv
from tandem_em.exporters.figures.images import maps, montage
from tandem_em.exporters.figures.spectra import profiles, sites, spectra
from tandem_em.exporters.figures.style import FigureSettings, mark_simulated, save, styled

Draw = Callable[[data.Picture, FigureSettings], Any]
FIGURES: dict[str, tuple[str, Draw, Callable[[data.Picture], bool]]] = {
    "lanes": ("Curves over time", lanes, lambda found: bool(found.lanes)),
    "capacity": ("Voltage against capacity", capacity, lambda found: bool(found.capacity)),
    "dqdv": ("dQ/dV", dqdv, lambda found: bool(found.dqdv)),
    "crossing": ("Current against voltage", crossing, lambda found: bool(found.crossing)),
    "cycles": ("Cycles", cycles, lambda found: bool(found.cycles)),
    "montage": ("Montage", montage, lambda found: bool(found.shots)),
    "maps": ("Element maps", maps, lambda found: bool(found.maps)),
    "spectra": ("Spectra with windows", spectra, lambda found: bool(found.spectra)),
    "sites": ("Spectra of the sites", sites, lambda found: any(each.sites for each in found.spectra)),
    "profiles": ("Line profiles", profiles, lambda found: bool(found.profiles)),
}
"""File name -> title, how it is drawn, and whether there are data for it."""


def names(found: data.Picture, settings: FigureSettings | None = None) -> list[str]:
    """The figures there are data for, of those wanted."""
    wanted = settings.names if settings else ()
    return [name for name, (_, _, has) in FIGURES.items() if has(found) and (not wanted or name in wanted)]


def draw(name: str, found: data.Picture, settings: FigureSettings) -> Any:
    """One figure; call it and what is done with it inside `styled`."""
    figure = FIGURES[name][1](found, settings)
    if found.simulated:
        mark_simulated(figure)
    return figure


def write_figures(folder: Path, found: data.Picture, settings: FigureSettings) -> Job[list[Path]]:
    """Every figure there are data for."""
    written: list[Path] = []
    wanted = names(found, settings)
    for number, name in enumerate(wanted):
        yield Progress(number, len(wanted), f"Drawing {FIGURES[name][0].lower()}")
        with styled(settings):
            written += save(draw(name, found, settings), folder, name, settings)
    return written


def preview(name: str, found: data.Picture, settings: FigureSettings, dpi: float) -> NDArray[np.uint8]:
    """The figure as pixels (height, width, 4)."""
    with styled(settings):
        figure = draw(name, found, settings)
        figure.set_dpi(dpi)
        figure.canvas.draw()
        return np.asarray(figure.canvas.buffer_rgba()).copy()


def as_bytes(name: str, found: data.Picture, settings: FigureSettings, kind: str) -> bytes:
    """The figure as a file in memory: for the clipboard and the report."""
    with styled(settings):
        out = io.BytesIO()
        draw(name, found, settings).savefig(out, format=kind, dpi=settings.dpi)
        return out.getvalue()
