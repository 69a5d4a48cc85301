"""What a session has to show and to tabulate, as plain numbers: tracks, lanes, maps, spectra, profiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from tandem_em.analysis.eels.colour import channel_limits, compose_rgb, lithium_colours
from tandem_em.analysis.eels.spectra import line_profiles, model_curve, region_spectrum
from tandem_em.analysis.geometry import polygon
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.texts import reading_unit
from tandem_em.desk import readout
from tandem_em.desk.biasing import views as biasing_views
from tandem_em.desk.eels import maps as eels
from tandem_em.desk.eels import places
from tandem_em.desk.export import lanes, tables
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.style import FigureSettings
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_em.model.tracks import Particle

SHOTS = 5
# Below this spread (V) a voltage counts as held: what is left is noise of the instrument.
HELD_V = 0.005
FAR_APART = 20
"""Runs with so many times more nothing between them than they lasted are not drawn on one axis."""
Interval = tuple[float, float]


def collect(
    session: Session, span: Interval | None = None, wanted: FigureSettings | None = None
) -> Job[data.Picture]:
    """Everything the figures, the report and the movie draw; curves at least over `span`. Reads the spectrum images
    and a few frames."""
    found = data.Picture(session.info.name, session.is_simulated)
    found.lithium = lithium_colours()
    found.tracks = [
        track(stack, particle)
        for particle in session.particles
        if (stack := session.stacks.get(particle.stack_id)) is not None and particle.outlines
    ]
    found.flags = [data.Flag(e.t, e.name, e.colour) for e in session.events if e.visible]
    found.bands = [
        data.MapSpan(*image.interval, image.state or image.name, image.colour)
        for image in session.maps
        if image.interval is not None and image.visible
    ]
    found.span = shown_span(session)
    found.lanes = lanes.lanes(session, _reach(session, found, span))
    yield from _views(session, found)
    found.shots = yield from shots(session, found.tracks, wanted or FigureSettings())
    found.cycles = _cycles(session)
    for image in session.maps:
        try:
            yield from _map(session, image, found)
        except UserError as error:  # the rest of the session goes out all the same
            found.left_out.append((image.name, error.title))
    return found


def shown_span(session: Session) -> Interval | None:
    """The stretch of time in view, as it was left; else that of the movie, or of everything."""
    span = session.info.view.get("span")
    if isinstance(span, list | tuple) and len(span) == 2 and span[1] > span[0]:
        return float(span[0]), float(span[1])
    whole, shown = session.watched_extent(), readout.active_run(session)
    own = shown.extent if shown is not None else None
    if whole is None or own is None:
        return whole
    if len(session.stacks):
        is_apart = own[1] < whole[0] or whole[1] < own[0]
        return own if is_apart and not len(session.particles) else whole  # a movie of another day
    lasted = sum(run.extent[1] - run.extent[0] for run in session.runs if run.extent is not None)
    return own if whole[1] - whole[0] > FAR_APART * max(lasted, 1.0) else whole  # others would be points


def _reach(session: Session, found: data.Picture, span: Interval | None) -> Interval | None:
    """The time a figure or a movie may show: the view, the movie, and maps recorded about then."""
    known = [each for each in (found.span, session.watched_extent(), span) if each is not None]
    if not known:
        return None
    low, high = min(each[0] for each in known), max(each[1] for each in known)
    # A map taken days away would stretch the axis until nothing else can be seen.
    near = [b for b in found.bands if b.start <= high + (high - low) and b.end >= low - (high - low)]
    return min([low, *(b.start for b in near)]), max([high, *(b.end for b in near)])


def track(stack: FrameStack, particle: Particle) -> data.Track:
    """A particle's numbers in every frame, in nm when the stack is calibrated."""
    count, pixel = len(stack), stack.pixel_nm or 1.0
    blank = np.full(count, np.nan)
    area, low, high, around, trust = (blank.copy() for _ in range(5))
    centre = np.full((count, 2), np.nan)
    is_key = np.zeros(count, bool)
    for frame, outline in particle.outlines.items():
        if not 0 <= frame < count:
            continue
        trust[frame], is_key[frame] = outline.confidence, outline.is_key
        if outline.confidence < DOUBT:  # a gap, as in the window
            continue
        own = polygon.area(outline.polygon)
        # Older files have no measured area.
        area[frame] = outline.area_px if np.isfinite(outline.area_px) else own
        low[frame], high[frame] = outline.area_low_px, outline.area_high_px
        around[frame] = polygon.perimeter(outline.polygon)
        centre[frame] = polygon.centroid(outline.polygon) - np.array(stack.drift_at(frame))
    return data.Track(
        particle.name, particle.colour, np.arange(count), np.asarray(stack.t[:count]), area * pixel**2,
        low * pixel**2, high * pixel**2, around * pixel, centre * pixel, trust, is_key,
        "nm" if stack.pixel_nm else "px", {f: o.polygon for f, o in particle.outlines.items()}, stack.id,
        particle.visible,
    )  # fmt: skip


def _views(session: Session, found: data.Picture) -> Job[None]:
    """The other views of the runs: against capacity, V–I, dQ/dV."""
    for run in session.runs:
        if not run.visible or not {"voltage", "current"} <= set(run.columns) or len(run) < 2:
            continue
        given = biasing_views.snapshot(session, run)
        per_area = "/cm²" if given.area_cm2 else ""
        curves = _xy((yield from biasing_views.capacity_curves(given)), run, f"Ah{per_area}")
        if not _is_held(curves):
            found.capacity += curves
            found.dqdv += _xy((yield from biasing_views.dqdv_curves(given)), run, f"Ah/V{per_area}")
        crossing = _xy((yield from biasing_views.iv_curve(given)), run, "A")
        # At a held voltage a V–I plot is a vertical line.
        if any(np.nanstd(curve.x) > HELD_V for curve in crossing if len(curve.x)):
            found.crossing += crossing


def _xy(views: list[biasing_views.XYCurve], run: BiasRun, unit: str) -> list[data.Curve]:
    return [
        data.Curve(run.name, run.colour, each.x, each.y, unit=unit, kind=each.kind)
        for each in views
        if np.isfinite(each.y).any()
    ]


def _is_held(curves: list[data.Curve]) -> bool:
    """One stretch at one voltage: a chronoamperogram, whose voltage against capacity is noise."""
    return len(curves) == 1 and bool(np.nanstd(curves[0].y) < HELD_V)


def _cycles(session: Session) -> list[data.Cycles]:
    """Runs with whole cycles, in the unit they can all be given in."""
    _, rows = tables.cycle_rows(session)
    # One axis for all runs: per area only if that is known for every one.
    areal = all(row.get("charge_uAh_cm2") is not None for row in rows)
    key, base, to_base = ("uAh_cm2", "Ah/cm²", 1e-6) if areal else ("C", "Ah", 1 / 3600)
    most = max((abs(float(row.get(f"charge_{key}") or 0.0)) for row in rows), default=0.0) * to_base
    scale, unit = reading_unit(most, base)
    factor = to_base * scale
    found = []
    for run in session.runs:
        own = [row for row in rows if row["run"] == run.name]
        # One cycle is no development to draw.
        if len(own) < 2:
            continue
        charge, discharge = (_numbers(own, f"{kind}_{key}", factor) for kind in ("charge", "discharge"))
        number = np.array([int(row["number"]) for row in own])
        rates = _numbers(own, "efficiency"), _numbers(own, "efficiency_error")
        found.append(data.Cycles(run.name, run.colour, unit, number, charge, discharge, *rates))
    return found


def _numbers(rows: list[dict[str, Any]], key: str, factor: float = 1.0) -> Floats:
    values = [row.get(key) for row in rows]
    return np.abs(np.array([np.nan if value is None else float(value) for value in values])) * factor


def shots(session: Session, tracks: list[data.Track], wanted: FigureSettings) -> Job[list[data.Shot]]:
    """Frames of the montage: the chosen moments of the chosen stacks, else five of the shown one."""
    stacks = [stack for stack in session.stacks if stack.id in wanted.stack_ids]
    if not stacks:
        shown = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
        stacks = [shown] if shown is not None and len(shown) else []
    found: list[data.Shot] = []
    for stack in stacks:
        for number, index in enumerate(_moments(stack, wanted.times)):
            yield Progress(number, 0, f"Reading {stack.name}")
            own = [t for t in tracks if t.visible and t.stack == stack.id and index in t.polygons]
            shapes = [(track.colour, track.polygons[index]) for track in own]
            t = float(stack.t[index])
            try:
                frame = stack.frame(index)
            except UserError:
                continue
            found.append(data.Shot(t if np.isfinite(t) else index, frame, shapes, stack.name, stack.pixel_nm))
    return found


def _moments(stack: FrameStack, times: tuple[float, ...]) -> list[int]:
    if times:
        return list(dict.fromkeys(stack.index_at(t) for t in times))
    order = np.argsort(stack.t[: len(stack)], kind="stable")
    # Frames without a stamp cannot be chosen by time; without any, the first one is shown.
    timed = [int(i) for i in order if np.isfinite(stack.t[i])] or [0]
    wanted = np.linspace(stack.t[timed[0]], stack.t[timed[-1]], min(SHOTS, len(timed)))
    return list(dict.fromkeys(min(timed, key=lambda i: abs(float(stack.t[i]) - t)) for t in wanted))


def _map(session: Session, image: SpectrumImage, found: data.Picture) -> Job[None]:
    edges = eels.fitting_edges(list(session.edges) or eels.default_edges(), image.energy_eV)
    height, width, _ = image.shape
    if not edges:
        spectra = image.source.read(slice(None))
        found.spectra.append(_spectra(session, image, [], spectra))
        return
    made = yield from eels.make_maps(image, edges)
    found.guard += [(image.name, str(w["title"])) for each in made for w in each.warnings]
    if height * width > 1:
        maps = [
            data.ElementMap(each.edge.name, each.edge.colour, each.edge.channel, each.found.counts, each.found.error)
            for each in made
        ]  # fmt: skip
        by_channel = {each.channel: each.counts for each in maps if each.channel}
        red, green, blue = (by_channel.get(channel) for channel in ("red", "green", "blue"))
        levels = [None if counts is None else channel_limits(counts) for counts in (red, green, blue)]
        rgb = compose_rgb(red, green, blue, levels) if by_channel else None
        sites = [
            (site.name, site.colour, places.centre_of(site), site.radius_px)
            for site in session.sites
            if site.map_id == image.id and site.points
        ]
        found.maps.append(
            data.MapSet(
                image.name,
                image.state,
                image.pixel_nm,
                image.interval,
                maps,
                rgb,
                image.adf,
                image.colour,
                sites,
            )
        )
    spectra = image.source.read(slice(None))
    found.spectra.append(_spectra(session, image, edges, spectra))
    found.profiles += _profiles(session, image, edges, spectra)


def _spectra(
    session: Session, image: SpectrumImage, edges: list[Edge], spectra: data.Image
) -> data.SpectrumSet:
    energy = np.asarray(image.energy_eV, float)
    mean = region_spectrum(spectra, mean=True)
    fits = []
    total = mean * (image.shape[0] * image.shape[1])
    for edge in edges:
        fitted = model_curve(eels.windows_of(edge), total, energy)
        background = fitted.background / (image.shape[0] * image.shape[1])
        fits.append(data.Fit(edge.name, edge.colour, fitted.energy_eV, background, edge.fit, edge.signal))
    curves = []
    for site in session.sites:
        if site.points and site.map_id == image.id:
            mask = places.mask_of(site, image.shape)
            curves.append(
                data.Curve(site.name, site.colour, energy, region_spectrum(spectra, mask, mean=True))
            )
    return data.SpectrumSet(image.state or image.name, energy, mean, fits, curves)


def _profiles(
    session: Session, image: SpectrumImage, edges: list[Edge], spectra: data.Image
) -> list[data.ProfileSet]:
    made = []
    for line in session.profiles:
        owner = session.maps.get(line.owner_id)
        # A line drawn on one map is used on all maps of as many pixels: states of the same place.
        if owner is None or owner.shape[:2] != image.shape[:2]:
            continue
        start, end = np.array(line.start, float), np.array(line.end, float)
        # A line of no length must not divide by zero.
        along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
        step = float(np.hypot(*(along * np.array(image.pixel_nm)))) if image.pixel_nm else 1.0
        windows = [eels.windows_of(edge) for edge in edges]
        gain = image.counts_per_electron or 1.0
        found = line_profiles(
            spectra, image.energy_eV, windows, line.start, line.end, line.width_px,
            anchor_px=image.anchor_px or 0.0, counts_per_electron=gain,
        )  # fmt: skip
        curves = [
            data.Curve(edge.name, edge.colour, each.distance_px * step, each.counts,
                       each.counts - each.error, each.counts + each.error)
            for edge, each in zip(edges, found)
        ]  # fmt: skip
        # Layers are known by their x only, which means nothing along a slanted line.
        layers = [] if abs(along[1]) > 0.2 else [
            (str(layer["name"]), (float(layer["from_px"]) - start[0]) * step, (float(layer["to_px"]) - start[0]) * step)
            for layer in image.layers if {"name", "from_px", "to_px"} <= set(layer)
        ]  # fmt: skip
        made.append(
            data.ProfileSet(
                line.name,
                image.state or image.name,
                "nm" if image.pixel_nm else "px",
                curves,
                layers,
                image.name,
            )
        )
    return made
