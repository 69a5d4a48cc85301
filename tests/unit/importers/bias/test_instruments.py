"""Gamry, Neware, Ivium, LabVIEW, holders and records of tomato: numbers taken from the files themselves."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from bias_reading import BIAS, UTC, first_run, importer_of, read

from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import ImportOptions


def test_gamry_tables_of_one_kind_are_one_run_with_a_break_at_each() -> None:
    run = first_run(BIAS / "gamry-parser" / "cv_data.dta")
    assert run.segment_starts == [0, 10, 20, 30, 40]
    assert run.times.view[[0, 10, 49]].tolist() == [0.1, 120.2, 601.1]
    assert run.values("current")[[0, 49]].tolist() == [7.80498e-9, 2.62272e-7]
    assert run.values("cycle")[[0, 10, 49]].tolist() == [1, 2, 5]


def test_gamry_impedance_file_has_two_tables_and_says_what_it_does_not_know() -> None:
    result = read(BIAS / "impedance.py" / "exampleDataGamry.DTA")
    open_circuit, sweep = result.items
    assert (len(open_circuit), len(sweep)) == (387, 72)
    assert sweep.values("impedance_real")[-1] == 17007.49
    assert sweep.values("impedance_imag")[-1] == -6635.557
    assert sweep.times.view[-1] == 861
    assert sweep.clock.uncertainty_s > 90
    assert any("does not say when ZCURVE began" in problem for problem in result.problems)
    assert any("below absolute zero" in problem for problem in result.problems)


def test_gamry_announcing_more_rows_than_there_are() -> None:
    result = read(BIAS / "gamry-parser" / "chronoa_data.dta")
    assert any("announces 5\u202f258 rows but has 10" in problem for problem in result.problems)
    assert result.questions[0].choices == ("DMY", "MDY")
    answered = first_run(
        BIAS / "gamry-parser" / "chronoa_data.dta", ImportOptions(zone="UTC", text={"date_order": "DMY"})
    )
    assert answered.clock.start_iso.startswith("2019-10-03")


def test_gamry_date_order_follows_from_the_other_dates_in_the_file() -> None:
    assert first_run(BIAS / "gamry-parser" / "ocp_data.dta").clock.start_iso.startswith("2020-10-02T17:18:00")


def test_neware_archive_with_everything_in_one_part() -> None:
    run = first_run(BIAS / "navani" / "test.ndax")
    assert len(run) == 1464
    assert run.times.view[[0, 1, -1]].tolist() == [0, 30, 43800]
    assert run.clock.start_iso == "2024-02-01T20:24:23+00:00"
    assert run.values("voltage")[0] == pytest.approx(3.4666)
    net = np.trapezoid(run.values("current"), run.times.view)
    passed = np.abs(np.diff(run.values("charge_capacity"))).sum()
    assert abs(net) < 2 * passed


def test_neware_archive_in_three_parts_says_which_stamps_are_not_its_own() -> None:
    result = read(BIAS / "NewareNDA" / "123456789012_Unit27_Example_Data_File.ndax")
    run = result.items[0]
    assert len(run) == 301
    assert run.times.view[-1] == pytest.approx(300.0)
    assert run.values("voltage")[0] == pytest.approx(2.9829915, abs=1e-6)
    assert run.values("temperature")[0] == pytest.approx(25.487, abs=1e-3)
    assert run.clock.start_iso.startswith("2024-11-18T12:43:45.422")
    assert any("294 of 301 samples have no time stamp" in problem for problem in result.problems)


def test_neware_binary_of_bts_9() -> None:
    run = first_run(BIAS / "NewareNDA" / "TestFile_first_40000_bytes.nda")
    data = (BIAS / "NewareNDA" / "TestFile_first_40000_bytes.nda").read_bytes()
    index, seconds, nanoseconds, current, voltage = struct.unpack_from("<IIIff", data, 1024 + 8 + 56 * 10)
    assert index == 11
    assert run.values("voltage")[10] == pytest.approx(voltage)
    assert run.values("current")[10] == pytest.approx(current * 1e-3)
    assert run.values("step_time")[10] == pytest.approx(seconds + 1e-9 * nanoseconds)
    assert run.values("temperature")[0] == pytest.approx(23.031403, abs=1e-5)
    assert run.clock.zone == "UTC"


def test_neware_29_steps_follow_each_other_and_pauses_stay(tmp_path: Path) -> None:
    """A synthetic file in the older layout: two steps, and a wait of an hour between them."""
    rows = []
    for n in range(10):
        step, second = (1, n) if n < 5 else (2, n - 5)
        clock = 10 if n < 5 else 11
        rows.append(struct.pack("<HIIHBxQiiQqqqqHBBBBBxii", 0x55, n + 1, 0, step, 1 if step == 1 else 2, second * 1000,
                                35000 + n, 100 if step == 1 else -100, 0, 36000 * n, 0, 0, 0, 2024, 5, 6, clock, 0, second,
                                10, 0))  # fmt: skip
    path = tmp_path / "old.nda"
    path.write_bytes(b"NEWARE20160101\x1d\x00".ljust(200, b"\x01") + b"\x00\x00\x00\x00" + b"".join(rows))
    result = read(path)
    run = result.items[0]
    assert run.times.view.tolist() == [0, 1, 2, 3, 4, 3600, 3601, 3602, 3603, 3604]
    np.testing.assert_allclose(run.values("voltage"), 3.5 + 1e-4 * np.arange(10))
    np.testing.assert_allclose(run.values("current"), [1e-4] * 5 + [-1e-4] * 5)
    assert any("1 gap between the end of a step" in problem for problem in result.problems)


def test_neware_with_an_unknown_range_is_refused(tmp_path: Path) -> None:
    row = struct.pack(
        "<HIIHBxQiiQqqqqHBBBBBxii",
        0x55,
        1,
        0,
        1,
        1,
        0,
        35000,
        100,
        0,
        0,
        0,
        0,
        0,
        2024,
        5,
        6,
        1,
        0,
        0,
        12345,
        0,
    )
    path = tmp_path / "old.nda"
    path.write_bytes(b"NEWARE20160101\x1d\x00".ljust(200, b"\x01") + b"\x00\x00\x00\x00" + row)
    with pytest.raises(UserError, match="12345"):
        read(path)


def test_dens_log_has_its_own_times_and_date() -> None:
    run = first_run(BIAS / "rosettasciio_dens" / "file1.dens")
    np.testing.assert_allclose(run.times.view, [0, 0.33, 0.66, 0.99, 1.32, 1.65, 1.98], atol=1e-9)
    assert run.clock.start_iso == "2015-04-16T13:54:37.680000+00:00"
    assert run.values("temperature")[0] == 15.091
    assert run.values("current")[3] == pytest.approx(0.963103e-3)
    assert run.values("power")[0] == pytest.approx(0.020229e-3)


@pytest.mark.parametrize("name", ["", "StubExperiment_Heat raw.csv", "StubExperiment_Metadata.log"])
def test_impulse_folder_log_and_metadata_give_the_same_run(name: str) -> None:
    run = first_run(BIAS / "rosettasciio_impulse" / name)
    assert run.times.view[[0, 1, -1]].tolist() == [6.749, 7.274, 404.178]
    assert run.values("temperature")[1] == 5.56307
    assert run.clock.start_iso.startswith("2021-08-06T13:40:19.062")
    assert run.instrument["notes"][0]["text"] == "Live note one"
    assert run.instrument["notes"][0]["t"] == pytest.approx(386.938)


def test_protochips_keeps_the_logged_stamps() -> None:
    path = BIAS / "rosettasciio_protochips" / "protochips_thermal.csv"
    run = first_run(path)
    raw = [line.split(",") for line in path.read_text().splitlines()[10:]]
    np.testing.assert_allclose(run.times.view, [float(r[0]) * 1e-3 for r in raw], atol=1e-12)
    np.testing.assert_array_equal(run.values("temperature"), [float(r[2]) for r in raw])
    assert len(np.unique(np.round(np.diff(run.times.view), 6))) > 3
    assert run.clock.start_iso == "2014-12-03T17:15:37.192000+00:00"


def test_protochips_of_another_kind_is_only_a_header() -> None:
    with pytest.raises(UserError, match="header but no samples"):
        read(BIAS / "rosettasciio_protochips" / "random_csv_file.csv")


def test_tomato_record() -> None:
    path = next((BIAS / "yadg_tomato").glob("*.json"))
    rows = json.loads(path.read_text())["data"]
    run = first_run(path)
    assert importer_of(path) == "tomato"
    assert run.times.view.tolist() == [row["time"] for row in rows]
    assert run.values("current").tolist() == [row["I"] for row in rows]
    assert run.clock.start_iso.startswith("2022-04-20T12:15:20.744")


def test_ivium_file_by_its_method(tmp_path: Path) -> None:
    head = (b"\x00" * 16 + b"\xfb\x00\x00\x00\r\x00Version=11.1234\r\nQR=1\r\nMethod=%s\r\nstarttime=25/03/2019 10:11:12\r\n"
            b"Mconfig=1\r\n\x00\r\nprimary_data\r\n3\r\n3\r\n")  # fmt: skip
    rows = b" 0.00000E+00  1.00000E-09  3.10000E+00\r\n 5.00000E-01  2.00000E-09  3.20000E+00\r\n 1.00000E+00  3.00000E-09  3.30000E+00\r\n"
    path = tmp_path / "cp.idf"
    path.write_bytes(head % b"Chronopotentiometry" + rows + b"more=1\r\n\x01\x02")
    run = first_run(path)
    assert importer_of(path) == "idf"
    assert run.times.view.tolist() == [0, 0.5, 1]
    assert run.values("current").tolist() == [1e-9, 2e-9, 3e-9]
    assert run.values("voltage").tolist() == [3.1, 3.2, 3.3]
    assert run.clock.start_iso == "2019-03-25T10:11:12+00:00"
    path.write_bytes(head % b"Impedance" + rows)
    assert first_run(path).values("frequency").tolist() == [3.1, 3.2, 3.3]
    path.write_bytes(head % b"Chronopotentiometry" + rows[:60])
    result = read(path)
    assert len(result.items[0]) == 1
    assert any("announces 3 rows but has 1" in problem for problem in result.problems)


LVM = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t,\nX_Columns\t{x}\nDate\t2019/02/11\n"
    "Time\t15:31:01,5\n***End_of_Header***\t\n\t\n"
)
SEGMENT = (
    "Channels\t2\t\nSamples\t3\t3\t\nDate\t2019/02/11\t2019/02/11\t\nTime\t15:31:01,5\t15:31:01,5\t\n"
    "Y_Unit_Label\tmV\tAmps\t\nX0\t{x0}\t{x0}\t\nDelta_X\t0,1\t0,1\t\n***End_of_Header***\t\t\n"
    "X_Value\tUntitled\tUntitled 1\tComment\n"
)


def test_labview_segments_join_with_a_break(tmp_path: Path) -> None:
    rows = [
        "0,0\t3100\t1E-9\t\n0,1\t3200\t2E-9\t\n0,25\t3300\t3E-9\n",
        "5,0\t3400\t4E-9\t\n5,1\t3500\t5E-9\t\n",
    ]
    path = tmp_path / "a.lvm"
    path.write_text(
        LVM.format(x="One") + "".join(SEGMENT.format(x0="0,0") + part + "\n" for part in rows),
        encoding="utf-8",
    )
    run = first_run(path)
    assert run.times.view.tolist() == [0, 0.1, 0.25, 5.0, 5.1]
    assert run.segment_starts == [0, 3]
    np.testing.assert_allclose(run.values("voltage"), [3.1, 3.2, 3.3, 3.4, 3.5])
    assert run.values("current")[-1] == 5e-9
    assert run.clock.start_iso == "2019-02-11T15:31:01.500000+00:00"


def test_labview_without_x_column_uses_the_step_of_its_header_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "b.lvm"
    path.write_text(
        LVM.format(x="No") + SEGMENT.format(x0="2,0") + "\t3100\t1E-9\t\n\t3200\t2E-9\t\n\t3300\t3E-9\t\n"
    )
    result = read(path)
    np.testing.assert_allclose(result.items[0].times.view, [2.0, 2.1, 2.2])
    assert any("times follow from the step" in problem for problem in result.problems)


def test_tdms_time_channel_and_channels_of_different_length(tmp_path: Path) -> None:
    from nptdms import ChannelObject, RootObject, TdmsWriter

    path = tmp_path / "run.tdms"
    stamps = np.array(
        ["2024-05-01T10:00:00.000", "2024-05-01T10:00:00.100", "2024-05-01T10:00:00.350"], "datetime64[us]"
    )
    with TdmsWriter(path) as writer:
        writer.write_segment([
            RootObject({"operator": "me"}),
            ChannelObject("cell", "Time stamp", stamps),
            ChannelObject("cell", "Voltage", np.array([3.1, 3.2, 3.3]), {"unit_string": "V"}),
            ChannelObject("cell", "Current", np.array([1.0, 2.0, 3.0, 4.0]), {"unit_string": "nA"}),
        ])  # fmt: skip
    result = read(path)
    run = result.items[0]
    np.testing.assert_allclose(run.times.view, [0, 0.1, 0.35], atol=1e-9)
    np.testing.assert_allclose(run.values("current"), [1e-9, 2e-9, 3e-9])
    assert run.clock.start_iso == "2024-05-01T10:00:00+00:00"
    assert any("3 to 4 samples" in problem for problem in result.problems)


def test_tdms_waveform_defines_its_own_step(tmp_path: Path) -> None:
    from nptdms import ChannelObject, TdmsWriter

    path = tmp_path / "wave.tdms"
    about = {
        "wf_increment": 0.002,
        "wf_start_offset": 0.5,
        "wf_start_time": np.datetime64("2024-05-01T10:00:00"),
    }
    with TdmsWriter(path) as writer:
        writer.write_segment([ChannelObject("g", "Voltage (V)", np.array([1.0, 2.0, 3.0]), about)])
    run = first_run(path)
    np.testing.assert_allclose(run.times.view, [0.5, 0.502, 0.504])
    assert run.clock.start_iso == "2024-05-01T10:00:00+00:00"


@pytest.mark.parametrize(("name", "content"), [
    ("a.mpr", b"BIO-LOGIC MODULAR FILE\x1a"), ("a.nda", b"NEWARE2016"), ("a.ndax", b"PK\x03\x04garbage data.ndc"),
    ("a.tdms", b"TDSm\x0e\x00\x00\x00"), ("a.json", b'{"technique": {}, "current": {}, "data": ['),
    ("a.mpt", b"EC-Lab ASCII FILE\r\nNb header lines : 50\r\n"), ("a.DTA", b"EXPLAIN\r\nTAG\tCV\r\nCURVE\tTABLE\t5\r\n"),
    ("a.lvm", b"LabVIEW Measurement\t\r\n"), ("a.csv", b"Time (s),Voltage (V),Current (A)\r\n"), ("a.txt", b"just a few words\n"),
])  # fmt: skip
def test_a_file_cut_at_its_beginning_gives_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(path, UTC)
    assert name in caught.value.title
