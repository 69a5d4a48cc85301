"""What a person cannot do again: a session is written and read, survives its program being killed, is let go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files, recovery
from tandem_em.desk.selftest.check import Check, CheckFailedError, require
from tandem_em.desk.selftest.sessions import FRAMES, small_session
from tandem_em.model.edits import ChangeFields

CHANGED = "name that was never saved"
FOLDER = "Messung ä 1"
"""Blanks and letters beyond ASCII are ordinary in names."""
ADVICE = "Do not record with this installation: save nothing you cannot lose, and install TandEM again."


def checks() -> Iterator[Check]:
    yield Check("session saved and opened again", saved, ADVICE)
    yield Check("session recovered after a kill", recovered, ADVICE)


def saved(folder: Path) -> None:
    path = folder / FOLDER / "session.nxs"
    path.parent.mkdir()
    made = small_session()
    run_to_end(files.create_session(path, made)).store.close()
    opened = run_to_end(files.open_session(path))
    try:
        stack, run = opened.session.stacks.first, opened.session.runs.first
        written = made.stacks.first
        assert written is not None
        if stack is None or run is None:
            raise CheckFailedError("A stream is missing in the file.")
        require(np.array_equal(stack.frame(FRAMES - 1), written.frame(FRAMES - 1)), "A frame has changed.")
        require(len(run.times.view) == 80, "Samples are missing.")
        opened.session.history.do(ChangeFields("", run.id, {"name": "renamed"}))
        run_to_end(files.save_session(opened))
    finally:
        opened.store.close()
    again = run_to_end(files.open_session(path, readonly=True))
    again.store.close()
    require([each.name for each in again.session.runs] == ["renamed"], "A change was not saved.")


def recovered(folder: Path) -> None:
    """A child writes a session, changes it, keeps the change as autosave does, and is killed."""
    path = folder / "killed.nxs"
    with subprocess.Popen(
        [sys.executable, "-m", "tandem_em.desk.selftest.victim", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as child:
        assert child.stdout is not None
        answer = child.stdout.readline()
        child.kill()
    require(answer.strip() == b"kept", "The program that was to be killed could not write its session.")
    opened = run_to_end(recovery.open_with(path))
    try:
        require(len(opened.lost) == 1, "The changes of the killed program were not found.")
        run_to_end(recovery.recover(opened, opened.lost[0]))
        run = opened.session.runs.first
        require(run is not None and run.name == CHANGED, "The change was not recovered.")
    finally:
        if opened.recovered is not None:
            opened.recovered.abandon()
        opened.store.close()
        recovery.discard(opened.lost)
