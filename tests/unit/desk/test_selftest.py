"""The checks of an installation: they cover all there is, pass here, and say what is wrong where something is broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem_em.core.notices import UserError
from tandem_em.desk.selftest import cell_safety, everything, reading, sessions_kept
from tandem_em.desk.selftest.check import Check, CheckFailedError, carry_out, outcomes, require
from tandem_em.importers import registry
from tandem_em.sources.guardian import source as guardian


def test_every_reader_has_a_sample() -> None:
    assert set(reading.SAMPLES) == {importer.name for importer in registry.importers()}


def test_no_two_checks_have_the_same_name() -> None:
    names = [check.name for check in everything.checks()]
    assert len(names) == len(set(names))


@pytest.fixture
def zarr_ends() -> Iterator[None]:
    """Zarr keeps a thread of its own until told not to."""
    yield
    from zarr.core.sync import cleanup_resources

    cleanup_resources()


@pytest.mark.usefixtures("zarr_ends")
@pytest.mark.parametrize("check", reading.checks(), ids=lambda check: check.name)
def test_every_sample_is_read_by_its_own_reader(check: Check, tmp_path: Path) -> None:
    assert carry_out(check, tmp_path).message == ""


def test_a_failure_is_a_sentence_with_advice(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        raise ModuleNotFoundError("No module named 'nptdms'")

    outcome = carry_out(Check("reading TDMS", broken, "Install it again."), tmp_path)
    assert (outcome.ok, outcome.message) == (False, "ModuleNotFoundError: No module named 'nptdms'")
    assert outcome.line.splitlines()[0].startswith("FAILED")
    assert outcome.line.endswith("Install it again.")


def test_a_user_error_keeps_its_own_words(tmp_path: Path) -> None:
    def refused(folder: Path) -> None:
        raise UserError("The disk is full.", "Make room.")

    outcome = carry_out(Check("saving", refused, "Then try again."), tmp_path)
    assert (outcome.message, outcome.advice) == ("The disk is full.", "Make room. Then try again.")


def test_each_check_has_a_folder_that_goes() -> None:
    seen: list[Path] = []

    def look(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "file").write_bytes(b"1")
        seen.append(folder)

    assert all(outcome.ok for outcome in outcomes([Check("a", look), Check("b", look)]))
    assert len({*seen}) == 2
    assert not any(folder.exists() for folder in seen)


def test_require_says_what_does_not_hold() -> None:
    require(True, "")
    with pytest.raises(CheckFailedError, match="It is empty"):
        require([], "It is empty.")


def test_a_recovery_that_finds_nothing_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_kept.recovery, "find", lambda path: [])
    outcome = carry_out(Check("recovery", sessions_kept.recovered), tmp_path)
    assert "not found" in outcome.message


def test_a_guardian_that_does_not_start_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardian, "guardian_command", lambda: ["/nowhere/python"])
    monkeypatch.setattr(cell_safety, "START_S", 0.5)
    outcome = carry_out(next(cell_safety.checks()), tmp_path)
    assert not outcome.ok
    assert "did not begin to watch" in outcome.message
    assert "Do not drive a source-meter" in outcome.advice
