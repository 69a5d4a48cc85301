"""The time of every row: from elapsed seconds, durations, dates, times of day, day numbers: whatever the table has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.formats.text.numbers import numbers
from tandem_em.formats.text.settings import TextSettings
from tandem_em.formats.text.stamps import (
    Order,
    epoch_seconds,
    parse_clock,
    parse_duration,
    parse_stamp,
    parse_zone,
)

EPOCH = datetime(1970, 1, 1)
# LabVIEW counts seconds from 1904, Unix from 1970
LABVIEW_TO_UNIX_S = 2082844800.0
ABSOLUTE_KINDS = ("stamp", "epoch", "labview", "excel")


@dataclass(frozen=True)
class Start:
    """The absolute time of device second 0. `when` is naive when the file names no zone."""

    when: datetime
    resolution_s: float
    said_by: str


class TimeReader:
    """Device seconds of the rows of one table, remembering what the rows before said (start, midnight)."""

    def __init__(self, settings: TextSettings) -> None:
        self.settings = settings
        self.order: Order = settings.date_order  # type: ignore[assignment]
        self.mode, self.indices = _source(settings)
        self.start: Start | None = None
        self._first: float | None = None
        self._since_s = 0.0
        """Taken off all stamps so that their small digits survive."""
        self._last_clock = -1.0
        self._days = 0.0
        self._rows = 0
        self._steps_s = 0.0
        """What the steps before took, where the time begins again in every step."""
        self._last_s = 0.0
        self._looked_for_start = False

    @property
    def is_plain(self) -> bool:
        """Whether the times are ordinary numbers, to be read like any column."""
        if self.mode == "elapsed":
            return self._looked_for_start and self.settings.columns[self.indices[0]].kind == "number"
        return self.mode == "rows"

    def from_numbers(self, table: Floats, count: int) -> Floats:
        """Times of rows whose time column was read as numbers (or that have none: they are counted)."""
        if self.mode == "rows":
            times = np.arange(self._rows, self._rows + count, dtype=np.float64)
        else:
            column = self.settings.columns[self.indices[0]]
            times = self._continued(table[:, 0] * column.factor + column.offset)
        self._rows += count
        return times

    def from_fields(self, rows: Sequence[Sequence[str]]) -> Floats:
        """Times of rows of text fields; NaN where a row says none."""
        if not rows:
            return np.empty(0)
        if self.mode == "rows":
            return self.from_numbers(np.empty((len(rows), 0)), len(rows))
        self._rows += len(rows)
        # seconds since 1970 as float64 are known to a quarter of a microsecond only
        if self.mode != "elapsed" and self._first is None:
            self._choose_since(rows[0])
        times = self._read(self.mode, self.indices, rows)
        if self.mode == "elapsed":
            times = self._continued(times)
            self._find_start(rows, times)
            return times
        if self.mode == "clock":
            times = self._unwrapped(times)
        if self._first is None and np.isfinite(times).any():
            k = int(np.argmax(np.isfinite(times)))
            self._first = float(times[k])
            self._start_from_row(rows[k], self._first)
        return times - (self._first or 0.0)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, mode: str, indices: Sequence[int], rows: Sequence[Sequence[str]]) -> Floats:
        if mode == "date+clock":
            return self._dated_clock(indices, rows)
        index = indices[0]
        column = self.settings.columns[index]
        fields = [row[index] if index < len(row) else "" for row in rows]
        if column.kind == "duration":
            return np.array([_or_nan(parse_duration(text)) for text in fields])
        if column.kind == "clock":
            seconds = np.array([_or_nan((parse_clock(text) or (None,))[0]) for text in fields])
            return seconds + self._fraction(rows)
        if column.kind in ("stamp", "date"):
            return np.array([_or_nan(epoch_seconds(text, self.order, self._since_s)) for text in fields])
        values, _ = numbers(fields, self.settings.decimal)
        if column.kind == "excel":
            # day 25569 of the spreadsheet is 1970-01-01
            return (values - 25569.0) * 86400.0
        if column.kind == "labview":
            return values - LABVIEW_TO_UNIX_S
        # taken off in the column's own unit, before its large numbers lose their last digits
        return (values - self._since_s / column.factor) * column.factor + column.offset

    def _choose_since(self, row: Sequence[str]) -> None:
        """A round number of seconds just before the first stamp."""
        seconds = self._read(self.mode, self.indices, [row])[0]
        if self.mode in ("stamp", "epoch", "date+clock") and np.isfinite(seconds):
            self._since_s = float(np.floor(seconds / 86400.0) * 86400.0)

    def _dated_clock(self, indices: Sequence[int], rows: Sequence[Sequence[str]]) -> Floats:
        date_index, clock_index = indices[:2]
        out = np.full(len(rows), np.nan)
        for i, row in enumerate(rows):
            if len(row) > max(date_index, clock_index):
                midnight = epoch_seconds(row[date_index].strip(), self.order, self._since_s)
                clock = parse_clock(row[clock_index].strip())
                if midnight is not None and clock is not None:
                    out[i] = midnight + clock[0]
        return out + self._fraction(rows)

    def _fraction(self, rows: Sequence[Sequence[str]]) -> Floats | float:
        index = self.settings.column("fraction")
        if index < 0:
            return 0.0
        values, _ = numbers([row[index] if index < len(row) else "" for row in rows], self.settings.decimal)
        return np.nan_to_num(values * self.settings.columns[index].factor)

    def _continued(self, times: Floats) -> Floats:
        """Times that begin again in every step, one step after the other."""
        if not self.settings.time_restarts:
            return times
        out = np.empty_like(times)
        for i, value in enumerate(times):
            # to half or less: small steps back are jitter of the clock
            if value < self._last_s and value <= 0.5 * self._last_s:
                self._steps_s += self._last_s
            if np.isfinite(value):
                self._last_s = float(value)
            out[i] = value + self._steps_s
        return out

    def _unwrapped(self, seconds: Floats) -> Floats:
        """Times of day across midnight: a step back by more than half a day is the next day."""
        out = np.empty_like(seconds)
        for i, value in enumerate(seconds):
            if np.isfinite(value):
                # half a day: a sample that is a moment early is no next day
                if self._last_clock >= 0 and value < self._last_clock - 43200:
                    self._days += 86400.0
                self._last_clock = float(value)
            out[i] = value + self._days
        return out

    def _find_start(self, rows: Sequence[Sequence[str]], times: Floats) -> None:
        """The date beside the first elapsed time tells when second 0 was."""
        if self._looked_for_start or not np.isfinite(times).any():
            return
        self._looked_for_start = True
        k = int(np.argmax(np.isfinite(times)))
        for mode, indices in _absolute_sources(self.settings):
            seconds = self._read(mode, indices, rows[k : k + 1])[0]
            if np.isfinite(seconds):
                self._start_from_row(rows[k], float(seconds), mode, indices, float(times[k]))
                return
        clock = next((i for i, c in enumerate(self.settings.columns) if c.kind == "clock"), -1)
        if clock >= 0:
            found = parse_clock(rows[k][clock]) if clock < len(rows[k]) else None
            if found is not None:
                self._start_from_header_date(found[0] - float(times[k]), found[1])

    def _start_from_row(
        self,
        row: Sequence[str],
        seconds: float,
        mode: str = "",
        indices: Sequence[int] = (),
        elapsed: float = 0.0,
    ) -> None:
        mode, indices = mode or self.mode, indices or self.indices
        column = self.settings.columns[indices[0]]
        if mode == "clock":
            self._start_from_header_date(seconds)
            return
        try:
            when = EPOCH + timedelta(seconds=self._since_s) + timedelta(seconds=seconds - elapsed)
        except OverflowError:  # a number that is no date: nobody knows when it began
            return
        text = row[indices[0]]
        resolution = 1.0
        if mode == "date+clock":
            clock = parse_clock(row[indices[1]])
            resolution = clock[1] if clock else 60.0
        elif column.kind in ("stamp", "date"):
            stamp = parse_stamp(text, self.order)
            resolution = stamp.resolution_s if stamp else 1.0
            zone = parse_zone(text)
            if zone is not None:
                when = when.replace(tzinfo=UTC).astimezone(zone)
        elif column.kind == "excel":
            resolution = 86400.0 * _last_digit(text, self.settings.decimal)
        else:
            when = when.replace(tzinfo=UTC)
            resolution = min(1.0, column.factor * _last_digit(text, self.settings.decimal))
        self.start = Start(when, resolution, f"column {column.name!r}")

    def _start_from_header_date(self, seconds: float, resolution_s: float = 1.0) -> None:
        stamp = parse_stamp(self.settings.start, self.order) if self.settings.start else None
        if stamp is None:
            return
        midnight = stamp.when.replace(hour=0, minute=0, second=0, microsecond=0)
        self.start = Start(midnight + timedelta(seconds=seconds), resolution_s, "the date above the table")


def _source(settings: TextSettings) -> tuple[str, list[int]]:
    """Which columns say the time, best first: elapsed, date and time in one, date beside clock, clock, none."""
    for index, column in enumerate(settings.columns):
        if column.quantity == "time" and column.kind in ("number", "duration"):
            return "elapsed", [index]
    for index, column in enumerate(settings.columns):
        if column.quantity == "time" and column.kind in ABSOLUTE_KINDS:
            return column.kind, [index]
    absolute = _absolute_sources(settings)
    # day numbers of spreadsheets are often rounded to the second: others come first
    precise = [each for each in absolute if each[0] != "excel"]
    if precise or absolute:
        return (precise or absolute)[0]
    clock = next((i for i, c in enumerate(settings.columns) if c.kind == "clock"), -1)
    return ("clock", [clock]) if clock >= 0 else ("rows", [])


def _absolute_sources(settings: TextSettings) -> list[tuple[str, list[int]]]:
    kinds = {kind: [i for i, c in enumerate(settings.columns) if c.kind == kind and c.quantity != "skip"]
             for kind in (*ABSOLUTE_KINDS, "date", "clock")}  # fmt: skip
    found = [(kind, [kinds[kind][0]]) for kind in ("stamp", "epoch", "labview") if kinds[kind]]
    if kinds["date"] and kinds["clock"]:
        found.append(("date+clock", [kinds["date"][0], kinds["clock"][0]]))
    elif kinds["date"]:
        found.append(("stamp", [kinds["date"][0]]))
    return found + ([("excel", [kinds["excel"][0]])] if kinds["excel"] else [])


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _last_digit(text: str, decimal: str) -> float:
    """What the last digit of a number is worth."""
    return float(10.0 ** -len(text.strip().partition(decimal)[2]))
