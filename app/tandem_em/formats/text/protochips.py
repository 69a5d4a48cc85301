"""Protochips holder logs: comma separated, with remarks in a column of their own whose first ones name the units."""

from __future__ import annotations

import re

from tandem_em.formats.text.labels import quantity_of, read_label
from tandem_em.formats.text.mpt import unique_quantities
from tandem_em.formats.text.parser import LogParser
from tandem_em.formats.text.settings import TextColumn, TextSettings

MAGIC = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\"?Time\"?\s*,\s*\"?Notes\"?\s*,")
SETTING = re.compile(r"^\s*([^=]{2,60}?)\s*=\s*(.+?)\s*$")


class ProtochipsParser(LogParser):
    """The rows at the top whose remark reads `name = value` are the header; later remarks are kept as notes."""

    label = "Protochips log"

    def __init__(self) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self._names: list[str] | None = None
        self._begun = False

    def take_lines(self, lines: list[str]) -> None:
        """Rows whose remark is a setting first, then samples and notes."""
        start = 0
        while start < len(lines) and not self._begun:
            line = lines[start]
            if self._names is None:
                self._names = [name.strip().strip('"') for name in line.split(",")] if line.strip() else None
                start += 1
                continue
            fields = line.split(",")
            setting = (
                # remarks may contain commas: all fields beyond the headings belong to the remark
                SETTING.match(",".join(fields[1 : len(fields) - len(self._names) + 2]))
                if len(fields) > 1
                else None
            )
            if setting is None or len(fields) < len(self._names):
                self._begin()
            else:
                self.meta[setting[1]] = setting[2]
                start += 1
        if self._begun and lines[start:]:
            self._read(lines[start:])

    def at_end(self) -> None:
        """A file of nothing but settings has its table all the same."""
        if self._names is not None and not self._begun:
            self._begin()

    def _begin(self) -> None:
        self._begun = True
        assert self._names is not None
        columns = unique_quantities([self._column(name) for name in self._names])
        settings = TextSettings(",", ".", self.feeder.encoding, 0, -1, 1 + len(self.meta), columns, "YMD")
        day = next((v for k, v in self.meta.items() if k.lower().startswith("date")), "")
        clock = next((v for k, v in self.meta.items() if k.lower().startswith("time (")), "")
        settings.start = f"{day} {clock}".strip()
        table = self.add_table("", settings, ",".join(self._names))
        table.meta = dict(self.meta)

    def _read(self, lines: list[str]) -> None:
        table = self.tables[-1]
        notes = [line for line in lines if _note(line)]
        rows = table.reader.read(lines)
        table.waiting.append(rows)
        factor = table.settings.columns[0].factor
        for line in notes:
            try:
                table.notes.append((float(line.split(",")[0]) * factor, _note(line)))
            except ValueError:
                continue

    def _column(self, name: str) -> TextColumn:
        label = read_label(name)
        if name.lower() == "notes":
            return TextColumn(name, "", "", "skip")
        dimension = "time" if name.lower() == "time" else name.rsplit(" ", 1)[-1].lower()
        spelled = next(
            (v for k, v in self.meta.items() if k.lower() == f"{dimension} units"), label.unit_text
        )
        label = read_label(name, spelled)
        column = TextColumn(name, quantity_of(label) or "", label.unit_text)
        if label.unit is not None:
            column.unit, column.factor, column.offset = label.unit.si, label.unit.factor, label.unit.offset
        return column


def _note(line: str) -> str:
    fields = line.split(",", 2)
    return fields[1].strip() if len(fields) > 1 else ""
