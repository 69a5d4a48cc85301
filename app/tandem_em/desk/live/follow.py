"""Drift and outlines of a movie that is still being filmed: the newest frame is followed, in a thread of its own.

    live = LiveFollow(session, stack, post)     # particles with a key outline on this stack are followed by themselves
    live.offer(number, frame, host_time)        # from the recorder; keeps only the newest, costs nothing
    live.lag                                    # how far what is on screen is behind the camera
    live.stop()

The drift is always measured, since outlines need it; the stack gets it once somebody has asked for it (`ask_for_drift`).
What is found goes into the session a few times a second: outlines of the particles, drift of the stack. Frames for
which there was no time have no outline; following the finished movie fills them in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.desk import compiled
from tandem_em.desk.outlines.follow import FOLLOW
from tandem_em.desk.outlines.following import as_outline
from tandem_em.desk.provenance import step_for
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle, Polygon
from tandem_em.sources.core.base import host_now

if TYPE_CHECKING:
    from tandem_em.analysis.drift.live import LiveDrift
    from tandem_em.analysis.outlines.levels import FrameLevel
    from tandem_em.analysis.outlines.live import LiveFollower
    from tandem_em.desk.desk import Desk

log = logging.getLogger(__name__)
Frame = NDArray[np.generic]
Post = Callable[[Callable[[], None]], None]
Warn = Callable[[str, str], None]
SHOW_S = 0.2
DRIFT_SHOWN_S = 1.0
REST_S = 0.03
"""Between two frames that are followed; at most as long as a frame takes."""
DRIFT_ONLY_S = 0.1
"""Between two looks at the drift while no particle is followed."""
CATCH_UP = 40
"""Frames that are looked at between the one an outline was drawn in and the newest."""
HIDE_EVERY = 20
MOST_FAILURES = 25
"""Frames in a row that cannot be followed at all; then a person has to look."""
PLAUSIBLE = 0.25
"""Of the shorter side of the frame: what lies farther from where it was is hardly the same piece of the sample."""
KEPT = 20_000
"""Outlines of one particle; beyond that every second one is let go, so that a day of filming fits in memory."""


@dataclass(frozen=True)
class Lag:
    """How far behind the camera following is: the newest outlines are those of `frame`, which were `behind_s` old."""

    frame: int = -1
    behind_frames: int = 0
    behind_s: float = 0.0
    work_s: float = 0.0
    """Time one frame takes."""
    every: float = 1.0
    """Every so many frames one is followed."""
    lost: tuple[str, ...] = ()
    """Ids of particles that need a person: nothing was found in the last frames."""


@dataclass
class FollowedOutlines:
    """What frames have told: outlines by particle and frame, and which particles are lost."""

    outlines: dict[str, dict[int, Outline]] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


@dataclass
class _Watched:
    """One particle: where it was drawn, and who follows it."""

    frame: int
    polygon: Polygon
    follower: LiveFollower | None = None
    last: int = 0
    """Newest frame it was followed in."""

    newest: tuple[Polygon, NDArray[np.float64]] = field(init=False)
    """The outline it was last followed to, and the drift of that frame."""
    is_found: bool = False
    failures: int = 0
    """Frames in a row in which following failed altogether."""

    @property
    def is_lost(self) -> bool:
        return self.failures >= MOST_FAILURES or (self.follower is not None and self.follower.is_lost)

    def take(
        self, number: int, image: Frame, drift: NDArray[np.float64], level: FrameLevel
    ) -> Outline | None:
        """The outline in a newer frame; None where it cannot be followed: it begins anew from the last one."""
        from tandem_em.analysis.outlines.result import LostError

        assert self.follower is not None
        try:
            found = self.follower.take(image, drift, level, number - self.last)
        except LostError:  # it is outside, and is looked for again with the next frame
            # Never found at all: then a person has to look.
            self.failures += not self.is_found
            return None
        except Exception as error:  # an edge: what breaks for one particle does not end the others
            log.warning("frame %d cannot be followed: %s", number, error, exc_info=True)
            self.failures += 1
            # The follower may be in any state after an error.
            self.begin(*self.newest)
            return None
        self.last, self.newest, self.failures = number, (found.polygon, drift), 0
        self.is_found = True
        return as_outline(found)

    def begin(self, polygon: Polygon, drift: NDArray[np.float64]) -> None:
        from tandem_em.analysis.outlines.live import LiveFollower

        self.follower, self.newest = LiveFollower(polygon, drift), (polygon, drift)


class FollowIncoming:
    """The work itself, without threads: `follow_incoming` for each newer frame. `read(number)` reads an older one."""

    def __init__(self, read: Callable[[int], Frame]) -> None:
        from tandem_em.analysis.outlines.levels import BeamWatch

        self._read = read
        self._watched: dict[str, _Watched] = {}
        self._drift: LiveDrift | None = None
        self._drifts = GrowingArray()
        self._beam = BeamWatch()
        self._count = 0

    @property
    def drift_px(self) -> NDArray[np.float64]:
        """(T, 2) up to the newest frame; straight lines across frames that were left out."""
        return np.asarray(self._drifts.view.reshape(-1, 2))

    def watch(self, particle_id: str, frame: int, polygon: Polygon) -> None:
        """Follow a particle from an outline drawn in a frame; a newer outline replaces an older one."""
        self._watched[particle_id] = _Watched(frame, polygon, last=frame)

    @property
    def is_watching(self) -> bool:
        """Whether any particle is followed; else only the drift is measured."""
        return bool(self._watched)

    def unwatch(self, particle_id: str) -> None:
        """Stop following a particle; one that is not followed is no error."""
        self._watched.pop(particle_id, None)

    def follow_incoming(self, number: int, frame: Frame) -> FollowedOutlines:
        """Drift and outlines of a frame that is newer than all before."""
        from tandem_em.analysis.outlines.levels import FrameLevel

        self._measure_drift(number, frame)
        level = FrameLevel.of(frame)
        found = FollowedOutlines()
        # A dark frame shows no edges to follow.
        if not self._beam.is_blank(level):
            for particle_id, watched in list(self._watched.items()):
                if watched.frame <= number:
                    found.outlines[particle_id] = self._follow(watched, number, frame, level)
            self._hide_what_changes(found, number)
        found.lost = tuple(k for k, w in self._watched.items() if w.is_lost)
        return found

    def _follow(self, watched: _Watched, number: int, frame: Frame, level: FrameLevel) -> dict[int, Outline]:
        outlines: dict[int, Outline | None] = {}
        if watched.follower is None:
            outlines.update(self._catch_up(watched, number))
        if not watched.is_lost:
            outlines[number] = watched.take(number, frame, self.drift_px[number], level)
        return {number: outline for number, outline in outlines.items() if outline is not None}

    def _catch_up(self, watched: _Watched, number: int) -> dict[int, Outline | None]:
        """Begin where the outline was drawn and hurry to the newest frame."""
        from tandem_em.analysis.outlines.levels import FrameLevel

        watched.begin(watched.polygon, self.drift_px[watched.frame])
        outlines: dict[int, Outline | None] = {}
        for older in _spread(watched.frame, number):
            image = self._older(older)
            if image is None:
                continue
            outlines[older] = watched.take(older, image, self.drift_px[older], FrameLevel.of(image))
        return outlines

    def _older(self, number: int) -> Frame | None:
        """A frame recorded before; None for one that is still on its way to disk."""
        try:
            return self._read(number)
        except (IndexError, OSError, UserError):
            return None

    def _measure_drift(self, number: int, frame: Frame) -> None:
        from tandem_em.analysis.drift.live import LiveDrift

        if self._drift is None:
            first = self._older(0) if number else None
            self._drift = LiveDrift(frame if first is None else first)
            self._drifts.append(np.zeros(2))
        known = len(self.drift_px)
        if number < known:
            return
        shift, _ = self._drift.shift(frame)
        # Frames that were left out drifted evenly, as far as anybody knows.
        share = np.arange(1, number - known + 2)[:, None] / (number - known + 1)
        last = self.drift_px[-1]
        self._drifts.append((last + share * (shift - last)).ravel())

    def _hide_what_changes(self, found: FollowedOutlines, number: int) -> None:
        """Swelling particles must not be mistaken for drift."""
        self._count += 1
        if self._count % HIDE_EVERY == 1 and self._drift is not None:
            self._drift.hide([o[number].polygon for o in found.outlines.values() if number in o])


def ask_for_drift(desk: Desk, stack: FrameStack) -> None:
    """From now on the drift of a stack that is being filmed is taken off on view, as it is measured."""
    desk.change(f"Correct the drift of {stack.name} while recording", stack, drift_px=np.zeros((1, 2)))


def compile_kernels(unless: Callable[[], bool] = lambda: False) -> None:
    """Follow a small disc: afterwards everything that following needs is compiled."""
    from tandem_em.analysis.drift import kernels as drift_kernels
    from tandem_em.analysis.outlines import kernels as outline_kernels

    compiled.ahead(
        "follow", [drift_kernels.block_means, outline_kernels.crop, outline_kernels.side_means], unless=unless
    )
    rows, columns = np.mgrid[0:96, 0:96]
    noise = np.random.default_rng(1).normal(0, 40, (3, 96, 96))
    movie = (np.where(np.hypot(rows - 48, columns - 48) < 20, 900, 2000) + noise).astype(np.uint16)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    work = FollowIncoming(lambda number: movie[number])
    work.watch("disc", 0, np.stack([48 + 20 * np.cos(turn), 48 + 20 * np.sin(turn)], 1))
    for number, frame in enumerate(movie):
        if not unless():
            work.follow_incoming(number, frame)


def _spread(first: int, end: int) -> list[int]:
    """Frames from the drawn one up to the newest (which is left out), not more than can be caught up with."""
    if first >= end:
        return []
    return sorted({int(k) for k in np.linspace(first, end, min(CATCH_UP, end - first), endpoint=False)})


class LiveFollow:
    """Follows one growing stack while it is recorded, and keeps the session up to date through `post`."""

    def __init__(
        self, session: Session, stack: FrameStack, post: Post, warn: Warn = lambda _title, _advice: None
    ) -> None:
        """`warn` tells a person (title, advice) what needs one."""
        self._session, self._stack, self._post, self._warn = session, stack, post, warn
        self._work = FollowIncoming(stack.frame)
        self._newest: tuple[int, Frame, float] | None = None
        self._wanted: dict[str, tuple[int, Polygon] | None] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._pending: dict[str, dict[int, Outline]] = {}
        self._drift_px: NDArray[np.float64] = np.zeros((0, 2))
        """What the thread has handed over: its own goes on growing."""
        self._offered = -1
        self._arrived: tuple[int, float] = (-1, 0.0)
        self._shown_at = self._drift_shown_at = 0.0
        self._trouble: Exception | None = None
        self._lag = Lag()
        self._keys: dict[str, tuple[int, Polygon]] = {}
        self._thread: threading.Thread | None = None

    # --- from the recorder's threads -------------------------------------------------------------------------------

    def offer(self, number: int, frame: Frame, host_time: float) -> None:
        """A new frame has come. Only the newest is kept."""
        with self._changed:
            self._newest, self._offered = (number, frame, host_time), number
            self._changed.notify()

    @property
    def lag(self) -> Lag:
        """How far the outlines are behind the camera; may be asked from any thread."""
        # One tuple, assigned at once, so that both belong together without a lock.
        frame, host = self._arrived
        if frame < 0:
            return self._lag
        behind = self._offered - frame
        if behind <= 0:
            return self._lag
        return replace(self._lag, behind_frames=behind, behind_s=host_now() - host)

    # --- on the session's thread -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, with every particle that is or will be drawn on this stack."""
        for particle in self._session.particles:
            self._look_at(particle)
        self._session.particles.added.connect(self._look_at)
        self._session.particles.changed.connect(self._look_again)
        self._session.particles.removed.connect(self._forget)
        self._thread = threading.Thread(target=self._run, name=f"follow {self._stack.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; may be called from any. `finish` afterwards on the session's thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            # With a limit: a frame that takes for ever must not hold up the end of a recording.
            self._thread.join(5.0)

    def finish(self) -> None:
        """Show what was found last, and write down how it was found."""
        self._session.particles.added.disconnect(self._look_at)
        self._session.particles.changed.disconnect(self._look_again)
        self._session.particles.removed.disconnect(self._forget)
        self._show(True)
        followed = [p for k in self._keys if (p := self._session.particles.get(k)) is not None]
        for particle in followed:
            what = f"Follow {particle.name} while recording"
            step = step_for(what, [self._stack], {}, [particle.id], FOLLOW.name)
            self._session.steps.add(step)
            self._session.change(particle, made_by=step.id)

    def _look_at(self, particle: Particle) -> None:
        keys = particle.keys
        if particle.stack_id != self._stack.id or not keys:
            return
        frame = max(keys)
        known = self._keys.get(particle.id)
        # By identity: the outlines that are shown here change the particle too.
        if known is not None and known[0] == frame and known[1] is keys[frame]:
            return
        self._keys[particle.id] = frame, keys[frame]
        self._want(particle.id, (frame, np.asarray(keys[frame])))

    def _look_again(self, particle: Particle, _names: object) -> None:
        self._look_at(particle)

    def _forget(self, particle: Particle) -> None:
        if self._keys.pop(particle.id, None) is not None:
            self._want(particle.id, None)

    def _want(self, particle_id: str, key: tuple[int, Polygon] | None) -> None:
        with self._changed:
            self._wanted[particle_id] = key
            # What was found from the old drawing must not be shown after the new one.
            self._pending.pop(particle_id, None)

    def _show(self, with_drift: bool) -> None:
        """Put into the session what has been found since the last time."""
        with self._changed:
            pending, self._pending = self._pending, {}
            drift_px = self._drift_px
        is_asked_for = self._stack.drift_px is not None and self._stack.id in self._session.stacks
        if with_drift and is_asked_for and len(drift_px):
            self._show_drift(drift_px)
        for particle_id, outlines in pending.items():
            particle = self._session.particles.get(particle_id)
            if particle is not None and outlines:
                # Last in the union: what a person drew meanwhile wins.
                keys = {f: o for f, o in particle.outlines.items() if o.is_key}
                self._session.change(particle, outlines=thinned(particle.outlines | outlines | keys))

    def _show_drift(self, drift_px: NDArray[np.float64]) -> None:
        """Take it off on view; the raw frames again when it cannot be true: it would push the picture out of view."""
        stack = self._stack
        far = float(np.hypot(*drift_px[-1]))
        if far <= PLAUSIBLE * min(stack.shape[1:]):
            self._session.change(stack, drift_px=drift_px)
            return
        self._session.change(stack, drift_px=None)
        self._warn(
            f"The drift of {stack.name} is no longer corrected: {far:.0f} px is not plausible.",
            "The frames are shown uncorrected. Measure the drift of the whole movie after the recording.",
        )

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Before the first frame: compiling in the middle would fall a minute behind.
        compile_kernels(lambda: self._stopping)
        while True:
            with self._changed:
                # The rest ends early for a new drawing: somebody waits for it.
                self._changed.wait_for(lambda: self._stopping or bool(self._wanted), self._rest_s())
                self._changed.wait_for(lambda: self._newest is not None or self._stopping)
                if self._stopping:
                    return
                assert self._newest is not None
                (number, frame, host), self._newest = self._newest, None
                # Handed over under the lock; the work below is done without it.
                wanted, self._wanted = self._wanted, {}
            for particle_id, key in wanted.items():
                if key is None:
                    self._work.unwatch(particle_id)
                else:
                    self._work.watch(particle_id, *key)
            try:
                self._take(number, frame, host)
            except UserError as error:
                log.warning("following %s: %s", self._stack.name, error)
            except Exception as error:  # an edge: the next frame may be followed again
                # Logged once: the same error may come with every frame.
                if self._trouble is None:
                    log.exception("following %s failed in a frame", self._stack.name)
                self._trouble = error

    def _rest_s(self) -> float:
        """Recording and drawing go first: with nothing to follow only the drift is looked at now and then."""
        work_s = self._lag.work_s
        return min(work_s, REST_S) if self._work.is_watching else max(0.0, DRIFT_ONLY_S - work_s)

    def _take(self, number: int, frame: Frame, host: float) -> None:
        began = host_now()
        found = self._work.follow_incoming(number, frame)
        now = host_now()
        stride = number - self._arrived[0] if self._arrived[0] >= 0 else 1
        with self._changed:
            self._drift_px = self._work.drift_px
            for particle_id, outlines in found.outlines.items():
                if particle_id not in self._wanted:  # drawn anew meanwhile
                    self._pending.setdefault(particle_id, {}).update(outlines)
        before = self._lag
        self._lag = Lag(
            frame=number,
            behind_s=now - host,
            work_s=_calmed(before.work_s, now - began, before.frame),
            every=_calmed(before.every, stride, before.frame),
            lost=found.lost,
        )
        self._arrived = number, host
        if now - self._shown_at >= SHOW_S:
            self._shown_at = now
            with_drift = now - self._drift_shown_at >= DRIFT_SHOWN_S
            if with_drift:
                self._drift_shown_at = now
            self._post(lambda: self._show(with_drift))


def _calmed(before: float, new: float, last_frame: int) -> float:
    # A running mean: single frames jump too much to be read.
    return new if last_frame < 0 else 0.8 * before + 0.2 * new


def thinned(outlines: dict[int, Outline]) -> dict[int, Outline]:
    """All outlines, or, when there are too many, the keys and every second one of the rest."""
    if len(outlines) <= KEPT:
        return outlines
    frames = sorted(outlines)
    return {f: outlines[f] for place, f in enumerate(frames) if place % 2 == 0 or outlines[f].is_key}
