"""Verbs of the clock tool: streams laid on one another by an event both have seen, by correlation, by the header, by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tandem_em.analysis.clock_lag import activity, find_lag
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

Stream = BiasRun | FrameStack | SpectrumImage
LEAST_FOR_RATE_S = 10.0
"""Events closer together than this say nothing about the rate of a clock."""


@dataclass(frozen=True)
class Fit:
    """A clock through common events: residuals (s) of each event, in their order."""

    offset_s: float
    rate_ppm: float
    residuals_s: tuple[float, ...]


def clocks_in_use(session: Session) -> list[tuple[Clock, list[Stream]]]:
    """Every clock with the streams that go by it."""
    found: dict[str, tuple[Clock, list[Stream]]] = {}
    streams: list[Stream] = [*session.runs, *session.stacks, *session.maps]
    for stream in streams:
        found.setdefault(stream.clock.id, (stream.clock, []))[1].append(stream)
    return list(found.values())


def fit_events(clock: Clock, events: list[dict[str, Any]]) -> Fit:
    """Offset from one event, offset and rate from several that are far enough apart."""
    device = np.array([float(each["device_s"]) for each in events])
    session = np.array([float(each["session_s"]) for each in events])
    if len(events) > 1 and float(np.ptp(device)) >= LEAST_FOR_RATE_S:
        # From the first event on: device times may be seconds since 1970, which cost digits.
        slope, offset = np.polyfit(device - device[0], session, 1)
        offset = offset - slope * device[0]
    else:
        # Too close together for a rate: the known one is kept.
        slope = 1.0 + clock.rate_ppm * 1e-6
        offset = float(np.mean(session - slope * device))
    return Fit(float(offset), float((slope - 1.0) * 1e6), tuple(session - (offset + slope * device)))


def relate(desk: Desk, clock: Clock, device_s: float, session_s: float, sure_s: float) -> Fit:
    """The same event at `device_s` of this clock and at `session_s` elsewhere, seen to ± `sure_s`: one undoable step."""
    if not (math.isfinite(device_s) and math.isfinite(session_s)):
        raise UserError(
            "An event needs a time in both streams.", "Put the cursor on the event in each of them."
        )
    events = [*clock.reference_events, {"device_s": device_s, "session_s": session_s}]
    return _use_events(desk, clock, events, sure_s, f"Align the clock of {clock.name}")


def forget_event(desk: Desk, clock: Clock, index: int) -> None:
    """Take one common event out; the clock goes through the others."""
    events = [each for number, each in enumerate(clock.reference_events) if number != index]
    label = f"Remove an event of {clock.name}"
    if events:
        _use_events(desk, clock, events, clock.uncertainty_s, label)
    else:
        desk.change(label, clock, reference_events=[])


def _use_events(desk: Desk, clock: Clock, events: list[dict[str, Any]], sure_s: float, label: str) -> Fit:
    fit = fit_events(clock, events)
    # Events that do not fit a straight line tell more than the person's own estimate.
    worst = max((abs(each) for each in fit.residuals_s), default=0.0)
    fields = {
        "offset_s": fit.offset_s, "rate_ppm": fit.rate_ppm, "origin": "marked event", "reference_events": events,
        "uncertainty_s": max(sure_s, worst),
    }  # fmt: skip
    step = step_for(label, [], {**fields, "reference_events": len(events)}, [clock.id])
    desk.do(label, ChangeFields(label, clock.id, fields), AddItem(label, step))
    return fit


def set_by_hand(desk: Desk, clock: Clock, offset_s: float, rate_ppm: float, uncertainty_s: float) -> None:
    """Set offset (s), rate (ppm) and uncertainty (s); a provisional clock counts as aligned afterwards."""
    desk.change(
        f"Set the clock of {clock.name}", clock, offset_s=offset_s, rate_ppm=rate_ppm, uncertainty_s=uncertainty_s,
        origin="marked event" if clock.is_provisional else clock.origin,
    )  # fmt: skip


def accept_zone(desk: Desk, clock: Clock) -> None:
    """Confirm the assumed time zone, so that the doctor no longer mentions it."""
    desk.change(f"Confirm the time zone of {clock.name}", clock, zone_assumed=False)


def back_to_header(desk: Desk, clock: Clock) -> None:
    """Where the file itself says it belongs."""
    start = desk.session.info.start_iso
    if not (clock.start_iso and start):
        raise UserError(
            f"The file of {clock.name} does not say when it was recorded.",
            "Align it with an event seen in two streams.",
        )
    offset = (datetime.fromisoformat(clock.start_iso) - datetime.fromisoformat(start)).total_seconds()
    desk.change(
        f"Reset the clock of {clock.name} to its file", clock, offset_s=offset, rate_ppm=0.0, origin="file time",
        uncertainty_s=TYPICAL_UNCERTAINTY_S["file time"], reference_events=[],
    )  # fmt: skip


def place_map(desk: Desk, image: SpectrumImage, start_s: float, end_s: float) -> None:
    """When a map was taken, in session seconds."""
    # Written so that NaN is refused too.
    if not end_s >= start_s:
        raise UserError(f"{image.name} would end before it begins.", "Give the earlier time first.")
    clock = image.clock
    # Stored by its own clock: when that is aligned later, the map moves along.
    start, end = (float(clock.to_device(t)) for t in (start_s, end_s))
    desk.change(f"Set the time of {image.name}", image, start=start, end=end)


def correlating(reference: Stream, other: Stream, within_s: float) -> Job[Any]:
    """The lag of one stream after another from when they change: steps of the bias, jumps of the image."""
    signals = []
    for stream in (reference, other):
        signals.append(activity(*(yield from _signal(stream))))
    yield Progress(0, 0, "Correlating")
    # The coarser stream decides: finer steps than its sampling resolve nothing.
    usual = max(float(np.median(np.diff(np.unique(t)))) if len(t) > 1 else 0.1 for t, _ in signals)
    # At most some hundred thousand lags, at least ten.
    step = min(max(usual / 2, within_s / 200_000), within_s / 10)
    return find_lag(signals[0], signals[1], within_s, step)


def _signal(stream: Stream) -> Job[tuple[Any, Any]]:
    """Session times and a number whose steps are events."""
    if isinstance(stream, BiasRun):
        yield Progress(0, 0, f"Reading {stream.name}")
        name = next(
            (each for each in ("voltage", "current") if each in stream.columns), next(iter(stream.columns))
        )
        return np.asarray(stream.t, np.float64), np.asarray(stream.values(name), np.float64)
    # Two frames have one change only: nothing to correlate.
    if isinstance(stream, FrameStack) and len(stream) > 2:
        return (yield from _image_change(stream))
    raise UserError(f"{stream.name} does not change over time.", "Correlate a movie with a biasing curve.")


def _image_change(stack: FrameStack) -> Job[tuple[Any, Any]]:
    """The running sum of how much each frame differs from the one before: its steps are the changes of the image."""
    total, before = np.full(len(stack), np.nan), None
    level = 0.0
    # In order of time: stamps may run backwards, and differences are to the frame before.
    for index in np.argsort(stack.t, kind="stable"):
        yield Progress(int(index), len(stack), f"Reading {stack.name}")
        try:
            frame = stack.frame(int(index)).astype(np.float32)
        # A frame that cannot be read is left out; the next one is compared with the one before it.
        except UserError:
            continue
        # Means of 8 × 8 pixels take most of the counting noise out of the difference.
        small = frame[: frame.shape[0] // 8 * 8, : frame.shape[1] // 8 * 8]
        small = small.reshape(small.shape[0] // 8, 8, -1, 8).mean((1, 3)) if small.size else frame
        if before is not None:
            level += float(np.abs(small - before).mean())
        total[index], before = level, small
    return np.asarray(stack.t, np.float64), total


def use_lag(desk: Desk, clock: Clock, lag: Any) -> None:
    """Shift a clock by a correlation lag (s); its uncertainty becomes that of the lag, never zero."""
    desk.change(
        f"Align the clock of {clock.name} by correlation", clock, offset_s=clock.offset_s + lag.lag_s, origin="correlation",
        # A perfect correlation is no proof of a perfect clock; 0 would mean certain.
        uncertainty_s=max(lag.uncertainty_s, 1e-6),
    )  # fmt: skip
