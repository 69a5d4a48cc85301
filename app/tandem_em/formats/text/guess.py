"""What a delimited text looks like: separator, decimal mark, header, units, columns, dates. Every doubt is put in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tandem_em.formats.text.fields import split_line as split
from tandem_em.formats.text.guess_columns import guess_columns
from tandem_em.formats.text.headings import as_columns, counts_of, headings_of, uncommented
from tandem_em.formats.text.numbers import is_number
from tandem_em.formats.text.odd_rows import is_summary, plain_field, tag_of
from tandem_em.formats.text.settings import NO_VALUES, TextSettings
from tandem_em.formats.text.stamps import parse_clock, parse_date, parse_duration, parse_stamp
from tandem_em.formats.text.units import parse_unit

SEPARATORS = ("\t", ";", ",", "|", " ")
# rows that are looked at: what they have in common is the shape of the table
SAMPLE_ROWS = 200
DECIMAL_COMMA_OF_SECONDS = re.compile(r"(\d:\d\d:\d\d),(?=\d)")


class NoTableError(ValueError):
    """There is no table here (`header_only`: there is a heading, but no row below it)."""

    def __init__(self, message: str, header_only: bool = False) -> None:
        super().__init__(message)
        self.header_only = header_only


@dataclass(frozen=True)
class Shape:
    """How the lines fall into fields."""

    separator: str
    decimal: str
    count: int
    score: float


def guess_text(lines: Sequence[str], encoding: str = "utf-8", later: Sequence[str] = ()) -> TextSettings:
    """Settings for the table in these complete lines (the beginning of a file). Raises NoTableError.

    `later`: some lines from further on, in which dates may leave less doubt about their order."""
    filled = [i for i, line in enumerate(lines) if line.strip(" \t\r;,|") and "\x00" not in line]
    if not filled:
        raise NoTableError("there is no text in it")
    shape = find_shape([lines[i] for i in filled[-SAMPLE_ROWS:]])
    if shape is None:
        raise NoTableError("its lines do not fall into columns", _looks_like_heading(lines[filled[-1]]))
    body = _body(lines, filled, shape)
    header, units = _header_rows(lines, filled, body[0], shape)
    rows = [split(lines[i], shape.separator) for i in body[:SAMPLE_ROWS]]
    heading_line = lines[header] if header >= 0 else ""
    counts = counts_of(rows, shape.count, heading_line, shape.separator)
    rows = [row for row in rows if len(row) in counts]
    if not rows:
        raise NoTableError("its rows are not alike", True)
    settings = TextSettings(
        shape.separator, shape.decimal, encoding, header, units, _first_row(lines, header, units, body[0], shape),
        field_counts=counts,
    )  # fmt: skip
    heads = headings_of(heading_line, shape.separator, max(counts), rows)
    if (
        heads.surplus
        and shape.separator == ","
        and shape.decimal == "."
        and _has_no_points(rows)
        and '"' not in lines[body[0]]
    ):
        raise NoTableError("its rows have more fields than it has headings (decimal commas between commas?)")
    names = heads.names
    unit_texts = headings_of(lines[units] if units >= 0 else "", shape.separator, max(counts), rows).names
    tag = tag_of(names[0], rows)
    rows = [row for row in rows if not tag or plain_field(row[0]) == tag]
    above = [lines[i] for i in filled if i < (header if header >= 0 else body[0])]
    settings.meta = _meta(above, shape.separator)
    settings.start = find_start(above, shape.separator)
    further = [
        row if len(row) in counts else row[:-1]
        for row in (split(line, shape.separator) for line in later)
        if not is_summary(row) and (not tag or plain_field(row[0]) == tag)
    ]
    guess_columns(settings, names, unit_texts, rows, above, further)
    if tag:
        settings.columns[0].kind, settings.columns[0].quantity = "tag", ""
    settings.guesses += heads.doubts
    if sum(_is_filled(column.kind, i, rows) for i, column in enumerate(settings.columns)) < 2:
        raise NoTableError("fewer than two of its columns hold numbers", header >= 0)
    if header < 0:
        if any(column.kind in NO_VALUES for column in settings.columns):
            raise NoTableError("it has no headings and not all of its columns are numbers")
        settings.guesses.insert(
            0, "There is no row of headings: the meaning of the columns was guessed from the numbers."
        )
    return settings


def _first_row(lines: Sequence[str], header: int, units: int, first: int, shape: Shape) -> int:
    """Statistics between headings and rows belong to the table: they are read, left out and counted."""
    between = range(max(header, units) + 1, first) if header >= 0 else range(0)
    return next((i for i in between if _is_summary(lines[i], lines[first], shape)), first)


def _is_summary(line: str, row: str, shape: Shape) -> bool:
    """Whether a line is a statistic beside a row of the table."""
    first = split(row, shape.separator)[0]
    return is_summary(
        split(line, shape.separator), not first.strip() or bool(_meaningful([first], shape.decimal))
    )


def _has_no_points(rows: Sequence[Sequence[str]]) -> bool:
    """Whole numbers and nothing else: they may be halves of numbers with a decimal comma."""
    return not any(re.search(r"\d\.\d", field) for row in rows for field in row)


def _is_filled(kind: str, index: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers or times at all."""
    return kind not in ("skip", "tag", "state", "unit") and any(
        index < len(row) and row[index].strip() for row in rows
    )


def find_shape(lines: Sequence[str]) -> Shape | None:
    """The separator and decimal mark with which most fields are numbers or times."""
    best: Shape | None = None
    for separator in SEPARATORS:
        # runs of spaces are the last resort: headings and dates contain single spaces
        if separator == " " and best is not None and (best.score > 0.5 or _mostly_tabs(lines)):
            continue
        split_lines = [split(line, separator) for line in lines]
        decimal = _decimal([fields for fields in split_lines if len(fields) > 1], separator)
        weights: Counter[int] = Counter()
        for fields in split_lines:
            if len(fields) > 1:
                weights[len(fields)] += _meaningful(fields, decimal)
        if not weights:
            continue
        count = max(weights, key=lambda n: (weights[n], n))
        begin = next(i for i, fields in enumerate(split_lines) if len(fields) == count)
        rows = [fields for fields in split_lines if len(fields) == count and _meaningful(fields, decimal)]
        filled = [field for row in rows for field in row if field.strip()]
        meaning = weights[count] / max(1, len(filled))
        # columns that hold for nearly all lines beat those of a few lines with more numbers
        score = meaning * (0.3 + 0.7 * len(rows) / (len(lines) - begin))
        # a clear margin: tab before semicolon before comma, where several fit
        if meaning >= 0.3 and (best is None or score > best.score + 0.02):
            best = Shape(separator, decimal, count, score)
    return best


def _mostly_tabs(lines: Sequence[str]) -> bool:
    return sum("\t" in line.strip() for line in lines) > 0.5 * len(lines)


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    fields = [field.strip().strip('"') for row in rows for field in row]
    commas = sum(1 for f in fields if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", f))
    points = sum(1 for f in fields if re.fullmatch(r"[+-]?\d*\.\d+([eE][+-]?\d+)?", f))
    thousands = sum(1 for f in fields if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", f))
    return "," if commas > points and commas > thousands * (points > 0) else "."


def _is_time(text: str) -> bool:
    text = DECIMAL_COMMA_OF_SECONDS.sub(r"\1.", text)
    if len(text) > 40 or "," in text or ";" in text or "\t" in text.strip():
        return False
    if re.search(r"\d[:.]\d\d", text) and (parse_clock(text) is not None or parse_duration(text) is not None):
        return True
    return parse_date(text, "DMY") is not None or parse_date(text, "MDY") is not None


def _meaningful(fields: Sequence[str], decimal: str) -> int:
    return sum(1 for f in fields if is_number(f, decimal) or _is_time(f))


def _body(lines: Sequence[str], filled: Sequence[int], shape: Shape) -> list[int]:
    """Numbers of the lines that are rows: as meaningful as those at the end of the sample."""
    # the end of the sample: the beginning may be headings and settings
    tail = [split(lines[i], shape.separator) for i in filled[-SAMPLE_ROWS:]]
    most = max((_meaningful(f, shape.decimal) for f in tail if len(f) == shape.count), default=1)
    need = max(1, 0.5 * most)

    def is_row(i: int) -> bool:
        fields = split(lines[i], shape.separator)
        close = abs(len(fields) - shape.count) <= max(1, shape.count // 4)
        return (
            close
            and len(fields) > 1
            and _meaningful(fields, shape.decimal) >= need
            and not _is_heading(fields, shape.decimal)
            and not is_summary(fields)
        )

    rows = [is_row(i) for i in filled]
    for k in range(len(filled)):
        # three rows in succession: a number among the settings begins no table
        if all(rows[k : k + 3]):
            return [i for i, good in zip(filled[k:], rows[k:]) if good]
    raise NoTableError("its lines do not fall into columns", True)


def _is_heading(fields: Sequence[str], decimal: str) -> bool:
    """Words in at least half of the filled fields, and no field a plain number (times may stand in headings)."""
    filled = [f.strip() for f in fields if f.strip()]
    words = [f for f in filled if re.search(r"[^\W\d_]", f) and not is_number(f, decimal) and not _is_time(f)]
    return bool(filled) and len(words) >= 0.5 * len(filled) and not any(
        is_number(f, decimal) and "." in f for f in filled
    ) and len(words) > sum(is_number(f, decimal) for f in filled)  # fmt: skip


def _looks_like_heading(line: str) -> bool:
    return any(
        len(fields) > 1 and _is_heading(fields, ".") for fields in (split(line, s) for s in SEPARATORS[:4])
    )


def _header_rows(lines: Sequence[str], filled: Sequence[int], first: int, shape: Shape) -> tuple[int, int]:
    """The rows of headings and of units above the first row; -1 where there is none."""
    above = [i for i in filled if i < first and not _is_summary(lines[i], lines[first], shape)][-2:]
    blanks = [i for i in range(max(0, first - 2), first) if i not in filled and lines[i].strip("\r\n")]
    nearest = above[-1] if above else -1
    if nearest < 0:
        return -1, -1
    if len(above) == 2 and _fits(lines[above[0]], shape) and _is_units_row(lines[nearest], shape):
        names = split(uncommented(lines[above[0]]), shape.separator)
        if _is_heading(names, shape.decimal):
            return above[0], nearest
    if _fits(lines[nearest], shape) and _is_heading(
        split(uncommented(lines[nearest]), shape.separator), shape.decimal
    ):
        return nearest, blanks[-1] if blanks and blanks[-1] > nearest else -1
    other = [as_columns(lines[nearest], separator) for separator in SEPARATORS]
    if any(len(fields) == shape.count and _is_heading(fields, shape.decimal) for fields in other):
        return nearest, -1
    return -1, -1


def _fits(line: str, shape: Shape) -> bool:
    count = len(split(uncommented(line).rstrip(), shape.separator))
    return count > 1 and abs(count - shape.count) <= max(2, shape.count // 4)


def _is_units_row(line: str, shape: Shape) -> bool:
    fields = [f.strip().strip("[]()") for f in split(line, shape.separator)]
    filled = [f for f in fields if f]
    if not filled or any(len(f) > 14 or is_number(f, shape.decimal) for f in filled):
        return False
    known = sum(
        1
        for f in filled
        if parse_unit(f) or f in ("-", "#", "bits", "°C", "a.u.") or re.fullmatch(r"[\w°µ%³²]+/[\w³²]+", f)
    )
    return known >= 0.5 * len(filled) or len(filled) < 0.5 * len(fields)


def _meta(above: Sequence[str], separator: str) -> dict[str, str]:
    meta: dict[str, str] = {}
    # a log of thousands of lines above its table is no list of settings
    for line in above[:200]:
        fields = [f.strip().strip('"') for f in split(uncommented(line), separator)]
        if len(fields) == 1 or not any(fields[1:]):
            key, mark, value = fields[0].partition(":") if ":" in fields[0] else fields[0].partition("=")
            fields = [key.strip(), value.strip()] if mark else []
        if len(fields) >= 2 and fields[0] and fields[1] and len(fields[0]) < 60:
            meta.setdefault(fields[0].rstrip(":= "), ", ".join(f for f in fields[1:] if f)[:200])
    return meta


_NOT_START = re.compile(
    r"today|product|made|calib|print|export|saved|finish|end|request|expir|version|modified", re.IGNORECASE
)
_CLOCK_KEY = re.compile(r"\W*(start |begin |test )?(time|uhrzeit|zeit|startzeit|heure|hora)\b", re.IGNORECASE)
_START = re.compile(
    r"start|begin|began|acqui|date of test|test date|recorded|measured|created", re.IGNORECASE
)


def find_start(above: Sequence[str], separator: str) -> str:
    """The text of the date at which a recording began, from the lines above its table; empty when there is none."""
    dated = [line for line in above if parse_date(line, "DMY") or parse_date(line, "MDY")]
    candidates = [line for line in dated if _START.search(line)] or [
        line for line in dated if not _NOT_START.search(line)
    ]
    for line in candidates:
        match = _START.search(line)
        text = line[match.start() :] if match else line
        if parse_stamp(text, "DMY") is None and parse_stamp(text, "MDY") is None:
            text = line
        if parse_clock(text) is None:
            clock = next(
                (x for x in above if _CLOCK_KEY.match(x) and parse_clock(x) and not parse_date(x)), ""
            )
            text = f"{_strip_words(text)} {_strip_words(clock)}" if clock else text
        return _only_stamp(text)
    return ""


def _only_stamp(text: str) -> str:
    """The first words of a text that already make its date and time of day."""
    words = _strip_words(text).replace(";", " ").replace(",", " ").split()
    whole = parse_stamp(" ".join(words), "DMY") or parse_stamp(" ".join(words), "MDY")
    for n in range(1, min(len(words), 7) + 1):
        part = " ".join(words[:n])
        if (parse_stamp(part, "DMY") or parse_stamp(part, "MDY")) == whole:
            after = words[n] if n < len(words) else ""
            return f"{part} {after}" if re.fullmatch(r"[AaPp]\.?[Mm]\.?", after) else part
    return " ".join(words[:7])


def _strip_words(text: str) -> str:
    """From the first digit on (month names before a day stay)."""
    match = re.search(r"\b[A-Z][a-z]{2,8}\.? \d{1,2},? \d{4}|\d", text)
    return text[match.start() :] if match else text
