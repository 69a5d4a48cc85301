"""Neware's layered tables: rows of cycles, of steps and of records under three lines of headings, one row a record."""

from __future__ import annotations

import re

from tandem_em.formats.text.fields import split_line
from tandem_em.formats.text.guessing_parser import GuessingParser

MAGIC = re.compile(
    rb'^\s*(?:\xef\xbb\xbf)?"?Cycle ID"?[^\n]*\n"?(?P<mark>[,;\t])"?Step ID"?[^\n]*\n"?(?P=mark)"?(?P=mark)"?Record ID',
    re.IGNORECASE,
)


class LayeredParser(GuessingParser):
    """Each record gets the numbers of its cycle and its step and the name of its step; the rest is guessed as ever."""

    label = "Neware layered table"

    def __init__(self, patient: bool = True) -> None:
        super().__init__(patient)
        self._separator = ""
        self._cycle = self._step = self._step_name = ""
        self._name_at = -1

    def take_lines(self, lines: list[str]) -> None:
        """Complete lines, each record with the numbers of its cycle and step in front."""
        super().take_lines([row for line in lines if (row := self._row(line))])

    def take_last(self, line: str) -> None:
        """A last record; lines of cycles and steps are only remembered."""
        if row := self._row(line):
            super().take_last(row)

    def _row(self, line: str) -> str:
        """The line as a row of one flat table; empty for lines of cycles and steps, which are remembered."""
        if not self._separator:
            found = re.match(r"\W*Cycle ID\"?([,;\t])", line, re.IGNORECASE)
            self._separator = found[1] if found else ""
            return ""
        fields = [field.strip() for field in split_line(line, self._separator)]
        if fields[0]:
            self._cycle, self._step, self._step_name = fields[0], "", ""
        elif len(fields) > 1 and fields[1].lower() == "step id":
            names = [field.lower() for field in fields]
            self._name_at = next(
                (i for i, name in enumerate(names) if name in ("step name", "step type", "status")), -1
            )
        elif len(fields) > 1 and fields[1]:
            self._step = fields[1]
            self._step_name = fields[self._name_at] if 0 <= self._name_at < len(fields) else ""
        elif len(fields) > 2 and fields[2].lower() == "record id":
            return self._joined(["Cycle ID", "Step ID", "Step Name", *fields[2:]])
        elif len(fields) > 2 and fields[2]:
            return self._joined([self._cycle, self._step, self._step_name, *fields[2:]])
        return ""

    def _joined(self, fields: list[str]) -> str:
        """Fields with a separator in them stay in quotes."""
        return self._separator.join(f'"{field}"' if self._separator in field else field for field in fields)
