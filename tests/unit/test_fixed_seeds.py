"""README's test command tries the same examples on every machine; only the profile `fuzz` throws dice."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parents[1]
FIXED = {"derandomize", "database"}
"""What a single test must not say: it would take itself out of the profile."""
DRAWING = """
from importlib.util import find_spec
from pathlib import Path
from hypothesis import given, settings, strategies as st

if find_spec("ours"):
    import ours

@settings(deadline=None, max_examples=100)
@given(st.integers(), st.floats())
def test_draws(whole, part):
    with Path("drawn.txt").open("a") as file:
        file.write(f"{whole} {part}\\n")
"""


def test_a_settings_decorator_keeps_the_seeds_of_the_profile() -> None:
    default = settings.get_profile("fixed")
    assert default.derandomize
    assert default.database is None
    assert default.deadline is None
    if settings.get_current_profile_name() == "fixed":
        assert settings(max_examples=3).derandomize


def test_no_test_takes_itself_out_of_the_profile() -> None:
    found = []
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                said = {keyword.arg for keyword in node.keywords} & FIXED if _is_settings(node) else set()
                if said or _name(node) in ("register_profile", "load_profile"):
                    found.append(f"{path.name}:{node.lineno}")
    assert not found


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _is_settings(call: ast.Call) -> bool:
    return _name(call).endswith("settings")


def drawn(folder: Path, *arguments: str) -> str:
    """What a test drew in a run of its own, below our conftest."""
    (folder / "drawn.txt").unlink(missing_ok=True)
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text("utf-8"), "utf-8")
    (folder / "test_draws.py").write_text(DRAWING, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "drawn.txt").read_text("utf-8")


@pytest.mark.parametrize(("arguments", "same"), [([], True), (["--hypothesis-profile=fuzz"], False)])
def test_two_runs_draw_the_same_unless_they_fuzz(tmp_path: Path, arguments: list[str], same: bool) -> None:
    assert (drawn(tmp_path, *arguments) == drawn(tmp_path, *arguments)) is same


def test_what_else_is_loaded_changes_no_draw(tmp_path: Path) -> None:
    """A draw among the constants of our own modules would make the examples of one test depend on the others."""
    alone = drawn(tmp_path)
    (tmp_path / "ours.py").write_text("ALL = (7101, 7102, 7103, 0.7104, 0.7105)\n", "utf-8")
    assert drawn(tmp_path) == alone
