"""Does the session file keep its promises, and what does that cost? Crashes by the thousand, speeds, recovery times."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tandem_em.bench import crash_kill, durability_speed
from tandem_em.bench.crash_disk import awkward_position, power_cut, prefixes
from tandem_em.core.benchmark import Figure
from tandem_em.storage.transaction import opening
from tandem_em.storage.transaction.raw_file import Bytes, RawFile, SyncPoint


def run(quick: bool) -> list[Figure]:
    """All figures; the long version kills 300 processes, cuts the power 200 times and replays every write boundary."""
    with tempfile.TemporaryDirectory(prefix="tandem-durability-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        return [
            *_simulated_crashes(folder, quick),
            _forgotten_syncs(folder, quick),
            _kills(folder, quick),
            *_speeds(folder, quick),
            *_ages(folder, quick),
            _recovery(folder, quick),
        ]


def _simulated_crashes(folder: Path, quick: bool) -> Iterator[Figure]:
    from tandem_em.bench.crash_lab import check, new_file, play

    rng, start = random.Random(1), new_file(folder)
    boundaries = broken = 0
    for seed in range(1 if quick else 4):
        recording = play(start, commits=8 if quick else 24, seed=seed)
        for position, content in prefixes(recording.start, recording.log, rng):
            boundaries += 1
            broken += check(recording, recording.log[:position], content) is not None
    yield _broken("files broken at a write boundary", broken, boundaries)
    cuts = 60 if quick else 200
    broken = 0
    for _ in range(cuts):
        position = awkward_position(recording.log, rng)
        content = power_cut(recording.start, recording.log, position, rng)
        broken += check(recording, recording.log[:position], content) is not None
    yield _broken("files broken by a power cut", broken, cuts)


def _forgotten_syncs(folder: Path, quick: bool) -> Figure:
    """The test of the test: with any one sync left out, power cuts must break files."""
    from tandem_em.bench.crash_lab import check, new_file, play

    rng, start, noticed = random.Random(2), new_file(folder), 0
    for point in ("data", "journal", "in place"):
        recording = play(start, commits=24, forget=frozenset({point}))
        for _ in range(200):
            position = awkward_position(recording.log, rng)
            content = power_cut(recording.start, recording.log, position, rng)
            if check(recording, recording.log[:position], content) is not None:
                noticed += 1
                break
    return Figure("forgotten syncs noticed", noticed, "of 3", goal="3 of 3", met=noticed == 3)


def _kills(folder: Path, quick: bool) -> Figure:
    rng, broken, kills = random.Random(3), 0, 6 if quick else 300
    for batch in range(0, kills, 20):
        cases = []
        for seed in range(batch, min(batch + 20, kills)):
            path = folder / f"killed_{seed}.nxs"
            # Two of three at a random time, the third in the middle of a write.
            if seed % 3:
                least = crash_kill.kill_after(path, seed, rng.uniform(0, 0.8))
            else:
                least, _ = crash_kill.run_until_dead(path, seed, CRASH_AT_WRITE=str(rng.randrange(2, 400)))
            cases.append((path, seed, least))
        broken += sum(fault is not None for fault in crash_kill.judge(cases))
        for path, _, _ in cases:
            path.unlink()
    return _broken("files broken by SIGKILL while recording", broken, kills)


def _speeds(folder: Path, quick: bool) -> Iterator[Figure]:
    frames, rounds = (30, 3) if quick else (120, 5)
    speeds = durability_speed.compare(folder, frames, rounds)
    remark = f"{frames} frames of 2048 × 2048 uint16, {rounds} rounds in turn, synced every 0.5 s"
    for peer, value, ratio, goal in (
        ("plain h5py + fsync", speeds.plain, speeds.ours_to_plain, 0.95),
        ("raw write + fsync", speeds.raw, speeds.ours_to_raw, 0.85),
    ):
        yield Figure(
            f"durable throughput against {peer}",
            round(speeds.ours),
            "MB/s",
            peer,
            round(value),
            round(ratio, 3),
            f"≥ {goal:.0%} of it",
            ratio >= goal,
            remark,
        )


def _ages(folder: Path, quick: bool) -> Iterator[Figure]:
    for rate, limit in ((100e6, 1.0), (210e6, 2.0)):
        ages = durability_speed.acknowledgement_ages(folder, rate, 2 if quick else 10)
        yield Figure(
            f"oldest unacknowledged frame at {rate / 1e6:.0f} MB/s",
            round(ages.worst_s, 3),
            "s",
            goal=f"≤ {limit:g} s",
            met=ages.worst_s <= limit,
            remark=f"median {ages.median_s:.3f} s",
        )


def _recovery(folder: Path, quick: bool) -> Figure:
    """Time to open a file whose last commit is in the journal only."""
    times = []
    for _ in range(3 if quick else 15):
        with _interrupted(folder / "interrupted.nxs", frames=8 if quick else 60) as path:
            started = time.perf_counter()
            file, report = opening.open_to_write(path)
            times.append((time.perf_counter() - started) * 1e3)
            file.raw.close()
            # Without pages in the journal nothing was recovered and the time would mean nothing.
            assert report.pages > 0
    worst = max(times)
    return Figure(
        "recovery of an interrupted commit",
        round(statistics.median(times), 1),
        "ms",
        goal="≤ 100 ms",
        met=worst <= 100,
        remark=f"worst {worst:.1f} ms",
    )


@contextmanager
def _interrupted(path: Path, frames: int) -> Iterator[Path]:
    """A recording that died right after a commit point."""
    opening.create_file(
        path, durability_speed.make_movie, overwrite=False, journal_bytes=opening.JOURNAL_BYTES
    )
    file, _ = opening.open_to_write(path)
    h5 = opening.open_hdf5(file, path, durability_speed.ALIGNED)
    pictures = durability_speed.some_frames()
    for number in range(frames):
        durability_speed.append(h5, pictures, number)
    h5.flush()
    file.raw = _DyingFile(file.raw)
    try:
        file.commit(file.snapshot())
    except InterruptedError:
        pass
    file.is_abandoned = True
    h5.close()
    file.raw.close()
    yield path
    path.unlink()


class _DyingFile:
    """A RawFile that stops working when the journal has been synced."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def write_at(self, data: Bytes, offset: int) -> None:
        if self._is_dead:
            raise InterruptedError
        self._raw.write_at(data, offset)

    def sync(self, point: SyncPoint) -> None:
        self._raw.sync(point)
        # From the commit point on the file must be recovered, not written.
        self._is_dead = point == "journal"


def _broken(what: str, count: int, trials: int) -> Figure:
    return Figure(what, count, f"of {trials}", goal="0", met=count == 0)
