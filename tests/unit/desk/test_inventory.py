"""What is in a session, as plain data and as lines: every stream with what is known, nothing that JSON cannot hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from all_lanes import all_lanes_session
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.desk import inventory
from tandem_em.desk.document import files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage


@pytest.fixture
def session() -> Session:
    found = all_lanes_session()
    energy = np.arange(40.0, 60.0, 0.5)
    image = SpectrumImage(
        name="SI", source=MemoryArray(np.ones((3, 4, 40), np.float32)), energy_eV=energy, pixel_nm=(2.0, 2.0), start=1.0,
        end=4.0, state="charged",
    )  # fmt: skip
    found.maps.add(image)
    found.events.add(Event(name="bias on", t=2.0, category="bias"))
    return found


def test_streams_are_described_by_their_numbers(session: Session) -> None:
    run, stack, image = inventory.describe_session(session)["streams"]
    log, movie = session.runs.first, session.stacks.first
    assert log is not None
    assert movie is not None
    assert (run["type"], run["samples"], run["gaps"]) == ("run", len(log), len(log.gaps()))
    assert run["columns"]["voltage"]["unit"] == "V"
    values = log.columns["voltage"].values.view
    assert run["columns"]["voltage"]["range"] == [values.min(), values.max()]
    assert run["columns"]["voltage"]["ends"] == [values[0], values[-1]]
    assert (stack["shape"], stack["dtype"], stack["pixel_nm"]) == ([40, 32, 32], "uint16", 0.5)
    assert stack["time_s"] == [0.0, 39.0]
    assert stack["drift_corrected"]
    assert (image["shape"], image["energy_eV"], image["energy_step_eV"]) == ([3, 4, 40], [40.0, 59.5], 0.5)
    assert (image["interval_s"], image["state"]) == ([1.0, 4.0], "charged")


def test_the_description_is_strict_json_whatever_is_missing(session: Session) -> None:
    session.runs.add(BiasRun(name="empty"))
    blank = GrowingArray(np.array([np.nan, np.inf]))
    session.runs.add(
        BiasRun(
            name="blank",
            times=GrowingArray(np.array([0.0, 1.0])),
            columns={"voltage": Column("voltage", "V", blank)},
        )
    )
    session.stacks.add(
        FrameStack(name="untimed", source=MemoryArray(np.zeros((2, 3, 3))), times=np.full(2, np.nan))
    )
    session.maps.add(
        SpectrumImage(name="one channel", source=MemoryArray(np.zeros((1, 1, 1))), energy_eV=np.array([5.0]))
    )
    found = inventory.describe_session(session)
    for clock in found["clocks"]:
        clock.pop("uncertainty_s")  # infinite where nothing is known
    text = json.dumps(found, allow_nan=False)
    again = json.loads(text)
    streams = {stream["name"]: stream for stream in again["streams"]}
    assert streams["empty"]["columns"] == {}
    assert streams["blank"]["columns"]["voltage"] == {
        "unit": "V",
        "range": [None, None],
        "ends": [None, None],
        "label": "",
    }
    assert streams["untimed"]["time_s"] == [None, None]
    assert streams["one channel"]["energy_step_eV"] is None


def test_lines_for_people(session: Session) -> None:
    found = inventory.describe_session(session) | {"file": "/a/b.nxs", "kind": "session", "size_bytes": 2048}
    found |= {"problems": ["The movie is missing."], "not_closed": "It was not closed properly."}
    lines = inventory.lines_of(found)
    assert lines[0].startswith("b.nxs  session, 2")
    assert "  all lanes" in lines
    assert any(
        line.startswith("  stack movie: 40 frames of 32 × 32 uint16, 0.5 nm/px, times: file")
        for line in lines
    )
    assert any(
        line.startswith("  EELS SI: 4 × 3 × 40, 40.0 to 59.5 eV, 0.500 eV per channel") for line in lines
    )
    assert any("350 samples, voltage (V), current (A), temperature (°C)" in line for line in lines)
    assert "  1 event" in lines
    assert "  ! The movie is missing." in lines
    assert "  ! It was not closed properly." in lines
    assert sum("particle" in line for line in lines) == 3


def test_an_item_in_one_line_is_without_its_name(session: Session) -> None:
    stack, particle = session.stacks.first, session.particles.first
    assert stack is not None
    assert particle is not None
    stack.name = "a: b"
    assert "frames of 32 × 32" in inventory.line_of(stack)
    assert (
        inventory.line_of(particle)
        == f"{len(particle.outlines)} outlines, {len(particle.keys)} drawn by hand"
    )
    assert inventory.line_of(session.clocks.first) == ""


def test_a_session_file_and_a_foreign_file_are_described_alike(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "s.nxs"
    opened = run_to_end(files.create_session(path, session))
    opened.store.close()
    found = run_to_end(inventory.describe_file(path))
    assert (found["kind"], found["problems"], found["size_bytes"]) == ("session", [], path.stat().st_size)
    assert [stream["name"] for stream in found["streams"]] == ["log", "movie", "SI"]
    assert "being_written_by" not in found
    other = run_to_end(inventory.describe_file(DATA / "eels" / "EELS_SI.dm4"))
    assert other["kind"] == "import"
    assert other["streams"][0]["type"] == "map"
    assert inventory.lines_of(other)[0].startswith("EELS_SI.dm4  import, ")
