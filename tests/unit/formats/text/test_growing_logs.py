"""Logs that come in pieces give the same rows as whole ones, and never a row that is not complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bias_reading import BIAS
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.formats.text.detect import parser_for
from tandem_em.formats.text.feed import LineFeed, find_encoding
from tandem_em.formats.text.parser import LogParser
from tandem_em.formats.text.rows import joined

FILES = ["ixdat/dataset_with_loop_01_01_OCV_DUSB0_C01.mpt", "gamry-parser/cv_data.dta", "yadg_eclab/gcpl.issue_149.mpt",
         "navani/test_with_capacity.bdf", "rosettasciio_dens/file1.dens"]  # fmt: skip


def taken(parser: LogParser) -> list[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
    tables = []
    for table in parser.tables:
        waiting = table.take()
        if waiting:
            rows = joined(waiting)
            tables.append((table.name, rows.times, rows.values))
    return tables


@pytest.mark.parametrize("name", FILES)
def test_pieces_of_any_size_give_the_rows_of_the_whole(name: str) -> None:
    data = (BIAS / name).read_bytes()
    whole = parser_for(data)
    whole.feed(data)
    whole.finish()
    expected = taken(whole)

    @settings(deadline=None, max_examples=10)
    @given(st.lists(st.integers(1, 700), min_size=1, max_size=20))
    def check(sizes: list[int]) -> None:
        parser = parser_for(data[:4096])
        place, turn = 0, 0
        while place < len(data):
            size = sizes[turn % len(sizes)]
            parser.feed(data[place : place + size])
            place, turn = place + size, turn + 1
        parser.finish()
        found = taken(parser)
        assert [(n, len(t)) for n, t, _ in found] == [(n, len(t)) for n, t, _ in expected]
        for (_, times, values), (_, true_times, true_values) in zip(found, expected):
            np.testing.assert_array_equal(times, true_times)
            for key in true_values:
                np.testing.assert_array_equal(values[key], true_values[key])

    check()


def test_a_partial_last_line_waits() -> None:
    parser = parser_for(b"Time (s),Voltage (V)\n", patient=False)
    parser.feed(b"Time (s),Voltage (V)\n0,3.0\n1,3.1\n2,3.2\n3,3.")
    assert parser.tables[0].take()[0].times.tolist() == [0, 1, 2]
    assert parser.feeder.tail == "3,3."
    parser.feed(b"35\n")
    rows = parser.tables[0].take()[0]
    assert rows.times.tolist() == [3]
    assert rows.values["voltage"].tolist() == [3.35]


def test_a_growing_log_is_read_as_soon_as_it_can_be_understood() -> None:
    parser = parser_for(b"t/s\tE/V\n", patient=False)
    seen = []
    for line in (b"t/s\tE/V\r\n", b"0,0\t3,1\r\n", b"0,5\t3,2\r\n", b"1,0\t3,3\r\n", b"1,5\t3,4\r\n"):
        parser.feed(line)
        seen.append(sum(len(rows.times) for table in parser.tables for rows in table.take()))
    assert sum(seen) == 4
    assert seen[-2:] != [0, 0]


def test_lines_across_pieces_encodings_and_line_ends() -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252", "utf-8-sig"):
        data = "µA;°C\r\n1;2\n3;4".encode(encoding)
        feed = LineFeed(find_encoding(data))
        lines = [line for k in range(len(data)) for line in feed.feed(data[k : k + 1])]
        assert [*lines, feed.tail] == ["µA;°C", "1;2", "3;4"], encoding
    assert LineFeed("utf-8").feed(b"a\rb\rc\r") == ["a", "b", "c"]


def test_segments_begin_where_a_heading_is_repeated(tmp_path: Path) -> None:
    parser = parser_for(b"Time (s),Voltage (V)\n")
    parser.feed(b"Time (s),Voltage (V)\n0,1\n1,1\n2,1\nTime (s),Voltage (V)\n10,1\n11,1\n")
    parser.finish()
    assert joined(parser.tables[0].take()).segments == [3]
