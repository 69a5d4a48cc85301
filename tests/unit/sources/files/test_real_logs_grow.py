"""Logs of real instruments, grown in random pieces: every row of the finished file arrives once, and none is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from places import DATA

from tandem_em.formats.text.rows import Rows
from tandem_em.sources.files.tail_simulator import pieces
from tandem_em.sources.files.text_tail import RowTail

LOGS = DATA / "bias"
ENDINGS = {".mpt", ".dta", ".csv", ".txt", ".lvm"}
REAL = sorted(
    path for path in LOGS.rglob("*") if path.suffix.lower() in ENDINGS and path.stat().st_size < 400_000
)


def by_quantity(rows: list[Rows]) -> dict[str, list[float]]:
    """Values in the order in which they came; tables of one file may have different columns."""
    found: dict[str, list[float]] = {"time": [t for each in rows for t in each.times]}
    for each in rows:
        for key, column in each.values.items():
            found.setdefault(key, []).extend(column)
    return found


def grown(data: bytes, seed: int, largest: int) -> list[Rows]:
    """The writer pauses after every piece, so each line that is still open is looked at."""
    reader = RowTail()
    rows = []
    for piece in pieces(data, seed, largest):
        rows += [r for _, r, _ in reader.feed(piece)]
        rows += [r for _, r, _ in reader.take_last()]
    return rows


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem[:40])
def test_a_real_log_grown_in_pieces_gives_the_rows_of_the_finished_one(path: Path) -> None:
    data = path.read_bytes()
    whole = RowTail()
    rows = [r for _, r, _ in whole.feed(data)]
    rows += [r for _, r, _ in whole.take_last()]
    wanted = by_quantity(rows)
    for seed, largest in ((1, 60), (2, 700)):
        found = by_quantity(grown(data, seed, max(largest, len(data) // 400)))
        assert found.keys() == wanted.keys()
        for key, values in wanted.items():
            np.testing.assert_array_equal(found[key], values, err_msg=key)


def test_there_are_enough_real_rows_to_mean_something() -> None:
    reader_rows = 0
    for path in REAL:
        reader = RowTail()
        reader_rows += sum(len(r.times) for _, r, _ in reader.feed(path.read_bytes()))
    assert reader_rows > 4472


def test_a_gamry_file_whose_first_line_lies_there_alone_is_still_a_gamry_file() -> None:
    path = next(path for path in REAL if path.suffix.lower() == ".dta")
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    reader = RowTail()
    assert reader.feed(data[:first]) == []
    assert reader.take_last() == []
    rows = reader.feed(data[first:])
    assert rows
    assert reader.facts()["label"] == "Gamry DTA"
