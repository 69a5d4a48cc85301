"""Replacing a file that another program looks at, as Windows answers it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tandem_em.core import replacing
from tandem_em.core.notices import UserError


class Held:
    """`os.replace` of Windows while somebody has the target open for the next `times` tries."""

    def __init__(self, times: int, winerror: int | None = 32) -> None:
        self.left, self.winerror, self.really = times, winerror, os.replace

    def __call__(self, source: Path, target: Path) -> None:
        if self.left:
            self.left -= 1
            error = PermissionError(13, "The process cannot access the file")
            if self.winerror is not None:
                error.winerror = self.winerror  # type: ignore[attr-defined, unused-ignore]
            raise error
        self.really(source, target)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    new, old = tmp_path / "new", tmp_path / "session ä.nxs"
    new.write_text("new")
    old.write_text("old")
    return new, old


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_that_is_let_go_is_replaced(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, winerror: int
) -> None:
    monkeypatch.setattr(os, "replace", Held(3, winerror))
    monkeypatch.setattr(replacing, "PAUSE_S", 0.0)
    replacing.replace(*pair)
    assert pair[1].read_text() == "new"


def test_a_file_that_stays_open_is_a_sentence_and_stays_as_it_was(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", Held(1_000_000))
    with pytest.raises(UserError, match=r"session ä\.nxs cannot be replaced: another program has it open"):
        replacing.replace(*pair, patience_s=0.0)
    assert pair[1].read_text() == "old"


def test_missing_rights_are_told_at_once(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(1_000_000, winerror=None)
    monkeypatch.setattr(os, "replace", held)
    with pytest.raises(PermissionError):
        replacing.replace(*pair)
    assert held.left == 999_999
