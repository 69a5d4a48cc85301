"""Ivium data files (.idf): a few binary bytes, settings as `key=value`, then `primary_data` with its size and its rows."""

from __future__ import annotations

import re

from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.formats.text.stamps import find_order

MAGIC = re.compile(rb"^[\x00-\x1f\x80-\xff]{0,64}(?:.{0,8})Version=1\d[\x00-\xff]{0,4096}?\r?\n", re.DOTALL)
TIME = (("time", "time", "s"), ("I", "current", "A"), ("E", "voltage", "V"))
SCAN = (("E", "voltage", "V"), ("I", "current", "A"), ("third column", "", ""))
IMPEDANCE = (("Z1", "impedance_real", "Ω"), ("Z2 as stored", "", "Ω"), ("frequency", "frequency", "Hz"))


class IdfParser(LogParser):
    """What the three columns are depends on the method: time, I, E; or E, I for scans; or Z1, Z2 and frequency."""

    label = "Ivium data file"
    encoding = "cp1252"

    def __init__(self) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self._left = 0
        self._sizes: list[int] | None = None
        self._table: Table | None = None

    def take_lines(self, lines: list[str]) -> None:
        """Settings, then `primary_data`, the two sizes and as many rows as they say."""
        rows: list[str] = []
        for line in lines:
            if self._table is not None and self._left > 0:
                if not rows and not self._table.settings.field_counts:
                    self._settle(line)
                rows.append(line)
                # empty lines are not counted among the rows the file announces
                self._left -= bool(line.strip())
            else:
                self._take_line(line.strip("\x00 \t\r"))
        if rows and self._table is not None:
            self._table.waiting.append(self._table.reader.read(rows))

    def take_last(self, line: str) -> None:
        """A last line counts only while rows are missing and the decimal mark is known."""
        if self._table is not None and self._left > 0 and self._table.settings.field_counts:
            super().take_last(line)

    def _take_line(self, line: str) -> None:
        if line == "primary_data" and self._table is None:
            self._sizes = []
        elif self._sizes is not None and self._table is None:
            # the word stands among the settings too: the sizes must follow
            if not line.isdigit():
                self._sizes = None
                return
            self._sizes.append(int(line))
            if len(self._sizes) == 2:
                self._begin(*self._sizes)
        elif "=" in line:
            key, _, value = line.partition("=")
            if value and len(self.meta) < 500:
                self.meta[key.strip()] = value.strip()

    def _begin(self, width: int, count: int) -> None:
        method = f"{self.meta.get('Method', '')} {self.meta.get('Technique', '')}".lower()
        known = (
            IMPEDANCE if "impedance" in method else SCAN if re.search(r"volt?ammet|sweep", method) else TIME
        )
        columns = [TextColumn(name, quantity, unit) for name, quantity, unit in known[:width]]
        columns += [TextColumn(f"column {k + 1}") for k in range(len(columns), width)]
        settings = TextSettings(" ", ".", self.feeder.encoding, -1, -1, 0, columns)
        settings.start = self.meta.get("starttime", "")
        dates = [self.meta[k] for k in ("starttime", "endtime") if k in self.meta]
        settings.date_order, settings.date_order_sure = find_order(dates) if dates else ("DMY", True)
        self._table = self.add_table(self.meta.get("Title", ""), settings)
        self._table.meta = dict(self.meta)
        self._table.declared_rows = self._left = count

    def _settle(self, first: str) -> None:
        assert self._table is not None
        self._table.settings.decimal = "," if re.search(r"\d,\d", first) else "."
        self._table.settings.field_counts = [len(self._table.settings.columns)]
