"""What a generated bright-field movie consists of: particles, support film, needle, camera, clock, mishaps.

Lengths are in pixels, times in seconds, doses in electrons per pixel and frame, angles in radians, y down.
Everything is frozen and hashable, so that a recipe and a frame number say exactly one image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tandem_em.core.numeric import Floats


@dataclass(frozen=True)
class Swelling:
    """Projected area against time: fast after the onset, then slow, contracting when contact is lost."""

    onset_s: float = math.inf
    fast_gain: float = 0.5
    fast_tau_s: float = 15.0
    slow_per_s: float = 0.0
    loss_s: float = math.inf
    kept_after_loss: float = 0.6
    loss_tau_s: float = 15.0

    def area_ratio(self, time_s: float) -> float:
        """Area relative to the pristine particle."""
        # without contact nothing more goes in
        ratio = 1.0 + self._gain(min(time_s, self.loss_s))
        if time_s > self.loss_s:
            left = math.exp(-(time_s - self.loss_s) / self.loss_tau_s)
            ratio = 1.0 + (ratio - 1.0) * (self.kept_after_loss + (1 - self.kept_after_loss) * left)
        return ratio

    def _gain(self, time_s: float) -> float:
        since = time_s - self.onset_s
        if since <= 0:
            return 0.0
        return self.fast_gain * (1.0 - math.exp(-since / self.fast_tau_s)) + self.slow_per_s * since


@dataclass(frozen=True)
class Diffraction:
    """Bragg contrast of one crystal domain: stripes in the particle that flicker and fade with lithiation."""

    strength: float
    waves: float  # stripes across the particle
    direction: float
    flicker_s: float  # time in which the contrast changes
    phase: float


@dataclass(frozen=True)
class Particle:
    """One particle. `harmonics` (order, amplitude, phase) shape it; `absorption` is t/λ at the middle."""

    name: str
    x_px: float
    y_px: float
    radius_px: float
    absorption: float = 0.5
    harmonics: tuple[tuple[int, float, float], ...] = ()
    later_harmonics: tuple[tuple[int, float, float], ...] = ()  # added in proportion to the swelling
    power: float = 0.5  # thickness ~ (1 - rho**flatness)**power; 0.5 and 2 make a ball
    flatness: float = 2.0
    swelling: Swelling = Swelling()
    thinning: float = 0.7  # the absorption falls as area**-thinning
    domains: tuple[Diffraction, ...] = ()
    push_px: tuple[float, float] = (0.0, 0.0)  # how far it is pushed when the area has doubled
    grain: float = 0.0  # mottle inside, relative to the absorption

    def area_ratio(self, time_s: float) -> float:
        """Projected area relative to the pristine particle; 1 before the onset."""
        return self.swelling.area_ratio(time_s)

    def centre(self, time_s: float) -> tuple[float, float]:
        """Centre in sample coordinates."""
        gain = self.area_ratio(time_s) - 1.0
        return self.x_px + self.push_px[0] * gain, self.y_px + self.push_px[1] * gain

    def radii(self, time_s: float, angles: Floats) -> Floats:
        """Distance of the silhouette from the centre in each direction; the area follows the swelling law."""
        ratio = self.area_ratio(time_s)
        shape, square = np.ones_like(angles), 1.0
        rows = [(k, a, p) for k, a, p in self.harmonics]
        rows += [(k, a * min(1.0, ratio - 1.0), p) for k, a, p in self.later_harmonics]
        for order, amplitude, phase in rows:
            shape += amplitude * np.cos(order * angles + phase)
            # the harmonics add to the area: taken off again, so that it is the swelling law's alone
            # harmonics add to the area: divided out below, so that it is the swelling law's alone
            square += amplitude**2 / 2
        return np.asarray(self.radius_px * math.sqrt(ratio / square) * shape)


@dataclass(frozen=True)
class Film:
    """Support behind the particles, fixed to the sample. Holes (lacy carbon) have thicker rims."""

    absorption: float = 0.0
    hole_radius_px: float = 0.0  # 0: a continuous film
    coverage: float = 0.5
    edge_px: float = 2.0
    rim: float = 0.3
    grain: float = 0.0  # contrast of the amorphous structure
    grain_px: float = 1.5
    slope: float = 0.0  # slow change of thickness over the frame
    bar: float = 0.0  # absorption of a grid bar at one side of the frame


@dataclass(frozen=True)
class Needle:
    """A metal tip that comes in, touches and leaves. The angle is the direction in which it points."""

    x_px: float
    y_px: float
    angle: float
    radius_px: float
    half_angle: float
    absorption: float
    touch_s: float
    leave_s: float
    travel_px: float
    speed_px_s: float

    def tip(self, time_s: float) -> tuple[float, float]:
        """Place of the tip (x, y) in sample coordinates; it stays put between touching and leaving."""
        away = 0.0
        if time_s < self.touch_s:
            away = min(self.travel_px, (self.touch_s - time_s) * self.speed_px_s)
        elif time_s > self.leave_s:
            away = min(self.travel_px, (time_s - self.leave_s) * self.speed_px_s)
        return self.x_px - away * math.cos(self.angle), self.y_px - away * math.sin(self.angle)


@dataclass(frozen=True)
class Optics:
    """Blur (standard deviation, px) and Fresnel fringe, both wander; negative fringe is overfocus."""

    blur_px: float = 0.8
    blur_change_px: float = 0.0
    fringe: float = 0.3
    fringe_change: float = 0.0
    fringe_px: float = 2.0
    period_s: float = 60.0

    def at(self, time_s: float) -> tuple[float, float]:
        """Blur in px and fringe strength at a time."""
        swing = math.sin(2 * math.pi * time_s / self.period_s + 0.7)
        # no lens is sharper than this, however the blur wanders
        return max(0.3, self.blur_px + self.blur_change_px * swing), self.fringe + self.fringe_change * swing


@dataclass(frozen=True)
class Camera:
    """Electrons to counts: gain (counts per electron), offset, read noise (counts), spread (px)."""

    electrons: float = 100.0
    gain: float = 12.0
    offset: float = 100.0
    read_noise: float = 6.0
    spread_px: float = 0.0
    hot_pixels: int = 0
    spikes: float = 0.0  # X-ray hits per frame


@dataclass(frozen=True)
class Light:
    """Illumination: a tilt across the frame (relative), and steps (time s, factor)."""

    tilt_x: float = 0.0
    tilt_y: float = 0.0
    bowl: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    wobble: float = 0.0

    def level(self, time_s: float) -> float:
        """Brightness of the whole frame relative to the start: the steps so far times a slow wobble."""
        # two frequencies without a common period, so that nothing locks on to them
        level = 1.0 + self.wobble * math.sin(0.9 * time_s) * math.sin(0.23 * time_s + 1.0)
        for when, factor in self.steps:
            if time_s >= when:
                level *= factor
        return level


@dataclass(frozen=True)
class MovieRecipe:
    """A whole movie: `render_frame(recipe, i)` and `truth(recipe, i)` are pure functions of it."""

    shape: tuple[int, int, int]  # frames, rows, columns
    pixel_nm: float
    times_s: tuple[float, ...]
    particles: tuple[Particle, ...]
    drift_px: tuple[tuple[float, float], ...] = ()
    targets: tuple[tuple[str, tuple[str, ...]], ...] = ()  # what an outline is asked of; none: each particle
    film: Film = Film()
    needle: Needle | None = None
    optics: Optics = Optics()
    camera: Camera = Camera()
    light: Light = Light()
    blanked: frozenset[int] = frozenset()
    exposure_s: float = 0.2
    seed: int = 0

    @cached_property
    def target_members(self) -> dict[str, tuple[Particle, ...]]:
        """Particles that each target unites, by its name; without targets each particle is its own."""
        by_name = {particle.name: particle for particle in self.particles}
        if not self.targets:
            return {name: (particle,) for name, particle in by_name.items()}
        return {name: tuple(by_name[member] for member in members) for name, members in self.targets}

    def drift(self, frame: int) -> tuple[float, float]:
        """Displacement (x, y) of a frame's content relative to frame 0, px."""
        return self.drift_px[frame] if self.drift_px else (0.0, 0.0)
