"""The real program as a subprocess: what it prints, how it ends, what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from places import DATA
from waiting import wait_until


def tandem(*arguments: object, home: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tandem_em", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        env={**os.environ, "TANDEM_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
        check=False,
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a log, a movie and a spectrum image, imported by the program itself."""
    folder = tmp_path_factory.mktemp("session")
    log = folder / "log.csv"
    rows = [f"{t / 10:.1f},{3.6 + 0.001 * t:.4f},{1e-11:.3e}" for t in range(200)]
    log.write_text("time (s),voltage (V),current (A)\n" + "\n".join(rows) + "\n")
    path = folder / "s.nxs"
    files = (log, DATA / "tem" / "fei_example_tem_stack.emd", DATA / "eels" / "EELS_SI.dm4")
    done = tandem("import", *files, "-o", path, home=folder)
    assert done.returncode == 0, done.stderr
    return path


def test_import_then_info(session: Path, tmp_path: Path) -> None:
    done = tandem("info", session, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kinds = {stream["type"]: stream for stream in found["streams"]}
    assert kinds["run"]["samples"] == 200
    assert kinds["run"]["columns"]["voltage"]["range"] == pytest.approx([3.6, 3.799])
    assert kinds["run"]["columns"]["current"]["range"] == pytest.approx([1e-11, 1e-11])
    assert kinds["stack"]["shape"] == [2, 3, 3]
    assert kinds["map"]["shape"] == [2, 2, 2048]


def test_import_does_not_overwrite_and_appends_when_asked(session: Path, tmp_path: Path) -> None:
    refused = tandem("import", DATA / "eels" / "ll.msa", "-o", session, home=tmp_path)
    assert refused.returncode == 1
    assert "--append" in refused.stderr
    copy = tmp_path / "copy.nxs"
    copy.write_bytes(session.read_bytes())
    assert tandem("import", DATA / "eels" / "ll.msa", "-o", copy, "--append", home=tmp_path).returncode == 0
    found = json.loads(tandem("info", copy, "--json", home=tmp_path).stdout)
    assert len(found["streams"]) == 4


def test_import_as_json_gives_numbers_units_and_doubts(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time (s);U (mV);I (pA)\n0;3500;-92,4\n0,5;3501;-92,1\n1;3502;-91,9\n", encoding="utf-8")
    done = tandem("import", log, "-o", tmp_path / "made.nxs", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (run,) = found["streams"]
    assert run["time_s"] == [0.0, 1.0]
    assert run["columns"]["voltage"]["ends"] == pytest.approx([3.5, 3.502])
    assert run["columns"]["current"]["ends"] == pytest.approx([-92.4e-12, -91.9e-12])
    assert any("provisional" in problem for problem in found["problems"])


def test_check_of_a_good_session_is_content(session: Path, tmp_path: Path) -> None:
    done = tandem("check", session, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True


def test_screenshot_without_a_display(session: Path, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    done = tandem(
        "screenshot",
        session,
        "-o",
        picture,
        "--size",
        "1280x800",
        "--at",
        "5",
        "--theme",
        "light",
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    from PIL import Image

    with Image.open(picture) as image:
        assert image.size == (1280, 800)
        assert len(set(image.convert("RGB").resize((64, 40)).getdata())) > 20


def test_maps_of_a_file_with_given_edges(tmp_path: Path) -> None:
    edges = tmp_path / "edges.json"
    edges.write_text(json.dumps({"edges": [{"name": "O K", "fit": [480, 525], "signal": [532, 560]}]}))
    out = tmp_path / "maps"
    done = tandem("maps", DATA / "eels" / "EELS_SI.dm4", "--edges", edges, "-o", out, home=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "maps.json").read_text())
    entry = report["edges"][0]
    counts = np.load(out / entry["files"]["npy"])
    assert counts.shape == (2, 2)
    assert entry["mean"] == pytest.approx(float(np.nanmean(counts)), rel=1e-6)
    assert (out / entry["files"]["tif"]).stat().st_size > 0
    assert not list(out.glob("*.part*"))


def test_cycles_as_json(session: Path, tmp_path: Path) -> None:
    done = tandem("cycles", session, "--json", "--area-um2", "10", home=tmp_path)
    assert done.returncode == 0, done.stderr
    half = json.loads(done.stdout)["half_cycles"]
    assert [each["kind"] for each in half] == ["charge"]
    assert half[0]["charge_C"] == pytest.approx(1e-11 * 19.9, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("info", "no-such-file.nxs"), 1),
        (("info",), 2),
        (("screenshot", "x.nxs", "-o", "y.png", "--size", "huge"), 2),
        (("bench", "no-such-bench"), 1),
        (("--version",), 0),
        (("--help",), 0),
    ],
)
def test_exit_status(arguments: tuple[str, ...], status: int, tmp_path: Path) -> None:
    done = tandem(*arguments, home=tmp_path)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    if status == 1:
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_hostile_or_broken_session_is_one_sentence(session: Path, tmp_path: Path) -> None:
    content = session.read_bytes()
    for name, broken in (
        ("cut.nxs", content[: len(content) // 3]),
        ("noise.nxs", os.urandom(4096)),
        ("empty.nxs", b""),
    ):
        path = tmp_path / name
        path.write_bytes(broken)
        done = tandem("info", path, home=tmp_path)
        assert done.returncode == 1, (name, done.stdout)
        assert "Traceback" not in done.stderr
        assert name in done.stderr


def test_interrupting_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.nxs"
    child = subprocess.Popen(
        [sys.executable, "-m", "tandem_em", "demo", "--no-window", "-o", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TANDEM_HOME": str(tmp_path / "home")},
    )
    wait_until(
        lambda: list(tmp_path.glob(".*part*")) or child.poll() is not None, 120
    )  # the half file is there
    errors = b""
    for _ in range(8):  # while modules are loaded Python may lose one: a person presses again
        child.send_signal(signal.SIGINT)
        try:
            _, errors = child.communicate(timeout=10)
            break
        except subprocess.TimeoutExpired:
            continue
    assert child.returncode == 130, errors
    assert not list(tmp_path.glob("*.nxs"))
    assert not list(tmp_path.glob(".*part*"))


def test_a_linked_movie_is_found_from_where_the_session_lies(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    movie = folder / "movie.mrc"
    movie.write_bytes((DATA / "tem" / "Custom_movie.mrc").read_bytes())
    done = tandem("import", movie, "-o", folder / "s.nxs", "--link", home=tmp_path)
    assert done.returncode == 0, done.stderr
    moved = folder.rename(tmp_path / "there")
    found = json.loads(tandem("info", moved / "s.nxs", "--json", home=tmp_path).stdout)
    assert found["streams"][0]["shape"] == [30, 16, 16]
    assert found["problems"] == []
    (moved / "movie.mrc").unlink()
    found = json.loads(tandem("info", moved / "s.nxs", "--json", home=tmp_path).stdout)
    assert "movie.mrc" in found["problems"][0]


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal, as Linux tells it."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the handlers of a process")
def test_sigterm_ends_the_window(tmp_path: Path) -> None:
    (tmp_path / "preferences.json").write_text('{"tour_seen": true}')
    environment = {**os.environ, "TANDEM_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen([sys.executable, "-m", "tandem_em"], env=environment) as window:
        wait_until(lambda: catches(window.pid, signal.SIGTERM), 60)
        window.send_signal(signal.SIGTERM)
        assert window.wait(30) in (0, 130, -signal.SIGINT)
