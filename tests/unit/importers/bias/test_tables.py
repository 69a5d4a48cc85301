"""A row that is not like its neighbours is no sample: it is left out, counted and said; no value moves to another column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bias_reading import read
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.formats.text.rows import Rows, joined
from tandem_em.model.curves import BiasRun
from tandem_em.sources.files.tail_simulator import pieces
from tandem_em.sources.files.text_tail import RowTail

HEADINGS = ["Time (s)", "Voltage (V)", "Current (A)"]
TIMES = [0.5, 10.5, 20.5, 30.5, 40.5, 50.5]
VOLTS = [3.0, 3.1, 3.2, 3.3, 3.4, 3.5]
AMPERES = [-1e-9] * 6
ROWS = [f"{t},{v},-1e-9" for t, v in zip(TIMES, VOLTS)]
STATISTICS = ["Min,0.5,3.0,-1e-9", "Max,50.5,3.5,-1e-9", "Mean,25.5,3.25,-1e-9", "StdDev,18.7,0.19,0", "CV,73.4%,5.8%,0%"]  # fmt: skip
ECLAB = "EC-Lab ASCII FILE\r\nNb header lines : 6\r\n\r\nChronoamperometry\r\nAcquisition started on : 03/05/2024 14:07:33\r\n"


def opened(folder: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> tuple[BiasRun, str]:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    result = read(path)
    (run,) = result.items
    assert isinstance(run, BiasRun)
    return run, "\n".join(result.problems)


def grown(text: str, random_seed: int = 1, encoding: str = "utf-8") -> Rows:
    """The rows of the same file while it is being written."""
    reader = RowTail()
    found = [r for piece in pieces(text.encode(encoding), random_seed, 60) for _, r, _ in reader.feed(piece)]
    return joined(found + [r for _, r, _ in reader.take_last()])


def is_whole(run: BiasRun) -> bool:
    return (
        run.times.view.tolist() == TIMES
        and run.values("voltage").tolist() == VOLTS
        and run.values("current").tolist() == AMPERES
    )


@pytest.mark.parametrize("heading", ["", "Unnamed: 0", "index", '""'])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_numbers_of_rows_under_an_empty_heading(tmp_path: Path, separator: str, heading: str) -> None:
    lines = [separator.join([heading, *HEADINGS])]
    lines += [f"{n},{row}".replace(",", separator) for n, row in enumerate(ROWS)]
    text = "\n".join(lines) + "\n"
    run, _ = opened(tmp_path, text)
    assert is_whole(run)
    assert set(run.columns) == {"voltage", "current"}
    assert grown(text).values["voltage"].tolist() == VOLTS


def test_a_semicolon_in_front_may_still_be_a_comment_mark(tmp_path: Path) -> None:
    text = (
        "\n".join(["; Time (s); Voltage (V); Current (A)", *(row.replace(",", ";") for row in ROWS)]) + "\n"
    )
    assert is_whole(opened(tmp_path, text)[0])


def test_dates_may_stand_under_the_empty_heading(tmp_path: Path) -> None:
    rows = [f"2024-05-01 10:00:{n:02d};3,{n}" for n in range(5)]
    run, _ = opened(tmp_path, "\n".join([";Voltage (V)", *rows]) + "\n")
    assert run.times.view.tolist() == [0, 1, 2, 3, 4]
    assert run.values("voltage").tolist() == [3.0, 3.1, 3.2, 3.3, 3.4]


@pytest.mark.parametrize("quote", ["", '"'])
def test_row_names_without_any_heading(tmp_path: Path, quote: str) -> None:
    lines = [" ".join(f'"{name}"' for name in ("Time/s", "Ewe/V", "I/A"))]
    lines += [f"{quote}{n}{quote} {row.replace(',', ' ')}" for n, row in enumerate(ROWS, 1)]
    run, problems = opened(tmp_path, "\n".join(lines) + "\n")
    assert is_whole(run)
    assert "first column has no heading" in problems


def test_a_last_column_without_heading_is_said(tmp_path: Path) -> None:
    text = "\n".join([",".join(HEADINGS), *(f"{row},25.{n}" for n, row in enumerate(ROWS))]) + "\n"
    run, problems = opened(tmp_path, text)
    assert is_whole(run)
    assert "3 headings for 4 columns" in problems


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("14:00:39,587 14:00:40,087 14:00:41,587", [0, 0.5, 2]),
        ("14:00:39,5 14:00:40,0 14:00:41,5", [0, 0.5, 2]),
        ("14:00:39 14:00:40 14:00:41", [0, 1, 2]),
        ("14:00:39.587 14:00:40.087 14:00:41.587", [0, 0.5, 2]),
        ("0:00:00,000 0:00:00,500 0:00:02,000", [0, 0.5, 2]),
        ("13.05.2024_14:00:39,587 13.05.2024_14:00:40,087 13.05.2024_14:00:41,587", [0, 0.5, 2]),
        ("2024-05-13T14:00:39,587 2024-05-13T14:00:40,087 2024-05-13T14:00:41,587", [0, 0.5, 2]),
    ],
)
@pytest.mark.parametrize("volts", ["3,100 3,101 3,102", "3,1 3,1 3,2", "3 3 4"])
@pytest.mark.parametrize("separator", [";", "\t", '","'])
def test_decimal_commas_in_times_of_day(
    tmp_path: Path, time: str, seconds: list[float], volts: str, separator: str
) -> None:
    edge = '"' if '"' in separator else ""
    pairs = zip([each.replace("_", " ") for each in time.split(" ")], volts.split())
    lines = [
        f"{edge}Zeit{separator}Spannung / V{edge}",
        *(f"{edge}{t}{separator}{v}{edge}" for t, v in pairs),
    ]
    run, _ = opened(tmp_path, "\n".join(lines) + "\n")
    np.testing.assert_allclose(run.times.view, seconds, atol=1e-6)
    assert run.values("voltage").tolist() == [float(v.replace(",", ".")) for v in volts.split()]


@pytest.mark.parametrize(
    "rows",
    [["14:00:39,587,3,100", "14:00:40,587,3,101", "14:00:41,587,3,102"], ["0,3,100", "1,3,101", "2,3,102"]],
)
def test_decimal_commas_between_commas_are_refused(tmp_path: Path, rows: list[str]) -> None:
    with pytest.raises(UserError, match="decimal commas between commas"):
        opened(tmp_path, "\n".join(["Zeit / s,Spannung / V", *rows]) + "\n")


def numbered(rows: list[str]) -> list[str]:
    return [f"{n},{row}" for n, row in enumerate(rows, 1)]


@pytest.mark.parametrize("quote", [False, True])
@pytest.mark.parametrize("heading", ["Index", ""])
@pytest.mark.parametrize(
    "place", ["behind", "behind a gap", "between", "before the headings", "in the middle"]
)
def test_statistics_are_no_samples(tmp_path: Path, place: str, heading: str, quote: bool) -> None:
    head = [",".join([heading, *HEADINGS])]
    table = {
        "behind": [*head, *numbered(ROWS), *STATISTICS],
        "behind a gap": [*head, *numbered(ROWS), "", *STATISTICS],
        "between": [*head, *STATISTICS, *numbered(ROWS)],
        "before the headings": [*STATISTICS, *head, *numbered(ROWS)],
        "in the middle": [*head, *numbered(ROWS)[:3], *STATISTICS, *numbered(ROWS)[3:]],
    }[place]
    if quote:
        table = [",".join(f'"{field}"' for field in line.split(",")) if line else "" for line in table]
    text = "\n".join(["Common Settings,\t,,", "...Model,\t2450,,", ",,,", *table]) + "\n"
    run, problems = opened(tmp_path, text)
    assert is_whole(run)
    assert "backwards" not in problems
    assert ("5 lines are statistics" in problems) is (place != "before the headings")
    assert grown(text).times.tolist() == TIMES


def test_statistics_behind_a_long_table_read_at_full_speed(tmp_path: Path) -> None:
    rows = [f"{n},{0.5 * n},3.{n:05d},1e-9" for n in range(3000)]
    run, problems = opened(tmp_path, "\n".join([",".join(["Index", *HEADINGS]), *rows, *STATISTICS]) + "\n")
    assert len(run) == 3000
    assert "5 lines are statistics" in problems


def test_a_step_called_cv_is_no_statistic(tmp_path: Path) -> None:
    rows = [f"{step},{n},3.{n},0.001" for n, step in enumerate(["CC", "CC", "CV", "CV", "CC", "CV"])]
    run, problems = opened(
        tmp_path, "\n".join(["Step Type,Test Time (s),Voltage (V),Current (A)", *rows]) + "\n"
    )
    assert run.times.view.tolist() == [0, 1, 2, 3, 4, 5]
    assert "left out" not in problems


def test_rows_of_the_model_beside_the_raw_rows(tmp_path: Path) -> None:
    head = ["SourceMeter Model:,2450", "TEST_PARAM.discharge_curr_list:,Index,Current (A),Duration (s)", ",1,0.001,5",
            "TEST_PARAM.discharge_start_time:,10/24/17 11:24:00", ""]  # fmt: skip
    raw = [f"BATT_MODEL_RAW:,{n + 1},{60.03 * n:.3f},{3.28 - 0.01 * n:.3f},{3.26 - 0.01 * n:.3f},13.{n}" for n in range(30)]  # fmt: skip
    model = [f"BATT_MODEL:,{n + 1},{17.4 * n:.3f},{3.28 - 0.003 * n:.3f},{3.26 - 0.003 * n:.3f},13.{n}" for n in range(101)]  # fmt: skip
    names = ",Index,Timestamp,Voc,Vload,ESR"
    lines = [
        *head,
        f"BATT_MODEL_RAW:{names}",
        *raw,
        "BATT_MODEL_RAW.capacity:,0.21",
        "",
        f"BATT_MODEL:{names}",
        *model,
    ]
    text = "\n".join([*lines, "BATT_MODEL.capacity:,0.21"]) + "\n"
    run, problems = opened(tmp_path, text, "cell_SetupAndRawData.csv")
    np.testing.assert_allclose(run.times.view, [round(60.03 * n, 3) for n in range(30)])
    np.testing.assert_allclose(run.values("voltage"), [round(3.26 - 0.01 * n, 3) for n in range(30)])
    assert run.clock.start_iso.startswith("2017-10-24T11:24:00")
    assert "102 lines are part of another table" in problems
    assert grown(text).times.tolist() == run.times.view.tolist()


def test_headings_and_units_that_come_again(tmp_path: Path) -> None:
    again = ["Time (s), Voltage (V),  Current (A),", "s,V,A"]
    run, problems = opened(tmp_path, "\n".join([",".join(HEADINGS), *ROWS[:3], *again, *ROWS[3:]]) + "\n")
    assert is_whole(run)
    assert run.segment_starts == [0, 3]
    assert "1 line has words instead of numbers" in problems
    untimed = [
        "Voltage (V),Current (A)",
        "3.0,1e-9",
        "3.1,1e-9",
        "3.2,1e-9",
        "Voltage,Current",
        "V,A",
        "3.3,1e-9",
    ]
    run, problems = opened(tmp_path, "\n".join(untimed) + "\n")
    assert run.values("voltage").tolist() == [3.0, 3.1, 3.2, 3.3]
    assert "2 lines have words instead of numbers" in problems


def test_rows_that_lack_a_field_are_never_shifted_however_many_there_are(tmp_path: Path) -> None:
    rows = [f"{n}.5,3.{n},1.{n}e-9" for n in range(60)]
    ragged = [row.split(",", 1)[1] if n % 10 == 5 else row for n, row in enumerate(rows)]
    text = "\n".join([",".join(HEADINGS), *ragged]) + "\n"
    run, problems = opened(tmp_path, text)
    assert run.times.view.tolist() == [n + 0.5 for n in range(60) if n % 10 != 5]
    assert "6 incomplete rows left out" in problems
    assert len(grown(text).times) == 54


@pytest.mark.parametrize("head_end", ["", ","])
@pytest.mark.parametrize("ends", [("", ""), (",", ","), ("", ",")])
def test_separators_at_the_ends_of_lines(tmp_path: Path, head_end: str, ends: tuple[str, str]) -> None:
    lines = [",".join(HEADINGS) + head_end, *(row + ends[n % 2] for n, row in enumerate(ROWS))]
    run, problems = opened(tmp_path, "\n".join(lines) + "\n")
    assert is_whole(run)
    assert "left out" not in problems


def test_a_row_short_of_a_value_whose_separator_makes_up_for_it(tmp_path: Path) -> None:
    rows = [f"{n},3.{n},1.{n}e-9" + "," * (n % 2) for n in range(12)]
    rows[5] = "3.5,1.5e-9,"  # without its time
    run, problems = opened(tmp_path, "\n".join([",".join(HEADINGS), *rows]) + "\n")
    assert run.times.view.tolist() == [n for n in range(12) if n != 5]
    assert "1 incomplete row left out" in problems


def test_a_remark_at_the_end_of_some_rows(tmp_path: Path) -> None:
    lines = [
        ",".join([*HEADINGS, "Comment"]),
        *(row + (",here it broke" if n == 3 else "") for n, row in enumerate(ROWS)),
    ]
    run, problems = opened(tmp_path, "\n".join(lines) + "\n")
    assert is_whole(run)
    assert "left out" not in problems


def test_a_broken_field_still_costs_only_itself(tmp_path: Path) -> None:
    run, _ = opened(tmp_path, "\n".join([",".join(HEADINGS), *ROWS[:2], "20.5,abc,-1e-9", *ROWS[3:]]) + "\n")
    assert run.times.view.tolist() == TIMES
    assert np.isnan(run.values("voltage")[2])


@pytest.mark.parametrize("head_end", ["", "\t"])
@pytest.mark.parametrize("row_end", ["", "\t"])
@pytest.mark.parametrize("bad", ["1\t3.2\t0.5\t", "1\t3.2\t0.5", "20.5\t3.2\t0.5\t", "1\t20.5\t\t"])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_eclab_rows_that_lack_a_field(
    tmp_path: Path, head_end: str, row_end: str, bad: str, place: int
) -> None:
    rows = [f"1\t{t}\t{v}\t0.5{row_end}" for t, v in zip(TIMES, VOLTS)]
    is_short = len(bad.removesuffix("\t").split("\t")) < 4
    rows[place] = bad
    text = ECLAB + "\r\n".join([f"mode\ttime/s\tEwe/V\t<I>/mA{head_end}", *rows]) + "\r\n"
    run, problems = opened(tmp_path, text, "short.mpt", "cp1252")
    kept = [n for n in range(6) if n != place]
    assert is_short
    assert run.times.view.tolist() == [TIMES[n] for n in kept]
    assert run.values("voltage").tolist() == [VOLTS[n] for n in kept]
    assert set(run.values("current")) == {5e-4}
    assert "left out" in problems
    assert grown(text, encoding="cp1252").values["voltage"].tolist() == [VOLTS[n] for n in kept]


def test_gamry_goes_on_behind_a_damaged_row(tmp_path: Path) -> None:
    head = "EXPLAIN\r\nTAG\tCHRONOA\r\nDATE\tLABEL\t2024-05-13\tDate\r\nTIME\tLABEL\t14:00:00\tTime\r\nCURVE\tTABLE\t6\r\n"
    rows = [f"\t{n}\t{t}\t{v}\t-1E-9" for n, (t, v) in enumerate(zip(TIMES, VOLTS))]
    rows[2], rows[3] = "2\t20.5\t3.2\t-1E-9", "\t30.5\t3.3\t-1E-9"
    text = head + "\r\n".join(["\tPt\tT\tVf\tIm", "\t#\ts\tV vs. Ref.\tA", *rows[:4], "", *rows[4:]]) + "\r\n"
    run, problems = opened(tmp_path, text, "damaged.DTA")
    assert run.times.view.tolist() == [0.5, 10.5, 40.5, 50.5]
    assert run.values("voltage").tolist() == [3.0, 3.1, 3.4, 3.5]
    assert "2 incomplete rows left out" in problems
    assert grown(text).times.tolist() == run.times.view.tolist()


def test_ivium_and_labview_count_the_fields_of_each_row(tmp_path: Path) -> None:
    idf = "Version=11.1\r\nMethod=Chronopotentiometry\r\nprimary_data\r\n3\r\n5\r\n"
    rows = ["0.0 1E-9 3.0", "0.5 3.1", "", "1.0 1E-9 3.2", "1.5 1E-9", "2.0 1E-9 3.4"]
    run, problems = opened(tmp_path, idf + "\r\n".join(rows) + "\r\n", "short.idf")
    assert run.times.view.tolist() == [0, 1, 2]
    assert run.values("voltage").tolist() == [3.0, 3.2, 3.4]
    assert "2 incomplete rows left out" in problems
    lvm = "LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t.\nX_Columns\tOne\n***End_of_Header***\t\n\t\nChannels\t2\t\n"
    lvm += "Y_Unit_Label\tVolts\tAmps\t\n***End_of_Header***\t\t\nX_Value\tVoltage\tCurrent\tComment\n"
    rows = [
        "0.0\t3.0\t1E-9\t",
        "0.5\t1E-9\t",
        "1.0\t3.2\t1E-9",
        "1.5\t3.3\t1E-9\there",
        "3.4\t1E-9",
        "2.5\t3.5\t1E-9\t",
    ]
    run, problems = opened(tmp_path, lvm + "\n".join(rows) + "\n", "short.lvm")
    assert run.times.view.tolist() == [0, 1, 1.5, 2.5]
    assert run.values("voltage").tolist() == [3.0, 3.2, 3.3, 3.5]
    assert "2 incomplete rows left out" in problems


@dataclass
class Style:
    """One way to write a table."""

    separator: str
    comma: bool
    index: str | None
    spelling: str
    statistics: str
    end: str
    encoding: str
    missing: frozenset[int]
    count: int

    def number(self, text: str) -> str:
        text = text.replace(".", ",") if self.comma else text
        return f'"{text}"' if "," in text and self.separator == "," else text

    def line(self, fields: list[str], index: str) -> str:
        return self.separator.join(fields if self.index is None else [index, *fields]) + self.end

    def time(self, n: int) -> str:
        seconds = 0.25 + 1.5 * n
        if self.spelling == "seconds":
            return self.number(f"{seconds:.2f}")
        clock = f"14:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}.{round(seconds % 1 * 1000):03d}"
        clock = clock.replace(".", ",") if self.comma else clock
        text = clock if self.spelling == "clock" else f"13.05.2024 {clock}"
        return f'"{text}"' if "," in text and self.separator == "," else text

    def text(self) -> str:
        heading = "Time (s)" if self.spelling == "seconds" else "Time"
        lines = ["Cell 7", "", self.line([heading, "Voltage (V)", "Current (A)"], self.index or "")]
        rows = []
        for n in range(self.count):
            fields = [
                self.time(n),
                self.number(f"{3 + 0.013 * n:.3f}"),
                self.number(f"{(n - 5) * 1.5e-9:.4e}"),
            ]
            line = self.line(fields, str(n))
            if n in self.missing:
                whole = [*([] if self.index is None else [str(n)]), *fields]
                del whole[n % len(whole)]
                line = self.separator.join(whole) + self.end
            rows.append(line)
        words = ("Min", "Max", "Mean", "StdDev")
        summary = [
            self.line([self.number("1.50"), self.number("3.100"), self.number("1.0000e-09")], w)
            for w in words
        ]
        if self.index is None:
            summary = [
                self.separator.join([w, self.number("3.100"), self.number("1.0000e-09")]) + self.end
                for w in words
            ]
        if self.statistics == "before":
            return "\r\n".join([*lines, *summary, *rows]) + "\r\n"
        return "\r\n".join([*lines, *rows, *(["", *summary] if self.statistics == "behind" else [])]) + "\r\n"


STYLES = st.integers(8, 40).flatmap(
    lambda count: st.builds(
        Style,
        separator=st.sampled_from([",", ";", "\t"]),
        comma=st.booleans(),
        index=st.sampled_from([None, "", "Index"]),
        spelling=st.sampled_from(["seconds", "clock", "stamp"]),
        statistics=st.sampled_from(["none", "before", "behind"]),
        end=st.sampled_from(["", "END"]),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
        missing=st.frozensets(st.integers(0, count - 1), max_size=count // 5),
        count=st.just(count),
    )
)


@settings(max_examples=150)
@given(STYLES)
def test_what_was_written_is_read_in_every_style(
    tmp_path_factory: pytest.TempPathFactory, style: Style
) -> None:
    style.end = style.separator if style.end else ""
    text = style.text()
    run, problems = opened(tmp_path_factory.mktemp("styles"), text, encoding=style.encoding)
    kept = np.array([n for n in range(style.count) if n not in style.missing])
    times = 0.25 + 1.5 * kept
    if style.spelling != "seconds":
        times -= times[0]
    np.testing.assert_allclose(run.times.view, times, atol=1e-6)
    np.testing.assert_allclose(run.values("voltage"), 3 + 0.013 * kept, atol=1e-9)
    np.testing.assert_allclose(run.values("current"), (kept - 5) * 1.5e-9, rtol=1e-4)
    assert ("4 lines are statistics" in problems) is (style.statistics != "none")
    assert ("complete row" in problems or "last row is cut" in problems) is bool(style.missing)
    alive = grown(text, style.count, style.encoding)
    np.testing.assert_array_equal(alive.values["voltage"], run.values("voltage"))
    np.testing.assert_allclose(alive.times, run.times.view, atol=1e-9)
