"""Recorded sessions as live sources: streams merged by recorded time, at 0.1 to 100 times their speed.

    clock = ReplayClock(session span…)
    sources = replay_sources(session)[1]      # one source for each run and stack, and one for the events, on one clock
    clock.pause(); clock.resume(); clock.seek(120.0); clock.speed = 10

Device time is the recorded session time; it jumps (with `new_segment`) when somebody seeks. Above ten times the speed
every sample is delivered but of the frames that are due only the newest. A replay has no output that could be opened
and never writes into the session it plays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from psygnal import Signal

from tandem_em.core.numeric import Floats
from tandem_em.model.clock import Origin
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.sources.core.base import ClockFit, EventBlock, SourceDescription, host_now
from tandem_em.sources.core.queues import BlockQueue
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.replay.clock import ReplayClock

NEWEST_ONLY_ABOVE = 10.0
# s between two looks at the clock.
TICK_S = 0.02
SHORTEST_TICK_S = 0.004
"""Rows that are due closer together go out in one block."""


class Track(Protocol):
    """One recorded stream: `times` ascending (session seconds), and what lies between two of its places."""

    times: Floats

    def play(self, source: ReplaySource, start: int, end: int, clock: ReplayClock, new_segment: bool) -> None:
        """Put the places `start` to `end` (exclusive) into a source, with the host times the clock gives them."""


@dataclass
class RunTrack:
    """The rows of a biasing run, in the order of their times."""

    run: BiasRun

    def __post_init__(self) -> None:
        t = np.asarray(self.run.t, np.float64)
        # Stable: rows of one time stay in the order they were recorded.
        self.order = np.argsort(t, kind="stable")
        self.times = t[self.order]

    def play(self, source: ReplaySource, start: int, end: int, clock: ReplayClock, new_segment: bool) -> None:
        """All rows that are due in one block."""
        chosen = self.order[start:end]
        times = self.times[start:end]
        columns = {key: np.asarray(column.values.view)[chosen] for key, column in self.run.columns.items()}
        # Within a block the clock runs evenly: two points are enough.
        host = np.array([clock.host_time_of(float(t)) for t in (times[0], times[-1])])
        hosts = np.interp(times, times[[0, -1]], host) if len(times) > 1 else host[:1]
        starts = set(self.run.segment_starts[1:])
        source.put_samples(times, hosts, columns, new_segment or bool(starts & set(chosen[:1].tolist())))


@dataclass
class StackTrack:
    """The frames of a stack that have a time."""

    stack: FrameStack

    def __post_init__(self) -> None:
        t = np.asarray(self.stack.t, np.float64)[: len(self.stack)]
        # Frames without a time cannot be due.
        good = np.flatnonzero(np.isfinite(t))
        self.order = good[np.argsort(t[good], kind="stable")]
        self.times = t[self.order]

    def play(self, source: ReplaySource, start: int, end: int, clock: ReplayClock, new_segment: bool) -> None:
        """The frames that are due, or above ten times the speed only the newest of them."""
        first = end - 1 if clock.speed > NEWEST_ONLY_ABOVE else start
        numbers = self.stack.frame_numbers
        for place in range(first, end):
            index = int(self.order[place])
            number = int(numbers[index]) if numbers is not None and index < len(numbers) else index
            t = float(self.times[place])
            frame = np.array(self.stack.frame(index))
            source.put_frame(
                frame, t, clock.host_time_of(t), number, new_segment and place == first, self._info()
            )
            if source.is_stopping:
                return

    def _info(self) -> dict[str, Any]:
        known = {"pixel_nm": self.stack.pixel_nm, "exposure_s": self.stack.exposure_s}
        return {key: value for key, value in known.items() if value is not None}


@dataclass
class EventTrack:
    """The events of a session, in the order of their times."""

    events: list[Event]

    def __post_init__(self) -> None:
        self.events = sorted(self.events, key=lambda event: event.t)
        self.times = np.array([event.t for event in self.events], np.float64)

    def play(self, source: ReplaySource, start: int, end: int, clock: ReplayClock, new_segment: bool) -> None:
        """Each event that is due, one by one."""
        for event in self.events[start:end]:
            source.put_event(event, clock.host_time_of(event.t))


class ReplaySource(ThreadedSource):
    """One or several recorded streams on a replay clock. Starting it starts the clock."""

    kind: ClassVar[str] = "replay"
    sync: ClassVar[Origin] = "same host"
    # Nothing of a replay is lost because a reader is slow: it waits.
    patience_s: ClassVar[float] = 5.0
    released: ClassVar[Signal] = Signal()
    """What it plays is not read any more."""

    def __init__(self, name: str, tracks: Iterable[Track], clock: ReplayClock, of: str = "") -> None:
        super().__init__(name, queue=BlockQueue(max_bytes=256 << 20, patience_s=5.0))
        self.clock = clock
        self._tracks = list(tracks)
        self._places = [0] * len(self._tracks)
        self._jumps = clock.jumps
        self._jumped = [False] * len(self._tracks)
        self._of = of
        self._is_released = False

    def close(self) -> None:
        """Stop, and tell once that the recorded file is not read any more."""
        super().close()
        if not self._is_released:
            self._is_released = True
            self.released.emit()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked it to stop: a track gives up between two frames."""
        return self._stopping.is_set()

    def describe(self) -> SourceDescription:
        """What the recorded streams were, marked as a replay."""
        units: dict[str, str] = {}
        shape, dtype, pixel = None, "", None
        for track in self._tracks:
            if isinstance(track, RunTrack):
                units |= {key: column.unit for key, column in track.run.columns.items()}
            elif isinstance(track, StackTrack):
                shape, dtype = track.stack.shape[1:], str(track.stack.source.dtype)
                pixel = track.stack.pixel_nm
        items = [getattr(track, "run", getattr(track, "stack", None)) for track in self._tracks]
        return SourceDescription(
            name=self._name,
            kind="replay",
            label=f"Replay of {self._of or self._name}",
            units=units,
            frame_shape=shape,
            frame_dtype=dtype,
            pixel_nm=pixel,
            sync="same host",
            simulated=any(item.simulated for item in items if item is not None),
            replay=True,
            instrument={"replay_of": self._of, "speed": self.clock.speed},
        )

    def clock_fit(self) -> ClockFit:
        """Exact: the host's time was made from the recorded one. Holds until somebody pauses, seeks or changes speed."""
        rate = 1.0 / self.clock.speed
        now = self.clock.now()
        return ClockFit(
            offset_s=self.clock.host_time_of(now) - now * rate,
            rate_ppm=(rate - 1.0) * 1e6,
            uncertainty_s=TICK_S,
            origin="same host",
            samples=self._queue.received,
            span_s=now - self.clock.start_s,
        )

    def put_samples(self, times: Floats, hosts: Floats, columns: dict[str, Any], new_segment: bool) -> None:
        """Hand out rows; called by a track, in the receiver thread."""
        self._put_samples(times, hosts, columns, new_segment=new_segment)

    def put_frame(
        self, frame: Any, t: float, host: float, number: int, new_segment: bool, info: dict[str, Any]
    ) -> None:
        """Hand out one frame; called by a track, in the receiver thread."""
        self._put_frame(frame, t, number, host_time=host, new_segment=new_segment, info=info)

    def put_event(self, event: Event, host: float) -> None:
        """Hand out a recorded event at its session time; unknown categories become notes."""
        category: Any = event.category if event.category in ("bias", "contact", "beam", "warning") else "note"
        self._queue.put(
            EventBlock(source=self._name, host_time=host, time=event.t, text=event.name, category=category)
        )

    def _connect(self) -> None:
        self.clock.resume()

    def _disconnect(self) -> None:
        pass

    def _pump(self) -> None:
        if self._jumps != self.clock.jumps:
            self._jump()
        now = self.clock.now()
        due = [
            (float(track.times[place]), number)
            for number, (track, place) in enumerate(zip(self._tracks, self._places))
            if place < len(track.times) and track.times[place] <= now
        ]
        # The stream that is due first goes first.
        for _t, number in sorted(due):
            track, place = self._tracks[number], self._places[number]
            end = int(np.searchsorted(track.times, now, side="right"))
            track.play(self, place, end, self.clock, self._jumped[number])
            self._jumped[number] = False
            self._places[number] = end
            # One track may bring many frames at once.
            if self._stopping.is_set():
                return
        self._tell_state()
        self._stopping.wait(min(max(self._next_due(), SHORTEST_TICK_S), TICK_S))

    def _jump(self) -> None:
        self._jumps = self.clock.jumps
        target = self.clock.jumped_to
        # A hair before, so that what lies exactly at the target is played.
        self._places = [int(np.searchsorted(track.times, target - 1e-9)) for track in self._tracks]
        self._jumped = [True] * len(self._tracks)

    def _next_due(self) -> float:
        """Host seconds until the next row or frame."""
        upcoming = [
            float(track.times[place])
            for track, place in zip(self._tracks, self._places)
            if place < len(track.times)
        ]
        if not upcoming or not self.clock.is_running:
            return TICK_S
        return self.clock.host_time_of(min(upcoming)) - host_now()

    def _tell_state(self) -> None:
        if not self.clock.is_running:
            self._set_state("paused", "The replay is paused.")
        elif self.is_played:
            self._set_state("waiting", "The replay is at its end.")

    @property
    def is_played(self) -> bool:
        """Everything was delivered."""
        return all(place >= len(track.times) for track, place in zip(self._tracks, self._places))


def tracks_of(items: Iterable[Item]) -> list[tuple[str, Track]]:
    """A track for each run and stack that has times, by name."""
    found: list[tuple[str, Track]] = []
    for item in items:
        track: Track | None = None
        if isinstance(item, BiasRun) and len(item):
            track = RunTrack(item)
        elif isinstance(item, FrameStack) and len(item):
            track = StackTrack(item)
        if track is not None and len(track.times):
            found.append((item.name or item.kind, track))
    return found


def replay_sources(session: Session, speed: float = 1.0) -> tuple[ReplayClock, list[ReplaySource]]:
    """One source for each stream of a session, all on one clock, and one for its events."""
    named = tracks_of([*session.runs, *session.stacks])
    events = [event for event in session.events if np.isfinite(event.t)]
    tracks = [track for _, track in named] + ([EventTrack(events)] if events else [])
    clock = clock_over(tracks, speed)
    title = session.info.name
    sources = [ReplaySource(name, [track], clock, title) for name, track in named]
    if events:
        sources.append(ReplaySource("events", [EventTrack(events)], clock, title))
    return clock, sources


def paired_sources(session: Session, speed: float = 1.0) -> tuple[ReplayClock, list[ReplaySource]]:
    """As few sources as can be: each a run and a stack side by side, as one sender brings them; events with the first."""
    named = tracks_of([*session.runs, *session.stacks])
    runs = [track for _, track in named if isinstance(track, RunTrack)]
    stacks = [track for _, track in named if isinstance(track, StackTrack)]
    events = [event for event in session.events if np.isfinite(event.t)]
    clock = clock_over([*runs, *stacks], speed)
    sources = []
    for number, pair in enumerate(itertools.zip_longest(runs, stacks)):
        tracks: list[Track] = [track for track in pair if track is not None]
        if number == 0 and events:
            tracks.append(EventTrack(events))
        names = [track.run.name if isinstance(track, RunTrack) else track.stack.name
                 for track in pair if track is not None]  # fmt: skip
        sources.append(ReplaySource(" and ".join(names), tracks, clock, session.info.name))
    return clock, sources


def clock_over(tracks: Iterable[Track], speed: float = 1.0) -> ReplayClock:
    """A clock from the first to the last moment of these tracks."""
    spans = [(float(track.times[0]), float(track.times[-1])) for track in tracks if len(track.times)]
    start = min((a for a, _ in spans), default=0.0)
    return ReplayClock(start, max((b for _, b in spans), default=start), speed)
