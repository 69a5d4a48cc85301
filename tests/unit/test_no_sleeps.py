"""No test waits for a time: it waits for a condition (`waiting`, `settling`, `qtbot.waitUntil`, `waitSignal`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SLEEPS = {"sleep", "qWait", "qSleep", "msleep", "usleep"}


def sleeps_in(code: str) -> Iterator[int]:
    """Lines of code that let a time pass, and of code in texts: what a test gives a child process to run."""
    for node in ast.walk(ast.parse(code)):
        if (isinstance(node, ast.Call) and _is_sleep(node.func)) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and "sleep(" in node.value
        ):
            yield node.lineno


def _is_sleep(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        of_qtbot = called.attr == "wait" and ast.unparse(called.value).endswith("qtbot")
        return called.attr in SLEEPS or of_qtbot
    return isinstance(called, ast.Name) and called.id in SLEEPS


def test_no_test_sleeps() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if path.is_file() and path != Path(__file__)
        for line in sleeps_in(path.read_text("utf-8"))
    ]
    assert not found, "wait for a condition: tests/helpers/waiting.py, settling.py, qtbot.waitUntil"


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("import time\ntime.sleep(1)", True),
        ("from time import sleep\nsleep(0.1)", True),
        ("qtbot.wait(60)", True),
        ("self.qtbot.wait(60)", True),
        ("QTest.qWait(20)", True),
        ("CHILD = '''import time\ntime.sleep(60)'''", True),
        ("qtbot.waitUntil(lambda: True)", False),
        ("started = event.wait(5)\nprocess.wait(10)", False),
    ],
)
def test_the_rule_sees_sleeps_and_only_them(code: str, is_found: bool) -> None:
    assert bool(list(sleeps_in(code))) is is_found
