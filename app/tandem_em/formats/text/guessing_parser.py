"""A parser for any delimited text: waits for enough rows, guesses the layout, then reads on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tandem_em.formats.text.fields import split_line as split
from tandem_em.formats.text.guess import NoTableError, guess_text
from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.settings import TextSettings

# a long header and enough rows below it to be sure of the columns
ENOUGH_LINES = 400
QUIET_ROWS = 3
"""So many rows are enough when no more have come for a while."""


def rows_to_be_sure(settings: TextSettings, lines: Sequence[str]) -> int:
    """So many rows of a growing file show its columns: one where each has its heading and its value, else more."""
    lengths = {len(split(line, settings.separator)) for line in lines[settings.first_row :] if line.strip()}
    if len(settings.field_counts) > 1 or len(lengths) > 1:
        return 10  # which of these rows has all its fields?
    count = settings.field_counts[0]
    first = split(lines[settings.first_row], settings.separator)
    headings = split(lines[settings.header_row], settings.separator) if settings.header_row >= 0 else []
    names = [name for name in headings if name.strip()]
    is_clear = len(headings) == len(names) == len(first) == count and bool(first[-1].strip())
    return 1 if is_clear else QUIET_ROWS


class GuessingParser(LogParser):
    """Guesses from the first lines; while a file grows, as soon as three rows are there. Raises NoTableError at the end."""

    label = "delimited text"

    def __init__(self, patient: bool = True, later: list[str] | None = None) -> None:
        super().__init__()
        self.later = later or []
        self.overrides: dict[str, Any] = {}
        """Settings a person decided (date_order, decimal, zone of rows …); the rest is guessed."""
        self.patient = patient
        """Wait for many lines before guessing (a finished file); False: guess as soon as it can be done (a growing one)."""
        self._lines: list[str] = []
        self._table: Table | None = None
        self._next_try = 4

    @property
    def settings(self) -> TextSettings | None:
        """The guessed layout; None before enough lines have come."""
        return self._table.settings if self._table else None

    def take_lines(self, lines: list[str]) -> None:
        """Collect lines until the layout can be guessed, then read rows."""
        if self._table is None:
            self._lines += lines
            if len(self._lines) >= (ENOUGH_LINES if self.patient else self._next_try):
                self._try()
        elif lines:
            self._table.waiting.append(self._table.reader.read(lines))

    def at_end(self) -> None:
        """A finished file that is too short for a guess so far has to do; NoTableError when it is none."""
        if self._table is None:
            self._begin(self._guess_at_end())

    def _guess_at_end(self) -> TextSettings:
        """A last line without line end helps to understand the dates; it is the only row only when it looks whole."""
        tail = [self.feeder.tail] if self.feeder.tail.strip() else []
        try:
            return guess_text(self._lines, self.feeder.encoding, [*self.later, *tail])
        except NoTableError:
            if not tail:
                raise
        lines = [*self._lines, *tail]
        settings = guess_text(lines, self.feeder.encoding, self.later)
        headings = (
            split(lines[settings.header_row].rstrip(), settings.separator) if settings.header_row >= 0 else []
        )
        if len(headings) != len(settings.columns):
            raise NoTableError("its only row is not whole", True)
        return settings

    def _further(self) -> list[str]:
        """Some lines after the first ones: their dates and times leave less doubt."""
        rest = self._lines[ENOUGH_LINES:]
        return [*rest[:: len(rest) // ENOUGH_LINES + 1], *self.later]

    def take_tail(self) -> bool:
        """After a quiet time what is there has to do."""
        if self._table is None and self._lines:
            self._try(QUIET_ROWS)
        return super().take_tail()

    def _try(self, rows: int = 0) -> None:
        """Begin when the lines so far leave no doubt; `rows`: when there are so many rows."""
        try:
            settings = guess_text(self._lines[:ENOUGH_LINES], self.feeder.encoding, self._further())
        except NoTableError:
            # a guess costs time: four more lines before the next one
            self._next_try = len(self._lines) + 4
            return
        rows = rows or (QUIET_ROWS if self.patient else rows_to_be_sure(settings, self._lines))
        if len(self._lines) - settings.first_row >= rows:
            self._begin(settings)

    def _begin(self, settings: TextSettings) -> None:
        if self.overrides:
            guesses = settings.guesses
            settings = TextSettings.from_dict({**settings.to_dict(), **self.overrides})
            if "date_order" in self.overrides:
                settings.date_order_sure = True
                # the person has answered the question that this guess was about
                settings.guesses = [guess for guess in guesses if "day or the month" not in guess]
        header = self._lines[settings.header_row] if 0 <= settings.header_row < len(self._lines) else ""
        self._table = self.add_table("", settings, header)
        self._table.meta = dict(settings.meta)
        rows, self._lines = self._lines[settings.first_row :], []
        if rows:
            self._table.waiting.append(self._table.reader.read(rows))
