"""Out of the program: tables, figures, movie and report of a session into a folder, all of it or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tandem_em import __version__
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace
from tandem_em.desk import readout
from tandem_em.desk.export import (
    data as export_data,
)
from tandem_em.desk.export import (
    report as export_report,
)
from tandem_em.desk.export import (
    tables as export_tables,
)
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.draw import write_figures
from tandem_em.exporters.figures.style import FigureSettings
from tandem_em.exporters.movie.film import can_film, write_movie
from tandem_em.exporters.movie.look import PANES, MovieSettings
from tandem_em.exporters.tables import write_table
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.snapshot import snapshot

__all__ = ["PANES", "FigureSettings", "MovieSettings", "Wanted", "export", "export_movie"]


@dataclass(frozen=True)
class Wanted:
    """What to write."""

    tables: bool = True
    figures: bool = True
    movie: bool = True
    report: bool = True
    film: MovieSettings = field(default_factory=MovieSettings)
    print: FigureSettings = field(default_factory=FigureSettings)


def export(session: Session, folder: Path, wanted: Wanted | None = None) -> Job[list[Path]]:
    """Write what is wanted; the files appear together at the end. Returns their paths."""
    refuse_empty(session)
    return _exporting(snapshot(session), folder, wanted or Wanted())


def refuse_empty(session: Session) -> None:
    """UserError for a session without anything in it."""
    if session.is_empty:
        raise UserError(
            f"{session.info.name or 'This session'} is empty: there is nothing to export.",
            "Import a biasing log, a movie or a spectrum image first.",
        )


def _exporting(session: Session, folder: Path, wanted: Wanted) -> Job[list[Path]]:
    with staging(folder) as place:
        found = yield from export_data.collect(session, wanted.film.span, wanted.print)
        if wanted.tables:
            yield from write_tables(session, found, place / "tables")
        if wanted.figures:
            yield from write_figures(place / "figures", found, wanted.print)
        if wanted.report:
            yield from export_report.write(session, found, place / "report.html")
        # Asked for the movie alone, its error is told instead of leaving it out silently.
        nothing_else = not (wanted.tables or wanted.figures or wanted.report)
        if wanted.movie and (nothing_else or can_film(found, shown_stack(session), wanted.film)):
            yield from write_movie(
                place / "movie.mp4", found, shown_stack(session), wanted.film, reading(session)
            )
        yield Progress(1, 1, "Moving the files into place")
        return publish(place, folder)


def export_movie(session: Session, path: Path, film: MovieSettings) -> Job[Path]:
    """The movie alone, under a name of its own."""
    refuse_empty(session)
    return _filming(snapshot(session), path, film)


def _filming(session: Session, path: Path, film: MovieSettings) -> Job[Path]:
    found = yield from export_data.collect(session, film.span)
    return (yield from write_movie(path, found, shown_stack(session), film, reading(session)))


def shown_stack(session: Session) -> FrameStack | None:
    """The selected stack, else the first; None without one."""
    return session.stacks.get(session.focus.selected("stack")) or session.stacks.first


def reading(session: Session) -> Callable[[float], list[str]]:
    """A function that gives the readout of a session second as short texts, for stamps in the movie."""
    return lambda t: readout.read_at(session, t).parts


def write_tables(session: Session, found: data.Picture, folder: Path) -> Job[list[Path]]:
    """Every table as CSV, and provenance.json beside them."""
    written: list[Path] = []
    taken: set[str] = set()
    for table in export_tables.tables(session, found):
        stem, number = table.stem, 1
        # Windows and macOS do not tell capitals from small letters in file names.
        while stem.lower() in taken:
            number += 1
            stem = f"{table.stem}_{number}"
        taken.add(stem.lower())
        written.append((yield from write_table(folder / f"{stem}.csv", table)))
    path = folder / "provenance.json"
    path.write_text(
        json.dumps(
            provenance(session) | {"left_out": found.left_out}, indent=1, ensure_ascii=False, default=str
        )
        + "\n",
        "utf-8",
    )
    return [*written, path]


def provenance(session: Session) -> dict[str, Any]:
    """What everything was computed from and with, for the side JSON."""
    return {
        "software": f"TandEM {__version__}",
        "session": {"name": session.info.name, "id": session.info.uuid, "start": session.info.start_iso},
        "simulated": [item.name for item in session.items() if item.simulated and item.name],
        "clocks": export_tables.clock_rows(session),
        "edges": [
            {"name": e.name, "background": e.background, "order": e.order, "fit_eV": e.fit, "signal_eV": e.signal}
            for e in session.edges
        ],
        "profiles": [
            {"name": p.name, "start_px": p.start, "end_px": p.end, "width_px": p.width_px} for p in session.profiles
        ],
        "steps": [
            {"what": s.what, "when": s.when, "version": s.version, "parameters": s.parameters, "inputs": s.inputs,
             "stale": session.is_stale(s.id)}
            for s in session.steps
        ],
        "sources": [{"path": s.path, "sha256": s.sha256, "importer": s.importer} for s in session.sources],
    }  # fmt: skip


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A hidden folder inside the target that vanishes whatever happens; a target made for it goes too if left empty."""
    existed = folder.exists()
    # In the target: moving files at the end is then only a renaming.
    place = folder / f".export.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Nothing can be written into {folder}: {error.strerror or error}.",
            "Choose another folder, or check its permissions and the free space.",
        ) from error
    try:
        yield place
    except OSError as error:
        raise UserError(
            f"The export into {folder} stopped: {error.strerror or error}.", "Check the free space."
        ) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if not existed and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def publish(place: Path, folder: Path) -> list[Path]:
    """Move what was made in the staging folder to where it belongs."""
    written = []
    for path in sorted(place.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace(path, target)
            written.append(target)
    return written
