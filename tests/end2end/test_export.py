"""`tandem export` as a subprocess: whole files, sentences when it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd


def tandem(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TANDEM_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tandem_em", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=120, env=environment, check=False
    )


def test_a_log_leaves_as_tables_figures_and_report(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = [f"{t / 10:.1f},{3.6 + 0.001 * t:.4f},{1e-11:.3e}" for t in range(200)]
    log.write_text("time (s),voltage (V),current (A)\n" + "\n".join(rows) + "\n")
    out = tmp_path / "out"
    done = tandem("export", log, "-o", out, "--tables", "--figures", "--report", home=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(next((out / "tables").glob("run_*.csv")), comment="#")
    assert table["voltage (V)"].iloc[-1] == 3.799
    assert (out / "figures" / "lanes.pdf").read_bytes().startswith(b"%PDF")
    assert "<text" in (out / "figures" / "lanes.svg").read_text("utf-8")
    page = (out / "report.html").read_text("utf-8")
    assert "Methods" in page
    assert "http" not in page
    assert not [path for path in out.rglob("*") if ".part" in path.name]


def test_a_folder_inside_a_file_gives_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time (s),voltage (V)\n0,1\n1,2\n2,3\n")
    done = tandem("export", log, "-o", log / "out", "--tables", home=tmp_path)
    assert done.returncode == 1
    assert "Nothing can be written into" in done.stderr
    assert "Traceback" not in done.stderr
