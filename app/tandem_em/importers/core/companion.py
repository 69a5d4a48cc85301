"""Time logs beside a movie or in a folder of frames: a table with one row per frame and a column of times."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.core.units import number, time_s

SUFFIXES = (".csv", ".txt", ".log", ".tsv", ".dat")
SIZE_LIMIT = 64 << 20
COLUMN = re.compile(
    r"^(?:t|time|times?tamp|time_?stamps?|elapsed|seconds?|frame ?time|time .*|t_.*|time_.*)\b", re.I
)
UNIT = re.compile(r"[\[(/_ ]\s*(ms|µs|us|ns|s|sec|seconds|min|h)\s*[\])]?\s*$", re.I)


def beside(path: Path, count: int) -> tuple[NDArray[np.float64], str, Path] | None:
    """(seconds, ISO start or empty, file) from a log that carries the name of this movie."""
    names = [
        f"{path.stem}{tail}{suffix}"
        for tail in ("", "_times", "_timestamps", "_time", "_log")
        for suffix in SUFFIXES
    ]
    return _first([path.with_name(name) for name in names], count)


def inside(folder: Path, count: int) -> tuple[NDArray[np.float64], str, Path] | None:
    """The same from a table among the frames of a folder."""
    try:
        tables = sorted(each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES)
    except OSError:
        return None
    return _first(tables[:20], count)


def _first(paths: list[Path], count: int) -> tuple[NDArray[np.float64], str, Path] | None:
    for path in paths:
        try:
            if not path.is_file() or path.stat().st_size > SIZE_LIMIT:
                continue
            read = table_times(path.read_text("latin-1"), count)
        except OSError:
            continue
        if read is not None:
            return (*read, path)
    return None


def table_times(text: str, count: int) -> tuple[NDArray[np.float64], str] | None:
    """(seconds after the first row, ISO start or empty) of a table that has exactly this many rows."""
    lines = [line for line in text.removeprefix("ï»¿").splitlines() if line.strip()]
    # up to a hundred lines of header; more is another table
    if not count <= len(lines) <= count + 100:
        return None
    header, rows = lines[: len(lines) - count], lines[len(lines) - count :]
    # the separator has to be in every row
    separator = next((each for each in ("\t", ";", ",") if all(each in row for row in rows)), None)
    table = [[cell.strip().strip('"') for cell in row.split(separator)] for row in rows]
    width = len(table[0])
    names = [cell.strip().strip('"# ') for cell in header[-1].split(separator)] if header else []
    if any(len(row) != width for row in table) or (names and len(names) != width):
        return None
    if names:
        column = next((i for i, name in enumerate(names) if COLUMN.match(name)), None)
    else:
        column = 0 if width == 1 else None
    if column is None:
        return None
    return _column([row[column] for row in table], names[column] if names else "")


def _column(cells: list[str], name: str) -> tuple[NDArray[np.float64], str] | None:
    moments = [parse_iso(cell) for cell in cells[:1]]
    # a plain number may also parse as a date (`20240101`)
    if moments[0] is not None and not re.fullmatch(r"[-+.\deE]+", cells[0]):
        parsed = [parse_iso(cell) for cell in cells]
        first = moments[0]
        try:
            seconds = [np.nan if each is None else (each - first).total_seconds() for each in parsed]
        except TypeError:
            return None
        return np.array(seconds, np.float64), first.isoformat()
    values = [number(cell.replace(",", ".")) for cell in cells]
    # one in ten may be missing; more is no column of times
    if values[0] is None or sum(value is None for value in values) > len(values) // 10:
        return None
    match = UNIT.search(name)
    factor = (time_s(match[1]) if match else None) or 1.0
    out = np.array([np.nan if value is None else value for value in values], np.float64) * factor
    # seconds since 1970 or the like: only what passes after the first frame counts
    return out - (out[0] if out[0] > 1e8 else 0.0), ""
