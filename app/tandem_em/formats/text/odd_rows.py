"""Rows that stand in a table and are no samples: statistics, headings again, rows of another table; and how that is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tandem_em.core.texts import counted
from tandem_em.formats.text.numbers import MISSING, is_number

_SUMMARY = re.compile(
    r"min(imum|\.)?|max(imum|\.)?|mean|avg|average|median|mittel(wert)?|moyenne|media|std\.?( ?dev(iation)?\.?)?"
    r"|st\.? ?dev\.?|standard ?deviation|standardabweichung|sdev|rms|variance|varianz|pk-?pk|peak to peak|sum|summe|total",
    re.IGNORECASE,
)
_SUMMARY_BESIDE_NUMBERS = re.compile(r"cv|var|n|count|range|sd|rsd|offset|end|ende|fin", re.IGNORECASE)
"""Words that are statistics only where the other rows begin with a number: `CV` is a step of a cycler as well."""

STATISTICS = "are statistics, not samples (minimum, mean …)"
OTHER_TABLE = "are part of another table"
NO_ROW_NUMBER = "have a word where other lines have a number"
WORDS = "have words instead of numbers"
_OF_ONE = {"are": "is", "have": "has"}


@dataclass
class Odd:
    """How many rows were left out for one reason, and the first of them."""

    count: int = 0
    example: str = ""

    def sentence(self, reason: str) -> str:
        """How many lines were left out, why, and the first of them."""
        verb, _, rest = reason.partition(" ")
        verb = _OF_ONE[verb] if self.count == 1 else verb
        return f"{counted(self.count, 'line')} {verb} {rest}; left out (the first: {self.example!r})."


@dataclass
class LeftOut:
    """The rows of a table that are no samples, by reason."""

    reasons: dict[str, Odd] = field(default_factory=dict)

    def add(self, reason: str, line: str) -> None:
        """Count a row left out for this reason; the first one is kept as example (80 characters)."""
        odd = self.reasons.setdefault(reason, Odd(0, line.strip()[:80]))
        odd.count += 1

    @property
    def count(self) -> int:
        """Rows left out for any reason."""
        return sum(odd.count for odd in self.reasons.values())

    def sentences(self, name: str) -> list[str]:
        """One sentence for each reason, for the table called `name`."""
        return [f"{name}: {odd.sentence(reason)}" for reason, odd in self.reasons.items()]


def is_summary(fields: Sequence[str], begins_with_number: bool = False) -> bool:
    """Whether a row is a minimum, a mean or the like. `begins_with_number`: the rows around it do."""
    first = next((text for text in map(plain_field, fields) if text), "").rstrip(":=").strip()
    if not first or first[0].isdigit():
        return False
    return bool(
        _SUMMARY.fullmatch(first) or (begins_with_number and _SUMMARY_BESIDE_NUMBERS.fullmatch(first))
    )


def is_word(text: str, decimal: str) -> bool:
    """Letters that are neither a number nor a spelling of a missing value."""
    text = plain_field(text)
    return text.lower() not in MISSING and not is_number(text, decimal) and bool(re.search(r"[^\W\d_]", text))


def plain_field(text: str) -> str:
    """A field without quotes, with single spaces."""
    return " ".join(text.strip().strip('"').split())


def same_fields(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two lines of headings are the same, whatever the spaces, quotes and separators at their ends."""
    first, second = _trimmed(one), _trimmed(other)
    return bool(first) and first == second


def _trimmed(fields: Sequence[str]) -> list[str]:
    plain = [plain_field(text).casefold() for text in fields]
    while plain and not plain[-1]:
        plain.pop()
    return plain


def tag_of(heading: str, rows: Iterable[Sequence[str]]) -> str:
    """The word all rows of a table begin with when its line of headings does so, too (`BATT_MODEL_RAW:`); else empty."""
    name = plain_field(heading)
    firsts = Counter(plain_field(row[0]) for row in rows if row)
    if not name or re.fullmatch(r"[\W\d_]*", name) or not firsts:
        return ""
    return name if firsts[name] >= 3 or firsts[name] == firsts.total() else ""
