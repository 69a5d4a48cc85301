"""EC-Lab text and binary files: every number against the raw text, and the two formats against each other."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from bias_reading import BIAS, first_run, importer_of, raw_table, read

from tandem_em.core.notices import UserError

TEXTS = sorted(BIAS.glob("*/*.mpt"))
PAIRS = sorted((BIAS / "yadg_eclab").glob("*.mpr"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_times_and_si_values_are_those_of_the_raw_text(path: Path) -> None:
    names, table = raw_table(path)
    run = first_run(path)
    assert importer_of(path) == "mpt"
    np.testing.assert_array_equal(run.times.view, table[:, names.index("time/s")])
    checks = {"Ewe/V": ("voltage", 1), "<Ewe>/V": ("voltage", 1), "I/mA": ("current", 1e-3), "<I>/mA": ("current", 1e-3),
              "(Q-Qo)/mA.h": ("charge", 3.6), "(Q-Qo)/C": ("charge", 1), "-Im(Z)/Ohm": ("impedance_imag", -1),
              "Energy charge/W.h": ("charge_energy", 3600), "freq/Hz": ("frequency", 1)}  # fmt: skip
    found = 0
    for heading, (quantity, factor) in checks.items():
        if heading in names:
            np.testing.assert_allclose(
                run.values(quantity), table[:, names.index(heading)] * factor, rtol=1e-14
            )
            found += 1
    assert found >= 1


@pytest.mark.parametrize("path", PAIRS, ids=lambda p: p.name)
def test_binary_and_text_of_one_measurement_agree(path: Path) -> None:
    binary, text = first_run(path), first_run(path.with_suffix(".mpt"))
    assert len(binary) == len(text)
    assert binary.clock.start_iso == text.clock.start_iso
    np.testing.assert_allclose(binary.times.view, text.times.view, rtol=1e-14)
    shared = set(binary.columns) & set(text.columns)
    assert {"voltage"} <= shared
    for quantity in shared:
        np.testing.assert_allclose(
            binary.values(quantity), text.values(quantity), rtol=2e-6, atol=1e-30, err_msg=quantity
        )


def test_galvanostatic_binary_without_currents_gets_the_mean_current_of_each_step() -> None:
    result = read(BIAS / "yadg_eclab" / "gcpl.issue_149.mpr")
    names, table = raw_table(BIAS / "yadg_eclab" / "gcpl.issue_149.mpt")
    np.testing.assert_allclose(
        result.items[0].values("current"), table[:, names.index("<I>/mA")] * 1e-3, rtol=1e-6
    )
    assert any("mean over each step" in problem for problem in result.problems)


def test_start_zone_and_loops() -> None:
    run = first_run(BIAS / "ixdat" / "dataset_with_loop_01_02_CVA_DUSB0_C01.mpt")
    assert run.clock.start_iso == "2022-06-24T13:13:57+00:00"
    assert run.clock.origin == "file time"
    assert run.clock.zone == "UTC"
    assert run.clock.zone_assumed
    assert list(np.unique(run.values("loop"))) == [0, 1]
    assert int(np.argmax(run.values("loop"))) == 77


def test_column_without_a_meaning_keeps_its_heading_and_unit() -> None:
    run = first_run(BIAS / "yadg_eclab" / "gcpl.issue_149.mpt")
    assert run.columns["control/V/mA"].unit == ""
    assert run.columns["current_range"].is_step


def test_cut_binary_says_how_many_samples_are_missing(tmp_path: Path) -> None:
    whole = (BIAS / "yadg_eclab" / "ocv.mpr").read_bytes()
    cut = tmp_path / "ocv.mpr"
    cut.write_bytes(whole[: len(whole) // 2])
    result = read(cut)
    full = first_run(BIAS / "yadg_eclab" / "ocv.mpr")
    run = result.items[0]
    assert 0 < len(run) < len(full)
    np.testing.assert_array_equal(run.values("voltage"), full.values("voltage")[: len(run)])
    assert any("is cut off: it announces 602 samples" in problem for problem in result.problems)
    assert any("only the day of its start" in problem for problem in result.problems)


def test_binary_with_impossible_layout_is_refused(tmp_path: Path) -> None:
    data = bytearray((BIAS / "yadg_eclab" / "ocv.mpr").read_bytes())
    place = data.index(b"MODULEVMP data") + 57
    struct.pack_into("<I", data, place, 601)  # one row less than the module holds
    path = tmp_path / "wrong.mpr"
    path.write_bytes(data)
    with pytest.raises(UserError, match="layout"):
        read(path)


def test_text_without_its_header_and_with_absolute_times(tmp_path: Path) -> None:
    source = BIAS / "ixdat" / "dataset_with_loop_01_01_OCV_DUSB0_C01.mpt"
    lines = source.read_bytes().decode("latin-1").splitlines(keepends=True)
    bare = tmp_path / "bare.mpt"
    bare.write_text("".join(lines[48:]), encoding="latin-1", newline="")
    np.testing.assert_array_equal(first_run(bare).values("voltage"), first_run(source).values("voltage"))
    dated = tmp_path / "dated.mpt"
    rows = [line.split("\t") for line in lines[49:]]
    for number, row in enumerate(rows):
        row[2] = f"06/24/2022 13:13:{57 + number // 10:02d}.{number % 10}000"
    dated.write_text(
        "".join(lines[:49]) + "".join("\t".join(row) for row in rows[:20]), encoding="latin-1", newline=""
    )
    run = first_run(dated)
    np.testing.assert_allclose(run.times.view, np.arange(20) / 10, atol=1e-9)


def test_a_text_named_otherwise_is_still_recognised(tmp_path: Path) -> None:
    other = tmp_path / "export.dat"
    shutil.copy(BIAS / "yadg_eclab" / "cp.mpt", other)
    assert importer_of(other) == "mpt"
