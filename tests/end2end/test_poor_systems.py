"""The real program where names of POSIX do not exist, as on Windows; its children are as poor as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from places import DATA

SESSION = DATA / "sessions" / "session-1.0.nxs"

WITHOUT = """
import os, signal, sys
for name in ("SIGXCPU", "SIGKILL", "SIGHUP", "SIGPIPE", "SIGUSR1", "SIGALRM"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("pread", "preadv", "pwrite", "pwritev", "fdatasync", "posix_fallocate", "posix_fadvise", "nice", "sysconf",
             "sched_getaffinity", "getloadavg", "statvfs", "geteuid", "tcgetpgrp", "getpgrp"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("resource", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
"""


def tandem(*arguments: object, folder: Path) -> str:
    (folder / "sitecustomize.py").write_text(WITHOUT)
    search = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "tandem_em", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PYTHONPATH": search, "TANDEM_HOME": str(folder)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_session_opens_is_written_and_checked(tmp_path: Path) -> None:
    assert "session-1.0.nxs" in tandem("info", SESSION, folder=tmp_path)
    log, made = tmp_path / "log.csv", tmp_path / "made.nxs"
    log.write_text(
        "time (s),voltage (V),current (A)\n" + "\n".join(f"{t},3.7,1e-9" for t in range(50)) + "\n"
    )
    tandem("import", log, "-o", made, folder=tmp_path)
    assert "made.nxs: " in tandem("check", made, folder=tmp_path)
