"""`tandem track` without its words: OUTLINE.json in, followed outlines out, TRACKS.json made of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em import __version__
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import following as particles
from tandem_em.desk.outlines.drift import DRIFT
from tandem_em.desk.outlines.follow import FOLLOW
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle

log = logging.getLogger(__name__)
Run = Callable[[Job[Any]], Any]
"""Runs a job to its end."""


@dataclass
class Asked:
    """One particle of OUTLINE.json."""

    name: str
    frame: int
    polygon: NDArray[np.float64] | None = None
    click: tuple[float, float] | None = None


@dataclass
class Request:
    """What OUTLINE.json asks for; numbers that it gives replace those of the file."""

    particles: list[Asked]
    pixel_nm: float | None = None
    times_s: NDArray[np.float64] | None = None


@dataclass
class Tracked:
    """All particles through one stack; those that were not found have no outlines.

    By their names: where they are `lost`, as sentences, and the `failed` ones, which were not found or not followed to
    the end.
    """

    particles: list[Particle]
    drift_px: NDArray[np.float64]
    seconds: float
    lost: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, UserError] = field(default_factory=dict)

    @property
    def found(self) -> list[Particle]:
        """Particles with at least one outline; the others could not even be drawn."""
        return [particle for particle in self.particles if particle.outlines]

    @property
    def trouble(self) -> UserError | None:
        """What to say of the failed ones, together."""
        if not self.failed:
            return None
        titles = " ".join(error.title for error in self.failed.values())
        return UserError(titles, next(iter(self.failed.values())).advice)


def read_request(found: Any, where: str) -> Request:
    """Check OUTLINE.json; a sentence that names the entry when something is wrong."""
    rows = found.get("particles") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{where} has no list “particles”.", "Give at least one, with a polygon or a click.")
    pixel = found.get("pixel_size_nm")
    if pixel is not None and not (isinstance(pixel, int | float) and pixel > 0):
        raise UserError(
            f"{where}: pixel_size_nm is {pixel!r}.", "It must be a positive number of nanometres."
        )
    times = found.get("times_s")
    if times is not None:
        times = _numbers(times, f"{where}: times_s")
        if times.ndim != 1:
            raise UserError(
                f"{where}: times_s is not a list of numbers.", "Give one time in seconds per frame."
            )
    asked = [_particle(row, number, where) for number, row in enumerate(rows)]
    names = [each.name for each in asked]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{where}: two particles are called {name}.", "Give each its own name.")
    return Request(asked, pixel, times)


def _particle(row: Any, number: int, where: str) -> Asked:
    if not isinstance(row, dict):
        raise UserError(
            f"{where}, particle {number + 1} is not an object.", "See `tandem track --help` for an example."
        )
    name = str(row.get("name") or f"P{number + 1}")
    label = f"{where}, particle {name}"
    frame = row.get("frame", 0)
    # JSON's true is an int for Python.
    if not isinstance(frame, int) or isinstance(frame, bool) or frame < 0:
        raise UserError(f"{label}: frame {frame!r} is not a frame number.", "Frames count from 0.")
    if "polygon" in row:
        polygon = _numbers(row["polygon"], f"{label}: polygon")
        if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
            raise UserError(f"{label}: the polygon needs at least three [x, y] pairs.", "Draw it again.")
        if particles.polygon_area(polygon) < 4:
            raise UserError(f"{label}: the polygon has hardly any area.", "Draw it around the particle.")
        return Asked(name, frame, polygon=polygon)
    if "click" in row:
        click = _numbers(row["click"], f"{label}: click")
        if click.shape != (2,):
            raise UserError(f"{label}: click must be [x, y].", "Give one point inside the particle.")
        return Asked(name, frame, click=(float(click[0]), float(click[1])))
    raise UserError(f"{label} has neither a polygon nor a click.", "Give one of them.")


def _numbers(value: Any, label: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{label} is not made of numbers.", "Check the file.") from error
    if not np.isfinite(array).all():
        raise UserError(f"{label} has values that are not finite.", "Check the file.")
    return array


def apply_request(stack: FrameStack, request: Request) -> None:
    """Use the pixel size and times of the request, and check that its frames and points are in the movie."""
    count = len(stack)
    if request.pixel_nm:
        stack.pixel_nm = request.pixel_nm
    if request.times_s is not None:
        if len(request.times_s) != count:
            raise UserError(
                f"There are {len(request.times_s)} times for {count} frames of {stack.name}.",
                "Give one time per frame.",
            )
        stack.times, stack.times_from = request.times_s, "companion log"
    _, height, width = stack.shape
    for asked in request.particles:
        if asked.frame >= count:
            raise UserError(
                f"Particle {asked.name} is drawn in frame {asked.frame}, but {stack.name} has {count}.",
                "Frames count from 0.",
            )
        points = asked.polygon if asked.polygon is not None else np.array([asked.click])
        middle = points.mean(axis=0)
        if not (-0.5 <= middle[0] <= width - 0.5 and -0.5 <= middle[1] <= height - 0.5):
            raise UserError(
                f"Particle {asked.name} lies outside the frames of {stack.name} ({width} × {height}).",
                "Check x and y.",
            )


def track(session: Session, stack: FrameStack, request: Request, run: Run, scheduler: str = "") -> Tracked:
    """Drift first (unless it is known), then every particle, on a Dask cluster when `scheduler` names one.

    The analyses of the window, run by `run` and kept in the session.
    """
    started = time.perf_counter()
    apply_request(stack, request)
    if stack.drift_px is None and len(stack) > 1:
        drift = DRIFT.ask(session, stack)
        drift.keep(session, run(drift.job(session)))
    drift_px = np.zeros((len(stack), 2)) if stack.drift_px is None else np.asarray(stack.drift_px)
    tracked = Tracked([], drift_px, 0.0)
    run(_outline_all(stack, request, tracked))
    drawn = tracked.found
    if not drawn:
        assert tracked.trouble is not None
        raise tracked.trouble
    # Nobody is there to be asked: every frame is tried.
    asked = FOLLOW.ask(session, stack, drawn, ask=False)
    asked.scheduler = scheduler
    found = run(asked.job(session))
    asked.keep(session, found)
    for particle, followed in zip(drawn, found):
        tracked.lost[particle.name] = particles.where_lost(particle.name, followed)
        if (failed := particles.failed(particle.name, followed)) is not None:
            tracked.failed[particle.name] = failed
    tracked.seconds = time.perf_counter() - started
    return tracked


def _outline_all(stack: FrameStack, request: Request, tracked: Tracked) -> Job[None]:
    """New particles with the outline that was drawn, or proposed where there was a click."""
    for asked in request.particles:
        yield Progress(0, 0, f"Outlining {asked.name}")
        particle = Particle(name=asked.name, stack_id=stack.id, simulated=stack.simulated)
        tracked.particles.append(particle)
        try:
            particle.outlines[asked.frame] = particles.key_outline(_outline(stack, asked))
        except UserError as error:
            tracked.failed[asked.name] = error


def _outline(stack: FrameStack, asked: Asked) -> NDArray[np.float64]:
    """The polygon that was drawn, or what lies under the click; a sentence with its name and place when there is nothing."""
    if asked.polygon is not None:
        return asked.polygon
    assert asked.click is not None
    x, y = asked.click
    where = f"{asked.name} is not found under the click at {x:g}, {y:g} in frame {asked.frame}:"
    image = stack.frame(asked.frame)
    try:
        return particles.propose_in(image, x, y)
    except UserError as error:
        raise UserError(f"{where} {error.title}", "Click inside a particle, or give a polygon.") from error
    except Exception as error:  # an edge: what breaks for one click does not end the others
        log.exception("no proposal for %s", asked.name)
        what = f"something unexpected happened ({type(error).__name__}: {error})."
        raise UserError(f"{where} {what}", "Give a polygon instead. The log has the details.") from error


def report(stack: FrameStack, tracked: Tracked) -> dict[str, Any]:
    """TRACKS.json: one entry per frame, null where a particle was lost or the frame is blank."""
    count = len(stack)
    square_nm = stack.pixel_nm**2 if stack.pixel_nm else 1.0
    return {
        "pixel_size_nm": stack.pixel_nm,
        "area_unit": "nm2" if stack.pixel_nm else "px2",
        "times_s": stack.t[:count] if len(stack.times) else [None] * count,
        "drift_px": tracked.drift_px,
        "seconds": tracked.seconds,
        "version": __version__,
        "stack": stack.name,
        "simulated": stack.simulated,
        "particles": [
            _track(particle, count, square_nm) | _trouble(tracked, particle.name)
            for particle in tracked.particles
        ],
    }


def _trouble(tracked: Tracked, name: str) -> dict[str, Any]:
    """Why there are frames without an outline, where that is known."""
    failed = tracked.failed.get(name)
    return {"lost": tracked.lost.get(name, []), "failed": None if failed is None else failed.title}


def _track(particle: Particle, count: int, square_nm: float) -> dict[str, Any]:
    rows = [particle.outlines.get(frame) for frame in range(count)]

    def scaled(name: str) -> list[float | None]:
        return [None if row is None else float(getattr(row, name)) * square_nm for row in rows]

    return {
        "name": particle.name,
        "area_nm2": scaled("area_px"),
        "area_low_nm2": scaled("area_low_px"),
        "area_high_nm2": scaled("area_high_px"),
        "confidence": [None if row is None else row.confidence for row in rows],
        "polygons": [None if row is None else _rounded(row) for row in rows],
    }


def _rounded(outline: Outline) -> list[list[float]]:
    # A thousandth of a pixel: finer digits would only make the file large.
    rounded: list[list[float]] = np.round(outline.polygon, 3).tolist()
    return rounded
