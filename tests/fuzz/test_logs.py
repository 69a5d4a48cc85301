"""Logs of any content: read, or refused with a sentence; and however they grow, they end as if read at once."""

from __future__ import annotations

import numpy as np
import pytest
from bias_reading import importer_of, read
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.formats.text.rows import RowReader, joined
from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.model.curves import BiasRun

CELLS = st.one_of(
    st.floats().map(repr), st.integers(-(10**9), 10**9).map(str), st.sampled_from(["", "OVLD", "9.9E37", "Mean", "CV", "-", "#", '"', "1,5"]),
    st.datetimes().map(lambda moment: moment.isoformat(" ")), st.text(max_size=6),
)  # fmt: skip
HEADINGS = st.sampled_from(
    [
        "time (s)",
        "Ewe/V",
        "<I>/mA",
        "Test_Time(h)",
        "Voltage(V)",
        "Current(A)",
        "date",
        "Step",
        "mode",
        "T (°C)",
        "Q",
        "x",
        "",
    ]
)
BEGINNINGS = st.sampled_from(
    [
        "",
        "EC-Lab ASCII FILE\nNb header lines : 3\n\n",
        "EXPLAIN\nTAG\n",
        "# remark\n",
        "\ufeff",
        "LabVIEW Measurement\n",
    ]
)


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    separator = draw(st.sampled_from([",", ";", "\t", " ", "|"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    headings = draw(st.lists(HEADINGS, min_size=1, max_size=6))
    rows = draw(st.lists(st.lists(CELLS, max_size=7), max_size=30))
    text = draw(BEGINNINGS) + end.join(separator.join(row) for row in [headings, *rows])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-16", "latin-1"])), "replace")


@settings(max_examples=1500)
@given(logs() | st.binary(max_size=400))
def test_any_log_is_read_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    path.write_bytes(content)
    importer_of(path)
    try:
        found = read(path)
    except UserError:  # with a sentence
        return
    for run in found.items:
        assert isinstance(run, BiasRun)
        assert np.isfinite(run.times.view).all()
        assert all(len(column.values) == len(run.times) for column in run.columns.values())


COLUMNS = st.lists(
    st.sampled_from(
        [TextColumn("t", "time", "s"), TextColumn("V", "voltage", "V"), TextColumn("I", "current", "A", factor=1e-3), TextColumn("n", kind="index"),
         TextColumn("d", kind="stamp"), TextColumn("c", kind="clock"), TextColumn("s", "state", kind="state"), TextColumn("-", kind="skip")]
    ),
    min_size=1, max_size=5, unique_by=lambda column: column.name,
)  # fmt: skip


@settings(max_examples=2000)
@given(
    COLUMNS,
    st.lists(st.lists(CELLS, max_size=5), max_size=40),
    st.lists(st.integers(1, 30), max_size=6),
    st.sampled_from(",;\t "),
)
def test_portions_of_any_table_are_the_whole(
    columns: list[TextColumn], rows: list[list[str]], sizes: list[int], separator: str
) -> None:
    lines = [separator.join(cell.replace("\n", " ").replace("\r", " ") for cell in row) for row in rows]
    settings_ = TextSettings(columns=columns, separator=separator)
    whole = RowReader(settings_, "").read(lines)
    reader, parts, start = RowReader(settings_, ""), [], 0
    for size in [*sizes, len(lines)]:
        parts.append(reader.read(lines[start : start + size]))
        start += size
    pieces = joined(parts)
    np.testing.assert_array_equal(pieces.times, whole.times)
    for key, values in whole.values.items():
        np.testing.assert_array_equal(pieces.values[key], values)
