"""A line of headings beside the rows below it: which heading belongs to which column, and how many fields a row may have."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tandem_em.formats.text.fields import split_line as split
from tandem_em.formats.text.labels import quantity_of, read_label

SEPARATORS = ("\t", ";", ",", "|", " ")
Rows = Sequence[Sequence[str]]


@dataclass
class Headings:
    """One name a column, empty where there is none. `surplus`: so many filled columns have no heading."""

    names: list[str]
    surplus: int = 0
    doubts: list[str] = field(default_factory=list)


def uncommented(line: str) -> str:
    """A line without the comment mark in front: #, %, // or a semicolon before a word."""
    return re.sub(r"^\s*(#+|%+|//|;(?=\s*\w))\s*", "", line)


def as_columns(line: str, separator: str) -> list[str]:
    """The fields of a line of headings; between spaces, only runs of two or more divide them."""
    line = uncommented(line).strip()
    return (
        re.split(r"\s{2,}|\t", line)
        if separator == " " and re.search(r"\S\s{2,}\S", line)
        else split(line, separator)
    )


def headings_of(line: str, separator: str, width: int, rows: Rows) -> Headings:
    """The headings of all columns of rows `width` fields wide, an unnamed first column of row numbers included."""
    filled = width - _is_empty(rows, width - 1)
    names = _names(line, separator, (width, filled))
    if len(names) == 1 < width:
        for other in SEPARATORS:
            candidate = [name.strip() for name in as_columns(line, other)]
            if len(candidate) == width:
                return Headings(candidate)
    surplus = sum(_has_numbers(rows, i) for i in range(len(names), filled)) if len(names) > 1 else 0
    doubts = []
    if surplus and len(names) == filled - 1 and _numbers_rows(line, names, rows):
        names = ["", *names]
        doubts.append("Its first column has no heading: read as the numbers of the rows.")
    elif surplus:
        doubts.append(
            f"It has {len(names)} headings for {filled} columns: those at the end were taken to be without."
        )
    elif len(names) > width:
        lost = ", ".join(names[width:])
        doubts.append(
            f"It has {len(names)} headings for {width} columns: the last were taken to be empty ({lost})."
        )
    return Headings((names + [""] * width)[:width], surplus, doubts)


def _names(line: str, separator: str, wanted: tuple[int, int]) -> list[str]:
    """The words of a line; a separator in front of them is no comment mark when only so they fit the rows."""
    texts = (
        [line, uncommented(line)]
        if separator == ";" and line.lstrip().startswith(";")
        else [uncommented(line)]
    )
    found: list[list[str]] = []
    for text in texts:
        names = [name.strip().strip('"').strip() for name in split(text.rstrip("\r\n"), separator)]
        while len(names) > min(wanted) and not names[-1]:
            names.pop()
        found.append(names)
    return next((names for names in found if len(names) in wanted), found[-1])


def _numbers_rows(line: str, names: Sequence[str], rows: Rows) -> bool:
    """Whether the column without heading is the first one, which counts the rows (R, pandas)."""
    first = [row[0] for row in rows]
    if not counts_up(first) or not (first[0].strip().strip('"') == "1" or line[:1] == " "):
        return False
    meant = quantity_of(read_label(names[0]))
    if meant == "skip":
        return False
    return meant != "time" or _rises([row[1] for row in rows])


def _rises(values: Sequence[str]) -> bool:
    """Whether these can be times: numbers none of which is smaller than the one before; anything else that has digits."""
    plain = [value.strip().strip('"').replace(",", ".") for value in values]
    try:
        return all(b >= a for a, b in itertools.pairwise([float(value) for value in plain]))
    except ValueError:
        return all(re.search(r"\d", value) for value in plain)


def counts_up(values: Sequence[str]) -> bool:
    """Whether these are the numbers of rows: whole numbers, each one more than the one before."""
    plain = [value.strip().strip('"') for value in values]
    if not plain or not all(re.fullmatch(r"\d{1,12}", value) for value in plain):
        return False
    numbers = [int(value) for value in plain]
    return all(b - a == 1 for a, b in itertools.pairwise(numbers))


def counts_of(rows: Rows, usual: int, heading: str, separator: str) -> list[int]:
    """How many fields a complete row has. A row with one less may lack any of them, so its values belong nowhere.

    More than one number only where it is clear which field is missing: a separator or a remark at the end."""
    named = len(_names(heading, separator, (usual, usual))) if heading else 0
    if named == usual + 1 and _has_numbers([row for row in rows if len(row) == named], usual):
        usual = named  # rows with all their fields are the rare ones here
    seen = Counter(len(row) for row in rows)
    often = {n for n, times in seen.items() if times >= 3 and times >= 0.05 * seen.total()}
    alike = [row for row in rows if len(row) == usual]
    counts = {usual}
    if usual + 1 in often and all(not row[-1].strip() for row in rows if len(row) == usual + 1):
        counts.add(usual + 1)
    if usual - 1 in often and all(not re.search(r"\d", row[-1]) for row in alike):
        counts.add(usual - 1)
    if named == usual + 1:
        counts.add(usual + 1)
    return sorted(counts)


def _has_numbers(rows: Rows, index: int) -> bool:
    """Whether digits begin most fields of a column: no words, and not empty."""
    fields = [row[index].strip().strip('"') for row in rows if index < len(row)]
    return 2 * sum(bool(re.match(r"[-+.,\d]*\d", field)) for field in fields) > len(fields)


def _is_empty(rows: Rows, index: int) -> bool:
    return bool(rows) and not any(row[index].strip() for row in rows if index < len(row))
