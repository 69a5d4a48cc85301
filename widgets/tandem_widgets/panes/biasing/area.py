"""Curves of the stack for the lanes: particle areas with their error, drift, dose."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.numbers import (
    SHAPES,
    AreaTrack,
    area_track,
    in_mode,
    in_order,
    shape_track,
)
from tandem_em.desk.stacks import layers
from tandem_em.desk.stacks.stack import REGION
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.biasing.shapes import kept_fits
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve

MODE_NAMES = {
    "": "Area relative to start", "nm2": "Area (nm²)", "diameter": "Equivalent diameter (nm)",
    "volume": "Volume ratio (A/A₀)^1.5", "perimeter": "Perimeter (nm)", "circularity": "Circularity 4πA/P²",
    "centroid": "Path of the centroid (nm)",
}  # fmt: skip


class StackCurves:
    """Curves made from stacks and particles, kept until what they are made of changes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tracks: dict[str, tuple[tuple[Any, ...], AreaTrack]] = {}

    def areas(self, mode: str) -> list[Curve]:
        curves = []
        for particle in self._session.particles:
            stack = self._session.stacks.get(particle.stack_id)
            if particle.visible and particle.outlines and stack is not None and len(stack.times):
                curve = self._area(particle, stack, mode)
                if curve is not None:
                    curves.append(curve)
        if mode not in SHAPES:
            shown = {curve.key: curve for curve in curves}
            curves += kept_fits(self._session, shown, partial(self._fit_in_mode, mode))
        return curves

    def _fit_in_mode(self, mode: str, particle_id: str, areas: Floats, unit: str) -> Floats | None:
        """Areas of a fit (nm², or px² where it was made without calibration) as the lane shows them."""
        particle = self._session.particles[particle_id]
        pixel = self._session.stacks[particle.stack_id].pixel_nm
        if unit == "nm²" and not pixel:
            return None
        square = pixel**2 if unit == "nm²" and pixel else 1.0
        return in_mode(areas / square, self._track(particle).area, mode, pixel)

    def _track(self, particle: Particle) -> AreaTrack:
        """With what is being followed just now: the curve grows while somebody watches."""
        growing = self._session.growing
        fresh = growing.of(particle.id)
        key = (
            particle.revision,
            len(particle.outlines),
            id(particle.outlines),
            growing.revision if fresh else 0,
        )
        kept = self._tracks.get(particle.id)
        if kept is None or kept[0] != key:
            kept = self._tracks[particle.id] = (key, area_track(particle.outlines | fresh))
        return kept[1]

    def _shape(self, particle: Particle, stack: FrameStack, mode: str) -> AreaTrack | None:
        key = (particle.revision, len(particle.outlines), id(particle.outlines), stack.revision, mode)
        kept = self._tracks.get(f"{particle.id} shape")
        if kept is None or kept[0] != key:
            track = shape_track(particle, stack, mode)
            if track is None:
                return None
            kept = self._tracks[f"{particle.id} shape"] = (key, track)
        return kept[1]

    def _area(self, particle: Particle, stack: FrameStack, mode: str) -> Curve | None:
        track = self._shape(particle, stack, mode) if mode in SHAPES else self._track(particle)
        if track is None:
            return None
        inside = track.frames < len(stack.times)
        t = stack.t[track.frames[inside]]
        timed = np.isfinite(t)
        order = np.argsort(t[timed], kind="stable")
        parts = [values[inside][timed][order] for values in (track.area, track.low, track.high)]
        shown = [in_mode(values, parts[0], mode, stack.pixel_nm) for values in parts]
        if any(part is None for part in shown):
            return None
        area, low, high = (part for part in shown if part is not None)
        steps = np.diff(t[timed][order])
        return Curve(
            particle.id,
            particle.name,
            particle.colour,
            t[timed][order],
            area,
            marker=True,
            hold_s=float(np.median(steps)) if len(steps) else 1.0,
            is_stale=bool(particle.provenance_id) and self._session.is_stale(particle.provenance_id),
            band=(low, high) if bool(np.any(high > low)) else None,
        )

    def thickness(self) -> tuple[list[Curve], str]:
        """Thickness of the layers that were followed, with their deviation as a band, and the unit."""
        curves: list[Curve] = []
        unit = "nm"
        for result in self._session.results:
            if result.analysis != layers.LAYERS:
                continue
            line = self._session.profiles.get(str(result.values.get("line_id")))
            name = line.name if line is not None else result.name
            colour = line.colour if line is not None else theme.active().accent
            found = layers.thicknesses(result)
            unit = found[0][2] if found else unit
            for number, (values, errors, _) in enumerate(found, start=1):
                label = name if len(found) == 1 else f"{name}.{number}"
                limits = (values - errors, values + errors)
                curves.append(self._of_frames(f"{result.id}:{number}", label, colour, result, values, limits))
        return curves, unit

    def regions(self) -> tuple[list[Curve], str]:
        """Mean of each region of a stack over time, and the unit."""
        found = [r for r in self._session.results if r.analysis == REGION and "mean" in r.arrays]
        colours = (theme.active().warning, theme.active().good, theme.active().accent, theme.active().dose)
        curves = [
            self._of_frames(
                r.id, r.name.split(" of ")[0], colours[number % len(colours)], r, r.arrays["mean"]
            )
            for number, r in enumerate(found)
        ]
        return curves, found[0].units.get("mean", "counts") if found else "counts"

    def _of_frames(
        self,
        key: str,
        label: str,
        colour: str,
        result: ResultSet,
        values: Floats,
        limits: tuple[Floats, Floats] | None = None,
    ) -> Curve:
        x, order = in_order(np.asarray(result.arrays["t_s"], np.float64))
        stale = bool(result.step_id) and self._session.is_stale(result.step_id)
        band = None if limits is None else (limits[0][order], limits[1][order])
        return Curve(
            key, label, colour, x, values[order], marker=True, is_stale=stale, band=band,
            hold_s=float(np.median(np.diff(x))) if len(x) > 1 else 1.0,
        )  # fmt: skip

    def drift(self) -> tuple[list[Curve], str]:
        """How far the content of each frame has moved in x and y, and the unit."""
        curves: list[Curve] = []
        unit = "nm"
        colours = (theme.active().accent, theme.active().good)
        for stack in self._session.stacks:
            if stack.drift_px is None or not len(stack.times):
                continue
            count = min(len(stack.drift_px), len(stack.times))
            x, order = in_order(stack.t[:count])
            pixel = stack.pixel_nm or 1.0
            unit = "nm" if stack.pixel_nm else "px"
            for axis, name in enumerate("xy"):
                y = stack.drift_px[:count][order, axis] * pixel
                curves.append(Curve(f"{stack.id}:drift {name}", name, colours[axis], x, y))
        return curves, unit


def dose_curves(session: Session, cumulative: bool) -> tuple[list[Curve], DoseSettings | None]:
    """Dose rate or dose: as computed from counts when that was done, else from the typed rate over the movie."""
    colour = theme.active().dose
    computed = next(
        (r for r in reversed(list(session.results)) if r.analysis == "dose" and "t_s" in r.arrays), None
    )
    dose = session.doses.first
    name = "dose_e_A2" if cumulative else "rate_e_A2s"
    if computed is not None and name in computed.arrays:
        stale = bool(computed.step_id) and session.is_stale(computed.step_id)
        x, order = in_order(np.asarray(computed.arrays["t_s"], np.float64))
        y = np.asarray(computed.arrays[name], np.float64)[order]
        return [Curve(f"{computed.id}:{name}", "dose", colour, x, y, is_stale=stale)], dose
    if dose is None or not dose.rate_e_A2s:
        return [], dose
    stack = session.stacks.get(dose.stack_id) or session.stacks.first
    times = stack.t[np.isfinite(stack.t)] if stack is not None else np.zeros(0)
    extent = (float(times.min()), float(times.max())) if len(times) else session.extent()
    if extent is None or extent[1] <= extent[0]:
        return [], dose
    x = np.array(extent)
    rate = dose.rate_e_A2s
    y = (x - x[0]) * rate if cumulative else np.full(2, rate)
    return [LinearCurve(f"{dose.id}:{name}", "dose", colour, x, y)], dose


class LinearCurve(Curve):
    """A curve known between its samples too: a typed rate needs two of them."""

    def value_at(self, t: float) -> float:
        if not self.x[0] <= t <= self.x[-1]:
            return float("nan")
        return float(np.interp(t, self.x, self.y))
