"""Simulated cameras in a process of their own, so that they do not share a core's turn with the recorder.

`python -m tandem_em.bench.recording_senders merlin|dectris SIDE RATE FRAMES` prints its address and sends until its
standard input is closed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tandem_em.sources.dectris.simulator import DectrisSimulator
from tandem_em.sources.merlin.simulator import MerlinSimulator


@contextmanager
def sending(kind: str, side: int, rate_hz: float, frames: int) -> Iterator[str]:
    """A running camera; its address."""
    command = [sys.executable, "-m", __name__, kind, str(side), str(rate_hz), str(frames)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as camera:
        assert camera.stdout is not None
        assert camera.stdin is not None
        try:
            yield camera.stdout.readline().strip()
        finally:
            camera.stdin.close()
            camera.wait(20)


def main(kind: str, side: int, rate_hz: float, frames: int) -> None:
    """Send until standard input is closed; the address is the first line of standard output."""
    shape = (side, side)
    camera: MerlinSimulator | DectrisSimulator
    if kind == "merlin":
        camera = MerlinSimulator(shape, frames=frames, rate_hz=rate_hz)
    else:
        camera = DectrisSimulator(2, shape, frames=frames, rate_hz=rate_hz)
    sys.stdout.write(camera.address + "\n")
    sys.stdout.flush()
    # Returns when the parent closes the pipe, also when the parent dies.
    sys.stdin.read()
    camera.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
