"""`tandem selftest` as somebody types it: a whole run, and one with a part that is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def selftest(
    *words: str, shadow: Path | None = None, timeout: float = 240.0
) -> subprocess.CompletedProcess[str]:
    paths = [*([str(shadow)] if shadow else []), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "tandem_em", "selftest", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
    )


@pytest.mark.slow
def test_everything_passes_here_and_the_picture_is_kept(tmp_path: Path) -> None:
    shot = tmp_path / "pictures" / "window.png"
    done = selftest("--json", "--shot", str(shot))
    report = json.loads(done.stdout)
    assert [each for each in report["checks"] if not each["ok"]] == []
    assert (done.returncode, report["ok"]) == (0, True)
    assert {"guardian switches the output off", "session recovered after a kill", "HyperSpy and eXSpy"} <= {
        each["name"] for each in report["checks"]
    }
    assert shot.read_bytes().startswith(b"\x89PNG")


def test_a_part_that_is_broken_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "nptdms.py").write_text("raise ImportError('DLL load failed while importing nptdms')\n")
    done = selftest("--only", "LabVIEW", shadow=tmp_path)
    assert done.returncode == 1
    bad = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(bad) == 1
    assert bad[0].endswith("reading LabVIEW TDMS")
    assert "DLL load failed" in done.stdout
    assert "Install TandEM again" in done.stdout
    assert "2 checks, 1 FAILED" in done.stdout


def test_a_window_that_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    (tmp_path / "PyQt6.py").write_text("raise ImportError('no Qt here')\n")
    done = selftest("--only", "window", "--json", shadow=tmp_path)
    (outcome,) = json.loads(done.stdout)["checks"]
    assert (done.returncode, outcome["ok"]) == (1, False)
    assert "no Qt here" in outcome["message"]
    assert "libraries of Qt" in outcome["advice"]


def test_no_such_check_is_a_sentence() -> None:
    done = selftest("--only", "nonsense")
    assert done.returncode == 1
    assert "No check has “nonsense” in its name." in done.stderr
