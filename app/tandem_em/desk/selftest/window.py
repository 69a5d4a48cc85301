"""The window: another process of the program draws a session, as `tandem screenshot` does, so that a fall of Qt is told."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.desk.selftest.check import Check, CheckFailedError, require
from tandem_em.desk.selftest.sessions import small_session

SIZE = (1280, 800)
PATIENCE_S = 300.0
"""The first picture of an installation waits for kernels that are compiled."""


def check(shot: Path | None) -> Check:
    return Check(
        "window with a session, drawn",
        partial(picture, shot=shot),
        "On Linux the system libraries of Qt may be missing (README, Installing); on Windows update the graphics driver.",
    )


def picture(folder: Path, shot: Path | None) -> None:
    session, out = folder / "session.nxs", folder / "window.png"
    run_to_end(files.create_session(session, small_session())).store.close()
    size = f"{SIZE[0]}x{SIZE[1]}"
    command = [sys.executable, "-m", "tandem_em", "screenshot", str(session), "-o", str(out), "--size", size]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            env={**os.environ, "PYTHONUTF8": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"The window was not drawn within {PATIENCE_S:.0f} s.") from error
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    require(done.returncode == 0, said[-1] if said else f"The window ended with {done.returncode}.")
    head = out.read_bytes()[:24]
    require(head.startswith(b"\x89PNG"), "The picture is no PNG.")
    width, height = struct.unpack(">II", head[16:24])
    require((width, height) == SIZE, f"The window is {width} × {height} instead of {size}: are there fonts?")
    require(out.stat().st_size > 20_000, "The picture is empty.")
    if shot is not None:
        shot.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out, shot)
