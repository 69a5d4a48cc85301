"""Numbers in text: decimal commas, missing values, overflow marks, and whole blocks of rows at C speed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MISSING = {
    "", "-", "--", "---", "na", "n/a", "n.a.", "nan", "none", "null", "#n/a", "#nan", "inf", "-inf", "+inf", "ovld", "overload",
    "over", "overflow", "ovrflw", "<none>", "1.#qnan", "-1.#ind", "1.#inf", "xxx",
}  # fmt: skip
"""Spellings of "no value here": they become NaN and are no mistake."""

OVERFLOW = 9.0e37
"""Source meters write 9.9E37 for overflow and 9.91E37 for not-a-number: never a measured value."""

_THOUSANDS = re.compile(r"[+-]?\d{1,3}([ ,.'’\u00a0\u202f]\d{3})+([.,]\d+)?$")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$")


def to_number(text: str, decimal: str = ".") -> float:
    """The number in a field; NaN for a missing value; ValueError for anything else."""
    cleaned = text.strip().strip('"').strip().replace("−", "-")
    if cleaned.lower() in MISSING:
        return np.nan
    if decimal == ",":
        # with a decimal comma, a point that groups no thousands belongs to something else
        if "." in cleaned and "," not in cleaned and not _THOUSANDS.match(cleaned):
            raise ValueError(f"not a number with a decimal comma: {text!r}")
        cleaned = (cleaned.replace(".", "") if "," in cleaned else cleaned).replace(",", ".")
    if not _NUMBER.match(cleaned):
        if _THOUSANDS.match(cleaned) and cleaned.count(".") <= 1:
            cleaned = re.sub(r"[ ,'’\u00a0\u202f]", "", cleaned)
        if not _NUMBER.match(cleaned):
            raise ValueError(f"not a number: {text!r}")
    return float(cleaned.replace("d", "e").replace("D", "e"))


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether a field holds a number (a missing value is none)."""
    try:
        # NaN is not equal to itself
        return bool(to_number(text, decimal) == to_number(text, decimal))
    except ValueError:
        return False


def numbers(fields: Sequence[str], decimal: str = ".") -> tuple[NDArray[np.float64], int]:
    """A column of fields as numbers, and how many could not be read (they become NaN)."""
    values = np.empty(len(fields))
    bad = 0
    for i, text in enumerate(fields):
        try:
            values[i] = to_number(text, decimal)
        except ValueError:
            values[i] = np.nan
            bad += 1
    return values, bad


def block(
    lines: Sequence[str], separator: str, decimal: str, wanted: Sequence[int], counts: Sequence[int]
) -> NDArray[np.float64] | None:
    """Whole lines as a table of the wanted columns; None when any line is not plain and complete."""
    if not lines or not wanted:
        return None
    allowed = {count - 1 for count in counts}
    if separator == " ":
        if {len(line.split()) for line in lines} - set(counts):
            return None
    elif {line.count(separator) for line in lines} - allowed:
        return None
    if decimal == ",":
        # a point would be a separator of thousands: the slow way decides
        if any("." in line for line in lines):
            return None
        lines = [line.replace(",", ".") for line in lines]
    try:
        table = np.loadtxt(
            lines, delimiter=None if separator == " " else separator, usecols=wanted, ndmin=2, comments=None
        )
    except (ValueError, IndexError):
        return None
    # loadtxt passes over empty lines: rows and lines have to match
    return table if len(table) == len(lines) else None
