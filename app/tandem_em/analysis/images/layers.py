"""Layers and kymographs: a line across the sample, its profile in every frame, its edges followed in time.

Lines are given in pixels of frame 0 (sample coordinates); the drift is applied when a frame is read. A position
along the line is in px from its start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

ReadFrame = Callable[[int], NDArray[np.generic] | None]
"""Gives a frame, or None where it cannot be read."""
EDGE_WINDOW = 10.0  # px on each side of an edge that its fit looks at
SMOOTH = 1.5  # px, of the filter that finds edges
APART = 6.0  # px between two edges that are proposed, at least
FARTHEST_STEP = 8  # px an edge may move from frame to frame
SLOWNESS = 0.04  # of the score of an edge, per px moved
SEEN = 5.0  # deviations


@dataclass(frozen=True)
class LayerTrack:
    """Edges along a line: positions and errors (edges, frames) in px, NaN where an edge was not seen."""

    positions: Floats
    errors: Floats

    def thickness(self, inner: int = 0, outer: int = 1) -> tuple[Floats, Floats]:
        """Distance between two edges in every frame and its deviation, px."""
        apart = np.abs(self.positions[outer] - self.positions[inner])
        return apart, np.hypot(self.errors[outer], self.errors[inner])


def kymograph(
    read_frame: ReadFrame,
    n_frames: int,
    line: Sequence[Sequence[float]],
    width_px: float = 1.0,
    drift_px: Floats | None = None,
) -> Job[Floats]:
    """Brightness along a line or polyline ((x, y) points, averaged over `width_px` across) in every frame: (T, L)."""
    points, normals = _stations(line)
    drift = np.zeros((n_frames, 2)) if drift_px is None else np.asarray(drift_px, float)
    rows = np.full((n_frames, len(points)), np.nan)
    for number in range(n_frames):
        frame = read_frame(number)
        if frame is not None:
            rows[number] = _profile(np.asarray(frame), points + drift[number], normals, width_px)
        yield Progress(number + 1, n_frames, "Reading the line", rows[: number + 1])
    return rows


def one_profile(
    frame: NDArray[np.generic], line: Sequence[Sequence[float]] | Floats, width_px: float
) -> tuple[Floats, Floats]:
    """Brightness along a line or polyline in one frame, a value per px, and its standard error from the scatter across."""
    total, mass = _band(frame, *_stations(line), width_px)
    mean = _across(total, mass)
    count = np.maximum((mass > 0).sum(axis=1), 1)
    scatter = np.where(mass > 0, (total - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count - 1, 1)
    return mean, np.sqrt(scatter / count)


def follow_layers(
    read_frame: ReadFrame,
    n_frames: int,
    line: Sequence[Sequence[float]],
    edges: Sequence[float],
    frame: int = 0,
    width_px: float = 10.0,
    drift_px: Floats | None = None,
) -> Job[LayerTrack]:
    """Follow edges that lie at `edges` (px along the line) in `frame` through all frames."""
    length = float(np.hypot(*np.diff(np.asarray(line, float), axis=0).T).sum())
    if not 0 <= frame < n_frames or not edges or not all(0 <= edge <= length for edge in edges):
        raise UserError(
            f"The edges must lie on the line (0 to {length:.0f} px), in one of the {n_frames} frames.",
            "Mark them on the profile again.",
        )
    rows = yield from kymograph(read_frame, n_frames, line, width_px, drift_px)
    return track_edges(rows, edges, frame)


def propose_edges(row: Floats, count: int) -> list[float]:
    """Where the `count` strongest steps of one profile lie (px), from its start to its end; fewer when there are fewer."""
    slope = np.abs(_steps(_even(row[None, :]))[0])
    found: list[int] = []
    while len(found) < count and slope.max(initial=0.0) > 0:
        found.append(int(np.argmax(slope)))
        slope[max(0, found[-1] - int(APART)) : found[-1] + int(APART) + 1] = 0.0
    return [float(place) for place in sorted(found)]


def track_edges(rows: Floats, edges: Sequence[float], frame: int = 0) -> LayerTrack:
    """Follow edges through a kymograph, to a fraction of a pixel, with an error for each frame."""
    rows = _even(rows)
    steps = _steps(rows)
    positions, errors = np.full((len(edges), len(rows)), np.nan), np.full((len(edges), len(rows)), np.nan)
    for k, edge in enumerate(edges):
        polarity = _polarity(steps[frame], edge)
        path = _best_path(polarity * steps, frame, edge)
        for number, place in enumerate(path):
            positions[k, number], errors[k, number] = _refined(rows[number], place, polarity)
    return LayerTrack(positions, errors)


def _stations(line: Sequence[Sequence[float]] | Floats) -> tuple[Floats, Floats]:
    """Points one pixel apart along a polyline, and the unit normals there."""
    corners = np.asarray(line, float)
    if corners.ndim != 2 or corners.shape[1:] != (2,) or len(corners) < 2:
        raise UserError("A line needs at least two points x, y.", "Draw it across the layers.")
    legs = np.diff(corners, axis=0)
    lengths = np.hypot(*legs.T)
    if lengths.sum() < 4:
        raise UserError("The line is too short.", "Draw a line of at least 4 pixels.")
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.arange(0, math.floor(along[-1]) + 1, dtype=float)
    points = np.stack([np.interp(at, along, corners[:, axis]) for axis in (0, 1)], axis=1)
    leg = np.clip(np.searchsorted(along, at, side="right") - 1, 0, len(legs) - 1)
    tangent = legs[leg] / np.maximum(lengths[leg], 1e-12)[:, None]
    return points, np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def _profile(frame: NDArray[np.generic], points: Floats, normals: Floats, width_px: float) -> Floats:
    """Mean across the width at each point; NaN where that lies outside the frame."""
    return _across(*_band(frame, points, normals, width_px))


def _band(
    frame: NDArray[np.generic], points: Floats, normals: Floats, width_px: float
) -> tuple[Floats, Floats]:
    """Values across the width at each point (n, width), and whether they lie inside the frame."""
    from tandem_em.analysis.geometry import kernels

    count = max(1, round(width_px))
    offsets = (np.arange(count) - (count - 1) / 2) * (width_px / count)
    total, mass = np.zeros((len(points), count)), np.zeros((len(points), count))
    if frame.dtype.kind not in "uif" or not frame.dtype.isnative:
        frame = frame.astype(np.float32)
    kernels.sample_band(frame, np.ascontiguousarray(points), normals, offsets.astype(float), 1.0, total, mass)
    return total, mass


def _across(total: Floats, mass: Floats) -> Floats:
    known = mass.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known > 0.5 * mass.shape[1], _without_spikes(total, mass), np.nan))


def _without_spikes(total: Floats, mass: Floats) -> Floats:
    """Mean across, leaving out single bright pixels."""
    values = np.where(mass > 0, total, np.nan)
    if values.shape[1] < 5:
        return np.asarray(total.sum(axis=1) / mass.sum(axis=1))
    middle = np.median(np.where(mass > 0, total, 0), axis=1)
    spread = 1.4826 * np.median(np.abs(np.where(mass > 0, total - middle[:, None], 0)), axis=1)
    fine = np.abs(values - middle[:, None]) <= 6 * np.median(spread) + 1e-9
    return np.asarray(np.where(fine, values, 0).sum(axis=1) / np.maximum(1, fine.sum(axis=1)))


def _even(rows: Floats) -> Floats:
    """Rows of equal brightness, so that illumination steps do not look like edges; gaps filled by neighbours."""
    out = np.array(rows, float)
    for row in out:
        gap = ~np.isfinite(row)
        if gap.all():
            row[:] = 0.0
        elif gap.any():
            row[gap] = np.interp(np.flatnonzero(gap), np.flatnonzero(~gap), row[~gap])
    level = np.abs(np.median(out, axis=1, keepdims=True))
    usual = float(np.median(level))
    return np.asarray(np.where(level > 0.3 * usual, out / np.maximum(level, 1e-12), 0.0))


def _steps(rows: Floats) -> Floats:
    """Smoothed slope along the line."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(rows, SMOOTH, axis=1, order=1, mode="nearest"))


def _polarity(steps: Floats, edge: float) -> float:
    near = np.arange(len(steps))
    weight = np.exp(-0.5 * ((near - edge) / 3) ** 2)
    strongest = int(np.argmax(weight * np.abs(steps)))
    return 1.0 if steps[strongest] >= 0 else -1.0


def _best_path(answer: Floats, frame: int, edge: float) -> Floats:
    """Columns of the best path through (frames, px), fixed near `edge` in `frame`; slow movement is preferred."""
    blank = np.abs(answer).max(axis=1) <= 0
    place = np.arange(answer.shape[1])
    usual = max(1e-12, float((answer[frame] * np.exp(-0.5 * ((place - edge) / 3) ** 2)).max()))
    # an edge as strong as it was where it was marked scores 1, a stronger one (another edge) less
    score = np.clip(
        1 - np.abs(np.minimum(answer / usual, 1.0) - 1) - 0.3 * np.maximum(0, answer / usual - 1.2), -1, 1
    )
    score[blank] = 0.0
    score[frame] -= 0.5 * ((place - edge) / 2.0) ** 2
    ends = [_half_path(score[frame::step], place) for step in (1, -1)]
    forward, backward = ends
    # both halves start at the same place: the one that is best together
    total = forward[1] + backward[1] - score[frame]
    start = int(np.argmax(total))
    out = np.zeros(len(answer), int)
    for (came, _), step in zip(ends, (1, -1)):
        at = start
        for k, row in enumerate(came):
            out[frame + step * k] = at
            if k + 1 < len(came):
                at = row[at]
    return out


def _half_path(score: Floats, place: NDArray[np.intp]) -> tuple[list[NDArray[np.intp]], Floats]:
    """From the last row back to the first: for each place where to go next, and the best total from there."""
    total = score[-1].copy()
    came: list[NDArray[np.intp]] = [place]
    for row in score[-2::-1]:
        best, source = np.full(len(place), -np.inf), place.copy()
        for step in range(-FARTHEST_STEP, FARTHEST_STEP + 1):
            moved = np.full(len(place), -np.inf)
            low, high = max(0, -step), len(place) - max(0, step)
            moved[low:high] = total[low + step : high + step] - SLOWNESS * abs(step)
            better = moved > best
            best[better], source[better] = moved[better], place[better] + step
        total = row + best
        came.append(source)
    return came[::-1], total


def _refined(row: Floats, place: int, polarity: float) -> tuple[float, float]:
    """Sub-pixel position of a blurred step near `place` and its deviation; NaN when it does not stand out."""
    from scipy.optimize import least_squares
    from scipy.special import ndtr

    low, high = max(0, place - int(EDGE_WINDOW)), min(len(row), place + int(EDGE_WINDOW) + 1)
    x, y = np.arange(low, high, dtype=float), row[low:high]
    if len(x) < 8 or not np.ptp(y) > 0:
        return math.nan, math.nan

    def left(p: Floats) -> Floats:
        return np.asarray(p[0] + p[1] * ndtr((x - p[2]) / p[3]) - y)

    span = float(np.ptp(y))
    bottom = float(y.min() if polarity > 0 else y.max())
    bounds = ([-np.inf, -np.inf, place - 4.0, 0.4], [np.inf, np.inf, place + 4.0, 6.0])
    found = least_squares(
        left, [bottom, polarity * span, float(place), 1.5], bounds=bounds, loss="soft_l1", f_scale=0.1 * span
    )
    variance = 2 * found.cost / max(1, len(x) - 4)
    error = math.sqrt(max(0.0, float(np.linalg.pinv(found.jac.T @ found.jac)[2, 2]) * variance))
    height = float(found.x[1]) * polarity
    if height <= 0 or height < SEEN * math.sqrt(variance) / math.sqrt(len(x) / 2) or error > 2.0:
        return math.nan, math.nan
    return float(found.x[2]), max(error, 0.01)
