"""Looking through an HDF5 file of unknown origin before it is trusted, in a child process with little time and memory.

HDF5 crashes on some damaged files, and some well-formed ones are traps: external storage lets h5py read *and overwrite*
any file of the user. The child never reads data, only what describes them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.storage.gate import job_limits

SECONDS = 5.0
"""Of the processor: a computer that is busy recording is no reason to refuse a file."""
PATIENCE = 8.0
"""Times as long may pass on the clock."""
MEMORY_BYTES = 2 << 30
ADVICE = "If you trust its origin, ask for the data in another format; otherwise do not open it."


def audit(path: Path, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> list[str]:
    """What speaks against opening this file, as sentences; empty when nothing does."""
    environment = {
        **os.environ,
        # no filter plug-ins: a file must not make HDF5 load foreign code
        "HDF5_PLUGIN_PRELOAD": "::",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    with subprocess.Popen(
        [*_command(), str(path), str(memory_bytes), str(seconds)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # else what comes with the first line is lost: `communicate` does not look into the buffer
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()  # "ready": starting an interpreter on a busy computer does not count
        try:
            output, _ = child.communicate(timeout=PATIENCE * seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            return [f"Checking it takes more than {PATIENCE * seconds:g} s."]
        if child.returncode in _overtime():
            return [f"Checking it takes more than {seconds:g} s of the processor."]
        return _findings(child.returncode, output)


def require_sound(path: Path) -> None:
    """Raise UserError unless the file may be opened."""
    findings = audit(path)
    if findings:
        more = f" And {len(findings) - 1} more." if len(findings) > 1 else ""
        raise UserError(f"{path.name} is not opened. {findings[0]}{more}", ADVICE)


def _overtime() -> tuple[int, ...]:
    """Exit statuses of a child that has used up its time."""
    signals = (-signal.SIGXCPU,) if hasattr(signal, "SIGXCPU") else ()
    return (job_limits.OVERTIME,) if sys.platform == "win32" else signals


def _findings(returncode: int, output: bytes) -> list[str]:
    if returncode == 0:
        try:
            found = json.loads(output)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(sentence, str) for sentence in found):
            return found
    return ["It is so damaged that HDF5 crashes on it."]


def _command() -> list[str]:
    if getattr(
        sys, "frozen", False
    ):  # the packaged program has no interpreter: its front door knows this word
        return [sys.executable, "--audit-file"]
    return [sys.executable, "-m", "tandem_em.storage.gate.audit_child"]
