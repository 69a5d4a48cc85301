"""When an export cannot be done, one sentence says why, and no file is left: full disk, unwritable folder, empty session, Ctrl+C."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_until

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.document import files
from tandem_em.desk.export import folder as export
from tandem_em.exporters.movie.look import MovieSettings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session

KINDS = ("tables", "figures", "movie", "report")


def session() -> Session:
    made = Session("s")
    clock = Clock(name="camera", origin="file time")
    rng = np.random.default_rng(0)
    made.clocks.add(clock)
    times = np.arange(20_000) / 1000
    voltage = Column("voltage", "V", GrowingArray(rng.normal(size=len(times))))
    made.runs.add(BiasRun(name="log", times=GrowingArray(times), columns={"voltage": voltage}, clock=clock))
    frames = rng.integers(0, 4000, (40, 128, 128), dtype=np.uint16)
    made.stacks.add(
        FrameStack(
            name="movie", source=MemoryArray(frames), times=np.arange(40) / 2, times_from="file", clock=clock
        )
    )
    return made


@pytest.fixture(scope="module")
def session_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("session") / "s.nxs"
    run_to_end(files.create_session(path, session())).store.close()
    return path


def start(
    path: Path, out: Path, kind: str, home: Path, *, limit_bytes: int | None = None
) -> subprocess.Popen[str]:
    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    environment = {**os.environ, "TANDEM_HOME": str(home), "NUMBA_CACHE_DIR": str(home)}
    command = [sys.executable, "-m", "tandem_em", "export", str(path), "-o", str(out), f"--{kind}"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment,
        preexec_fn=no_room if limit_bytes else None,
    )  # fmt: skip


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_room_is_a_sentence_and_leaves_nothing(kind: str, session_file: Path, tmp_path: Path) -> None:
    process = start(session_file, tmp_path / "out", kind, tmp_path / "home", limit_bytes=30_000)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert len(said.strip().splitlines()) == 1, said
    assert "Traceback" not in said
    assert "free space" in said
    assert leftovers(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_leaves_nothing(kind: str, session_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(session_file, out, kind, tmp_path / "home")
    wait_until(lambda: out.exists() or process.poll() is not None, 60)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert leftovers(tmp_path) == [] or all("home" in path.parts for path in leftovers(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unwritable_folder_is_a_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    wanted = export.Wanted(**{each: each == kind for each in KINDS})  # type: ignore[arg-type]
    with pytest.raises(UserError, match="Nothing can be written into"):
        run_to_end(export.export(session(), tmp_path / "file" / "out", wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_session_is_a_sentence(kind: str, tmp_path: Path) -> None:
    wanted = export.Wanted(**{each: each == kind for each in KINDS})  # type: ignore[arg-type]
    with pytest.raises(UserError, match="nothing to export"):
        export.export(Session("new"), tmp_path / "out", wanted)
    assert not (tmp_path / "out").exists()


def test_a_movie_into_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        run_to_end(export.export_movie(session(), tmp_path / "file" / "m.mp4", MovieSettings((320, 180))))
