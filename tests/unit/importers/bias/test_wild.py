"""Tables as other laboratories export them: units they chose, layered headings, restarting times, foreign dates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bias_reading import read

from tandem_em.model.curves import BiasRun

ECLAB = "EC-Lab ASCII FILE\r\nNb header lines : 6\r\n\r\nChronoamperometry\r\nAcquisition started on : {date}\r\n{columns}\r\n"


def eclab(columns: str, rows: str, date: str = "03/05/2024 14:07:33.125") -> str:
    return ECLAB.format(date=date, columns=columns) + rows


def opened(folder: Path, name: str, text: str, encoding: str = "utf-8") -> tuple[BiasRun, list[str]]:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    result = read(path)
    (run,) = result.items
    assert isinstance(run, BiasRun)
    return run, result.problems


@pytest.mark.parametrize(
    ("columns", "row", "time_s", "volts", "amperes"),
    [
        ("time/s\tEwe/V\t<I>/mA", "10\t3.25\t-4", 10.0, 3.25, -4e-3),
        ("time/s\tEwe/mV\tI/µA", "10\t3250\t-4", 10.0, 3.25, -4e-6),
        ("time/h\tEcell/V\tI/A", "0,5\t3,25\t-4", 1800.0, 3.25, -4.0),
        ("time/min\tEwe/V vs. SCE\tI/nA", "2\t3.25\t-4", 120.0, 3.25, -4e-9),
    ],
)
def test_eclab_in_units_a_person_chose(
    tmp_path: Path, columns: str, row: str, time_s: float, volts: float, amperes: float
) -> None:
    run, _ = opened(tmp_path, "own units.mpt", eclab(columns, f"{row}\r\n{row}\r\n"), "cp1252")
    assert run.times.view[0] == pytest.approx(time_s)
    assert run.values("voltage")[0] == pytest.approx(volts)
    assert run.values("current")[0] == pytest.approx(amperes)


@pytest.mark.parametrize(
    ("date", "start"),
    [
        ("03/05/2024 14:07:33.125", "2024-03-05T14:07:33.125"),
        ("25/12/2024 14:07:33", "2024-12-25T14:07:33"),
        ("03.05.2024 14:07:33", "2024-05-03T14:07:33"),
        ("2024-03-05 14:07:33", "2024-03-05T14:07:33"),
    ],
)
def test_eclab_writes_the_month_first_unless_it_cannot_be(tmp_path: Path, date: str, start: str) -> None:
    run, _ = opened(tmp_path, "dated.mpt", eclab("time/s\tEwe/V\tI/mA", "0\t1\t2\r\n1\t1\t2\r\n", date))
    assert run.clock.start_iso.startswith(start)


LAYERED = """"Cycle ID","Cap(mAh)"
,"Step ID","Step Name","Step Time(h:min:s.ms)"
,,"Record ID","Time(h:min:s.ms)","Voltage(V)","Current(mA)"{real}
1,0.5
,1,"CC_Chg","0:00:20.0"
,,1,"0:00:00.0","3.5","2"{a}
,,2,"0:00:10.0","3.6","2"{b}
,2,"CC_DChg","0:00:20.0"
,,3,"0:00:00.0","3.55","2"{c}
,,4,"0:00:10.0","3.45","2"{d}
2,0.5
,1,"CC_Chg","0:00:20.0"
,,5,"0:00:00.0","3.5","2"{e}
"""


def test_layers_of_neware_are_one_table_with_cycles_steps_and_signs(tmp_path: Path) -> None:
    real = {key: f',"2024-02-29 16:00:{10 * n:02}"' for n, key in enumerate("abcde")}
    run, _ = opened(tmp_path, "layers.csv", LAYERED.format(real=',"Realtime"', **real))
    assert run.times.view.tolist() == [0, 10, 20, 30, 40]
    assert run.values("voltage").tolist() == [3.5, 3.6, 3.55, 3.45, 3.5]
    assert run.values("current").tolist() == [2e-3, 2e-3, -2e-3, -2e-3, 2e-3]
    assert run.values("cycle").tolist() == [1, 1, 1, 1, 2]
    assert run.values("step").tolist() == [1, 1, 2, 2, 1]
    assert run.clock.start_iso.startswith("2024-02-29T16:00:00")


def test_steps_whose_time_starts_again_follow_one_another_and_it_is_said(tmp_path: Path) -> None:
    run, problems = opened(tmp_path, "layers.csv", LAYERED.format(real="", **dict.fromkeys("abcde", "")))
    assert run.times.view.tolist() == [0, 10, 10, 20, 20]
    assert any("one after the other" in problem for problem in problems)


@pytest.mark.parametrize("dated", [False, True])
def test_a_time_that_starts_again_only_late_in_the_file(tmp_path: Path, dated: bool) -> None:
    lines = ["Record Index,Status,Cycle,Step,Cur(mA),Voltage(V),Relative Time(s)" + ",Absolute Time" * dated]
    passed = 0
    for step, (count, name, milliamperes) in enumerate([(600, "Rest", 0), (500, "CC_DChg", -1)], 1):
        for k in range(count):
            passed += 10 * (k > 0)
            stamp = f",2024-02-29 {passed // 3600:02}:{passed // 60 % 60:02}:{passed % 60:02}" * dated
            lines.append(f"{len(lines)},{name},1,{step},{milliamperes},3.1,{10 * k}{stamp}")
    run, _ = opened(tmp_path, "long.csv", "\n".join(lines) + "\n")
    assert np.all(np.diff(run.times.view) >= 0)
    assert run.times.view[[0, 599, 600, -1]].tolist() == [0, 5990, 5990, 10980]
    assert run.values("current")[-1] == pytest.approx(-1e-3)


def test_maccor_in_milliamps(tmp_path: Path) -> None:
    text = (
        "Date of Test:\t08/23/2021 6:04:18 PM\r\n\r\n"
        "Rec#\tCyc#\tStep\tTestTime\tStepTime\tmAmp-hr\tmWatt-hr\tmAmps\tVolts\tState\tES\tDPt Time\t\r\n"
        "1\t0\t1\t  0d 00:00:00.00\t  0d 00:00:00.00\t0,0\t0,0\t0,0\t1,85\tR\t0\t08/23/2021 6:04:18 PM\t\r\n"
        "2\t0\t1\t  1d 00:00:01.50\t  0d 00:00:01.50\t2,0\t1,0\t0,5\t1,86\tD\t1\t08/24/2021 6:04:19 PM\t\r\n"
    )
    run, _ = opened(tmp_path, "three.txt", text, "latin-1")
    assert run.times.view.tolist() == [0, 86401.5]
    assert run.values("current").tolist() == pytest.approx([0, -5e-4])
    assert run.values("capacity").tolist() == pytest.approx([0, 7.2])
    assert run.values("energy").tolist() == pytest.approx([0, 3.6])
    assert run.clock.start_iso.startswith("2021-08-23T18:04:18")


def test_a_date_with_a_dot_after_the_month(tmp_path: Path) -> None:
    text = "Mar. 5, 2024   14:07:33\ni - t Curve\nHeader: \n\nTime/sec, Current/A\n\n0.1, 1e-9\n0.2, 2e-9\n0.3, 3e-9\n"
    run, _ = opened(tmp_path, "chi.txt", text)
    assert run.clock.start_iso.startswith("2024-03-05T14:07:33")
    assert run.values("current").tolist() == [1e-9, 2e-9, 3e-9]


def test_the_only_column_in_volts_is_the_voltage_and_it_is_said(tmp_path: Path) -> None:
    text = "Date and time:,2024-03-05 14:07:33\n\nChronoamperometry,,\ns,µA,V\n0.1,1.5,0.2\n0.2,1.6,0.2\n0.3,1.7,0.2\n"
    run, problems = opened(tmp_path, "palmsens.csv", text, "utf-16")
    assert run.times.view.tolist() == [0.1, 0.2, 0.3]
    assert run.values("current").tolist() == pytest.approx([1.5e-6, 1.6e-6, 1.7e-6])
    assert run.values("voltage").tolist() == [0.2, 0.2, 0.2]
    assert any("was read as current" in problem for problem in problems)
    assert run.clock.start_iso.startswith("2024-03-05T14:07:33")
    two, problems = opened(tmp_path, "two.csv", "Time (s),V top (V),V bottom (V)\n0,1,2\n1,1,2\n2,1,2\n")
    assert "voltage" not in two.columns  # which of the two is for a person to say
    assert any("no column of voltage" in problem for problem in problems)


@pytest.mark.parametrize(
    ("heading", "scale"), [("time_ms", 1e3), ("epoch_us", 1e6), ("timestamp", 1), ("time_ns", 1e9)]
)
def test_seconds_since_1970_in_any_unit(tmp_path: Path, heading: str, scale: float) -> None:
    stamps = [round((1709647653.25 + t) * scale, 3) for t in (0, 1, 2.5)]
    rows = "".join(
        f"{stamp:.15g},0.1,1e-9\n" if scale < 1e9 else f"{stamp:.0f},0.1,1e-9\n" for stamp in stamps
    )
    run, _ = opened(tmp_path, "epoch.csv", f"{heading},voltage_V,current_A\n{rows}")
    assert run.times.view == pytest.approx([0, 1, 2.5], abs=1e-6)
    assert run.clock.start_iso.startswith("2024-03-05T14:07:33.25")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_chinese_cycler(tmp_path: Path, encoding: str) -> None:
    text = (
        "记录序号,状态,循环,工步,电流(mA),电压(V),相对时间(h:min:s.ms),绝对时间\n"
        "1,恒流充电,1,1,1.0,3.2,0:00:00.000,2024-02-29 16:46:38\n"
        "2,恒流充电,1,1,1.0,3.3,0:00:10.000,2024-02-29 16:46:48\n"
        "3,恒流放电,1,2,1.0,3.1,0:00:00.000,2024-02-29 16:46:49\n"
        "4,恒流放电,1,2,1.0,3.0,0:00:10.000,2024-02-29 16:46:59\n"
    )
    run, _ = opened(tmp_path, "cycler.csv", text, encoding)
    assert run.times.view.tolist() == [0, 10, 11, 21]
    assert run.values("current").tolist() == [1e-3, 1e-3, -1e-3, -1e-3]
    assert run.values("voltage").tolist() == [3.2, 3.3, 3.1, 3.0]
    assert run.values("step").tolist() == [1, 1, 2, 2]


def test_micro_and_degree_signs_are_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "Zeit (s);Spannung (V);Strom (µA);T (°C)\n0;1,5;2;20\n1;1,6;2;20\n2;1,7;2;20\n"
    run, _ = opened(tmp_path, "latin.csv", text, "cp1252")
    assert run.values("current").tolist() == pytest.approx([2e-6] * 3)
    assert run.values("temperature").tolist() == [20, 20, 20]
