"""Where the program was put: simulated trees of Windows, and systems that do not say how many cores there are."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import spawn
from pathlib import Path

import pytest

from tandem_em.cli import output, surroundings


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("TandEM.exe", "bin/tandem.exe", "runtime/tandem-python.exe"):
        path = tmp_path / "Program ä 1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "Program ä 1"


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(sys, "executable", sys.executable)
    monkeypatch.setattr(sys, "_base_executable", sys._base_executable)  # type: ignore[attr-defined]
    monkeypatch.setattr(os, "cpu_count", os.cpu_count)
    for name in ("TANDEM_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    before = spawn.get_executable()
    yield monkeypatch
    multiprocessing.set_executable(before)
    for name in ("TANDEM_HOME", "NUMBA_CACHE_DIR"):
        os.environ.pop(name, None)


@pytest.mark.parametrize("program", ["TandEM.exe", "bin/tandem.exe"])
def test_children_get_the_interpreter_without_a_window(
    tree: Path, as_before: pytest.MonkeyPatch, program: str
) -> None:
    as_before.setattr(sys, "executable", str(tree / program))
    surroundings.settle_in()
    plain = str(tree / "runtime" / "tandem-python.exe")
    assert sys.executable == plain
    assert sys._base_executable == plain  # type: ignore[attr-defined]
    assert os.fsdecode(spawn.get_executable()) == plain
    assert "TANDEM_HOME" not in os.environ


def test_an_ordinary_python_stays_what_it_is(as_before: pytest.MonkeyPatch) -> None:
    before = sys.executable
    surroundings.settle_in()
    assert sys.executable == before


def test_a_portable_tree_keeps_its_settings_beside_it(tree: Path, as_before: pytest.MonkeyPatch) -> None:
    (tree / "portable").touch()
    as_before.setattr(sys, "executable", str(tree / "TandEM.exe"))
    surroundings.settle_in()
    assert os.environ["TANDEM_HOME"] == str(tree / "data")


def test_kernels_lie_with_the_users_data_on_windows(tmp_path: Path, as_before: pytest.MonkeyPatch) -> None:
    as_before.setattr(sys, "platform", "win32")
    as_before.setenv("TANDEM_HOME", str(tmp_path))
    surroundings.settle_in()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "kernels")


def test_numba_is_not_loaded_before_its_cache_has_a_place() -> None:
    program = (
        "import sys; from tandem_em.cli import surroundings; import tandem_em.__main__; surroundings.keep_kernels(); "
        "print('numba' in sys.modules, 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]


def test_zarr_can_be_imported_where_nobody_knows_the_number_of_cores() -> None:
    program = (
        "import os; os.cpu_count = lambda: None\n"
        "from tandem_em.cli import surroundings\n"
        "surroundings.settle_in()\n"
        "import zarr, numcodecs.blosc; print(os.cpu_count())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (said.returncode, said.stdout.strip()) == (0, "1"), said.stderr[-400:]


def test_an_error_of_a_program_started_by_a_click_is_shown_in_a_box(as_before: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    as_before.setattr(output, "_silent", True)
    as_before.setattr(sys, "platform", "win32")
    as_before.setattr(output, "_show_box", shown.append)
    output.tell("a.nxs does not exist.")
    assert shown == ["a.nxs does not exist."]


def test_a_program_without_standard_streams_can_print(as_before: pytest.MonkeyPatch) -> None:
    as_before.setattr(sys, "stdout", None)
    as_before.setattr(sys, "stderr", None)
    as_before.setattr(output, "_silent", False)
    output.prepare()
    print("nobody sees this")  # noqa: T201  the point
    assert output._silent
    for stream in (sys.stdout, sys.stderr):
        assert stream is not None
        stream.close()
