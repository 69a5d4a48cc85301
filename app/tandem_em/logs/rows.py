"""Complete lines into times and SI columns, with a tally of everything that was left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tandem_em.logs.fields import split_line
from tandem_em.logs.labels import STEPPED, read_label
from tandem_em.logs.numbers import OVERFLOW, block, is_number, numbers
from tandem_em.logs.settings import TextSettings
from tandem_em.logs.times import TimeReader

Floats = NDArray[np.float64]
FIRST = 16
"""How many rows are read with care before the fast way is tried."""
NOT_VALUES = ("skip", "time", "datetime", "date", "clock", "fraction", "state", "unit")
DISCHARGE = re.compile(
    r"^\s*(d|dis\w*|dchg?\w*|.*[ _]d(is)?(chg|charge|ch)\b.*|cc[ _-]?d\w*|discharg\w*|.*放电.*)\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ColumnInfo:
    """A column as it comes out: `key` is its quantity, or its heading when nobody knows what it means."""

    key: str
    unit: str
    label: str
    is_step: bool
    index: int
    factor: float
    offset: float


@dataclass
class Tally:
    """What was left out or doubtful while reading one table."""

    short: int = 0
    short_example: str = ""
    last_line_is_short: bool = False
    unreadable: int = 0
    unreadable_example: str = ""
    untimed: int = 0
    overflow: int = 0
    zeros: int = 0
    cut: str = ""
    cut_field: str = ""
    made_negative: int = 0


@dataclass
class Rows:
    """Samples: device seconds and the columns, aligned. `segments`: numbers of samples before which a new stretch begins."""

    times: Floats
    values: dict[str, Floats]
    segments: list[int] = field(default_factory=list)


def joined(parts: Sequence[Rows]) -> Rows:
    """Portions of one table as one; all have the same columns."""
    if len(parts) == 1:
        return parts[0]
    starts: list[int] = []
    before = 0
    for part in parts:
        starts += [before + s for s in part.segments]
        before += len(part.times)
    keys = parts[0].values if parts else {}
    values = {key: np.concatenate([part.values[key] for part in parts]) for key in keys}
    return Rows(np.concatenate([part.times for part in parts]) if parts else np.empty(0), values, starts)


def column_infos(settings: TextSettings) -> list[ColumnInfo]:
    """The columns that carry values, each under a key of its own."""
    infos: list[ColumnInfo] = []
    taken: set[str] = set()
    for index, column in enumerate(settings.columns):
        if column.kind != "number" or column.quantity in NOT_VALUES:
            continue
        base = column.quantity or read_label(column.name).name or f"column {index + 1}"
        key, number = base, 2
        while key in taken:
            key, number = f"{base} {number}", number + 1
        taken.add(key)
        is_step = column.is_step or column.quantity in STEPPED
        infos.append(ColumnInfo(key, column.unit, column.name, is_step, index, column.factor, column.offset))
    return infos


class RowReader:
    """Turns the lines of one table into Rows. Lines may come in portions of any size."""

    def __init__(self, settings: TextSettings, header: str = "") -> None:
        self.settings = settings
        self.header = header.strip()
        self.columns = column_infos(settings)
        self.tally = Tally()
        self.times = TimeReader(settings)
        self.rows_read = 0
        self.counts = sorted(set(settings.field_counts or [len(settings.columns)]))
        self._state = settings.column("state")
        self._units = {i for i, c in enumerate(settings.columns) if c.kind == "unit"}
        self._shapes: dict[int, set[tuple[int, int]]] = {}
        self._recent: list[list[str]] = []

    def split(self, line: str) -> list[str]:
        return split_line(line, self.settings.separator)

    def read(self, lines: Sequence[str]) -> Rows:
        """All samples in these complete lines."""
        segments: list[int] = []
        kept: list[str] = []
        for line in lines:
            if "\x00" in line:
                self.tally.zeros += 1
            elif line.strip(" \t\r" + self.settings.separator):
                if self.header and line.strip() == self.header:
                    segments.append(len(kept))
                elif not line.startswith("#"):
                    kept.append(line)
        rows = self._fast(kept) if not segments else None
        if rows is None:
            rows = (
                self._slow(kept, segments)
                if len(kept) < 2 * FIRST or self.rows_read
                else self._begin(kept, segments)
            )
        self._remember(kept[-50:])
        self.rows_read += len(rows.times)
        return rows

    def read_last(self, line: str) -> Rows | None:
        """The last line of a file that has no line end: a sample only as far as it can be no fragment."""
        fields = self.split(line)
        last = len(fields) - 1
        if len(fields) not in self.counts or "\x00" in line:
            self.tally.cut = line.strip()[:80]
            return None
        at_last = next((info for info in self.columns if info.index == last), None)
        if at_last is None and last not in self.times.indices:
            return self.read([line])
        if self._is_whole_number(fields):
            return self.read([line])
        if at_last is None or at_last.key in ("voltage", "current") or not self.rows_read:
            self.tally.cut = line.strip()[:80]
            return None
        self.tally.cut_field = at_last.label
        return self.read([line[: len(line) - len(fields[-1])]])

    def is_whole(self, line: str) -> bool:
        """Whether a line of a growing file is complete without its line end. More may come: no doubt is allowed."""
        fields = self.split(line) or [""]
        length = len(_unsigned(fields[-1]))
        recent = self._recent[-5:]
        alike = all(len(row) == len(fields) and len(_unsigned(row[-1])) == length for row in recent)
        if len(recent) < 3 or not alike or "\x00" in line:
            return False
        last = len(fields) - 1
        is_number = last in self.times.indices or any(info.index == last for info in self.columns)
        return not is_number or self._is_whole_number(fields)

    def _is_whole_number(self, fields: Sequence[str]) -> bool:
        """Whether the last field cannot be cut: the table writes every column with a fixed number of digits."""
        shape = _shape(fields[-1])
        if shape[0] > 2 and shape in {_shape(f) for f in fields[:-1]}:
            return True  # an exponent as long as those of its neighbours
        seen = [shapes for shapes in self._shapes.values() if shapes]
        fixed = len(self._recent) >= 2 and all(len(shapes) == 1 for shapes in seen)
        if fixed and shape > (0, 0) and shape in self._shapes.get(len(fields) - 1, set()):
            return True
        before = [_digits(row[-1]) for row in self._recent]
        exponents = {_shape(row[-1])[0] for row in self._recent} | {shape[0]}
        return (
            len(before) >= 3
            and len(exponents) == 1
            and shape > (0, 0)
            and _digits(fields[-1]) >= max(4, *before)
        )

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _fast(self, lines: list[str]) -> Rows | None:
        """At C speed, when all that is needed are plain numbers."""
        if (
            self._state >= 0
            or self._units
            or not self.times.is_plain
            or any('"' in line for line in lines[:3])
        ):
            return None
        wanted = [*self.times.indices, *(info.index for info in self.columns)]
        table = block(lines, self.settings.separator, self.settings.decimal, wanted, self.counts)
        if table is None:
            return None
        self.tally.last_line_is_short = False
        skip = len(self.times.indices)
        times = self.times.from_numbers(table[:, :skip], len(lines))
        columns = [table[:, skip + i] for i in range(len(self.columns))]
        return self._finish(times, columns, [])

    def _begin(self, lines: list[str], segments: list[int]) -> Rows:
        """The first rows say when the start was; what follows may then go fast."""
        head = self._slow(lines[:FIRST], [s for s in segments if s < FIRST])
        later = [s - FIRST for s in segments if s >= FIRST]
        tail = (self._fast(lines[FIRST:]) if not later else None) or self._slow(lines[FIRST:], later)
        return joined([head, tail])

    def _slow(self, lines: list[str], segments: list[int]) -> Rows:
        split: list[list[str]] = []
        starts: list[int] = []
        for number, line in enumerate(lines):
            if number in segments:
                starts.append(len(split))
            fields = self.split(line)
            if len(fields) in self.counts:
                split.append(fields)
                self.tally.last_line_is_short = False
            else:
                self.tally.short += 1
                self.tally.short_example = self.tally.short_example or line.strip()[:80]
                self.tally.last_line_is_short = True
        starts += [len(split) for s in segments if s >= len(lines)]
        times = self.times.from_fields(split)
        columns = [self._column(split, info) for info in self.columns]
        return self._finish(times, self._signed(columns, split), starts)

    def _column(self, split: list[list[str]], info: ColumnInfo) -> Floats:
        fields = [row[info.index] if info.index < len(row) else "" for row in split]
        values, bad = numbers(fields, self.settings.decimal)
        if bad:
            self.tally.unreadable += bad
            if not self.tally.unreadable_example:
                missing = np.flatnonzero(np.isnan(values))
                self.tally.unreadable_example = next(
                    (
                        fields[i].strip()[:30]
                        for i in missing
                        if numbers([fields[i]], self.settings.decimal)[1]
                    ),
                    "",
                )
        return values

    def _signed(self, columns: list[Floats], split: list[list[str]]) -> list[Floats]:
        """Some cyclers write the current without its sign and say `D` beside it."""
        if self._state < 0:
            return columns
        falling = np.array(
            [bool(DISCHARGE.match(row[self._state])) if self._state < len(row) else False for row in split]
        )
        for info, values in zip(self.columns, columns):
            if info.key == "current" and len(values):
                wrong = falling & (values * info.factor > 0)
                self.tally.made_negative += int(wrong.sum())
                values[wrong] *= -1
        return columns

    def _finish(self, times: Floats, columns: list[Floats], starts: list[int]) -> Rows:
        values: dict[str, Floats] = {}
        for info, raw in zip(self.columns, columns):
            raw = np.where(np.isinf(raw), np.nan, raw)
            over = np.abs(raw) > OVERFLOW
            if over.any():
                self.tally.overflow += int(over.sum())
                raw = np.where(over, np.nan, raw)
            changed = info.factor != 1.0 or info.offset != 0.0
            values[info.key] = raw * info.factor + info.offset if changed else raw
        timed = np.isfinite(times)
        if not timed.all():
            self.tally.untimed += int((~timed).sum())
            starts = [int(np.count_nonzero(timed[:s])) for s in starts]
            times, values = times[timed], {key: v[timed] for key, v in values.items()}
        return Rows(times, values, starts)

    def _remember(self, lines: list[str]) -> None:
        """How the numbers of the last rows are written, per column."""
        rows = [fields for fields in map(self.split, lines) if len(fields) in self.counts]
        self._recent = (self._recent + rows)[-50:]
        for fields in rows:
            for index, text in enumerate(fields):
                if is_number(text, self.settings.decimal):
                    self._shapes.setdefault(index, set()).add(_shape(text))


def _digits(text: str) -> int:
    """Significant digits of a number."""
    return len(re.sub(r"\D", "", text.lower().partition("e")[0]).lstrip("0"))


def _shape(text: str) -> tuple[int, int]:
    """Decimals and digits of the exponent: a fragment of a number has fewer than its neighbours."""
    mantissa, _, exponent = text.strip().strip('"').lower().partition("e")
    decimals = re.split(r"[.,:]", mantissa)
    return len(exponent), len(decimals[-1]) if len(decimals) > 1 else 0


def _unsigned(text: str) -> str:
    return text.strip().lstrip("+-")
