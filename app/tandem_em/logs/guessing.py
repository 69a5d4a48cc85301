"""A parser for any delimited text: waits for enough rows, guesses the layout, then reads on."""

from __future__ import annotations

from typing import Any

from tandem_em.logs.fields import split_line as split
from tandem_em.logs.guess import NoTableError, guess_text
from tandem_em.logs.parser import LogParser, Table
from tandem_em.logs.settings import TextSettings

ENOUGH_LINES = 400


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
        return self._table.settings if self._table else None

    def take_lines(self, lines: list[str]) -> None:
        if self._table is None:
            self._lines += lines
            if len(self._lines) >= (ENOUGH_LINES if self.patient else self._next_try):
                self._try()
        elif lines:
            self._table.waiting.append(self._table.reader.read(lines))

    def at_end(self) -> None:
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

    def _try(self) -> None:
        try:
            settings = guess_text(self._lines[:ENOUGH_LINES], self.feeder.encoding, self._further())
        except NoTableError:
            self._next_try = len(self._lines) + 4
            return
        if len(self._lines) - settings.first_row >= 3 or not self.patient:
            self._begin(settings)

    def _begin(self, settings: TextSettings) -> None:
        if self.overrides:
            guesses = settings.guesses
            settings = TextSettings.from_dict({**settings.to_dict(), **self.overrides})
            if "date_order" in self.overrides:
                settings.date_order_sure = True
                settings.guesses = [guess for guess in guesses if "day or the month" not in guess]
        header = self._lines[settings.header_row] if 0 <= settings.header_row < len(self._lines) else ""
        self._table = self.add_table("", settings, header)
        self._table.meta = dict(settings.meta)
        rows, self._lines = self._lines[settings.first_row :], []
        if rows:
            self._table.waiting.append(self._table.reader.read(rows))
