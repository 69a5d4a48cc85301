"""Lists of small items as JSON records, with a table other programs can plot."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.model.marks import Event
from tandem_em.storage.codec import layout, records


@pytest.fixture
def h5(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def stored(h5: h5py.File) -> list[dict]:
    return json.loads(h5["entry/events"][layout.RECORDS].asstr()[()])


def test_events_are_records_and_a_table_in_the_order_of_time(h5: h5py.File) -> None:
    late, early = (
        Event(name="bias off", t=9.5, category="bias", author="Ada"),
        Event(name="Kontakt µ", t=-2.0),
    )
    records.write_records(h5, "event", [late, early], "2026-01-02T03:04:05+01:00")
    assert [each["id"] for each in stored(h5)] == [late.id, early.id]
    table = h5["entry/events"][layout.TABLE]
    assert table["time"].tolist() == [-2.0, 9.5]
    assert [value.decode() for value in table["value"]] == ["Kontakt µ", "bias off"]
    assert table["author"][1] == b"Ada"
    assert table.attrs["time_start"] == "2026-01-02T03:04:05+01:00"


def test_what_a_newer_version_wrote_stays(h5: h5py.File) -> None:
    event = Event(name="a", t=1.0)
    records.write_records(h5, "event", [event], "")
    newer = [
        {**stored(h5)[0], "of_the_future": [1, 2]},
        {"id": "unreadable", "shape": "unknown"},
        {"id": "gone"},
    ]
    del h5["entry/events"][layout.RECORDS]
    h5["entry/events"][layout.RECORDS] = json.dumps(newer)
    event.name = "b"
    records.write_records(h5, "event", [event], "", protected=frozenset({"unreadable"}))
    found = stored(h5)
    assert [each["id"] for each in found] == [event.id, "unreadable"]
    assert (found[0]["name"], found[0]["of_the_future"]) == ("b", [1, 2])


def test_an_empty_list_leaves_neither_records_nor_table(h5: h5py.File) -> None:
    records.write_records(h5, "event", [Event(name="a", t=1.0)], "")
    records.write_records(h5, "event", [], "")
    assert layout.RECORDS not in h5["entry/events"]
    assert layout.TABLE not in h5["entry/events"]


@pytest.mark.parametrize("text", ["{", "5", '{"id": 1}', '[1, "x", null]', "null"])
def test_records_that_make_no_sense_are_none(h5: h5py.File, text: str) -> None:
    group = h5.create_group("g")
    assert records.old_records(group) == []
    group[layout.RECORDS] = text
    assert records.old_records(group) == []
    del group[layout.RECORDS]
    group[layout.RECORDS] = np.arange(3)
    assert records.old_records(group) == []


@given(st.text(max_size=40), st.integers(1, 20))
@example("a\ud83d", 4)
def test_a_cut_text_ends_with_a_whole_character(text: str, size: int) -> None:
    cut = records._cut(text, size)
    assert len(cut) <= size
    assert text.encode("utf-8", "replace").decode("utf-8").startswith(cut.decode("utf-8"))
