"""LabVIEW measurement files (.lvm): two headers, then segments of rows; the x column may be missing and is then defined
by the header's own X0 and Delta_X."""

from __future__ import annotations

import re

import numpy as np

from tandem_em.formats.text.labels import quantity_of, read_label
from tandem_em.formats.text.mpt import unique_quantities
from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.rows import Rows
from tandem_em.formats.text.settings import TextColumn, TextSettings

MAGIC = re.compile(rb"^(?:\xef\xbb\xbf)?LabVIEW Measurement")
END = "***End_of_Header***"


class LvmParser(LogParser):
    """One Table per set of channels; a further segment with the same channels continues it after a break."""

    label = "LabVIEW measurement"

    def __init__(self) -> None:
        super().__init__()
        self.head: dict[str, str] = {}
        self.segment: dict[str, list[str]] = {}
        self._separator = "\t"
        self._headers = 0
        self._state = "head"  # head | segment | names | rows
        self._rows: list[str] = []
        self._open: Table | None = None
        self._x0_s = 0.0
        self._dx_s = 0.0
        self._count = 0
        self._fresh = False

    def take_lines(self, lines: list[str]) -> None:
        """Headers, headings and rows, whichever comes next."""
        for line in lines:
            self._take_line(line)
        self._flush()

    def take_last(self, line: str) -> None:
        """A last row without a line end, as far as it can be no fragment."""
        if self._state == "rows" and self._open is not None:
            rows = self._open.reader.read_last(line)
            if rows is not None:
                self._put(rows)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _take_line(self, line: str) -> None:
        text = line.strip()
        if self._state == "rows":
            if text.startswith(("Channels", END)) or not text:
                self._flush()
                self._state = "segment" if text else "rows"
                self.segment = {}
                if text and not text.startswith(END):
                    self._segment_line(line)
            else:
                self._rows.append(line)
        elif self._state == "names":
            if text:
                self._begin(line.rstrip("\r\n"))
        elif text.startswith(END):
            self._state = "segment" if self._state == "head" else "names"
        elif self._state == "head":
            self._head_line(line)
        elif text:
            self._segment_line(line)

    def _head_line(self, line: str) -> None:
        if line.startswith("Separator"):
            self._separator = {"Comma": ",", "Tab": "\t", "Semicolon": ";"}.get(
                re.split(r"[\t,;]", line.strip())[-1], "\t"
            )
        fields = line.split(self._separator)
        if len(fields) > 1:
            self.head[fields[0].strip()] = fields[1].strip()
        else:
            key, _, value = re.sub(r"[\t,;]", "\t", line.strip(), count=1).partition("\t")
            self.head[key] = value

    def _segment_line(self, line: str) -> None:
        fields = [f.strip() for f in line.split(self._separator)]
        # LabVIEW pads header lines with separators
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        if fields[0] == "Channels" and self._state != "segment":
            self._state = "segment"
        self.segment[fields[0]] = fields[1:]

    def _begin(self, line: str) -> None:
        names = line.split(self._separator)
        channels = (self.segment.get("Channels") or [""])[0]
        has_x = self.head.get("X_Columns", "One").lower() != "no"
        decimal = "," if self.head.get("Decimal_Separator", ".") == "," else "."
        units = self.segment.get("Y_Unit_Label", [])
        columns: list[TextColumn] = []
        y = 0
        for i, name in enumerate(names):
            plain_name = name.strip()
            if plain_name.lower() == "comment" or (not plain_name and i == len(names) - 1):
                columns.append(TextColumn(plain_name or "comment", "", "", "skip"))
            # every channel may have its own X_Value: the first one is the time
            elif plain_name.lower() in ("x_value", "x value"):
                quantity = "time" if has_x and not any(c.quantity == "time" for c in columns) else "skip"
                columns.append(
                    TextColumn(plain_name, quantity, "s", "number" if quantity == "time" else "skip")
                )
            else:
                columns.append(_channel(plain_name, units[y] if y < len(units) else ""))
                y += 1
        unique_quantities(columns)
        self._x0_s, self._dx_s = self._number("X0", decimal), self._number("Delta_X", decimal)
        if self._open is None or [c.name for c in self._open.settings.columns] != names_of(columns):
            self._open = self._new_table(columns, decimal, channels)
            self._fresh = False
        else:
            self._fresh = True
        self._count = 0
        self._state = "rows"

    def _new_table(self, columns: list[TextColumn], decimal: str, channels: str) -> Table:
        settings = TextSettings(self._separator, decimal, self.feeder.encoding, -1, -1, 0, columns, "YMD")
        width = len(columns)
        settings.field_counts = sorted(
            # rows without a comment lack the last separator
            {width, width - 1} if columns and columns[-1].kind == "skip" else {width}
        )
        day = (self.segment.get("Date") or [self.head.get("Date", "")])[0]
        clock = (self.segment.get("Time") or [self.head.get("Time", "")])[0]
        settings.start = f"{day} {clock.replace(',', '.')}".strip()
        table = self.add_table("", settings)
        table.meta = {k: v for k, v in self.head.items() if v} | {"Channels": channels}
        return table

    def _number(self, key: str, decimal: str) -> float:
        text = (self.segment.get(key) or ["0"])[0].replace(decimal, ".") or "0"
        try:
            return float(text)
        except ValueError:
            return 0.0

    def _flush(self) -> None:
        if self._rows and self._open is not None:
            rows, self._rows = self._open.reader.read(self._rows), []
            self._put(rows)

    def _put(self, rows: Rows) -> None:
        assert self._open is not None
        if self._open.reader.times.mode == "rows" and self._dx_s > 0:
            # no x column: the header itself defines x as X0 + i · Delta_X
            counted = np.arange(self._count, self._count + len(rows.times), dtype=np.float64)
            rows.times = self._x0_s + self._dx_s * counted
        self._count += len(rows.times)
        if self._fresh and len(rows.times):
            rows.segments.insert(0, 0)
            self._fresh = False
        self._open.waiting.append(rows)

    @property
    def is_defined_by_step(self) -> bool:
        """Whether the times come from the header's own step, not from a column."""
        return self._open is not None and self._open.reader.times.mode == "rows" and self._dx_s > 0


def names_of(columns: list[TextColumn]) -> list[str]:
    """The headings of columns, to see whether a segment goes on with the same channels."""
    return [column.name for column in columns]


def _channel(name: str, unit_text: str) -> TextColumn:
    label = read_label(name, unit_text)
    column = TextColumn(name, quantity_of(label) or "", label.unit_text)
    # in these files the times come from the x column alone
    if column.quantity in ("time", "datetime", "skip", "state", "fraction"):
        column.quantity = ""
    if label.unit is not None:
        column.unit, column.factor, column.offset = label.unit.si, label.unit.factor, label.unit.offset
        if not column.quantity and label.unit.dimension in ("voltage", "current"):
            column.quantity = label.unit.dimension
    return column
