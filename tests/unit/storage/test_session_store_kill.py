"""A program that records, edits and saves is killed: everything acknowledged is there, edits are there whole or not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.storage.check.integrity import check
from tandem_em.storage.session_store import SessionStore

RECORD = """
import json, sys
from pathlib import Path
import numpy as np
from tandem_em.core.jobs import run_to_end
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.storage.recording import streams as writer_recording
from tandem_em.storage.session_store import SessionStore

writer_recording.COMMIT_S = 0.05
path = Path(sys.argv[1])
session = Session("killed")
run = BiasRun(id="run-1", name="bias", columns={"voltage": Column("voltage", "V", GrowingArray())})
stack = FrameStack(id="stack-1", name="camera")
store = SessionStore.create(path)
store.start_run(run)
stack.source = store.start_stack(stack, (32, 48), np.uint16)
session.runs.add(run)
session.stacks.add(stack)
print("ready", flush=True)
number = 0
while True:
    times = np.arange(number * 5, number * 5 + 5) * 0.001
    store.append_samples("run-1", times, {"voltage": times * 2})
    store.append_frame("stack-1", np.full((32, 48), number, np.uint16), number * 0.005, number)
    number += 1
    if number % 20 == 0:
        for name in ("a", "b"):  # both or none
            session.events.add(Event(name=f"{name}{number}", t=number * 0.005))
        session.change(stack, name=f"camera {number}")
        run_to_end(store.save(session))
        print(json.dumps({**store.acknowledged(), "saved": number}), flush=True)
"""


def record_and_kill(path: Path, seconds: float) -> dict[str, int]:
    """What the program had promised when it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "ready\n", child.stderr.read()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
        said = [line for line in child.stdout.read().splitlines() if line.endswith("}")]
    return json.loads(said[-1]) if said else {}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_while_recording_editing_and_saving(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "s.nxs"
    promised = record_and_kill(path, random.Random(seed).uniform(0.3, 1.5))
    with SessionStore.open(path) as store:
        session = run_to_end(store.load())
        assert store.problems == []
        run, stack = session.runs.first, session.stacks.first
        if run is None or stack is None:
            assert not promised
            return
        assert len(run) >= promised.get("run-1", 0)
        assert len(stack) >= promised.get("stack-1", 0)
        np.testing.assert_array_equal(run.times.view, np.arange(len(run)) * 0.001)
        np.testing.assert_array_equal(run.values("voltage"), run.times.view * 2)
        for index in range(len(stack)):
            assert bool((stack.frame(index) == index).all())
        np.testing.assert_array_equal(stack.times, np.arange(len(stack)) * 0.005)
        events = [event.name for event in session.events]
        assert len(events) % 2 == 0
        assert len(events) >= promised.get("saved", 0) // 10
        run_to_end(store.save(session))  # and it goes on from there
    found = [f for f in run_to_end(check(path)) if f.severity == "error"]
    assert found == []
