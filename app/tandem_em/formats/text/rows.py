"""Complete lines into times and SI columns, with a tally of everything that was left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.core.texts import counted
from tandem_em.formats.text.fields import split_line
from tandem_em.formats.text.labels import STEPPED, read_label
from tandem_em.formats.text.numbers import MISSING, OVERFLOW, block, is_number, numbers
from tandem_em.formats.text.odd_rows import (
    NO_ROW_NUMBER,
    OTHER_TABLE,
    STATISTICS,
    WORDS,
    LeftOut,
    is_summary,
    is_word,
    plain_field,
    same_fields,
)
from tandem_em.formats.text.settings import TextSettings
from tandem_em.formats.text.times import TimeReader

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
    odd: LeftOut = field(default_factory=LeftOut)
    unreadable: int = 0
    unreadable_example: str = ""
    untimed: int = 0
    overflow: int = 0
    zeros: int = 0
    cut: str = ""
    cut_field: str = ""
    made_negative: int = 0

    @property
    def left_out(self) -> int:
        """Lines in the table that are no samples."""
        return self.short + self.odd.count + self.untimed + self.zeros

    def short_sentence(self, name: str) -> str:
        """How many incomplete rows were left out, with the first one as example."""
        return (
            f"{name}: {counted(self.short, 'incomplete row')} left out (the first: {self.short_example!r})."
        )

    def left_out_sentences(self, name: str) -> list[str]:
        """Which lines are no samples and why, for a table that is still growing."""
        found = [self.short_sentence(name)] if self.short else []
        found += self.odd.sentences(name)
        return found + (
            [f"{name}: {counted(self.untimed, 'row')} without a time left out."] if self.untimed else []
        )


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
        self.last_is_filled = False
        """This format leaves no last field empty: a row that ends with a separator and is no longer lacks a field."""
        self._state = settings.column("state")
        self._units = {i for i, c in enumerate(settings.columns) if c.kind == "unit"}
        self._row_numbers = [i for i, c in enumerate(settings.columns) if c.kind == "index"]
        self._tags = {i: plain_field(c.name) for i, c in enumerate(settings.columns) if c.kind == "tag"}
        self._headings = self.split(self.header) if self.header else []
        first = settings.columns[0].kind if settings.columns else "skip"
        self._begins_with_number = first not in ("skip", "state", "unit", "tag")
        self._shapes: dict[int, set[tuple[int, int]]] = {}
        self._recent: list[list[str]] = []

    def split(self, line: str) -> list[str]:
        """The fields of a line as the settings divide it."""
        return split_line(line, self.settings.separator)

    def is_complete(self, fields: Sequence[str]) -> bool:
        """Whether a row has all its fields, so that each stands in its own column."""
        count = len(fields)
        if count not in self.counts:
            return False
        if count - 1 in self.counts and not self._heading(count - 1):
            return not fields[-1].strip()  # the separator at its end, and nothing behind it
        if (self.last_is_filled or count + 1 in self.counts) and not fields[-1].strip():
            return False
        return count == self.counts[-1] or self._is_aligned(fields)

    def _heading(self, index: int) -> str:
        return self.settings.columns[index].name.strip() if index < len(self.settings.columns) else ""

    def _is_aligned(self, fields: Sequence[str]) -> bool:
        """Whether a row that is shorter than others has numbers where they have them."""
        wanted = [info.index for info in self.columns if info.index < len(fields)]
        decimal = self.settings.decimal
        return all(is_number(fields[i], decimal) or plain_field(fields[i]).lower() in MISSING for i in wanted)

    def oddity(self, fields: Sequence[str]) -> str:
        """Why a complete row is no sample of this table; empty when it is one."""
        decimal = self.settings.decimal
        if any(i < len(fields) and plain_field(fields[i]) != tag for i, tag in self._tags.items()):
            return OTHER_TABLE
        if is_summary(fields, self._begins_with_number) and not self._says_state(fields):
            return STATISTICS
        if any(i < len(fields) and is_word(fields[i], decimal) for i in self._row_numbers):
            return NO_ROW_NUMBER
        return WORDS if self._has_only_words(fields) else ""

    def _says_state(self, fields: Sequence[str]) -> bool:
        """Tables may begin with a column of words in which anything can stand."""
        return 0 <= self._state < len(fields) and bool(fields[self._state].strip()) and not any(
            text.strip() for text in fields[: self._state]
        )  # fmt: skip

    def _has_only_words(self, fields: Sequence[str]) -> bool:
        """Headings in other words, units: no number in any column of numbers, and no time."""
        decimal = self.settings.decimal
        if any(re.search(r"\d", fields[i]) for i in self.times.indices if i < len(fields)):
            return False
        wanted = [fields[info.index] for info in self.columns if info.index < len(fields)]
        return any(is_word(text, decimal) for text in wanted) and not any(
            is_number(text, decimal) for text in wanted
        )

    def read(self, lines: Sequence[str]) -> Rows:
        """All samples in these complete lines."""
        segments: list[int] = []
        kept: list[str] = []
        for line in lines:
            # zeros are left by a crash of the computer that wrote the log
            if "\x00" in line:
                self.tally.zeros += 1
            elif line.strip(" \t\r" + self.settings.separator):
                # the heading again: the instrument was started anew, nothing joins across it
                if self.header and line.strip() == self.header:
                    segments.append(len(kept))
                elif not line.startswith("#"):
                    kept.append(line)
        rows = self._fast(kept) if not segments else None
        if rows is None:
            rows = (
                self._slow(kept, segments)
                # the first rows say the start; only from the second portion on can the fast way be tried
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
        is_as_long = not self._recent or len(fields) == len(self._recent[-1])
        if "\x00" in line or not is_as_long or not self.is_complete(fields):
            self.tally.cut = line.strip()[:80]
            return None
        at_last = next((info for info in self.columns if info.index == last), None)
        if at_last is None and last not in self.times.indices:
            return self.read([line])
        if self._is_whole_number(fields):
            return self.read([line])
        # a cut voltage or current looks like a measured one: better no sample than a wrong one
        if at_last is None or at_last.key in ("voltage", "current") or not self.rows_read:
            self.tally.cut = line.strip()[:80]
            return None
        self.tally.cut_field = at_last.label
        return self.read([line[: len(line) - len(fields[-1])] + "nan"])

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
            # three lines are enough to see quotes; the block fails where others have them
            or any('"' in line for line in lines[:3])
        ):
            return None
        wanted = [*self.times.indices, *(info.index for info in self.columns), *self._row_numbers]
        if not self._are_all_like(lines, wanted):
            return None
        table = block(lines, self.settings.separator, self.settings.decimal, wanted, self.counts)
        if table is None:
            return None
        self.tally.last_line_is_short = False
        skip = len(self.times.indices)
        times = self.times.from_numbers(table[:, :skip], len(lines))
        columns = [table[:, skip + i] for i in range(len(self.columns))]
        return self._finish(times, columns, [])

    def _are_all_like(self, lines: list[str], wanted: Sequence[int]) -> bool:
        """Whether nothing but samples can be in these lines once the wanted columns hold numbers."""
        if self._tags or not self._end_alike(lines):
            return False
        if 0 in wanted:
            return True  # a word in front of a row is no number
        return not any(is_summary(self.split(line), self._begins_with_number) for line in lines)

    def _end_alike(self, lines: list[str]) -> bool:
        """Whether all lines have as many fields as each other, and their ends are those of complete rows."""
        separator = self.settings.separator
        if len(self.counts) == 1 and not self.last_is_filled:
            return True  # the block is checked for this one number
        lengths = {len(line.split()) if separator == " " else line.count(separator) + 1 for line in lines}
        if len(lengths) != 1:
            return False
        count = lengths.pop()
        ends = {line.rstrip(" \r").endswith(separator) for line in lines}
        if count - 1 in self.counts and not self._heading(count - 1):
            return ends == {True}
        return ends == {False} or not (self.last_is_filled or count + 1 in self.counts)

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
            if same_fields(fields, self._headings):
                starts.append(len(split))
            elif is_summary(fields, self._begins_with_number) and not self._says_state(fields):
                self.tally.odd.add(STATISTICS, line)
            elif self.is_complete(fields):
                if reason := self.oddity(fields):
                    self.tally.odd.add(reason, line)
                else:
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
            # infinite values would spoil every axis and mean
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
            # segments count the samples that remain
            starts = [int(np.count_nonzero(timed[:s])) for s in starts]
            times, values = times[timed], {key: v[timed] for key, v in values.items()}
        return Rows(times, values, starts)

    def _remember(self, lines: list[str]) -> None:
        """How the numbers of the last rows are written, per column."""
        rows = [
            fields
            for fields in map(self.split, lines)
            if self.is_complete(fields) and not self.oddity(fields)
        ]
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
