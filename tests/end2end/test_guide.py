"""What the guide says is true: its snippets run on a session, its keys and commands exist, the program shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

from tandem_em.cli.commands import COMMANDS
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.dialogs.help.guide import guide_text
from tandem_widgets.shell.actions.table import ROWS

GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE, re.S)


@pytest.fixture
def session_file(tmp_path: Path) -> Path:
    session = Session("guide")
    clock = Clock(name="camera", origin="file time")
    times = np.arange(4.0)
    voltage = Column("voltage", "V", GrowingArray(np.linspace(0, -0.2, 4)))
    session.clocks.add(clock)
    session.runs.add(
        BiasRun(name="log", times=GrowingArray(times), columns={"voltage": voltage}, clock=clock)
    )
    session.stacks.add(FrameStack(name="movie", source=MemoryArray(np.ones((4, 8, 10), np.uint16)), times=times, times_from="file", pixel_nm=0.5, clock=clock))  # fmt: skip
    session.maps.add(SpectrumImage(name="SI", source=MemoryArray(np.ones((3, 4, 20), np.float32)), energy_eV=np.linspace(30, 60, 20), start=0.0, end=2.0, clock=clock))  # fmt: skip
    run_to_end(files.create_session(tmp_path / "session.nxs", session)).store.close()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_runs_as_it_stands(number: int, session_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SNIPPETS[number]], cwd=session_file, capture_output=True, text=True, encoding="utf-8",
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 3


def test_commands_and_keys_of_the_guide_exist() -> None:
    for word in re.findall(r"`tandem ([a-z]+)", GUIDE):
        assert word in COMMANDS, word
    shortcuts = {row.shortcut for row in ROWS} | {"N", "G", "I", "L", "C"}
    for key in re.findall(r"\*\*(Ctrl\+[A-Z]|F\d+|[A-Z])\*\*", GUIDE):
        assert key in shortcuts, key
    titles = {row.title for row in ROWS}
    for title in re.findall(r"(?:File|Edit|Live|View|Help) → \*?\*?([A-Z][A-Za-z ]+…?)", GUIDE):
        assert any(title.startswith(each.rstrip("…")) for each in titles), title


def test_the_program_carries_the_guide() -> None:
    shown = guide_text()
    assert "## The first session" in shown
    assert set(shown.splitlines()) <= set(GUIDE.splitlines())
    assert "![" not in shown


def test_pictures_of_the_docs_are_there() -> None:
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8")):
            assert (page.parent / picture).is_file(), f"{page.name}: {picture}"
