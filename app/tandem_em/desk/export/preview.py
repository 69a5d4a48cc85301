"""What can be exported, looked at before it is written: figures and frames of the movie from one collection of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.export import data as export_data
from tandem_em.desk.export import folder as export
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures import draw as figures
from tandem_em.exporters.figures.style import FigureSettings, fonts_here
from tandem_em.exporters.movie.film import Still, still
from tandem_em.exporters.movie.look import SIZES, MovieSettings
from tandem_em.model.session import Session
from tandem_em.model.snapshot import snapshot

__all__ = ["SIZES", "FigureSettings", "Material", "MovieSettings", "Still", "collecting", "fonts_here"]
NO_CHOICE: tuple[tuple[float, ...], tuple[str, ...]] = ((), ())


@dataclass
class Material:
    """The session as it was when it was asked, and all there is to draw of it."""

    session: Session
    found: data.Picture
    shots_of: dict[tuple[Any, Any], list[data.Shot]] = field(default_factory=dict)
    """Montages by the chosen moments and stacks."""

    @property
    def figures(self) -> dict[str, str]:
        """Name and title of every figure there are data for."""
        return {name: figures.FIGURES[name][0] for name in figures.names(self.found)}


def collecting(session: Session) -> Job[Material]:
    """Collect what can be drawn from a snapshot taken now; UserError for an empty session."""
    export.refuse_empty(session)
    return _collecting(snapshot(session))


def _collecting(session: Session) -> Job[Material]:
    found = yield from export_data.collect(session)
    return Material(session, found, {NO_CHOICE: found.shots})


def _with_shots(material: Material, settings: FigureSettings) -> Job[data.Picture]:
    """The data with the frames the montage is to show."""
    # Reading frames is what takes time; all other settings only draw them differently.
    key = (settings.times, settings.stack_ids)
    if key not in material.shots_of:
        material.shots_of[key] = yield from export_data.shots(
            material.session, material.found.tracks, settings
        )
    material.found.shots = material.shots_of[key]
    return material.found


def figure_pixels(
    material: Material, name: str, settings: FigureSettings, dpi: float
) -> Job[NDArray[np.uint8]]:
    """A figure as (height, width, 4)."""
    found = yield from _with_shots(material, settings)
    yield Progress(0, 0, "Drawing the figure")
    return figures.preview(name, found, settings, dpi)


def figure_files(material: Material, name: str, settings: FigureSettings) -> Job[dict[str, bytes]]:
    """A figure as files in memory, by kind: for the clipboard."""
    found = yield from _with_shots(material, settings)
    made = {}
    for kind in ("png", "svg", "pdf"):
        yield Progress(0, 0, "Drawing the figure")
        made[kind] = figures.as_bytes(name, found, settings, kind)
    return made


def figure_of(session: Session, name: str, settings: FigureSettings) -> Job[dict[str, bytes]]:
    """A figure of the session as it is when this is called, as files in memory, by kind."""
    return _figure_of(collecting(session), name, settings)


def _figure_of(job: Job[Material], name: str, settings: FigureSettings) -> Job[dict[str, bytes]]:
    material = yield from job
    if name not in material.figures:
        raise UserError(
            f"There are no data for the figure “{figures.FIGURES[name][0]}”.",
            "Ctrl+E lists the available figures.",
        )
    return (yield from figure_files(material, name, settings))


def write_figures(material: Material, folder: Path, settings: FigureSettings) -> Job[list[Path]]:
    """The chosen figures into a folder, all of them or none."""
    found = yield from _with_shots(material, settings)
    with export.staging(folder) as place:
        yield from figures.write_figures(place, found, settings)
        return export.publish(place, folder)


def film_still(material: Material, film: MovieSettings, t: float) -> Job[Still]:
    """One frame of the movie, and how long it would be."""
    yield Progress(0, 0, "Rendering the preview")
    session = material.session
    return still(material.found, export.shown_stack(session), film, export.reading(session), t)
