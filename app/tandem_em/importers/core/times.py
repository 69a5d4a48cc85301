"""Frame times: which stamps a stack gets, where they come from, and what is wrong with them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.importers.core.base import ImportOptions, Question
from tandem_em.importers.core.signal import Facts, Found
from tandem_em.importers.core.units import is_reciprocal, length_nm, time_s
from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Clock
from tandem_em.model.frames import TimesFrom

DATE_FORMATS = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%Y", "%d-%B-%Y", "%d %b %Y", "%d.%m.%Y", "%m/%d/%y", "%Y/%m/%d",
    "%d-%m-%Y", "%Y%m%d", "%b %d, %Y", "%Y:%m:%d",
)  # fmt: skip
CLOCK_FORMATS = (
    "%H:%M:%S",
    "%H:%M:%S.%f",
    "%I:%M:%S %p",
    "%I:%M %p",
    "%H:%M",
    "%I:%M:%S.%f %p",
    "%H:%M:%S,%f",
)


@dataclass
class Stamps:
    """The times of a stack and how they were come by."""

    times: NDArray[np.float64]
    origin: TimesFrom
    axis0_is_time: bool | None
    problems: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def stamps_of(found: Found, count: int, name: str, options: ImportOptions) -> Stamps:
    """Decide the frame times of a stack of `count` frames whose axis 0 is `found.axes[0]`."""
    if count == 1:
        return Stamps(np.zeros(1), "file" if found.facts.start_iso else "none", True)
    is_time = options.axis0_is_time if options.axis0_is_time is not None else _is_time(found)
    if is_time is False:
        return Stamps(np.full(count, np.nan), "none", False)
    if options.frame_interval_s and options.frame_interval_s > 0:
        return Stamps(np.arange(count, dtype=np.float64) * options.frame_interval_s, "nominal", True)
    if found.times_s is not None and len(found.times_s) == count and np.isfinite(found.times_s).any():
        times = np.asarray(found.times_s, np.float64)
        return Stamps(times, found.times_from, True, check_stamps(times, found.frame_numbers))
    nominal = _nominal(found, count)
    if nominal is not None:
        return Stamps(*nominal, True, check_stamps(nominal[0], found.frame_numbers))
    return _unknown(found, count, name, is_time)


def _is_time(found: Found) -> bool | None:
    if found.axis0_is_time is not None:
        return found.axis0_is_time
    axis = found.axes[0]
    if time_s(axis.units) is not None or axis.name.strip().lower() in ("time", "t", "frame time"):
        return True
    if found.times_s is not None or found.facts.frame_interval_s:
        return True
    return None


def _nominal(found: Found, count: int) -> tuple[NDArray[np.float64], TimesFrom] | None:
    axis, factor = found.axes[0], time_s(found.axes[0].units)
    if factor is not None:
        values = axis.at() * factor
        # all values equal: the axis was never filled in
        if np.isfinite(values).all() and (count < 2 or not np.all(values == values[0])):
            return values, "nominal" if axis.values is None else "file"
    interval = found.facts.frame_interval_s
    if interval and interval > 0:
        return np.arange(count, dtype=np.float64) * interval, "nominal"
    return None


def _unknown(found: Found, count: int, name: str, is_time: bool | None) -> Stamps:
    exposure = found.facts.exposure_s
    interval = exposure if exposure and exposure > 0 else 1.0
    why = "the exposure time" if interval == exposure else "one frame per second"
    stamps = Stamps(np.arange(count, dtype=np.float64) * interval, "nominal", is_time)
    sentence = f"{name} does not give the times of its {count} frames: {why} is assumed."
    stamps.problems.append(sentence)
    if is_time is None:
        axis = found.axes[0]
        spatial = length_nm(axis.units) is not None or is_reciprocal(axis.units)
        unit = f" (its unit is {axis.units})" if axis.units else ""
        stamps.questions.append(
            Question(
                "axis0_is_time",
                f"{name} has {count} images one after the other{unit}. Are they a movie in time?",
                ("yes", "no"),
                # a spatial unit speaks for a tilt or depth series
                "no" if spatial else "yes",
            )
        )
    return stamps


def check_stamps(times: NDArray[np.float64], numbers: NDArray[np.int64] | None = None) -> list[str]:
    """Sentences about missing, duplicated and backward stamps and about dropped frames."""
    said: list[str] = []
    missing = int(np.count_nonzero(np.isnan(times)))
    if missing:
        said.append(f"{missing} of {counted(len(times), 'frame')} without a time stamp.")
    places = np.flatnonzero(~np.isnan(times))
    good = times[places]
    steps = np.diff(good)
    backward = np.flatnonzero(steps < 0)
    if len(backward):
        said.append(
            f"{len(backward)} time stamps run backwards (first at frame {int(places[backward[0]]) + 1})."
        )
    equal = int(np.count_nonzero(steps == 0))
    # whole seconds are a coarse clock, not a mistake
    if equal and np.all(good == np.rint(good)) and equal > len(steps) // 2:
        said.append("The time stamps have whole seconds only: neighbouring frames share one.")
        return said
    if equal:
        said.append(
            f"{equal} time stamps are duplicated (first at frame {int(places[np.flatnonzero(steps == 0)[0]]) + 1})."
        )
    forward = steps[steps > 0]
    if len(forward) >= 3:
        typical = float(np.median(forward))
        # half a step more than usual: a frame was left out
        gaps = forward[forward > 1.5 * typical]
        lost = int(np.sum(np.rint(gaps / typical) - 1)) if typical > 0 else 0
        if lost > 0:
            frames, pauses = _some(lost, "frame was", "frames were"), _some(len(gaps), "gap", "gaps")
            said.append(f"About {frames} dropped in {pauses} (typical step {typical:.4g} s).")
    return said + _check_numbers(numbers)


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _check_numbers(numbers: NDArray[np.int64] | None) -> list[str]:
    if numbers is None or len(numbers) < 2:
        return []
    steps = np.diff(numbers)
    lost = int(np.sum(steps[steps > 1] - 1))
    said = [f"{lost} frame numbers are missing in the file."] if lost else []
    if np.any(steps <= 0):
        said.append(f"{int(np.count_nonzero(steps <= 0))} frame numbers repeat or run backwards.")
    return said


def clock_of(facts: Facts, options: ImportOptions) -> Clock:
    """The clock of a stream: what the file knows about absolute time, the zone assumed where it says none."""
    moment = parse_iso(facts.start_iso)
    if moment is None:
        return Clock()
    assumed = False
    zone = facts.zone
    if moment.tzinfo is None:
        # a zone that the file names but nobody knows counts as none
        assumed = zone_info(zone) is None
        zone = options.zone if assumed else zone
        info = zone_info(zone)
        if info is None and zone:
            raise UserError(
                f"The time zone {zone!r} is unknown.", "Use a name like Europe/Oslo or an offset like +02:00."
            )
        moment = moment.replace(tzinfo=info) if info is not None else moment.astimezone()
    offset = moment.strftime("%z")
    zone = zone or f"{offset[:3]}:{offset[3:5]}"
    return Clock(
        start_iso=moment.isoformat(timespec="milliseconds"),
        zone=zone,
        zone_assumed=assumed,
        origin="file time",
        uncertainty_s=TYPICAL_UNCERTAINTY_S["file time"],
    )


def parse_iso(text: str) -> datetime | None:
    """An ISO date and time, the last `Z` and nanoseconds tolerated; None when it is not one (or absurd)."""
    # Python's parser takes at most microseconds
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # years outside are unset clocks and damaged fields
    return moment if 1970 <= moment.year <= 2200 else None


def zone_info(zone: str) -> timezone | ZoneInfo | None:
    """A zone from an IANA name, `UTC`, `CET` or `+hh:mm`; None when unknown."""
    zone = (zone or "").strip()
    match = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", zone)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes >= 24 * 60:
            return None
        return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))
    if zone.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if not zone:
        return None
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return None


def iso_of(date: object, clock: object = "") -> str:
    """ISO 8601 from a date and a time of day as programs write them; empty when they cannot be understood."""
    day = _first(str(date or "").strip(), DATE_FORMATS)
    if day is None or not 1970 <= day.year <= 2200:
        whole = parse_iso(str(date or ""))
        return whole.isoformat() if whole is not None else ""
    hour = _first(str(clock or "").strip(), CLOCK_FORMATS)
    if hour is None:
        return day.date().isoformat() + "T00:00:00" if not str(clock or "").strip() else ""
    return datetime.combine(day.date(), hour.time()).isoformat()


def _first(text: str, formats: tuple[str, ...]) -> datetime | None:
    # newer locales put a narrow no-break space before AM and PM
    text = text.replace("\u202f", " ")
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def iso_of_epoch(seconds: float) -> str:
    """ISO 8601 in UTC from seconds since 1970; empty for 0, nonsense and overflow."""
    # below one day it is a clock that was never set
    if not math.isfinite(seconds) or not 86400 < seconds < 7.2e9:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
