"""Preferences survive a round trip, wrong values, and a broken file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_em.desk.settings import Settings, preferences_from


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "preferences.json"
    Settings(path).change(theme="light", author="Ada", autosave_s=5.0)
    again = Settings(path).values
    assert (again.theme, again.author, again.autosave_s) == ("light", "Ada", 5.0)


def test_wrong_values_give_way_one_by_one() -> None:
    found = preferences_from(
        {"theme": "pink", "autosave_s": -3, "author": 7, "recent": ["a.nxs"], "unknown": 1}
    )
    assert (found.theme, found.autosave_s, found.author, found.recent) == ("dark", 30.0, "", ["a.nxs"])


@pytest.mark.expects_log
def test_a_broken_file_is_not_fatal(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text("{ not json")
    assert Settings(path).values.theme == "dark"


def test_recent_files_are_unique_and_few(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "preferences.json")
    for number in [*range(15), 3]:
        settings.remember_recent(tmp_path / f"{number}.nxs")
    stored = json.loads(settings.path.read_text())["recent"]
    assert len(stored) == 12
    assert stored[0].endswith("3.nxs")
    assert len(set(stored)) == 12
