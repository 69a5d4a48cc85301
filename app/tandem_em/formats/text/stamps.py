"""Dates and times as instruments write them: both orders of day and month, am/pm, names of months, zones, durations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

Order = Literal["YMD", "DMY", "MDY"]

MONTHS = {
    "jan": 1, "feb": 2, "fev": 2, "fév": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "avr": 4, "may": 5, "mai": 5, "maj": 5,
    "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "aoû": 8, "aou": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11,
    "dec": 12, "dez": 12, "déc": 12,
}  # fmt: skip
_NUMERIC = re.compile(r"(\d{1,4})\s*([-/.])\s*(\d{1,2})\s*\2\s*['’]?(\d{1,4})(?!\d)")
_NAMED = re.compile(r"(\d{1,2})[-/. ]{0,2}([^\W\d_]{3,9})\.?[-/., ]{1,2}['’]?(\d{4}|\d{2})(?!\d)")
_NAMED_US = re.compile(r"([^\W\d_]{3,9})\.? (\d{1,2}),? (?:at )?(\d{4})(?!\d)")
_NAMED_C = re.compile(r"([^\W\d_]{3}) +(\d{1,2}) (?=\d{1,2}:\d{2}:\d{2}.* (\d{4}))")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?=[T _-]\d{2}:?\d{2}|$)")
_CLOCK = re.compile(
    r"(?<![\d.:])(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,:](\d+))?)?\s*([ap])?(?:\.?m\.?)?(?![\d])",
    re.IGNORECASE,
)
_DOTTED_CLOCK = re.compile(r"(?<![\d.:])(\d{1,2})\.(\d{2})(?:\.(\d{2}))?\s*([ap])\.?m\.?", re.IGNORECASE)
_COMPACT_CLOCK = re.compile(r"[T _](\d{2})(\d{2})(\d{2})(?:[.,](\d+))?(?!\d)")
_ZONE = re.compile(r"(?:(Z|UTC|GMT)|([+-])(\d{2}):?(\d{2}))\s*\)?$")
_DURATION = re.compile(
    r"^\s*(-)?(?:(\d{1,9})\s*(?:d(?:ays?)?)[\s,]*|(\d{1,9})[.-](?=\d{1,2}:\d))?"
    r"(\d{1,9}):(\d{1,2})(?::(\d{1,2})(?:[.,:](\d+))?)?\s*$"
)


@dataclass(frozen=True)
class Stamp:
    """A point in time as written. `resolution_s` is what its last digit is worth."""

    when: datetime
    resolution_s: float
    has_clock: bool

    @property
    def has_zone(self) -> bool:
        """Whether the text itself names its zone."""
        return self.when.tzinfo is not None


def parse_date(text: str, order: Order = "MDY") -> date | None:
    """The date in a text, wherever it stands; None when there is none or it is no real day."""
    named = _NAMED.search(text)
    if named and named[2][:3].lower() in MONTHS:
        return _day(named[3], MONTHS[named[2][:3].lower()], int(named[1]))
    for pattern in (_NAMED_US, _NAMED_C):
        us = pattern.search(text)
        if us and us[1][:3].lower() in MONTHS:
            return _day(us[3], MONTHS[us[1][:3].lower()], int(us[2]))
    numeric = _NUMERIC.search(text)
    if numeric:
        first, middle, last = numeric[1], int(numeric[3]), numeric[4]
        if len(first) == 4:
            return _day(first, middle, int(last))
        if len(first) > 2 or len(last) == 3:
            return None
        if order == "YMD":
            return _day(first, middle, int(last))
        return _day(last, middle, int(first)) if order == "DMY" else _day(last, int(first), middle)
    compact = _COMPACT.search(text)
    return _day(compact[1], int(compact[2]), int(compact[3])) if compact else None


def _day(year_text: str, month: int, day: int) -> date | None:
    year = int(year_text)
    if len(year_text) <= 2:
        # two digits of the year: 70 to 99 are of the last century
        year += 2000 if year < 70 else 1900
    try:
        return date(year, month, day)
    except ValueError:
        return None


def parse_clock(text: str) -> tuple[float, float] | None:
    """Seconds since midnight and the resolution (s) of the time of day in a text."""
    match = _CLOCK.search(text)
    if match:
        hours, minutes, seconds, fraction, half = match.groups()
    else:
        dotted, compact = _DOTTED_CLOCK.search(text), _COMPACT_CLOCK.search(text)
        if dotted:
            hours, minutes, seconds, half = dotted.groups()
            fraction = None
        elif compact and (_COMPACT.search(text) or _NUMERIC.search(text)):
            hours, minutes, seconds, fraction = compact.groups()
            half = None
        else:
            return None
    # 24:00 and second 60 (a leap second) are written by some instruments
    hour = int(hours)
    if half and half.lower() == "p" and hour < 12:
        hour += 12
    elif half and half.lower() == "a" and hour == 12:
        hour = 0
    if hour > 24 or int(minutes) > 59 or (seconds and int(seconds) > 60):
        return None
    value = hour * 3600.0 + int(minutes) * 60.0 + (int(seconds) if seconds else 0)
    value += float(f"0.{fraction}") if fraction else 0.0
    return value, 10.0 ** -len(fraction) if fraction else (1.0 if seconds else 60.0)


def parse_zone(text: str) -> timezone | None:
    """The zone at the end of a stamp, None when it names none."""
    match = _ZONE.search(text.strip())
    if not match or not (_CLOCK.search(text) or _COMPACT_CLOCK.search(text)):
        return None
    if match[1]:
        return UTC
    ahead = timedelta(hours=int(match[3]), minutes=int(match[4]))
    if ahead >= timedelta(days=1):
        return None  # four digits behind a sign that are no zone
    return timezone(ahead if match[2] == "+" else -ahead)


def parse_stamp(text: str, order: Order = "MDY") -> Stamp | None:
    """Date and (if there) time of day and zone in one text."""
    day = parse_date(text, order)
    if day is None:
        return None
    rest = _without_date(text)
    clock = parse_clock(rest) or parse_clock(text)
    midnight = datetime(day.year, day.month, day.day, tzinfo=parse_zone(text))
    if clock is None:
        return Stamp(midnight, 86400.0, False)
    try:
        return Stamp(midnight + timedelta(seconds=clock[0]), clock[1], True)
    except OverflowError:  # the last second of the year 9999 and some more
        return None


def _without_date(text: str) -> str:
    for pattern in (_NAMED, _NAMED_US, _NUMERIC):
        match = pattern.search(text)
        if match:
            return text[: match.start()] + " " + text[match.end() :].lstrip("T:")
    return text


@lru_cache(maxsize=64)
def _midnight(text: str, order: Order) -> float | None:
    day = parse_date(text, order)
    return None if day is None else (day - date(1970, 1, 1)).days * 86400.0


_SPLIT = re.compile(r"^\s*(\S+)[T ]\s*(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?\s*$")


def epoch_seconds(text: str, order: Order = "MDY", since_s: float = 0.0) -> float | None:
    """Seconds since 1970 of a stamp, in its own zone when it has one, else as if it were UTC.

    `since_s` (a midnight) is taken off before the fraction of a second is added, which keeps its digits."""
    # the common form of a row: split once, its date looked up among the last ones
    quick = _SPLIT.match(text)
    if quick:
        midnight = _midnight(quick[1], order)
        if midnight is not None and int(quick[2]) < 24:
            seconds = int(quick[2]) * 3600 + int(quick[3]) * 60 + int(quick[4])
            return (midnight - since_s) + seconds + (float(f"0.{quick[5]}") if quick[5] else 0.0)
    stamp = parse_stamp(text, order)
    if stamp is None:
        return None
    when = stamp.when if stamp.has_zone else stamp.when.replace(tzinfo=UTC)
    return (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() - since_s


def parse_duration(text: str) -> float | None:
    """Seconds in `12:30:05.25`, `1d 02:03:04`, `0d 00:00:01.0000`, `1.02:03:04`, `-00:00:01`; None if it is none."""
    match = _DURATION.match(text)
    if not match:
        return None
    sign, days, dotted_days, first, second, third, fraction = match.groups()
    if third is None or int(second) > 59 or int(third) > 60:
        return None
    value = int(days or dotted_days or 0) * 86400.0 + int(first) * 3600.0 + int(second) * 60.0 + int(third)
    value += float(f"0.{fraction}") if fraction else 0.0
    return -value if sign else value


def find_order(texts: Sequence[str]) -> tuple[Order, bool]:
    """The order of day, month and year that fits all these dates, and whether they leave no doubt.

    When several orders fit, the one in which the dates follow each other most closely is taken; when that says
    nothing either, the habit behind the separator and am/pm.
    """
    triples = [m for m in (_NUMERIC.search(text) for text in dict.fromkeys(texts)) if m]
    # the year stands first: no doubt about the order of day and month
    if not triples or any(len(m[1]) == 4 for m in triples):
        return "YMD", True
    if any(re.search(r"\d/\d+/\s*['’]\d", text) for text in texts):
        return "DMY", True  # 16/04/'15
    orders: tuple[Order, ...] = ("MDY", "DMY") if _habit(triples, texts) == "MDY" else ("DMY", "MDY")
    fitting = [order for order in orders if all(parse_date(m[0], order) for m in triples)]
    if not fitting and all(parse_date(m[0], "YMD") for m in triples):
        return "YMD", True
    if len(fitting) < 2:
        return (fitting[0], True) if fitting else (orders[0], False)
    disorder = {order: _disorder(texts, order) for order in fitting}
    best = min(fitting, key=lambda order: disorder[order])
    same_day = all(m[1].lstrip("0") == str(int(m[3])) for m in triples)
    # three times less wandering is taken for certain
    return best, same_day or min(disorder.values()) * 3 < max(disorder.values())


def _habit(triples: Sequence[re.Match[str]], texts: Sequence[str]) -> Order:
    separator = triples[0][2]
    if separator == "/" or any(re.search(r"\d\s*[ap]\.?m\b", text, re.IGNORECASE) for text in texts):
        return "MDY" if separator != "." else "DMY"
    return "DMY"


def _disorder(texts: Sequence[str], order: Order) -> float:
    """Days walked from each date to the next: the true order of a log wanders least."""
    days = [d.toordinal() for d in (parse_date(text, order) for text in texts) if d]
    # backwards counts three times: a log seldom goes back
    return float(sum(abs(b - a) * (3 if b < a else 1) for a, b in itertools.pairwise(days)))
