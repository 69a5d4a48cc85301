"""What is guessed about delimited text, and that settings survive the way through TOML and back into numbers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from bias_reading import BIAS, first_run, read
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.formats.text.settings import TextColumn, TextSettings, to_toml
from tandem_em.importers.bias.text_guess import fingerprint, guess, preview
from tandem_em.importers.bias.text_reader import read_text
from tandem_em.importers.core.base import ImportOptions

KEITHLEY_2450 = """Keithley 2450 reading buffer
Index,Reading,Unit,Range Digits,Origin,Value,Unit,Digits,Date,Time,Fractional Seconds
1,1.2345E-11,Amp DC,6,Main,-2.00000E-01,Volt DC,6,05/21/2023,14:22:03,0.123456
2,1.2355E-11,Amp DC,6,Main,-2.00000E-01,Volt DC,6,05/21/2023,14:22:03,0.223456
3,9.91E37,Amp DC,6,Main,-2.00000E-01,Volt DC,6,05/21/2023,14:22:04,0.023456
"""
NOVONIX = """[Summary]
Novonix UHPC
Started: 2022-03-01 09:00:00
Capacity (Ah): 0.005
[End Summary]
[Data]
Date and Time,Cycle Number,Step Type,Run Time (h),Current (A),Potential (V),Capacity (Ah),Temperature (°C)
2022-03-01 09:00:01,0,0,0.000277,0,3.2145,0,25.001
2022-03-01 09:00:11,0,0,0.003055,0,3.2146,0,25.002
2022-03-01 09:00:21,0,0,0.005833,-0.0005,3.2100,-0.0000001,25.002
"""
GERMAN = "Messung\tZelle 5\nDatum\t13.05.2023\nUhrzeit\t14:05:10\n\nZeit / s\tSpannung / V\tStrom / µA\n" \
    "0,00\t3,3012\t-0,0125\n0,50\t3,3011\t-0,0126\n1,00\t3,3010\t-0,0127\n"  # fmt: skip
NEWARE = """Record ID,Step ID,Step Type,Time(h:min:s.ms),Total Time(h:min:s.ms),Current(mA),Voltage(V),Capacity(mAh),Absolute Time
1,1,Rest,0:00:00.000,0:00:00.000,0,3.2,0,2023-01-31 23:59:58
2,1,Rest,0:00:01.000,0:00:01.000,0,3.2,0,2023-01-31 23:59:59
3,2,CC DChg,0:00:00.000,0:00:01.000,1.5,3.1,0,2023-01-31 23:59:59
4,2,CC DChg,0:00:01.500,0:00:02.500,1.5,3.0,0.000625,2023-02-01 00:00:01
"""


def write(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "log.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_source_meter_with_units_in_its_rows(tmp_path: Path) -> None:
    result = read(write(tmp_path, KEITHLEY_2450))
    run = result.items[0]
    np.testing.assert_allclose(run.times.view, [0, 0.1, 0.9], atol=1e-9)
    np.testing.assert_array_equal(run.values("current"), [1.2345e-11, 1.2355e-11, np.nan])
    assert run.values("voltage").tolist() == [-0.2] * 3
    assert run.clock.start_iso == "2023-05-21T14:22:03.123456+00:00"
    assert any("overflow" in problem for problem in result.problems)


def test_hours_and_preamble_of_novonix(tmp_path: Path) -> None:
    run = first_run(write(tmp_path, NOVONIX))
    np.testing.assert_allclose(run.times.view, np.array([0.000277, 0.003055, 0.005833]) * 3600)
    assert run.values("current")[-1] == -0.0005
    assert run.values("capacity")[-1] == pytest.approx(-3.6e-4)
    assert run.clock.start_iso.startswith("2022-03-01T09:00:00.0028")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_decimal_commas_german_words_and_every_encoding(tmp_path: Path, encoding: str) -> None:
    run = first_run(write(tmp_path, GERMAN.replace("\n", "\r\n"), encoding))
    assert run.times.view.tolist() == [0, 0.5, 1.0]
    assert run.values("voltage").tolist() == [3.3012, 3.3011, 3.301]
    np.testing.assert_allclose(run.values("current"), [-1.25e-8, -1.26e-8, -1.27e-8], rtol=1e-12)
    assert run.clock.start_iso == "2023-05-13T14:05:10+00:00"


def test_unsigned_current_with_a_step_type(tmp_path: Path) -> None:
    result = read(write(tmp_path, NEWARE))
    assert result.items[0].times.view.tolist() == [0, 0, 1, 2.5] or result.items[0].times.view.tolist() == [
        0,
        1,
        1,
        2.5,
    ]
    assert result.items[0].values("current").tolist() == [0, 0, -0.0015, -0.0015]
    assert any("marked as discharge taken as negative" in problem for problem in result.problems)


@pytest.mark.parametrize(("first", "last", "order", "sure"), [
    ("03/05/2022", "04/05/2022", "DMY", True), ("5/3/2022 10:05 AM", "5/4/2022 10:06 AM", "MDY", True),
    ("13.05.2022", "13.05.2022", "DMY", True), ("05/13/2022", "05/13/2022", "MDY", True), ("03.05.2022", "03.05.2022", "DMY", False),
    ("3/5/2022", "3/5/2022", "MDY", False), ("2022-05-03", "2022-06-03", "YMD", True), ("05/05/2022", "05/05/2022", "MDY", True),
])  # fmt: skip
def test_order_of_day_and_month(tmp_path: Path, first: str, last: str, order: str, sure: bool) -> None:
    rows = [
        f"{day if ':' in day else day + f' 10:0{n}:00'},3.{n}"
        for n, day in enumerate([first, first, last, last])
    ]
    settings = guess(write(tmp_path, "Date,Voltage (V)\n" + "\n".join(rows) + "\n"))
    assert (settings.date_order, settings.date_order_sure) == (order, sure)
    assert any("day or the month first" in each for each in settings.guesses) is not sure


def test_a_later_date_settles_the_order(tmp_path: Path) -> None:
    rows = [f"0{1 + n // 2000}/02/2024 10:00:{n % 60:02d};3,{n % 1000:03d}" for n in range(4000)]
    rows += [f"13/02/2024 10:00:{n % 60:02d};3,5" for n in range(4000)]
    path = write(tmp_path, "Zeit;U [V]\n" + "\n".join(rows) + "\n")
    assert first_run(path).clock.start_iso.startswith("2024-02-01")


@pytest.mark.parametrize(("text", "times"), [
    ("TimeStamp,Voltage (V)\n23:59:58.5,1.0\n23:59:59.5,1.1\n00:00:00.5,1.2\n", [0, 1, 2]),
    ("time,U [V]\n11.59am,1.0\n12.00pm,1.1\n12.01pm,1.2\n", [0, 60, 120]),
    ("TestTime\tVolts\n  0d 00:00:00.0000\t1.0\n  0d 23:59:59.5000\t1.1\n  1d 00:00:00.0000\t1.2\n", [0, 86399.5, 86400]),
    ("timestamp,voltage\n1700000000123,1.0\n1700000000223,1.1\n1700000000350,1.2\n", [0, 0.1, 0.227]),
    ("uts,U\n1631626600,1.0\n1631626605,1.1\n1631626610,1.2\n", [0, 5, 10]),
    ("Time (ms);Voltage (mV)\n0;1000,5\n100;1001,5\n250;1002,5\n", [0, 0.1, 0.25]),
    ("Run Time [min]\tE/V\n0\t1.0\n1\t1.1\n1.5\t1.2\n", [0, 60, 90]),
    ("# t  E  I\n# s  V  A\n0.0   3.00   1e-9\n0.1   3.01   1e-9\n0.2   3.02   1e-9\n", [0, 0.1, 0.2]),
    ('"Time","U (V)"\n"0,0","3,30"\n"0,5","3,31"\n"1,0","3,32"\n', [0, 0.5, 1.0]),
    ("Time (s),U (V)\n\"1,000.5\",3.0\n\"1,001.5\",3.1\n\"1,002.5\",3.1\n", [1000.5, 1001.5, 1002.5]),
    ("DateTime,V\n3786825600.5,1.0\n3786825601.5,1.1\n3786825602.5,1.2\n", [0, 1, 2]),
    ("Time,Voltage,Date\n0,1,2024-01-01 10:00:00\n1,1.1,2024-01-01 10:01:00\n2,1.2,2024-01-01 10:02:00\n", [0, 60, 120]),
])  # fmt: skip
def test_times_in_every_spelling(tmp_path: Path, text: str, times: list[float]) -> None:
    run = first_run(write(tmp_path, text))
    np.testing.assert_allclose(run.times.view, times, atol=2e-6)
    assert "voltage" in run.columns


def test_source_meter_stream_without_headings(tmp_path: Path) -> None:
    text = "".join(f"+3.00{n}E+00,+1.00{n}E-11,+9.91E+37,+0.{n}10E+00,+2.1E+04\n" for n in range(4))
    result = read(write(tmp_path, text, name="k.txt"))
    run = result.items[0]
    np.testing.assert_allclose(run.times.view, [0.01, 0.11, 0.21, 0.31])
    assert run.values("current")[2] == 1.002e-11
    assert any("no row of headings" in problem for problem in result.problems)


def test_frequency_sweep_without_headings_or_times() -> None:
    result = read(BIAS / "impedance.py" / "exampleData.csv")
    raw = np.loadtxt(BIAS / "impedance.py" / "exampleData.csv", delimiter=",")
    for column, quantity in enumerate(("frequency", "impedance_real", "impedance_imag")):
        np.testing.assert_array_equal(result.items[0].values(quantity), raw[:, column])
    assert any("numbered instead" in problem for problem in result.problems)
    assert result.items[0].clock.is_provisional


def test_real_logs_of_cyclers() -> None:
    arbin = first_run(BIAS / "PyProBE" / "sample_data_arbin.csv")
    assert arbin.times.view[[0, -1]].tolist() == [30.0005, 301.214]
    assert arbin.values("current")[-1] == 2.650138
    assert arbin.values("charge_capacity")[-1] == pytest.approx(0.000400839 * 3600)
    assert arbin.clock.start_iso == "2024-09-20T08:32:04.557500+00:00"
    maccor = read(BIAS / "PyProBE" / "sample_data_maccor.csv")
    assert maccor.items[0].values("current")[11] == 28.844
    assert maccor.items[0].clock.start_iso == "2023-11-23T15:56:11+00:00"
    assert any("names no units" in problem for problem in maccor.problems)
    fast = first_run(BIAS / "beep" / "FastCharge_000025_CH8.csv")
    assert fast.times.view[0] == 10.0024
    assert fast.clock.start_iso.startswith("2017-05-13T03:13:53.469")
    assert not fast.clock.zone_assumed
    text = first_run(BIAS / "beep" / "maccor_test_file_4267-66-6519.041")
    assert text.times.view[9] == 9.0
    assert text.values("voltage")[1] == 3.91096361


def test_day_numbers_give_a_rough_start() -> None:
    run = first_run(BIAS / "cellpy_bad" / "custom_good_small.csv")
    assert run.clock.start_iso.startswith("2018-10-01")
    assert run.clock.uncertainty_s == 864
    assert run.times.view[[0, -1]].tolist() == [120.0, 3600.96]


@pytest.mark.parametrize("path", sorted((BIAS / "yadg_basic_csv").iterdir()), ids=lambda p: p.name)
def test_settings_survive_toml_and_read_the_same_numbers(path: Path) -> None:
    settings = guess(path)
    again = TextSettings.from_dict(tomllib.loads(to_toml(settings)))
    assert again == settings
    one, two = first_run(path), read_text(path, again, ImportOptions(zone="UTC"))
    np.testing.assert_array_equal(one.times.view, two.times.view)
    assert set(one.columns) == set(two.columns)
    assert one.clock.start_iso == two.clock.start_iso


def test_changed_settings_change_the_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c\n0,3.0,5\n1,3.1,6\n2,3.2,7\n")
    settings = guess(path)
    settings.columns[0] = TextColumn("a", "time", "s", factor=60.0)
    settings.columns[1] = TextColumn("b", "voltage", "V")
    settings.columns[2] = TextColumn("c", "current", "A", factor=1e-12)
    run = first_run(path, ImportOptions(zone="UTC", text=settings.to_dict()))
    assert run.times.view.tolist() == [0, 60, 120]
    np.testing.assert_allclose(run.values("current"), [5e-12, 6e-12, 7e-12])
    assert preview(path, settings)[1] == ["1", "3.1", "6"]


def test_an_answer_about_dates_is_used(tmp_path: Path) -> None:
    path = write(
        tmp_path, "Date,U (V)\n03/05/2022 10:00:00,1\n03/05/2022 10:00:01,2\n03/05/2022 10:00:02,3\n"
    )
    assert read(path).questions[0].key == "text.date_order"
    for order, month in (("MDY", "03-05"), ("DMY", "05-03")):
        run = first_run(path, ImportOptions(zone="UTC", text={"date_order": order}))
        assert run.clock.start_iso.startswith(f"2022-{month}")


@pytest.mark.parametrize(("values", "words"), [
    ({"separator": ";;", "columns": [{"name": "t"}]}, "one character"), ({"decimal": ",", "separator": ",", "columns": [{"name": "t"}]}, "both"),
    ({"columns": []}, "no columns"), ({"colums": []}, "unknown entries"), ({"columns": [{"name": "t", "kind": "blob"}]}, "unknown kind"),
    ({"columns": [{"nam": "t"}]}, "cannot be understood"),
])  # fmt: skip
def test_wrong_settings_are_told_in_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        TextSettings.from_dict(values)


def test_fingerprint_knows_a_kind_of_table_whatever_its_numbers(tmp_path: Path) -> None:
    one = guess(write(tmp_path, "Time (s), Voltage (V)\n0,1\n1,2\n2,3\n", name="a.csv"))
    two = guess(write(tmp_path, "time (s),voltage (v)\n5,6\n7,8\n9,10\n", name="b.csv"))
    three = guess(write(tmp_path, "time (s),current (A)\n5,6\n7,8\n9,10\n", name="c.csv"))
    assert fingerprint(one) == fingerprint(two) != fingerprint(three)


@settings(deadline=None, max_examples=40)
@given(
    separator=st.sampled_from([",", ";", "\t"]), comma=st.booleans(), count=st.integers(5, 40), seed=st.integers(0, 99),
    preamble=st.integers(0, 3), digits=st.integers(2, 6),
)  # fmt: skip
def test_any_separator_and_decimal_mark(
    separator: str, comma: bool, count: int, seed: int, preamble: int, digits: int
) -> None:
    comma = comma and separator != ","
    rng = np.random.default_rng(seed)
    table = np.column_stack([np.arange(count) * 0.5, rng.normal(3, 1, count), rng.normal(0, 1e-9, count)])
    rows = [separator.join([f"{t:.1f}", f"{v:.{digits}f}", f"{i:.{digits}e}"]) for t, v, i in table]
    body = "\n".join(rows).replace(".", ",") if comma else "\n".join(rows)
    lines = [f"Note {n}" for n in range(preamble)] + [separator.join(["Time/s", "E/V", "I/A"]), body, ""]
    found = guess("\n".join(lines).encode())
    assert found.separator == separator
    assert found.decimal == ("," if comma else ".")
    assert [column.quantity for column in found.columns] == ["time", "voltage", "current"]
    assert found.header_row == preamble


def test_nothing_that_is_no_table_is_read_as_one(tmp_path: Path) -> None:
    for name, content in (("a.txt", b"hello world\nthis is text\n"), ("b.csv", b"\x00\x01\x02\x03" * 50),
                          ("c.csv", b"a;b;c\n"), ("d.txt", b"1\n2\n3\n")):  # fmt: skip
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError):
            guess(path)
