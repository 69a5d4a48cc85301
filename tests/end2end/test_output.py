"""What the program prints arrives, whatever the output can show and whether or not somebody reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "Zelle 電池 🔋 Δφ"
ENCODINGS = ("cp1252", "ascii", "cp437", "utf-8")
COMMANDS = ("info", "check", "cycles", "help", "wrong")
PROGRAM = [sys.executable, "-m", "tandem_em"]


def environment(home: Path, **extra: str) -> dict[str, str]:
    names = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "LC_ALL", "LC_CTYPE", "LANG")
    quiet = {name: value for name, value in os.environ.items() if name not in names}
    return {**quiet, "TANDEM_HOME": str(home), **extra}


def call(arguments: list[str], home: Path, **extra: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, timeout=120, env=environment(home, **extra), check=False
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session")
    log, path = folder / f"{NAME}.csv", folder / f"{NAME}.nxs"
    rows = [f"{t},{3.6 + 0.0001 * t:.4f},{1e-9 if t // 3000 % 2 else -1e-9:.3e}" for t in range(12_000)]
    log.write_text("time (s),voltage (V),current (A)\n" + "\n".join(rows) + "\n")
    done = call(["import", str(log), "-o", str(path)], folder, PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    return path


def arguments(command: str, session: Path) -> list[str]:
    if command == "help":
        return ["--help"]
    if command == "wrong":
        return ["info", f"{session}.is not there"]
    return [command, str(session)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_of_any_encoding_gets_the_answer(
    session: Path, tmp_path: Path, command: str, encoding: str
) -> None:
    asked = arguments(command, session)
    plain = call(asked, tmp_path, PYTHONIOENCODING="utf-8")
    done = call(asked, tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == plain.returncode == int(command == "wrong"), done.stderr
    for said, meant in ((done.stdout, plain.stdout), (done.stderr, plain.stderr)):
        shown = said.decode(encoding)
        assert "unexpected" not in shown
        assert len(shown.splitlines()) == len(meant.decode().splitlines())
    if command == "info" and encoding == "cp1252":
        assert "12 000 samples" in done.stdout.decode(encoding)  # not 12?000


def test_json_loses_no_letter_in_an_encoding_that_lacks_it(session: Path, tmp_path: Path) -> None:
    asked = ["info", str(session), "--json"]
    found = [
        json.loads(call(asked, tmp_path, PYTHONIOENCODING=name).stdout.decode(name)) for name in ENCODINGS
    ]
    assert found[0]["streams"][0]["name"] == NAME
    assert all(each == found[0] for each in found)


def test_the_plain_locale_without_any_help_of_python(session: Path, tmp_path: Path) -> None:
    done = call(["info", str(session)], tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr
    assert b"biasing" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on few systems")
def test_a_name_that_is_no_text_is_printed_as_its_bytes(tmp_path: Path) -> None:
    done = call([os.fsdecode(bytes(tmp_path / "na") + b"\xffme.nxs")], tmp_path, PYTHONIOENCODING="utf-8")
    assert done.returncode == 1
    assert b"na\xffme.nxs does not exist" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_program_without_outputs_ends_as_with_them(session: Path, tmp_path: Path, command: str) -> None:
    """As a windowed program on Windows starts."""
    code = f"import sys; sys.stdout = sys.stderr = None; from tandem_em.__main__ import main; sys.exit(main({arguments(command, session)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=120, env=environment(tmp_path), check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (int(command == "wrong"), b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="closed outputs are a thing of shells")
@pytest.mark.parametrize("command", COMMANDS)
def test_closed_outputs_are_not_taken_by_files(session: Path, tmp_path: Path, command: str) -> None:
    before = session.read_bytes()
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&- 2>&-', "sh", *PROGRAM, *arguments(command, session)],
        timeout=120,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == int(command == "wrong")
    assert session.read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_goes_away_causes_no_words(
    session: Path, tmp_path: Path, command: str, both: bool
) -> None:
    """As `| head -1` does; with `both` standard error goes the same way."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, *arguments(command, session)],
            stdout=writing,
            stderr=writing if both else subprocess.PIPE,
            timeout=120,
            env=environment(tmp_path),
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode in (0, 1)  # not 120, which tells of words that got lost at the end
    said = (done.stderr or b"").decode()
    assert len(said.splitlines()) == int(command == "wrong" and not both)
    assert "Broken" not in said
    assert "Traceback" not in said
