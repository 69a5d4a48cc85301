"""A process that records is killed at any moment: a fresh one finds everything that was promised, right to the byte."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from tandem_em.bench import crash_kill

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="SIGKILL at the n-th write needs a POSIX system"
)


def test_killed_at_random_moments_while_recording(tmp_path: Path) -> None:
    rng, cases = random.Random(1), []
    for seed in range(4):
        path = tmp_path / f"{seed}.nxs"
        least = crash_kill.kill_after(path, seed, rng.uniform(0, 0.6))
        cases.append((path, seed, least))
    assert crash_kill.judge(cases) == [None] * len(cases)


def test_killed_again_and_again_on_one_file(tmp_path: Path) -> None:
    path, promised = tmp_path / "again.nxs", -1
    for _ in range(3):
        promised = max(promised, crash_kill.kill_after(path, 9, 0.2, AUTOCOMMIT_S="0.05"))
    assert crash_kill.judge([(path, 9, promised)]) == [None]


def test_killed_in_the_middle_of_the_nth_write(tmp_path: Path) -> None:
    rng, cases = random.Random(2), []
    for seed in range(5):
        path = tmp_path / f"{seed}.nxs"
        least, code = crash_kill.run_until_dead(path, seed, CRASH_AT_WRITE=str(rng.randrange(2, 150)))
        assert code == -9
        cases.append((path, seed, least))
    assert crash_kill.judge(cases) == [None] * len(cases)


def test_killed_where_there_is_no_sigkill(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import signal\ndel signal.SIGKILL\n")
    search = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    path = tmp_path / "poor.nxs"
    least, code = crash_kill.run_until_dead(path, 1, CRASH_AT_WRITE="40", PYTHONPATH=search)
    assert code == -15
    assert crash_kill.judge([(path, 1, least)]) == [None]


def test_what_ends_well_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "whole.nxs"
    _, code = crash_kill.run_until_dead(path, 3, STEPS="20")
    assert code == 0
    assert crash_kill.judge([(path, 3, 19)]) == [None]
