"""Whatever the moment of a crash or power cut, the file opens at one whole commit, none older than promised."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tandem_em.bench.crash_disk import LoggedDisk, Sync, Write, apply, awkward_position, power_cut, prefixes
from tandem_em.bench.crash_lab import Recording, check, new_file, play, view_and_read
from tandem_em.storage.transaction import journal, recovery


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return play(new_file(tmp_path_factory.mktemp("crash")))


@pytest.fixture(scope="module")
def interrupted(recording: Recording) -> list[int]:
    """Positions in the log where the journal is complete and its pages are not, or not all, known to be in place."""
    found = []
    content = bytearray(recording.start)
    for position, entry in enumerate(recording.log, 1):
        apply(content, entry)
        if isinstance(entry, Write) and journal.pending(LoggedDisk(content)) is not None:
            found.append(position)
    return found


def test_the_session_exercises_what_it_should(recording: Recording) -> None:
    points = [entry.point for entry in recording.log if isinstance(entry, Sync)]
    assert points[:3] == ["data", "journal", "in place"]
    assert len(recording.log) > 300
    assert any(name.startswith("big") for state in recording.states.values() for name in state)


def test_every_write_boundary_opens_at_a_whole_commit(recording: Recording) -> None:
    rng = random.Random(2)
    for position, content in prefixes(recording.start, recording.log, rng):
        assert check(recording, recording.log[:position], content) is None, position


def test_readers_see_a_whole_commit_without_writing(recording: Recording) -> None:
    rng = random.Random(3)
    for position, content in list(prefixes(recording.start, recording.log, rng))[::3]:
        before = bytes(content)
        assert check(recording, recording.log[:position], content, view_and_read) is None, position
        assert content == before


def test_power_cuts_lose_nothing_promised(recording: Recording) -> None:
    assert next(_faults_after_power_cuts(recording, trials=300, seed=4), None) is None


@pytest.mark.parametrize("point", ["data", "journal", "in place"])
def test_leaving_out_one_sync_is_noticed(recording: Recording, point: str) -> None:
    careless = play(recording.start, forget=frozenset({point}))
    assert next(_faults_after_power_cuts(careless, trials=300, seed=5), None) is not None


def test_crashes_during_recovery_lose_nothing(recording: Recording, interrupted: list[int]) -> None:
    rng = random.Random(6)
    assert len(interrupted) > 40
    for position in rng.sample(interrupted, 10):
        disk = _recover(recording, position)
        for cut, content in prefixes(_content(recording, position), disk.log[position:], rng):
            assert check(recording, recording.log[:position], content) is None, (position, cut)


def test_power_cuts_during_recovery_lose_nothing(recording: Recording, interrupted: list[int]) -> None:
    assert next(_faults_after_cut_recoveries(recording, interrupted, frozenset()), None) is None


@pytest.mark.parametrize("point", ["recovery", "in place"])
def test_leaving_out_one_sync_of_the_recovery_is_noticed(
    recording: Recording, interrupted: list[int], point: str
) -> None:
    assert next(_faults_after_cut_recoveries(recording, interrupted, frozenset({point})), None) is not None


def _faults_after_power_cuts(recording: Recording, trials: int, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    for _ in range(trials):
        position = awkward_position(recording.log, rng)
        content = power_cut(recording.start, recording.log, position, rng)
        fault = check(recording, recording.log[:position], content)
        if fault is not None:
            yield fault


def _faults_after_cut_recoveries(
    recording: Recording, interrupted: list[int], forget: frozenset[str]
) -> Iterator[str]:
    """A process was killed, the next one recovered, and then the power failed."""
    rng = random.Random(7)
    for position in rng.sample(interrupted, 40):
        disk = _recover(recording, position, forget)
        for _ in range(3):
            cut = rng.randrange(position, len(disk.log) + 1)
            fault = check(recording, recording.log[:position], power_cut(recording.start, disk.log, cut, rng))
            if fault is not None:
                yield fault


def _content(recording: Recording, position: int) -> bytes:
    content = bytearray(recording.start)
    for entry in recording.log[:position]:
        apply(content, entry)
    return bytes(content)


def _recover(recording: Recording, position: int, forget: frozenset[str] = frozenset()) -> LoggedDisk:
    disk = LoggedDisk(bytearray(_content(recording, position)), list(recording.log[:position]), forget)
    recovery.recover(disk, "test.nxs")
    return disk
