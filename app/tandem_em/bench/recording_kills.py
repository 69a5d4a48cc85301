"""The real `tandem record`, killed at random: what it said was safe must be in the file, and every value right."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tandem_em.bench.crash_kill import environment
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.sources.files.tail_simulator import FileWriter, ec_lab_text
from tandem_em.sources.merlin.simulator import MerlinSimulator

if TYPE_CHECKING:
    from tandem_em.model.frames import FrameStack

SIDE = 64
RATE_HZ = 400.0


@contextmanager
def instruments(folder: Path) -> Iterator[Path]:
    """A counting camera and a growing log; the set-up file that records them."""
    log = folder / "cell.mpt"
    with MerlinSimulator((SIDE, SIDE), frames=1_000_000, rate_hz=RATE_HZ) as camera:
        writer = FileWriter(log, ec_lab_text(20_000), pause_s=0.01, largest=3000)
        setup = folder / "setup.toml"
        setup.write_text(
            f'[[source]]\nkind = "merlin"\nname = "camera"\naddress = "{camera.address}"\n'
            f'[[source]]\nkind = "text"\nname = "bias"\npath = "{log.name}"\npoll_s = 0.02\n',
            "utf-8",
        )
        try:
            yield setup
        finally:
            writer.close()


class Child:
    """`tandem record` at work; `promised` is what it last said is safe."""

    def __init__(self, setup: Path, session: Path) -> None:
        command = [sys.executable, "-m", "tandem_em", "record", "--setup", str(setup), "-o", str(session)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        self.promised: dict[str, int] = {}
        self.lines = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for_promise(self, limit_s: float = 120.0) -> None:
        """Until something of every source is safe."""
        deadline = time.monotonic() + limit_s
        # A kill before every source has promised something would test little.
        while not self.promised or not all(self.promised.values()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"nothing was recorded: {self.promised}")
            time.sleep(0.02)

    def end(self) -> None:
        """Wait for the process and its reader, and close the pipes."""
        self.process.wait(30)
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.promised = json.loads(line)["acknowledged"]
            except ValueError:
                return  # the line in which it was killed
            self.lines += 1


def killed_at_random(folder: Path, seed: int) -> str | None:
    """One recording that is killed; None, or what is wrong with the file."""
    with tempfile.TemporaryDirectory(dir=folder) as name, instruments(Path(name)) as setup:
        session = setup.with_name("killed.nxs")
        child = Child(setup, session)
        child.wait_for_promise()
        time.sleep(random.Random(seed).uniform(0.0, 1.5))  # the moment of the crash is what is tested
        child.process.kill()
        child.end()
        return fault(session, child.promised)


def seconds_to_stop(folder: Path) -> tuple[float, str | None]:
    """How long SIGTERM under load takes, and what is wrong with the file afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as name, instruments(Path(name)) as setup:
        session = setup.with_name("ended.nxs")
        child = Child(setup, session)
        child.wait_for_promise()
        time.sleep(1.0)  # so that there is a load
        begun = time.monotonic()
        child.process.send_signal(signal.SIGTERM)
        child.end()
        seconds = time.monotonic() - begun
        if child.process.returncode != 0:
            return seconds, f"it ended with status {child.process.returncode}"
        return seconds, fault(session, child.promised)


def fault(path: Path, promised: dict[str, int]) -> str | None:
    """What is missing or wrong in a file that was left; the file is opened as anybody would."""
    try:
        opened = run_to_end(files.open_session(path))
    except Exception as error:  # noqa: BLE001  whatever goes wrong is the answer
        return f"{type(error).__name__}: {error}"
    try:
        stack, run = opened.session.stacks.first, opened.session.runs.first
        frames, rows = len(stack) if stack else 0, len(run) if run else 0
        if frames < promised.get("camera", 0) or rows < promised.get("bias", 0):
            return f"{frames} frames and {rows} rows, promised {promised}"
        if run is not None and not np.allclose(
            run.values("voltage"), 3.7 + 1e-5 * np.arange(rows), atol=1e-12
        ):
            return "a voltage differs"
        if stack is not None:
            return _wrong_frame(stack)
        return None
    finally:
        opened.store.close()


def _wrong_frame(stack: FrameStack) -> str | None:
    assert stack.frame_numbers is not None
    pattern = np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE) % 251
    for place, number in enumerate(stack.frame_numbers):
        wanted = pattern.copy()
        wanted[0, :3] = [number % 256, number // 256 % 256, number // 65536 % 256]
        # The first pixels carry the number of the frame; the fourth is a constant of the simulator.
        wanted[0, 3] = stack.frame(0)[0, 3]
        if not np.array_equal(stack.frame(place), wanted):
            return f"frame {place} differs"
    return None
