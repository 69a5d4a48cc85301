"""BioLogic EC-Lab and BT-Lab text exports (.mpt), finished or still growing."""

from __future__ import annotations

import re

from tandem_em.formats.text.labels import Label, dimension_of, quantity_of, read_label
from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.formats.text.stamps import find_order

MAGIC = re.compile(rb"^\s*(?:\xef\xbb\xbf)?(EC|BT)-Lab ASCII FILE")
COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)")
STARTED = re.compile(r"Acquisition started on\s*:\s*(\d.*\S)")
LOOP = re.compile(r"Loop (\d+) from point number (\d+) to (\d+)")
HEADING = re.compile(r"(^|\t)(time/(s|ms|min|h)|freq/Hz)(\t|$)")
OWN_NAMES = {
    "Ewe/V": "voltage", "<Ewe>/V": "voltage", "Ecell/V": "voltage", "<Ewe/V>": "voltage", "I/mA": "current",
    "<I>/mA": "current", "Ece/V": "counter_voltage", "<Ece>/V": "counter_voltage", "Ewe-Ece/V": "cell_voltage",
    "(Q-Qo)/mA.h": "charge", "(Q-Qo)/C": "charge", "control/V": "control_voltage", "control/mA": "control_current",
    "-Im(Z)/Ohm": "impedance_imag", "Re(Z)/Ohm": "impedance_real", "|Z|/Ohm": "impedance_abs", "Ns": "step",
    "Phase(Z)/deg": "impedance_phase", "cycle number": "cycle", "half cycle": "half_cycle", "I Range": "current_range",
    "error": "overload", "Temperature/°C": "temperature", "Q charge/mA.h": "charge_capacity", "P/W": "power",
    "Q discharge/mA.h": "discharge_capacity", "Energy charge/W.h": "charge_energy", "freq/Hz": "frequency",
    "Energy discharge/W.h": "discharge_energy", "time/s": "time", "step time/s": "step_time", "z cycle": "cycle",
}  # fmt: skip
OTHER_UNITS = {(heading.rpartition("/")[0], dimension_of(quantity)): quantity
               for heading, quantity in OWN_NAMES.items() if "/" in heading}  # fmt: skip
"""The same quantities where a person chose other units or a reference electrode: `Ewe/mV`, `I/µA`, `Ewe/V vs. SCE`."""
STEPPED = {"mode", "ox/red", "error", "control changes", "Ns changes", "counter inc.", "Ns", "I Range", "cycle number",
           "half cycle", "z cycle"}  # fmt: skip


def column_of(heading: str) -> TextColumn:
    """What a heading of EC-Lab means; the same words are used for the binary files."""
    label: Label = read_label(heading) if "/" in heading else Label(heading, heading.strip())
    quantity = OWN_NAMES.get(heading.strip(), "") or _other(label)
    unit, factor, offset = label.unit_text, 1.0, 0.0
    if label.unit is not None:
        unit, factor, offset = label.unit.si, label.unit.factor, label.unit.offset
    if quantity == "impedance_imag" and heading.strip().startswith("-"):
        factor = -factor
    return TextColumn(heading.strip(), quantity, unit, "number", factor, offset, heading.strip() in STEPPED)


def _other(label: Label) -> str:
    if label.unit is not None and (known := OTHER_UNITS.get((label.name, label.unit.dimension))):
        return known
    found = quantity_of(label) or ""
    return (
        found
        if found in ("temperature", "power", "resistance", "charge_capacity", "discharge_capacity")
        else ""
    )


def unique_quantities(columns: list[TextColumn]) -> list[TextColumn]:
    """Of several columns that mean the same, the first keeps the meaning and the others their headings."""
    seen: set[str] = set()
    for column in columns:
        if column.quantity in seen and column.quantity not in ("skip", ""):
            column.quantity = ""
        elif column.quantity:
            seen.add(column.quantity)
    return columns


class MptParser(LogParser):
    """Reads the header by its own line count; a file without header begins with the headings."""

    label = "BioLogic EC-Lab text"

    def __init__(self) -> None:
        super().__init__()
        self.header: list[str] = []
        self._count: int | None = None
        self._table: Table | None = None
        self._waiting: list[str] = []

    def take_lines(self, lines: list[str]) -> None:
        """The header by its own count of lines, then headings and rows."""
        while lines and self._table is None:
            line, lines = lines[0], lines[1:]
            self.header.append(line)
            if self._count is None:
                found = COUNT.search(line)
                self._count = int(found[1]) if found else None
            # a line of the header may look like headings: the announced count decides
            if HEADING.search(line) and (self._count is None or len(self.header) >= self._count):
                self._begin(line)
        if self._table is None:
            return
        self._waiting += lines
        if self._table.settings.field_counts:
            self._read()
        elif (first := self._first_whole()) is not None:
            self._settle(first)
            self._read()

    def at_end(self) -> None:
        """A file that ends before its first whole row: what is there has to show the layout."""
        if self._table is not None and not self._table.settings.field_counts:
            self._settle(next((line for line in self._waiting if line.strip()), self.feeder.tail))
            self._read()

    def _first_whole(self) -> str | None:
        """The first row with as many values as there are headings: it shows how the others end. None: wait for it."""
        assert self._table is not None
        count = len(self._table.settings.columns)
        return next((row for row in self._waiting if len(row.removesuffix("\t").split("\t")) == count), None)

    def _begin(self, line: str) -> None:
        names = line.rstrip("\t\r ").split("\t")
        columns = unique_quantities([column_of(name) for name in names])
        settings = TextSettings(
            "\t", ".", self.feeder.encoding, len(self.header) - 1, -1, len(self.header), columns
        )
        text = "\n".join(self.header)
        started = STARTED.search(text)
        settings.start = started[1] if started else ""
        order, sure = find_order([settings.start])
        # EC-Lab writes month first with slashes; dates with dots are read as found
        settings.date_order = order if sure or "." in settings.start.split()[0] else "MDY"
        self._table = self.add_table(self._technique(), settings, line)
        self._table.meta = self._read_meta()

    def _settle(self, first: str) -> None:
        """The first row shows the decimal mark, whether a tab ends the rows, and whether times are written as dates."""
        assert self._table is not None
        settings = self._table.settings
        settings.decimal = "," if re.search(r"\d,\d", first) else "."
        count = len(settings.columns)
        last_is_empty = {line.count("\t") for line in self._waiting if line.strip()} == {count - 1}
        settings.field_counts = [count + 1 if first.endswith("\t") and not last_is_empty else count]
        index = settings.column("time")
        fields = first.split("\t")
        if 0 <= index < len(fields) and re.search(r"\d[/:-]\d", fields[index]):
            settings.columns[index].kind = (
                "stamp" if re.search(r"\d[/.-]\d+[/.-]\d", fields[index]) else "duration"
            )
        # the reader has to be made anew: it took its counts and kinds from the settings
        self.tables[-1] = self._table = self._renewed(self._table)
        # a row that ends with a tab where the others end with a value lacks one of its values: which one, nobody knows
        self._table.reader.last_is_filled = settings.field_counts == [count] and not first.endswith("\t")

    def _renewed(self, table: Table) -> Table:
        fresh = Table(
            table.name, table.settings, type(table.reader)(table.settings, table.reader.header), table.meta
        )
        return fresh

    def _read(self) -> None:
        assert self._table is not None
        lines, self._waiting = self._waiting, []
        if lines:
            self._table.waiting.append(self._table.reader.read(lines))

    def _technique(self) -> str:
        for line in self.header[2:8]:
            if line.strip() and ":" not in line and not HEADING.search(line):
                return line.strip()
        return ""

    def _read_meta(self) -> dict[str, str]:
        meta = {"technique": self._technique()} if self._technique() else {}
        for line in self.header:
            key, colon, value = line.partition(" : ")
            if colon and value.strip() and len(key) < 60 and key.strip() not in meta:
                meta[key.strip()] = value.strip()
        return meta

    @property
    def loops(self) -> list[tuple[int, int, int]]:
        """Loop number, first and last sample, as the header lists them."""
        return [(int(a), int(b), int(c)) for a, b, c in LOOP.findall("\n".join(self.header))]
