"""What a session has to show and to tabulate, as plain numbers: tracks, lanes, maps, spectra, profiles."""

from __future__ import annotations

import numpy as np

from tandem_em.analysis import polygon
from tandem_em.analysis.eels_colour import compose_rgb, lithium_colours
from tandem_em.analysis.eels_spectra import disc_mask, line_profiles, model_curve, region_spectrum
from tandem_em.desk import biasing_views, eels, export_lanes
from tandem_em.exporters import figures_data as data
from tandem_em.jobs import Job, Progress
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_em.model.tracks import Particle
from tandem_em.notices import UserError

SHOTS = 5
Interval = tuple[float, float]


def collect(session: Session, span: Interval | None = None) -> Job[data.Picture]:
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
        data.Band(*image.interval, image.state or image.name, image.colour)
        for image in session.maps
        if image.interval is not None and image.visible
    ]
    found.span = shown_span(session)
    found.lanes = export_lanes.lanes(session, found.tracks, _reach(session, found, span))
    yield from _capacity(session, found)
    yield from _shots(session, found)
    for image in session.maps:
        yield from _map(session, image, found)
    return found


def shown_span(session: Session) -> Interval | None:
    """The stretch of time in view, as it was left; else that of the movie, or of everything."""
    span = session.info.view.get("span")
    if isinstance(span, list | tuple) and len(span) == 2 and span[1] > span[0]:
        return float(span[0]), float(span[1])
    return session.watched_extent()


def _reach(session: Session, found: data.Picture, span: Interval | None) -> Interval | None:
    """The time a figure or a movie may show: the view, the movie, and maps recorded about then."""
    known = [each for each in (found.span, session.watched_extent(), span) if each is not None]
    if not known:
        return None
    low, high = min(each[0] for each in known), max(each[1] for each in known)
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
        own = polygon.area(outline.polygon)
        area[frame] = outline.area_px if np.isfinite(outline.area_px) else own
        low[frame], high[frame] = outline.area_low_px, outline.area_high_px
        around[frame] = polygon.perimeter(outline.polygon)
        centre[frame] = polygon.centroid(outline.polygon) - np.array(stack.drift_at(frame))
        trust[frame], is_key[frame] = outline.confidence, outline.is_key
    return data.Track(
        particle.name, particle.colour, np.arange(count), np.asarray(stack.t[:count]), area * pixel**2,
        low * pixel**2, high * pixel**2, around * pixel, centre * pixel, trust, is_key,
        "nm" if stack.pixel_nm else "px", {f: o.polygon for f, o in particle.outlines.items()},
    )  # fmt: skip


def _capacity(session: Session, found: data.Picture) -> Job[None]:
    for run in session.runs:
        if not {"voltage", "current"} <= set(run.columns) or len(run) < 2:
            continue
        given = biasing_views.snapshot(session, run)
        unit = "µAh/cm²" if given.area_cm2 else "Ah"
        factor = 1e6 if given.area_cm2 else 1.0
        for curve in (yield from biasing_views.capacity_curves(given)):
            style = "-" if curve.kind == "charge" else "--"
            found.capacity.append(
                data.Curve(run.name, run.colour, factor * curve.x, curve.y, style=style, unit=unit)
            )


def _shots(session: Session, found: data.Picture) -> Job[None]:
    stack = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
    if stack is None or len(stack) < 1:
        return
    found.shot_pixel_nm = stack.pixel_nm
    order = [int(i) for i in np.argsort(stack.t[: len(stack)]) if np.isfinite(stack.t[i])] or [0]
    times = np.linspace(stack.t[order[0]], stack.t[order[-1]], min(SHOTS, len(order)))
    for number, t in enumerate(times):
        yield Progress(number, len(times), f"Reading {stack.name}")
        near = min(order, key=lambda i: abs(float(stack.t[i]) - t))
        shapes = [
            (track.colour, track.polygons[near]) for track in found.tracks if near in track.polygons
        ]  # fmt: skip
        try:
            found.shots.append(data.Shot(float(stack.t[near]), stack.frame(near), shapes))
        except UserError:
            continue


def _map(session: Session, image: SpectrumImage, found: data.Picture) -> Job[None]:
    edges = eels.fitting_edges(list(session.edges) or eels.default_edges(), image.energy_eV)
    height, width, _ = image.shape
    if not edges:
        return
    made = yield from eels.make_maps(image, edges)
    found.guard += [
        f"{image.name}, {each.edge.name}: {warning['title']}" for each in made for warning in each.warnings
    ]
    if height * width > 1:
        maps = [
            data.ElementMap(each.edge.name, each.edge.colour, each.edge.channel, each.found.counts, each.found.error)
            for each in made
        ]  # fmt: skip
        by_channel = {each.channel: each.counts for each in maps if each.channel}
        red, green, blue = (by_channel.get(channel) for channel in ("red", "green", "blue"))
        rgb = compose_rgb(red, green, blue) if by_channel else None
        sites = [
            (site.name, site.colour, site.points[0], site.radius_px)
            for site in session.sites
            if site.map_id == image.id and site.shape == "disc" and site.points
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
        if site.shape == "disc" and site.points and site.map_id == image.id:
            mask = disc_mask(image.shape[:2], site.points[0], site.radius_px)
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
        if owner is None or owner.shape[:2] != image.shape[:2]:
            continue
        start, end = np.array(line.start, float), np.array(line.end, float)
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
