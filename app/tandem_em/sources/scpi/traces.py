"""Reading buffers of a simulated source-meter: by name, as the 2450 has them; the 2400 has one."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence

from tandem_em.sources.core.battery_cell import CellAnswer

TracedReading = tuple[float, CellAnswer]
DEFAULT = "defbuffer1"
LONGEST = 100_000
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "MEAN": statistics.fmean,
    "AVER": statistics.fmean,
    "SDEV": statistics.pstdev,
    "STDD": statistics.pstdev,
    "MAX": max,
    "MIN": min,
    "PKPK": lambda values: max(values) - min(values),
}


class Traces:
    """Readings (device second, answer) by the name of their buffer."""

    def __init__(self) -> None:
        self._rows: dict[str, list[TracedReading]] = {DEFAULT: [], "defbuffer2": []}
        self.sizes: dict[str, int] = {}

    def make(self, name: str, size: int) -> None:
        """A new empty buffer of this size; one of the same name is replaced."""
        self._rows[name], self.sizes[name] = [], size

    def delete(self, name: str) -> None:
        """Forget a buffer; nothing happens when there is none."""
        self._rows.pop(name, None)

    def rows(self, name: str = DEFAULT) -> list[TracedReading]:
        """KeyError for a buffer that was never made."""
        return self._rows[name]

    def fill(self, name: str, rows: list[TracedReading]) -> None:
        """Put these readings in the place of what a buffer held."""
        self.rows(name)[:] = rows[-LONGEST:]

    def append(self, name: str, reading: TracedReading) -> None:
        """Add a reading to a buffer; the oldest goes when it is full."""
        rows = self.rows(name)
        rows.append(reading)
        del rows[:-LONGEST]


def named_buffer(argument: str) -> str:
    """The buffer a command names in quotes, else the first one."""
    found = re.search(r"['\"]([^'\"]+)['\"]", argument)
    return found[1] if found else DEFAULT


def elements_of(argument: str) -> list[str]:
    """The reading elements a query asks for: what is neither a number nor a buffer."""
    parts = [part.strip() for part in argument.split(",")]
    return [
        part.upper() for part in parts if part and part[0] not in "'\"" and not part.lstrip("+-")[0].isdigit()
    ]


def statistic(word: str, values: Sequence[float]) -> float:
    """One number of a buffer by the word SCPI has for it; 9.91e37 (not a number) of nothing."""
    return float(STATISTICS[word](values)) if values else 9.91e37
