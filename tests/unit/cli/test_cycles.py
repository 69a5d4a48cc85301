"""What `tandem cycles` says to people, of a log that begins with a discharge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from synthetic_cell import record

from tandem_em import __main__ as door


@pytest.fixture
def log(tmp_path: Path) -> Path:
    recording = record([(650.0, -1e-9), (1000.0, 1e-9), (950.0, -1e-9), (1000.0, 1e-9), (950.0, -1e-9)])
    path = tmp_path / "late.csv"
    rows = zip(recording.t, recording.voltage, recording.current)
    path.write_text("time (s),voltage (V),current (A)\n" + "".join(f"{t},{v},{i}\n" for t, v, i in rows))
    return path


@pytest.mark.parametrize(
    ("arguments", "mean", "note"),
    [
        ([], r"mean efficiency 9[45]\.\d\d % of 2 cycles", "The discharge at the start belongs to no cycle"),
        (
            ["--area-um2", "10"],
            r"mean efficiency 9[45]\.\d\d % of 2 cycles",
            "The discharge at the start belongs to no cycle",
        ),
        (
            ["--first", "discharge"],
            r"5 half cycles",
            "Cycle 1 has no efficiency: 154 % of its discharge was given back",
        ),
    ],
)
def test_the_first_half_is_left_out_and_this_is_said(
    log: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], mean: str, note: str
) -> None:
    assert door.main(["cycles", str(log), *arguments]) == 0
    said = capsys.readouterr().out
    assert re.search(mean, said)
    assert note in said
    assert "Coulombic efficiency: charge given back in the " in said
