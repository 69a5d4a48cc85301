"""No module of ours asks at its head for what Windows does not have: importing it would end the program there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}


def names_at_the_head(text: str) -> Iterator[str]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", ["app", "widgets", "resources"])
def test_nothing_of_posix_is_imported_at_the_head(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    found = {
        str(path.relative_to(ROOT)): names
        for path in files
        if (names := POSIX_ONLY & set(names_at_the_head(path.read_text("utf-8"))))
    }
    assert found == {}


def test_the_search_finds_one() -> None:
    assert set(names_at_the_head("import os, fcntl\nfrom pwd import getpwnam\n")) & POSIX_ONLY == {
        "fcntl",
        "pwd",
    }
