"""Parsers that take a log piece by piece and give its tables: the face that file readers and live tailers share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tandem_em.formats.text.feed import LineFeed
from tandem_em.formats.text.rows import ColumnInfo, RowReader, Rows
from tandem_em.formats.text.settings import TextSettings
from tandem_em.formats.text.stamps import parse_stamp
from tandem_em.formats.text.times import Start


@dataclass
class Table:
    """One table of a log. `declared_rows`: how many the file says it has, when it says so."""

    name: str
    settings: TextSettings
    reader: RowReader
    meta: dict[str, str] = field(default_factory=dict)
    declared_rows: int | None = None
    waiting: list[Rows] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    """Remarks of the operator or the instrument: device second and text."""

    @property
    def columns(self) -> list[ColumnInfo]:
        """The columns that carry values, in the order of the table."""
        return self.reader.columns

    @property
    def is_timed(self) -> bool:
        """Whether a column or the format says the times; else rows are counted."""
        return self.reader.times.mode != "rows"

    @property
    def start(self) -> Start | None:
        """The absolute time of device second 0: from the rows, else from the text above the table."""
        if self.reader.times.start is not None:
            return self.reader.times.start
        stamp = parse_stamp(self.settings.start, self.settings.date_order) if self.settings.start else None  # type: ignore[arg-type]
        if stamp is None or self.reader.times.mode not in ("elapsed", "rows"):
            return None
        return Start(stamp.when, stamp.resolution_s, "the text above the table")

    def take(self) -> list[Rows]:
        """The samples that came since the last call."""
        rows, self.waiting = self.waiting, []
        return [each for each in rows if len(each.times)]


class LogParser:
    """Base of all parsers: `feed` bytes as they come, `finish` at the end of the file, read `tables`.

    A live tailer calls `feed` and takes rows from each table; it never calls `finish` while the file may grow.
    """

    label = "text"
    encoding = ""

    def __init__(self, encoding: str = "") -> None:
        self.tables: list[Table] = []
        self.feeder = LineFeed(encoding or self.encoding)
        self.finished = False
        self._tail_is_taken = False

    def feed(self, data: bytes) -> None:
        """Take more bytes of the file, cut anywhere."""
        lines = self.feeder.feed(data)
        if self._tail_is_taken and lines:
            # its line was consumed while it was still being written: now it has come with its end
            lines, self._tail_is_taken = lines[1:], False
        self.take_lines(lines)

    def take_tail(self) -> bool:
        """Consume the line still being written if it surely is whole; its end, when it comes, changes nothing."""
        line = self.feeder.tail
        if self._tail_is_taken or not self.tables or not self.tables[-1].reader.is_whole(line):
            return False
        self.take_last(line.rstrip("\r"))
        self._tail_is_taken = True
        return True

    def finish(self) -> None:
        """The file ends here: decide about a last line without line end."""
        self.finished = True
        if lines := self.feeder.end():
            self.take_lines(lines)
        self.at_end()
        if self.feeder.tail.strip() and not self._tail_is_taken:
            self.take_last(self.feeder.tail)
            self.feeder.tail = ""

    def at_end(self) -> None:
        """All complete lines are consumed; overridden by formats that still have to decide something."""

    def take_lines(self, lines: list[str]) -> None:
        """Consume complete lines; overridden by each format."""
        raise NotImplementedError

    def take_last(self, line: str) -> None:
        """Consume a last line that has no line end; by default it belongs to the last table."""
        if self.tables:
            rows = self.tables[-1].reader.read_last(line)
            if rows is not None:
                self.tables[-1].waiting.append(rows)

    def add_table(self, name: str, settings: TextSettings, header: str = "") -> Table:
        """Begin a table that further rows belong to; `header` is its line of headings, as it stands."""
        table = Table(name, settings, RowReader(settings, header))
        self.tables.append(table)
        return table


class DelimitedParser(LogParser):
    """A table whose layout is known: what a person settled in the dialog, or a TOML file."""

    label = "delimited text"

    def __init__(self, settings: TextSettings) -> None:
        super().__init__(settings.encoding)
        self.settings = settings
        self._line = 0
        self._table: Table | None = None
        self._header = ""

    def take_lines(self, lines: list[str]) -> None:
        """Lines up to `first_row` are the header, the others rows."""
        while lines and self._line < self.settings.first_row:
            if self._line == self.settings.header_row:
                self._header = lines[0]
            lines = lines[1:]
            self._line += 1
        self._line += len(lines)
        if self._table is None and self._line >= self.settings.first_row:
            self._table = self.add_table("", self.settings, self._header)
            self._table.meta = dict(self.settings.meta)
        if lines and self._table is not None:
            self._table.waiting.append(self._table.reader.read(lines))

    def take_last(self, line: str) -> None:
        """A last line counts only below the header."""
        if self._line >= self.settings.first_row:
            super().take_last(line)
