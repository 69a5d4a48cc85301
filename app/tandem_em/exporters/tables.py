"""Tables as CSV: UTF-8, one header line with units, where they come from in comment lines that begin with #."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.exporters.replacing import replacing

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Column:
    """One column; numbers (NaN is an empty cell) or texts. The unit goes into the header: `area (nm²)`."""

    name: str
    unit: str
    values: NDArray[Any] | list[Any]

    @property
    def header(self) -> str:
        """Head of the column as it stands in a file: the name, and the unit in brackets if it has one."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Table:
    """A table with its file stem and where it comes from."""

    stem: str
    columns: list[Column]
    notes: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0


def write_table(path: Path, table: Table) -> Job[Path]:
    """Write a table; pandas reads it back with `read_csv(path, comment="#")`, numbers exactly as they were."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for key, text in table.notes.items():
            # a line break in a note would make its second line data
            file.write(f"# {key}: {' '.join(str(text).split())}\r\n")
        file.write(",".join(_cell(column.header) for column in table.columns) + "\r\n")
        for start in range(0, len(table), ROWS_AT_ONCE):
            yield Progress(start, len(table), f"Writing {path.name}")
            columns = [_cells(column.values[start : start + ROWS_AT_ONCE]) for column in table.columns]
            file.writelines(",".join(row) + "\r\n" for row in zip(*columns, strict=True))
    return path


def _cells(values: NDArray[Any] | list[Any]) -> Iterator[str]:
    plain: Iterable[Any] = values.tolist() if isinstance(values, np.ndarray) else values
    return (_cell(value) for value in plain)


def _cell(value: object) -> str:
    """One cell; text that a reader could take for something else goes into quotes."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        return repr(float(value))  # numpy's own would say `np.float64(…)`
    text = str(value)
    if any(mark in text for mark in ',"#\r\n') or text != text.strip():
        return '"' + text.replace('"', '""').replace("\r", " ").replace("\n", " ") + '"'
    return text


SUFFIXES = {"s": "_s", "C": "_C", "V": "_V", "J": "_J", "µAh/cm²": "_uAh_cm2"}
"""How the keys of records end that carry their unit; the header says it in brackets."""


def table_of_rows(
    stem: str, rows: list[dict[str, Any]], units: Mapping[str, str], notes: Mapping[str, str]
) -> Table:
    """A table of records: `units` names the columns in order, with the unit of each."""
    return Table(
        stem,
        [
            Column(
                name.removesuffix(SUFFIXES.get(unit, "")).replace("_", " "),
                unit,
                [row.get(name) for row in rows],
            )
            for name, unit in units.items()
        ],
        notes,
    )
