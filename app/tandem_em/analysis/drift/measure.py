"""Drift of a movie: how far the content of each frame has moved since the first, to a fraction of a pixel.

Frames are averaged over pixel blocks and flattened, and compared through their spectra: first each with a running
reference (any jump is found), then with its neighbours in time, then distant stretches with one another so that
small errors do not add up. What changes by itself (swelling particles, a needle) is found from the first answer
and masked for a second one. Blanked frames take the drift between their neighbours.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.drift.frames import ReadFrame, Region, SmallFrames, around, read_small
from tandem_em.analysis.drift.spectra import Grid, Spectrum, coarse_shift, cross, fine_shift, noise_power
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

SPECTRA_BYTES = 300e6
UNSURE_PEAK = 5.5  # deviations; below, a frame is not believed
LEAST_SURE = 0.5  # of the frames
MEMORY = 0.12  # weight of the newest frame in the running reference
LASTING = (2 - MEMORY) / MEMORY  # frames whose plain mean has the noise of the running one
SEARCH_CLUTTER = 0.02  # share of the signal that may change: more while searching than when masked
MASKED_CLUTTER = 0.001
CHANGE_SAMPLES = 32
PREVIEW_EVERY = 20  # frames


@dataclass(frozen=True)
class Spectra:
    """Spectra of all frames (frame, ky, kx), and the noise power of each."""

    grid: Grid
    of: NDArray[np.complex64]
    noise: Floats


def estimate_drift(read_frame: ReadFrame, n_frames: int, region: Region | None = None) -> Job[Floats]:
    """Drift (T, 2) in px: displacement x, y of each frame's content relative to frame 0.

    `region` (x0, y0, x1, y1) restricts the comparison to a part of the frame that does not change.
    """
    if n_frames < 1:
        raise UserError("This movie has no frames.", "Choose another stack.")
    small = yield from read_small(read_frame, n_frames, region, 0.6)
    rows, columns = small.stack.shape[1:]
    # as many frequencies as fit into memory for all frames
    grid = Grid.of(rows, columns, min(0.35, (SPECTRA_BYTES / 16 / n_frames / rows / columns) ** 0.5))
    spectra = yield from _spectra(small, grid, None, None, (0.6, 0.7))
    shifts, sure = yield from _follow(spectra, small)
    if sure.sum() < LEAST_SURE * small.seen.sum():  # what was taken for a needle may be all there is
        small = replace(small, hides_needles=False)
        spectra = yield from _spectra(small, grid, None, None, (0.6, 0.7))
        shifts, sure = yield from _follow(spectra, small)
    _compare_with_neighbours(spectra, shifts, sure)
    yield Progress(0.85 * n_frames, n_frames, "Finding moving parts", _in_pixels(shifts, sure, small.side))
    mask = _unchanging(small, shifts, sure)
    masked = yield from _spectra(small, grid, mask, shifts, (0.85, 0.95))
    if _still_agrees(masked, shifts, sure):
        spectra = masked
    _compare_with_neighbours(spectra, shifts, sure)
    yield Progress(
        0.97 * n_frames, n_frames, "Comparing neighbouring frames", _in_pixels(shifts, sure, small.side)
    )
    _compare_stretches(spectra, shifts, sure)
    _compare_with_neighbours(spectra, shifts, sure)
    return _in_pixels(shifts, sure, small.side)


def _spectra(
    small: SmallFrames, grid: Grid, mask: Floats | None, shifts: Floats | None, share: tuple[float, float]
) -> Job[Spectra]:
    """Spectra of all frames; the mask (frame 0) moves with the sample."""
    n_frames, rows, columns = small.stack.shape
    spectra = Spectra(
        grid, np.zeros((n_frames, grid.ky.size, grid.kx.size), np.complex64), np.zeros(n_frames)
    )
    window = taper(rows)[:, None] * taper(columns)[None, :]

    def transform(number: int) -> None:
        weight: NDArray[np.float32] = window
        if mask is not None and shifts is not None:
            weight = window * _moved(mask, shifts[number])
        image, weight = small.image(number), weight * small.without_needle(number)
        spectra.of[number] = grid.spectrum((image - around(image, weight)) * weight)
        spectra.noise[number] = noise_power(spectra.of[number])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, _ in enumerate(pool.map(transform, range(n_frames))):
            if number % 10 == 0:
                at = share[0] + (share[1] - share[0]) * number / n_frames
                yield Progress(at * n_frames, n_frames, "Transforming frames")
    return spectra


def _moved(image: NDArray[np.floating], shift: Floats) -> NDArray[np.float32]:
    from tandem_em.analysis.drift import kernels

    out, ignored = np.zeros(image.shape, np.float32), np.zeros(image.shape, np.float32)
    kernels.add_moved(out, ignored, np.asarray(image, np.float32), shift[0], shift[1])
    return out


def _unchanging(small: SmallFrames, shifts: Floats, sure: NDArray[np.bool_]) -> Floats:
    """Weight 0..1 of each bin of frame 0: low where the sample itself changes in the course of the movie."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    from tandem_em.analysis.drift import kernels

    frames = np.flatnonzero(sure)
    groups = np.array_split(frames, min(CHANGE_SAMPLES, max(2, len(frames) // 2)))
    total, squares = (np.zeros(small.stack.shape[1:], np.float32) for _ in range(2))
    for group in groups:
        mean, ignored = np.zeros_like(total), np.zeros_like(total)
        for number in group[:4]:
            kernels.add_moved(mean, ignored, small.image(int(number)), *(-shifts[number]))
        smooth = gaussian_filter(mean / max(1, len(group[:4])), 2.0)
        total += smooth
        squares += smooth * smooth
    change = np.sqrt(np.maximum(0, squares / len(groups) - (total / len(groups)) ** 2))
    # much of a frame may be particles: the quiet third tells what noise alone does
    usual = np.quantile(change, 0.3)
    strong = maximum_filter((change > 2.2 * usual).astype(np.float32), 5)
    return np.asarray(1 - gaussian_filter(strong, 2.0))


def _still_agrees(masked: Spectra, shifts: Floats, sure: NDArray[np.bool_], share: float = 0.7) -> bool:
    """Whether what the mask leaves is enough to see the drift: most frames must peak near the first answer."""
    frames = np.flatnonzero(sure)
    tried = frames[:: max(1, len(frames) // 25)]
    good = 0
    for number in tried:
        near = frames[(np.abs(frames - number) <= 12) & (frames != number)]
        if not len(near):
            continue
        reference = _aligned_mean(masked, shifts, near)
        product = cross(masked.of[number], reference, masked.noise[number], MASKED_CLUTTER, len(near))
        off, quality = coarse_shift(masked.grid, product * np.conj(masked.grid.ramp(shifts[number])))
        good += bool(quality > UNSURE_PEAK and np.abs(off).max() < 4)
    return good >= share * len(tried)


def taper(length: int) -> NDArray[np.float32]:
    """Weights along one side of a frame that fall to nothing at both ends."""
    ramp = np.clip(np.minimum(np.arange(length) + 0.5, np.arange(length)[::-1] + 0.5) / (0.1 * length), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * ramp), np.float32)


def _follow(spectra: Spectra, small: SmallFrames) -> Job[tuple[Floats, NDArray[np.bool_]]]:
    """First answer: each frame against a running mean, forward and then, with what was learned, back again.

    The progress carries the drift as far as it is known."""
    grid, n_frames = spectra.grid, len(spectra.of)
    shifts, sure = np.zeros((n_frames, 2)), np.zeros(n_frames, bool)
    forward = np.flatnonzero(small.seen)
    if not len(forward):
        return shifts, sure
    reference = spectra.of[forward[0]].copy()
    weight = 1.0
    # the way back sees the first frames with a reference made of all
    for turn, frames in enumerate((forward, forward[::-1])):
        known = shifts[frames[0]]
        for step, number in enumerate(frames):
            frame = spectra.of[number]
            product = cross(frame, reference, spectra.noise[number], SEARCH_CLUTTER, min(weight, LASTING))
            # what the way there has found is only refined on the way back
            if not sure[number]:
                start, quality = coarse_shift(grid, product * np.conj(grid.ramp(known)))
                shifts[number], sure[number] = known + start, quality > UNSURE_PEAK
            shifts[number], _ = fine_shift(grid, product, shifts[number])
            if sure[number]:
                known, weight = shifts[number], weight + 1
                newest = np.float32(max(MEMORY, 1 / weight))
                reference += newest * (frame * np.conj(grid.ramp(known)) - reference)
            done = 0.7 + 0.07 * turn + 0.07 * step / len(frames)
            known_now = _in_pixels(shifts, sure, small.side) if step % PREVIEW_EVERY == 0 else None
            yield Progress(done * n_frames, n_frames, "Comparing frames", known_now)
    return shifts, sure


def _compare_with_neighbours(
    spectra: Spectra, shifts: Floats, sure: NDArray[np.bool_], reach: int = 8
) -> None:
    """Refine each frame against the mean of those around it (itself left out)."""
    frames = np.flatnonzero(sure)
    if len(frames) < 3:
        return
    refined = shifts.copy()

    def refine(stretch: NDArray[np.intp]) -> None:
        aligned: dict[int, Spectrum] = {}
        total = np.zeros(spectra.of.shape[1:], np.complex64)
        first = last = max(0, int(stretch[0]) - reach)
        for place in stretch:
            number = int(frames[place])
            # a sliding sum: each spectrum is moved once, not once per neighbour
            while last < min(len(frames), place + reach + 1):
                other = int(frames[last])
                aligned[other] = spectra.of[other] * np.conj(spectra.grid.ramp(shifts[other]))
                total += aligned[other]
                last += 1
            while first < place - reach:
                total -= aligned.pop(int(frames[first]))
                first += 1
            others = max(1, last - first - 1)
            # without itself: a frame always agrees with its own noise
            mean = (total - aligned[number]) / np.float32(others)
            product = cross(spectra.of[number], mean, spectra.noise[number], MASKED_CLUTTER, others)
            refined[number], _ = fine_shift(spectra.grid, product, shifts[number], rounds=3)

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        list(
            pool.map(refine, (part for part in np.array_split(np.arange(len(frames)), threads) if len(part)))
        )
    moved = np.abs(refined - shifts).max(axis=1)
    # a refinement that leaps has found another maximum
    shifts[moved < 1.5] = refined[moved < 1.5]
    shifts -= shifts[frames[0]]


def _compare_stretches(spectra: Spectra, shifts: Floats, sure: NDArray[np.bool_], count: int = 10) -> None:
    """Take out slow accumulation: means of stretches of the movie are all compared with one another."""
    frames = np.flatnonzero(sure)
    parts = [part for part in np.array_split(frames, min(count, len(frames) // 4 or 1)) if len(part)]
    if len(parts) < 3:
        return
    means = [_aligned_mean(spectra, shifts, part) for part in parts]
    noise = noise_power(means[0])
    rows, values = [], []
    for a, b in combinations(range(len(parts)), 2):
        product = cross(means[b], means[a], noise, MASKED_CLUTTER)
        moved, curvature = fine_shift(spectra.grid, product, np.zeros(2))
        # no maximum, or one too far away: these two stretches say nothing
        if np.abs(moved).max() > 1.0 or np.linalg.eigvalsh(curvature)[0] <= 0:
            continue
        row = np.zeros(len(parts))
        row[a], row[b] = -1, 1
        trust = 1.0 / (1.0 + 0.3 * (b - a - 1))  # contents change with time
        rows.append(row * trust)
        values.append(moved * trust)
    # only differences are measured: the first stretch is held in place
    rows.append(np.eye(len(parts))[0])
    values.append(np.zeros(2))
    offsets = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    middles = [float(part.mean()) for part in parts]
    for axis in (0, 1):
        shifts[:, axis] += np.interp(np.arange(len(shifts)), middles, offsets[:, axis])
    shifts -= shifts[frames[0]]


def _aligned_mean(spectra: Spectra, shifts: Floats, frames: NDArray[np.intp]) -> Spectrum:
    total = np.zeros(spectra.of.shape[1:], np.complex64)
    for number in frames:
        total += spectra.of[number] * np.conj(spectra.grid.ramp(shifts[number]))
    return np.asarray(total / np.float32(len(frames)), np.complex64)


def _in_pixels(shifts: Floats, sure: NDArray[np.bool_], side: int) -> Floats:
    """Shifts of the frames that are believed, in pixels; straight lines across the others."""
    frames = np.flatnonzero(sure)
    every = np.arange(len(shifts))
    columns = (
        [np.interp(every, frames, shifts[frames, axis]) for axis in (0, 1)]
        if len(frames)
        else [every * 0.0] * 2
    )
    drift = np.stack(columns, axis=1) * side
    return np.asarray(drift - drift[0])


def drift_rms(found: Floats, true: Floats) -> float:
    """Root mean square distance between two drifts, px, each relative to its mean."""
    # the place of frame 0 is arbitrary: only differences count
    off = (found - found.mean(axis=0)) - (true - true.mean(axis=0))
    return float(np.sqrt((off**2).sum(axis=1).mean()))
