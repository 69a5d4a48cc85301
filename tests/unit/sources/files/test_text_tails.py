"""Growing files: every complete row once, never a wrong number, restarts visible."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.sources.core.base import Block, EventBlock, SampleBlock
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.files.growing_file import GrowingFile
from tandem_em.sources.files.settings import TextTable
from tandem_em.sources.files.tail_simulator import FileWriter, ec_lab_text, pieces
from tandem_em.sources.files.tdms_tail import TdmsTailSource
from tandem_em.sources.files.text_tail import RowTail, TextTailSource


def collect(
    source: ThreadedSource, is_enough: Callable[[list[Block]], bool], limit_s: float = 40.0
) -> list[Block]:
    blocks: list[Block] = []
    deadline = time.monotonic() + limit_s
    while not is_enough(blocks):
        assert time.monotonic() < deadline, (source.status(), blocks[-3:])
        block = source.read(0.2)
        if block is not None:
            blocks.append(block)
    return blocks


def rows_of(blocks: list[Block]) -> int:
    return sum(len(b) for b in blocks if isinstance(b, SampleBlock))


def column(blocks: list[Block], key: str) -> Any:
    return np.concatenate([b.columns[key] for b in blocks if isinstance(b, SampleBlock)])


def times_of(blocks: list[Block]) -> Any:
    return np.concatenate([b.times for b in blocks if isinstance(b, SampleBlock)])


def tail(path: Path, **more: Any) -> TextTailSource:
    source = TextTailSource(TextTable(name="potentiostat", path=path, poll_s=0.02, **more))
    source.start()
    return source


def test_4472_rows_of_a_growing_mpt(tmp_path: Path) -> None:
    path = tmp_path / "cell.mpt"
    source = tail(path)
    writer = FileWriter(path, ec_lab_text(4472), seed=3)
    blocks = collect(source, lambda b: rows_of(b) >= 4472, 20.0)
    writer.close()
    described = source.describe()
    source.close()
    number = np.arange(4472)
    assert rows_of(blocks) == 4472
    assert np.allclose(times_of(blocks), 0.1 * number, atol=1e-9)
    assert np.allclose(column(blocks, "voltage"), 3.7 + 1e-5 * number, atol=1e-12)
    assert np.all(column(blocks, "current") == pytest.approx(2.5e-10, rel=1e-12))
    assert described.label == "BioLogic EC-Lab text"
    assert described.units["voltage"] == "V"
    assert described.instrument["start_iso"].startswith("2024-03-01T12:00")


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_any_cutting_gives_the_same_rows(seed: int, largest: int) -> None:
    reader = RowTail()
    values: list[float] = []
    for piece in pieces(ec_lab_text(40), seed, largest):
        values += [v for _, rows, _ in reader.feed(piece) for v in rows.values["voltage"]]
        reader.take_last()
    assert set(np.round(values, 9)) <= set(np.round(3.7 + 1e-5 * np.arange(40), 9))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60))
def test_a_fragment_is_never_taken_for_a_row(cut: int) -> None:
    data = ec_lab_text(10)
    reader = RowTail()
    rows = [r for _, r, _ in reader.feed(data[: len(data) - cut])]
    rows += [r for _, r, _ in reader.take_last()]
    voltage = np.concatenate([r.values["voltage"] for r in rows])
    current = np.concatenate([r.values["current"] for r in rows])
    assert np.allclose(voltage, 3.7 + 1e-5 * np.arange(len(voltage)), atol=1e-12)
    assert np.allclose(current, 2.5e-10, rtol=1e-12)
    assert len(voltage) == (10 if cut <= 2 else 9)


def test_a_last_row_without_line_end_is_taken_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "cell.mpt"
    path.write_bytes(ec_lab_text(20).rstrip(b"\r\n"))
    source = tail(path, quiet_s=0.1)
    blocks = collect(source, lambda b: rows_of(b) == 20)
    with path.open("ab") as file:
        file.write(b"\r\n" + ec_lab_text(21).splitlines(keepends=True)[-1])
    blocks += collect(source, lambda b: rows_of(b) == 1)
    source.close()
    assert np.allclose(times_of(blocks), 0.1 * np.arange(21))


CSV = "Time (s),Voltage (mV),Current (nA)\n" + "".join(
    f"{i * 0.5:.1f},{3700 + i:.2f},{i * 0.25:.3f}\n" for i in range(60)
)
LVM_HEAD = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nReader_Version\t2\nSeparator\tTab\nDecimal_Separator\t.\n"
    "Multi_Headings\tNo\nX_Columns\tOne\nTime_Pref\tRelative\nOperator\tx\nDate\t2024/03/01\nTime\t12:00:00.0\n"
    "***End_of_Header***\t\n\t\nChannels\t1\t\nSamples\t60\t\nDate\t2024/03/01\t\nTime\t12:00:00.0\t\n"
    "Y_Unit_Label\tVolts\t\nX_Dimension\tTime\t\nX0\t0.0E+0\t\nDelta_X\t0.5\t\n***End_of_Header***\t\t\n"
    "X_Value\tVoltage\tComment\n"
)
LVM = LVM_HEAD + "".join(f"{i * 0.5:.6f}\t{3.7 + i * 0.001:.6f}\n" for i in range(60))
PLAIN = "t/s V/V I/A\n" + "".join(
    f"{i * 0.5:.3f} {3.7 + i * 0.001:.4f} {i * 2.5e-10:.3e}\n" for i in range(60)
)


@pytest.mark.parametrize(("name", "text"), [("log.csv", CSV), ("log.lvm", LVM), ("log.txt", PLAIN)])
def test_other_growing_tables(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    source = tail(path)
    writer = FileWriter(path, text.encode(), largest=60, seed=1)
    blocks = collect(source, lambda b: rows_of(b) >= 60)
    writer.close()
    source.close()
    assert times_of(blocks) == pytest.approx(0.5 * np.arange(60))
    assert column(blocks, "voltage") == pytest.approx(3.7 + 0.001 * np.arange(60))


def test_a_file_that_begins_anew_is_a_new_segment(tmp_path: Path) -> None:
    path = tmp_path / "cell.mpt"
    source = tail(path)
    path.write_bytes(ec_lab_text(30))
    blocks = collect(source, lambda b: rows_of(b) == 30)
    path.write_bytes(ec_lab_text(12, dt_s=0.2))
    blocks += collect(source, lambda b: rows_of(b) == 12)
    source.close()
    samples = [b for b in blocks if isinstance(b, SampleBlock)]
    assert [b.new_segment for b in samples][-1] is True or any(b.new_segment for b in samples)
    assert any("restarted from its beginning" in b.text for b in blocks if isinstance(b, EventBlock))
    assert np.all(np.diff(times_of(blocks)) >= 0)


def test_only_what_comes_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "cell.mpt"
    data = ec_lab_text(30)
    path.write_bytes(data[: data.index(b"1\t1\t0") + 300])
    source = tail(path, from_start=False)
    assert source.read(0.3) is None
    with path.open("ab") as file:
        file.write(data[data.index(b"1\t1\t0") + 300 :])
    blocks = collect(source, lambda b: rows_of(b) >= 20)
    source.close()
    assert column(blocks, "voltage")[-1] == pytest.approx(3.7 + 29e-5)
    assert 20 <= rows_of(blocks) < 30


def test_a_missing_file_is_waited_for(tmp_path: Path) -> None:
    source = tail(tmp_path / "later.csv")
    assert source.read(0.1) is None
    assert source.status().state == "waiting"
    assert "later.csv" in source.status().message
    source.close()


def test_growth_is_read_in_portions(tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(5 << 20))
    file = GrowingFile(path)
    first = file.poll()
    assert first.more
    assert len(first.data) + len(file.poll().data) == 5 << 20
    path.write_bytes(b"x" * 10)
    again = file.poll()
    assert (again.restarted, again.data) == (True, b"x" * 10)
    path.write_bytes(b"y" * 12)
    assert file.poll().restarted


def test_a_growing_tdms(tmp_path: Path) -> None:
    from nptdms import ChannelObject, TdmsWriter

    path = tmp_path / "log.tdms"
    source = TdmsTailSource(TextTable(name="labview", path=path, poll_s=0.02))
    source.start()
    blocks: list[Block] = []
    for part in range(3):
        number = np.arange(10) + 10.0 * part
        with TdmsWriter(path, mode="a" if part else "w") as writer:
            channels = [
                ChannelObject("bias", "Time", number * 0.5, {"unit_string": "s"}),
                ChannelObject("bias", "Voltage", 3700 + number, {"unit_string": "mV"}),
            ]
            writer.write_segment(channels)
            writer.write_segment(
                [ChannelObject("bias", "Time", np.array([999.0]))] if part == 2 else channels[:0]
            )
        blocks += collect(source, lambda b: rows_of(b) == 10)
    source.close()
    assert times_of(blocks) == pytest.approx(0.5 * np.arange(30))
    assert column(blocks, "voltage") == pytest.approx(3.7 + 0.001 * np.arange(30))


def test_lines_that_are_no_samples_are_counted_and_said_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"{i},{0.5 * i},3.{i}\n" for i in range(9))
    path.write_text(f"Index,Time (s),Voltage (V)\n{rows}9,3.9\nMin,0,3.0\nMax,4,3.8\n")
    source = tail(path)
    blocks = collect(source, lambda b: rows_of(b) == 9)
    assert source.status().refused == 3
    source.stop()
    blocks += iter(lambda: source.read(0.2), None)
    source.close()
    said = "\n".join(b.text for b in blocks if isinstance(b, EventBlock))
    assert rows_of(blocks) == 9
    assert "1 incomplete row left out" in said
    assert "2 lines are statistics" in said
