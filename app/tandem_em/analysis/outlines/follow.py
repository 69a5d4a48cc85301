"""Following particle outlines through a movie, several at once, forwards and back from their key outlines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, as_polygon, centroid
from tandem_em.analysis.outlines.follower import AHEAD, Follower
from tandem_em.analysis.outlines.levels import BeamWatch, FrameLevel
from tandem_em.analysis.outlines.result import Failure, FollowedOutline, FollowOptions, TrackResult
from tandem_em.analysis.outlines.review import LOOKS, RefineStep
from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.texts import counted

AHEAD_SHARE, WALKED = 0.25, 0.4
"""Shares of the work that are done when all has been walked forward, and back from later keys too."""
LOOKING = "Refining outlines"
BETWEEN = 4  # frames looked at between two words about it

ReadFrame = Callable[[int], NDArray[np.generic]]
Preview = dict[str, dict[int, FollowedOutline]]


def follow(
    read_frame: ReadFrame,
    n_frames: int,
    keys: dict[int, Polygon],
    drift_px: Floats | None = None,
    options: FollowOptions | None = None,
) -> Job[TrackResult]:
    """Follow one particle from its key outlines, polygons (N, 2) in pixels of their frames.

    Yields Progress whose `partial` is {"": {frame: outline}}, what has just been finished.
    """
    results = yield from follow_many(read_frame, n_frames, {"": keys}, drift_px, options)
    if (failure := results[""].failure) is not None:
        raise failure.error
    return results[""]


def follow_many(
    read_frame: ReadFrame,
    n_frames: int,
    particles: dict[str, dict[int, Polygon]],
    drift_px: Floats | None = None,
    options: FollowOptions | None = None,
) -> Job[dict[str, TrackResult]]:
    """Follow several particles ({name: {frame: polygon}}); every frame is read once for all of them.

    Yields Progress whose `partial` is {name: {frame: outline}}: first outlines while walking, better ones at the end.
    Closing the job early loses nothing that was yielded. What goes wrong with one particle is in its result, `lost` or
    `failure`; the others go on.
    """
    options = options or FollowOptions()
    drift = np.zeros((n_frames, 2)) if drift_px is None else np.asarray(drift_px, float)
    _check(particles, n_frames, drift)
    followers: dict[str, Follower] = {}
    results: dict[str, TrackResult] = {}
    for name, keys in particles.items():
        try:
            followers[name] = Follower(_polygons(keys, name), drift, options)
        except Exception as error:  # noqa: BLE001  an edge: an outline that is none is that of one particle
            results[name] = TrackResult(failure=Failure(None, error))
    if not followers:
        return results
    movie = _Movie(read_frame, n_frames, followers, options.frames or (0, n_frames - 1))
    yield from _walk_forward(movie)
    yield from _walk_back(movie)
    blank = frozenset(movie.blank)
    for place, (name, follower) in enumerate(followers.items()):
        begin, end = (WALKED + (1 - WALKED) * k / len(followers) for k in (place, place + 1))
        try:
            results[name] = yield from _looked_back(follower.result(blank), n_frames, begin, end)
        # not the fault of one particle: the others would fail as well
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  an edge: the others are looked at again all the same
            follower.fail(None, error)
            results[name] = follower.unreviewed(blank)
        yield Progress(end * n_frames, n_frames, LOOKING, {name: results[name].outlines})
    return results


def _looked_back(look: RefineStep[TrackResult], n_frames: int, begin: float, end: float) -> Job[TrackResult]:
    """Pass a look back on, with progress from `begin` to `end` of the whole job."""
    for seen in count(1):
        try:
            next(look)
        except StopIteration as answer:
            return cast(TrackResult, answer.value)
        if seen % BETWEEN == 0:
            share = begin + (end - begin) * min(1.0, seen / (LOOKS * n_frames))
            # LOOKS is an estimate: `min` above keeps the bar from passing its end
            yield Progress(share * n_frames, n_frames, LOOKING)
    raise AssertionError("a look back ends by itself")


def follow_apart(
    frames: NDArray[np.generic], keys: dict[int, Polygon], drift_px: Floats | None, options: FollowOptions
) -> TrackResult:
    """Follow one particle in frames that are all in memory: what a worker of a cluster is sent."""
    return run_to_end(follow_many(frames.__getitem__, len(frames), {"": keys}, drift_px, options))[""]


class _Movie:
    """Reads each wanted frame once and hands it to all followers; knows which frames are blank."""

    def __init__(
        self, read_frame: ReadFrame, n_frames: int, followers: dict[str, Follower], span: tuple[int, int]
    ) -> None:
        self.followers = followers
        self.span = max(0, span[0]), min(n_frames - 1, span[1])
        self.blank: set[int] = set()
        self._read_frame = read_frame
        self._read: set[int] = set()
        self._beam = BeamWatch()

    def read(self, number: int) -> bool:
        """Make a frame available; False when it is blank or outside what was asked for."""
        if not self.span[0] <= number <= self.span[1]:
            return False
        # a frame is read once for all particles and both directions
        if number not in self._read:
            frame = np.asarray(self._read_frame(number))
            # the compiled loops take native numbers only
            if frame.dtype.kind not in "uif" or not frame.dtype.isnative:
                frame = frame.astype(np.float32)
            self._read.add(number)
            self._check_keys(number, frame.shape)
            level = FrameLevel.of(frame)
            if self._beam.is_blank(level):
                self.blank.add(number)
            else:
                for follower in self.followers.values():
                    follower.crops.add(number, frame, level)
        return number not in self.blank

    def _check_keys(self, number: int, shape: tuple[int, ...]) -> None:
        """An outline has to lie in the picture with its middle at least."""
        for name, follower in self.followers.items():
            if number in follower.keys:
                x, y = centroid(follower.keys[number])
                if not (0 <= x < shape[1] and 0 <= y < shape[0]):
                    outside = UserError(
                        f"The outline of {name or 'the particle'} in frame {number + 1} lies outside the image "
                        f"({shape[1]} × {shape[0]} px).",
                        "Give it in pixels of that frame, x before y.",
                    )
                    follower.fail(number, outside)

    def usable(self) -> list[int]:
        return sorted(self._read - self.blank)


def _walk_forward(movie: _Movie) -> Job[None]:
    """From the first key to the end, with a few frames read ahead."""
    start = min(follower.first_key for follower in movie.followers.values())
    first, last = max(start, movie.span[0]), movie.span[1]
    total = movie.span[1] - movie.span[0] + 1
    for key in sorted({key for follower in movie.followers.values() for key in follower.keys}):
        movie.read(key)  # so that a key in a blank frame is noticed early
    for number in range(first, last + 1):
        # noisy particles are seen in a mean that reaches into coming frames
        for ahead in range(number, min(last, number + AHEAD) + 1):
            movie.read(ahead)
        if number in movie.blank:
            continue
        coming = [k for k in range(number + 1, min(last, number + AHEAD) + 1) if k not in movie.blank]
        usable = movie.usable()
        partial: Preview = {}
        for name, follower in movie.followers.items():
            if number >= follower.first_key:
                outline = follower.forward(number, usable, coming)
                if outline is not None:
                    partial[name] = {number: outline}
        yield Progress(AHEAD_SHARE * (number - first + 1), total, "Following", partial)


def _walk_back(movie: _Movie) -> Job[None]:
    """From each key back to the key before, or to the start of the movie."""
    latest = max(max(follower.keys) for follower in movie.followers.values())
    first, last = movie.span[0], min(latest - 1, movie.span[1])
    total = movie.span[1] - movie.span[0] + 1
    for number in range(last, first - 1, -1):
        for ahead in range(number, max(first, number - AHEAD) - 1, -1):
            movie.read(ahead)
        if number in movie.blank:
            continue
        coming = [k for k in range(number - 1, max(first, number - AHEAD) - 1, -1) if k not in movie.blank]
        usable = movie.usable()
        partial: Preview = {}
        for name, follower in movie.followers.items():
            outline = follower.backward(number, usable, coming)
            if outline is not None:
                partial[name] = {number: outline}
        if partial:
            share = AHEAD_SHARE + (WALKED - AHEAD_SHARE) * (last - number + 1) / total
            yield Progress(share * total, total, "Following backwards", partial)


def _polygons(keys: dict[int, Polygon], name: str) -> dict[int, Polygon]:
    label = f"The outline of {name}" if name else "The outline"
    return {
        int(frame): as_polygon(polygon, f"{label} in frame {frame + 1}") for frame, polygon in keys.items()
    }


def _check(particles: dict[str, dict[int, Polygon]], n_frames: int, drift: Floats) -> None:
    if drift.shape != (n_frames, 2):
        raise UserError(
            f"The drift has {len(drift)} entries but the movie has {n_frames} frames.",
            "Measure the drift again.",
        )
    for name, keys in particles.items():
        if not keys:
            raise UserError(
                f"Particle {name or ''} has no outline.".replace("  ", " "), "Draw an outline in any frame."
            )
        for frame in keys:
            if not 0 <= frame < n_frames:
                raise UserError(
                    f"The outline of {name or 'the particle'} is given for frame {frame + 1}, "
                    f"but the movie has {counted(n_frames, 'frame')}.",
                    "Give the frame in which it was drawn.",
                )
