"""Tables that a potentiostat program is still writing (.mpt, .DTA, .csv, .lvm, plain text), row by row as they come.

The parsers are those of finished logs, fed piece by piece. A row counts when its line is complete; a last line without
line end is taken after a quiet time only if it cannot be a fragment.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.formats.text.detect import parser_for
from tandem_em.formats.text.parser import LogParser, Table
from tandem_em.formats.text.rows import Rows
from tandem_em.model.clock import Origin
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.core.timeline import Timeline
from tandem_em.sources.files.growing_file import GrowingFile
from tandem_em.sources.files.settings import TextTable

LINES_TO_TELL = 3
ENOUGH_TO_TELL = 4096
"""So many lines or bytes must be there before the format is decided, or a quiet time must have passed."""


class TextTailSource(ThreadedSource):
    """Rows of a text file as another program writes them, in the formats that finished logs are read in."""

    kind: ClassVar[str] = "text"
    sync: ClassVar[Origin] = "file time"
    quiet_s: ClassVar[float] = 60.0

    def __init__(self, table: TextTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._path = Path(table.path)
        self._file = GrowingFile(self._path)
        self._reader = RowTail()
        self._timeline = Timeline()
        self._units: dict[str, str] = {}
        self._grown_at = host_now()
        self._refused_before = 0
        self._only_new = not table.from_start
        self._first_s = float("nan")
        """What the file's own time column says of the first row, which is device second 0."""

    def describe(self) -> SourceDescription:
        """What the header of the file says, and when its first row was measured if that is known."""
        facts = self._reader.facts()
        if "start_iso" in facts and np.isfinite(self._first_s):
            first = datetime.fromisoformat(facts["start_iso"]) + timedelta(seconds=self._first_s)
            facts["first_row_iso"] = first.isoformat()
        return SourceDescription(
            name=self._name,
            kind="text",
            label=facts.pop("label", "") or self._path.name,
            units=dict(self._units),
            sync="file time",
            simulated=self._table.simulated,
            instrument={"file": self._path.name, **facts},
        )

    def _connect(self) -> None:
        if not self._path.parent.is_dir():
            raise SourceLostError(f"The folder of {self._path.name} does not exist.")

    def _disconnect(self) -> None:
        """Nothing is held open. At the end a last line that is surely whole is taken."""
        if self._stopping.is_set():
            self._deliver(self._reader.take_last())
            self._tell_left_out()

    def _tell_left_out(self) -> None:
        """How many lines were no samples and why, once, when no more can come."""
        for sentence in self._reader.left_out_sentences(self._path.name):
            self._say(sentence, "warning")

    def _pump(self) -> None:
        try:
            growth = self._file.poll()
        except OSError as error:
            raise SourceLostError(f"{self._path.name} cannot be read ({error}).") from error
        now = host_now()
        if not growth.there:
            self._set_state("waiting", f"{self._path.name} does not exist yet; waiting for it.")
            self._stopping.wait(self._table.poll_s)
            return
        if growth.restarted:
            self._say(f"{self._path.name} was restarted from its beginning.", "note")
            self._tell_left_out()
            # The rows left out before count on in the new reader.
            self._refused_before, self._reader = self._refused, RowTail()
            self._timeline.restart()
            self._begin_segment()
        if growth.data:
            self._grown_at = now
            try:
                rows = self._reader.feed(growth.data)
            except (UserError, ValueError) as error:
                raise UserError(
                    f"{self._path.name} cannot be read: {error}", "Choose another file."
                ) from error
            # The rows that lay there before are read for the format and thrown away, to the last piece.
            if self._only_new and not growth.more:
                self._only_new = False
                return
            if not self._only_new:
                self._deliver(rows)
        elif now - self._grown_at > self._table.quiet_s:
            self._deliver(self._reader.take_last())
        # A large file that is behind is read on at once.
        if not growth.more:
            self._stopping.wait(self._table.poll_s)

    def _deliver(self, found: list[tuple[Table, Rows, bool]]) -> None:
        now = host_now()
        self._refused = self._refused_before + self._reader.left_out
        for table, rows, new_table in found:
            # Two tables of a file need not have the same columns or clock.
            if new_table:
                self._timeline.restart()
                self._begin_segment()
            self._units = {info.key: info.unit for info in table.columns}
            for part in stretches(rows):
                self._put_rows(part, now)

    def _put_rows(self, rows: Rows, now: float) -> None:
        if not np.isfinite(self._first_s):
            self._first_s = float(rows.times[0])
        if rows.segments:
            self._timeline.restart()
        first, new = self._timeline.place(float(rows.times[0]), now)
        times = rows.times - rows.times[0] + first
        # The timeline has to know the last row, so that the next portion is placed behind it.
        self._timeline.place(float(rows.times[-1]), now)
        self._put_samples(times, np.full(len(times), now), rows.values, new_segment=new)


class RowTail:
    """Bytes in, rows out. Holds the beginning back until the format can be told."""

    def __init__(self) -> None:
        self._parser: LogParser | None = None
        self._early = b""
        self._tables = 0

    def feed(self, data: bytes) -> list[tuple[Table, Rows, bool]]:
        """(table, rows, is this table new) for each portion of rows."""
        if self._parser is None:
            self._early += data
            if self._early.count(b"\n") < LINES_TO_TELL and len(self._early) < ENOUGH_TO_TELL:
                return []
            return self._begin()
        self._parser.feed(data)
        return self._take()

    def take_last(self) -> list[tuple[Table, Rows, bool]]:
        """After a quiet time: what there is decides the format; a last line without line end counts if surely whole."""
        if self._parser is None:
            # After a quiet time two lines are enough: more may never come.
            return self._begin() if self._early.count(b"\n") >= 2 else []
        self._parser.take_tail()
        return self._take()

    def _begin(self) -> list[tuple[Table, Rows, bool]]:
        self._parser = parser_for(self._early, patient=False)
        early, self._early = self._early, b""
        self._parser.feed(early)
        return self._take()

    @property
    def left_out(self) -> int:
        """Lines in the tables that are no samples."""
        return sum(table.reader.tally.left_out for table in self._tables_there)

    def left_out_sentences(self, name: str) -> list[str]:
        """What was left out and why, a sentence for each table and reason."""
        return [
            sentence
            for table in self._tables_there
            for sentence in table.reader.tally.left_out_sentences(name)
        ]

    @property
    def _tables_there(self) -> list[Table]:
        return self._parser.tables if self._parser is not None else []

    def facts(self) -> dict[str, Any]:
        """What the header says: label, start, technique."""
        if self._parser is None:
            return {}
        facts: dict[str, Any] = {"label": self._parser.label}
        if self._parser.tables:
            table = self._parser.tables[-1]
            facts |= {key: value for key, value in table.meta.items() if len(value) < 200}
            if table.start is not None:
                facts["start_iso"] = table.start.when.isoformat()
        return facts

    def _take(self) -> list[tuple[Table, Rows, bool]]:
        assert self._parser is not None
        found = []
        for number, table in enumerate(self._parser.tables):
            for rows in table.take():
                found.append((table, rows, self._tables > 0 and number >= self._tables))
                self._tables = max(self._tables, number + 1)
        return found


def stretches(rows: Rows) -> list[Rows]:
    """Rows cut where a new stretch begins or the times run backwards; the later parts say so in `segments`."""
    backwards = (np.flatnonzero(np.diff(rows.times) < 0) + 1).tolist()
    cuts = sorted({*(s for s in rows.segments if 0 < s < len(rows.times)), *backwards})
    edges = [0, *cuts, len(rows.times)]
    return [
        Rows(
            rows.times[a:b],
            {key: column[a:b] for key, column in rows.values.items()},
            [0] if a in cuts else [],
        )
        for a, b in itertools.pairwise(edges)
        if b > a
    ]
