"""Everything that leaves the program: instruments' files, tables, figures, a movie, a report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.export import folder as export
from tandem_em.desk.selftest.check import Check, require
from tandem_em.desk.selftest.sessions import small_session
from tandem_em.exporters import raw_files
from tandem_em.importers import registry
from tandem_em.model.frames import FrameStack

SMALL = export.MovieSettings(size=(320, 240), rate=10, span=(0.0, 7.0), every_frame=True)
FIGURES = export.FigureSettings(dpi=72)
SIGNS = {".pdf": b"%PDF", ".png": b"\x89PNG", ".svg": b"<?xml"}


def checks() -> Iterator[Check]:
    yield Check("writing tables (CSV)", tables)
    yield Check("writing figures (PDF, SVG, PNG)", figures)
    yield Check("writing a movie and reading it back (MP4)", movie)
    yield Check("writing a report (HTML)", report)
    yield Check("writing instruments' files (CSV, EC-Lab, TIFF, MRC, HyperSpy)", raw)


def _exported(folder: Path, *wanted: str) -> list[Path]:
    chosen = {kind: kind in wanted for kind in ("tables", "figures", "movie", "report")}
    return run_to_end(
        export.export(small_session(), folder / "out", export.Wanted(**chosen, film=SMALL, print=FIGURES))
    )


def tables(folder: Path) -> None:
    written = [path for path in _exported(folder, "tables") if path.suffix == ".csv"]
    require(written, "No table was written.")
    require(all(path.stat().st_size > 40 for path in written), "A table is empty.")


def figures(folder: Path) -> None:
    written = _exported(folder, "figures")
    require({path.suffix for path in written} >= set(SIGNS), "A kind of figure is missing.")
    for path in written:
        if path.suffix in SIGNS:
            require(
                path.read_bytes().startswith(SIGNS[path.suffix]), f"{path.name} is no {path.suffix} file."
            )


def movie(folder: Path) -> None:
    films = [path for path in _exported(folder, "movie") if path.suffix == ".mp4"]
    require(films, "No movie was written.")
    items = run_to_end(registry.read(films[0])).items
    require(isinstance(items[0], FrameStack), "The movie is read as something else.")
    assert isinstance(items[0], FrameStack)
    try:
        require(items[0].frame(0).shape == (240, 320), f"Its frames are {items[0].frame(0).shape}.")
        require(len(items[0]) == 8, f"It has {len(items[0])} frames instead of 8.")
    finally:
        items[0].source.close()


def report(folder: Path) -> None:
    (page,) = [path for path in _exported(folder, "report") if path.suffix == ".html"]
    require(
        "<svg" in page.read_text("utf-8") or "data:image" in page.read_text("utf-8"), "It has no figures."
    )


def raw(folder: Path) -> None:
    session = small_session()
    run, stack, image = session.runs.first, session.stacks.first, session.maps.first
    assert run is not None
    assert stack is not None
    assert image is not None
    written = [
        raw_files.write_csv(folder / "run.csv", run),
        raw_files.write_mpt(folder / "run.mpt", run),
        raw_files.write_movie_tif(folder / "movie.tif", stack),
        raw_files.write_movie_mrc(folder / "movie.mrc", stack),
        raw_files.write_hspy(folder / "map.hspy", image),
    ]
    require(all(path.stat().st_size > 100 for path in written), "A file is empty.")
