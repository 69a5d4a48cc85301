"""A program that is killed: its work is offered, and nobody says of the dead that they are writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tandem_em.__main__ import main
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files, places
from tandem_em.storage.transaction import lock, opening

RECORD = """
import sys
import threading
import numpy as np
from tandem_em.desk.document import files, places
from tandem_em.core.jobs import run_to_end
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.session import Session

session = Session("killed")
opened = run_to_end(files.create_session(places.untitled_path(), session, for_recording=True))
run = BiasRun(id="run-1", name="bias", columns={"voltage": Column("voltage", "V", GrowingArray())})
opened.store.start_run(run)
session.runs.add(run)
opened.store.append_samples("run-1", np.arange(5.0), {"voltage": np.arange(5.0)})
run_to_end(files.save_session(opened))
while opened.store.acknowledged().get("run-1", 0) < 5:  # only then it is promised to be safe
    threading.Event().wait(0.01)
print(opened.store.path, flush=True)
sys.stdin.read()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def end(program: subprocess.Popen[str]) -> None:
    with program:
        program.kill()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command; its exit status and what it said."""

    def run(*arguments: object) -> tuple[int, str]:
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr().out

    return run


def test_after_a_kill_the_work_is_offered_and_nobody_is_said_to_write(
    home: Path, told: Callable[..., tuple[int, str]]
) -> None:
    program = start(RECORD)
    path = Path(said(program))
    try:
        assert places.recoverable() == []  # it is being recorded into
        assert "being written to" in told("check", path)[1]
        assert "being written to" in told("info", path)[1]
    finally:
        end(program)
    assert places.recoverable() == [path]
    status, text = told("check", path)
    assert status == 0, text
    assert "being written" not in text
    assert "was not closed properly" in text
    assert f"process {program.pid}" in text
    assert "can be recovered" in text
    status, text = told("info", path)
    assert status == 0
    assert "being written" not in text
    assert "was not closed properly" in text
    found = json.loads(told("info", "--json", path)[1])
    assert "being_written_by" not in found
    assert "crash" in found["not_closed"]
    opened = run_to_end(files.open_session(path))
    assert len(opened.session.runs["run-1"]) == 5
    assert not opened.store.is_readonly
    opened.store.close()
    status, text = told("check", path)
    assert (status, "closed properly" in text) == (0, False)


def test_where_there_are_no_locks_the_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    program = start(RECORD)
    path = Path(said(program))
    monkeypatch.setattr(lock, "is_taken", lambda fd: None)
    try:
        assert opening.who_writes(path) is not None
        assert opening.left_open_by(path) is None
    finally:
        end(program)
    assert opening.who_writes(path) is None
    left = opening.left_open_by(path)
    assert left is not None
    assert left.pid == program.pid


def test_of_another_computer_the_note_is_believed_where_there_are_no_locks() -> None:
    there = lock.Holder("TandEM", "ada", "a-computer-elsewhere", 4_000_000, "2026-01-01T00:00:00+00:00")
    assert lock.may_be_running(there)
    here = lock.this_program()
    assert lock.may_be_running(here)


def test_asking_takes_no_lock_and_reads_what_may_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    run_to_end(files.create_session(path, files.Session("a"))).store.close()
    path.chmod(0o444)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert not lock.is_taken(descriptor)
        assert not lock.is_taken(descriptor)
    finally:
        os.close(descriptor)
    path.chmod(0o644)
    opened = run_to_end(files.open_session(path))
    try:
        assert not opened.store.is_readonly
        assert opening.is_held(path)
    finally:
        opened.store.close()
    assert not opening.is_held(path)
