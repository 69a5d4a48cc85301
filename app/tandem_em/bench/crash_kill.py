"""Start the recording child, kill it, and let a fresh process judge the file it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tandem_em.bench import crash_recorder
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

RECORDER = "tandem_em.bench.crash_recorder"
JUDGE = "tandem_em.bench.crash_kill"


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child process: `extra` beside ours, and one thread for linear algebra."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **extra}


def start(path: Path, seed: int, **extra: str) -> subprocess.Popen[bytes]:
    """A recorder in a process of its own that can be killed; `extra` is added to its environment."""
    command = [sys.executable, "-m", RECORDER, str(path), str(seed)]
    return subprocess.Popen(command, env=environment(**extra), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def promised(output: bytes, before: int = -1) -> int:
    """The last step that was said to be durable; `before` when none was."""
    return max(
        (int(line.split()[1]) for line in output.splitlines() if line.startswith(b"durable ")), default=before
    )


def kill_after(path: Path, seed: int, seconds: float, **extra: str) -> int:
    """Let it record for so long after its first promise, kill it; returns the last promised step."""
    with start(path, seed, **extra) as child:
        assert child.stdout is not None
        # Killed only after a promise: before it there is nothing to break.
        first = child.stdout.readline()
        time.sleep(seconds)  # the moment of the crash is what is tested
        child.kill()
        rest, errors = child.communicate()
    if not first:
        raise AssertionError(errors.decode())
    return promised(first + rest)


def run_until_dead(path: Path, seed: int, **extra: str) -> tuple[int, int]:
    """Let it end by itself or by its own hand; returns the last promised step and its exit code."""
    child = start(path, seed, **extra)
    output, errors = child.communicate(timeout=120)
    if (
        child.returncode > 0 and child.returncode != signal.SIGTERM
    ):  # a killed one's is negative, but on Windows
        raise AssertionError(errors.decode())
    return promised(output), child.returncode


def judge(cases: list[tuple[Path, int, int]]) -> list[str | None]:
    # A fresh process: nothing of the crashed one may be left in memory.
    """A fresh process opens each (file, seed, promised step): None, or what is wrong."""
    asked = json.dumps([(str(path), seed, least) for path, seed, least in cases])
    child = subprocess.run(
        [sys.executable, "-m", JUDGE],
        input=asked.encode(),
        capture_output=True,
        env=environment(),
        check=False,
    )
    if child.returncode != 0:
        raise AssertionError(child.stderr.decode())
    answer: list[str | None] = json.loads(child.stdout)
    return answer


def _judge_one(path: str, seed: int, least: int) -> str | None:
    try:
        with Hdf5Store.open(
            Path(path), "r"
        ) as view:  # first as a reader: nothing may have to be mended for that
            found = view.call(lambda h5: crash_recorder.fault(h5, seed, least)).result()
        if found is not None:
            return f"read-only: {found}"
        with Hdf5Store.open(Path(path)) as store:
            return store.call(lambda h5: crash_recorder.fault(h5, seed, least)).result()
    except Exception as error:  # noqa: BLE001  whatever goes wrong is the answer
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps([_judge_one(*case) for case in json.load(sys.stdin)]))
