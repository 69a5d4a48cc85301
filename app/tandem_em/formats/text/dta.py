"""Gamry .DTA files: a list of settings, then one or more tables with headings and units, finished or still growing."""

from __future__ import annotations

import re

from tandem_em.formats.text.labels import quantity_of, read_label
from tandem_em.formats.text.mpt import unique_quantities
from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.formats.text.stamps import find_order

MAGIC = re.compile(rb"^\s*(?:\xef\xbb\xbf)?EXPLAIN\s*\r?\n\s*TAG\t")
TABLE = re.compile(r"^(\w+)\tTABLE(?:\t(\d+))?\s*$")
DIGITS = "0123456789+-"
OPEN_END = 99999
"""Gamry writes this number of rows when it does not know it yet."""
MEANING = {
    "Vf": "voltage", "Im": "current", "T": "time", "Time": "time", "Vdc": "voltage", "Idc": "current", "Freq": "frequency",
    "Zreal": "impedance_real", "Zimag": "impedance_imag", "Zmod": "impedance_abs", "Zphz": "impedance_phase",
    "Sig": "control_voltage", "IERange": "current_range", "Temp": "temperature", "Cycle": "cycle", "Q": "charge",
}  # fmt: skip


class DtaParser(LogParser):
    """Each `NAME TABLE` becomes a Table; the list above and between them its meta."""

    label = "Gamry DTA"

    def __init__(self) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self._dates: list[str] = []
        self._open: Table | None = None
        self._pending: tuple[str, int | None] | None = None
        self._names: list[str] | None = None
        self._line = 0

    def take_lines(self, lines: list[str]) -> None:
        """Settings, headings and rows; each `NAME TABLE` line begins a new table."""
        rows: list[str] = []
        for line in lines:
            self._line += 1
            if self._open is not None and (line.startswith("\t") or not line.strip() or line[0] in DIGITS):
                rows.append(
                    line
                )  # one without its tab in front is no sample, but it is no end of the table either
                continue
            if rows:
                self._read(rows)
                rows = []
            self._take_line(line)
        if rows:
            self._read(rows)

    def take_last(self, line: str) -> None:
        """A last row counts only in an open table: settings without a line end say nothing more."""
        if self._open is not None and line.startswith("\t"):
            if not self._open.settings.field_counts:
                self._settle(line)
            rows = self._open.reader.read_last(line)
            if rows is not None:
                self._open.waiting.append(rows)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _take_line(self, line: str) -> None:
        started = TABLE.match(line)
        if started:
            self._open, self._names = None, None
            self._pending = (started[1], int(started[2]) if started[2] else None)
        elif self._pending is not None and line.startswith("\t"):
            if self._names is None:
                self._names = line.rstrip().split("\t")
            else:
                self._begin(self._names, line.rstrip().split("\t"))
        else:
            self._open = None
            self._setting(line.split("\t"))

    def _setting(self, fields: list[str]) -> None:
        if len(fields) >= 3 and fields[1] in (
            "LABEL",
            "QUANT",
            "IQUANT",
            "POTEN",
            "PSTAT",
            "SELECTOR",
            "TOGGLE",
        ):
            self.meta[fields[0]] = fields[2].strip()
            if fields[0].endswith("DATE"):
                self._dates.append(fields[2])
        elif len(fields) == 2 and fields[0] == "TAG":
            self.meta["TAG"] = fields[1].strip()

    def _begin(self, names: list[str], units: list[str]) -> None:
        assert self._pending is not None
        name, declared = self._pending
        self._pending = None
        units += [""] * (len(names) - len(units))
        columns = unique_quantities([_column(n.strip(), u.strip()) for n, u in zip(names, units)])
        settings = TextSettings(
            "\t", ".", self.feeder.encoding, self._line - 2, self._line - 1, self._line, columns
        )
        order, sure = find_order(self._dates) if self._dates else ("MDY", True)
        settings.date_order, settings.date_order_sure = order, sure
        settings.start = f"{self.meta.get('DATE', '')} {self.meta.get('TIME', '')}".strip()
        self._open = self.add_table(name, settings)
        self._open.meta = dict(self.meta)
        self._open.declared_rows = None if declared == OPEN_END else declared

    def _settle(self, first: str) -> None:
        """The first row shows the decimal mark."""
        assert self._open is not None
        self._open.settings.decimal = "," if re.search(r"\d,\d", first) else "."
        self._open.settings.field_counts = [len(self._open.settings.columns)]

    def _read(self, rows: list[str]) -> None:
        assert self._open is not None
        filled = next((row for row in rows if row.startswith("\t") and row.strip()), "")
        if not self._open.settings.field_counts and filled:
            self._settle(filled)
        self._open.waiting.append(self._open.reader.read(rows))


def _column(name: str, unit_text: str) -> TextColumn:
    # the point's number, the overload bits: nothing that is measured
    if name in ("", "Pt", "Over") or unit_text == "bits":
        return TextColumn(name, "", "", "skip")
    unit_text = "" if unit_text == "#" else unit_text
    label = read_label(name, unit_text)
    column = TextColumn(name, MEANING.get(name, quantity_of(label) or ""), unit_text)
    if label.unit is not None:
        column.unit, column.factor, column.offset = label.unit.si, label.unit.factor, label.unit.offset
    column.is_step = column.quantity in ("current_range", "control_voltage", "cycle")
    return column
