"""Files cut anywhere: whole rows and a sentence, or an error in words; never a number that is not in the whole file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bias_reading import BIAS, read
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.model.curves import BiasRun

FILES = [
    "yadg_eclab/cp.mpt", "yadg_eclab/gcpl.issue_149.mpt", "yadg_eclab/cp.mpr", "gamry-parser/cv_data.dta",
    "navani/test_with_capacity.bdf", "PyProBE/sample_data_arbin.csv", "beep/FastCharge_000025_CH8.csv",
    "rosettasciio_dens/file1.dens", "rosettasciio_protochips/protochips_thermal.csv", "cellpy_bad/custom_good_small.csv",
    "beep/maccor_test_file_4267-66-6519.041", "NewareNDA/TestFile_first_40000_bytes.nda", "impedance.py/exampleDataGamry.DTA",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_cut_anywhere(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole_path = BIAS / name
    whole = read(whole_path)
    data = whole_path.read_bytes()
    cut_path = tmp_path_factory.mktemp("cut") / whole_path.name

    @settings(deadline=None, max_examples=12)
    @given(st.one_of(st.integers(1, len(data) - 1), st.integers(len(data) - 30, len(data) - 1)))
    def check(size: int) -> None:
        cut_path.write_bytes(data[:size])
        try:
            result = read(cut_path)
        except UserError:
            return
        for run in result.items:
            assert isinstance(run, BiasRun)
            _is_beginning_of_one(run, [r for r in whole.items if isinstance(r, BiasRun)])

    check()


def _is_beginning_of_one(cut: BiasRun, runs: list[BiasRun]) -> None:
    for whole in runs:
        if set(cut.columns) <= set(whole.columns) and np.array_equal(
            cut.times.view, whole.times.view[: len(cut)]
        ):
            for quantity in cut.columns:
                mine, theirs = cut.values(quantity), whole.values(quantity)[: len(cut)]
                assert np.all((mine == theirs) | np.isnan(mine)), quantity
            return
    raise AssertionError(f"{cut.name}: {len(cut)} samples that are not in the whole file")


def test_truncated_last_row_is_left_out_and_named() -> None:
    result = read(BIAS / "cellpy_bad" / "custom_truncated.csv")
    assert len(result.items[0]) == 59
    assert any("59;3600.96;0.86;43374.46;2" in problem for problem in result.problems)


def test_missing_column_is_named() -> None:
    result = read(BIAS / "cellpy_bad" / "custom_missing_column.csv")
    assert any("has no column of voltage" in problem for problem in result.problems)
    assert "voltage" not in result.items[0].columns


def test_zero_bytes_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "crash.csv"
    path.write_bytes(
        b"Time (s),Voltage (V),Current (A)\r\n0,3.0,1e-9\r\n1,3.1,1e-9\r\n2,3.2,1e-9\r\n" + b"\x00" * 500
    )
    result = read(path)
    assert result.items[0].times.view.tolist() == [0, 1, 2]
    assert len(result.problems) >= 2


def test_garbage_in_the_middle_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(
        "Time (s),Voltage (V),Current (A)\n0,3.0,1\n1,3.1\n2,3.2,1\n3,abc,1\n4,3.4,9.9E37\n4,3.4,1\n3.5,3.4,1\n5,3.5,1\n"
    )
    result = read(path)
    run = result.items[0]
    assert run.times.view.tolist() == [0, 2, 3, 4, 4, 3.5, 5]
    assert np.isnan(run.values("voltage")[2])
    assert np.isnan(run.values("current")[3])
    text = " ".join(result.problems)
    for words in ("1 incomplete row left out", "1 field without a number", "overflow", "1 of 7 samples with the same",
                  "runs backwards 1 time "):  # fmt: skip
        assert words in text


DAMAGED = ["yadg_eclab/mb.issue_95.mpr", "NewareNDA/TestFile_first_40000_bytes.nda", "NewareNDA/123456789012_Unit27_Example_Data_File.ndax",
           "gamry-parser/cv_data.dta", "cellpy_bad/custom_good_small.csv", "PyProBE/sample_data_arbin.csv",
           "yadg_tomato/MPG2_2022-04-20T213025.275348+0000_data.json"]  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_bytes_end_in_words_not_in_a_traceback(name: str, tmp_path: Path) -> None:
    data = (BIAS / name).read_bytes()
    path = tmp_path / Path(name).name
    rng = np.random.default_rng(len(name))
    told: list[str] = []
    for _ in range(15):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 12):
            damaged[place] = int(rng.integers(0, 256))
        begin = int(rng.integers(0, len(data)))
        del damaged[begin : begin + int(rng.integers(0, 100))]
        path.write_bytes(bytes(damaged))
        try:
            result = read(path)
        except UserError as error:
            told.append(error.title)
            continue
        assert all(np.isfinite(run.times.view).all() for run in result.items if isinstance(run, BiasRun))
    assert all(path.name in title for title in told)
