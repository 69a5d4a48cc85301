"""Does recording keep up? Cameras at full rate without a lost frame, in constant memory, beside a viewer; and kills."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.bench.durability_speed import FRAME_BYTES, SHAPE, some_frames, write_raw
from tandem_em.bench.recording_at_work import memory_MiB, recording
from tandem_em.bench.recording_kills import killed_at_random, seconds_to_stop
from tandem_em.bench.recording_memory import left_behind
from tandem_em.bench.recording_senders import sending
from tandem_em.core.benchmark import Figure
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.desk.stacks.stack import ready
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.sources.dectris.settings import DectrisTable
from tandem_em.sources.dectris.source import DectrisSource
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.merlin.source import MerlinSource

if TYPE_CHECKING:
    from tandem_em.sources.core.base import Source
    from tandem_em.storage.session_store import SessionStore

# s between two pictures: a little less than a tenth, to keep ten a second.
VIEW_S = 0.09
LONG_S = 30.0
"""Shorter runs show how the first buffers fill."""
MOST_GROWTH_MIB = 4.0
"""After the beginning: HDF5's caches and the arrays that are still in memory fill for the first 200 000 frames
(`recording_memory` looks at what comes after)."""
SETTLED = 0.25
"""Share of a run after which memory has to be level."""


@dataclass
class Run:
    """What one recording showed."""

    sent: int = 0
    acknowledged: int = 0
    dropped: int = 0
    seconds: float = 0.0
    drawn: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds and MiB of this process."""

    @property
    def growth_MiB(self) -> float:
        """By how much memory grew after the beginning."""
        times, sizes = np.array(self.memory).T
        level = times > SETTLED * times[-1]
        # A line through fewer points would show noise.
        if level.sum() < 4:
            return float("nan")
        return float(np.polyfit(times[level], sizes[level], 1)[0] * np.ptp(times[level]))


LONGEST_WAIT_S = 10.0  # for the last samples


def run(quick: bool) -> list[Figure]:
    """The long version records for about five minutes and writes up to 8 GB in the temporary folder."""
    with tempfile.TemporaryDirectory(prefix="tandem-recording-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        return [
            *_camera(folder, "merlin", 256, 1000.0, 5.0 if quick else 60.0),
            *_camera(folder, "dectris", 512, 500.0, 3.0 if quick else 15.0),
            *_throughput(folder, quick),
            *_bias_beside_frames(folder, 4.0 if quick else 20.0),
            *(() if quick else (left_behind(folder),)),
            *_kills(folder, 3 if quick else 100),
            _terminated(folder),
        ]


# --- cameras ----------------------------------------------------------------------------------------------------------


def _camera(folder: Path, kind: str, side: int, rate_hz: float, seconds: float) -> Iterator[Figure]:
    frames = round(rate_hz * seconds)
    with sending(kind, side, rate_hz, frames) as address:
        source: Any = (
            MerlinSource(MerlinTable(name="camera", address=address))
            if kind == "merlin"
            else DectrisSource(DectrisTable(name="camera", address=address))
        )
        found = _record(folder / f"{kind}.nxs", [source], frames, seconds)
    what = f"{kind} {side}² at {rate_hz:.0f} frames/s for {seconds:.0f} s"
    lost = frames - found.acknowledged + found.dropped
    yield Figure(
        f"{what}: frames lost", float(lost), "", goal="0 of " + str(frames), met=lost == 0,
        remark=f"{found.acknowledged / found.seconds:.0f} frames/s, {found.drawn / found.seconds:.1f} pictures/s drawn",
    )  # fmt: skip
    if seconds < LONG_S:
        return
    growth = found.growth_MiB
    yield Figure(
        f"{what}: memory grown since the first quarter", growth, "MiB", goal=f"below {MOST_GROWTH_MIB:.0f}",
        met=growth < MOST_GROWTH_MIB, remark=_sizes(found),
    )  # fmt: skip


def _sizes(found: Run) -> str:
    sizes = [size for _, size in found.memory]
    return f"{sizes[0]:.0f} MiB at the start, at most {max(sizes):.0f}"


def _record(path: Path, sources: list[Source], frames: int, seconds: float) -> Run:
    """Record until all frames are safe, drawing the newest ten times a second as the window does."""
    found = Run(sent=frames)
    with recording(path, sources) as (recorder, session, work_off):
        begun = time.monotonic()
        next_view = next_look = 0.0
        while found.acknowledged < frames and time.monotonic() - begun < seconds + 20:
            now = time.monotonic() - begun
            work_off(0.01)
            if now >= next_view:
                next_view = now + VIEW_S
                found.drawn += _draw(session)
            if now >= next_look:
                next_look = now + 0.5
                found.memory.append((now, memory_MiB()))
                counters = recorder.counters()["camera"]
                found.acknowledged, found.dropped = counters.acknowledged, counters.dropped
        found.seconds = time.monotonic() - begun
    # The long version writes up to 8 GB: each file goes when it was looked at.
    path.unlink(missing_ok=True)
    return found


def _draw(session: Session) -> int:
    """Read the newest frame that is in the file and make the picture a pane would show; 1 when there was one."""
    stack = session.stacks.first
    if stack is None or not ready(stack):
        return 0
    frame = stack.frame(ready(stack) - 1).astype(np.float32)
    # Every fourth pixel is enough for the contrast.
    low, high = np.quantile(frame[::4, ::4], (0.01, 0.99))
    np.clip((frame - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return 1


# --- the disk ---------------------------------------------------------------------------------------------------------


def _throughput(folder: Path, quick: bool) -> Iterator[Figure]:
    """2k frames through the session store as fast as it takes them, against the bare disk, in turn."""
    frames, rounds = (24, 3) if quick else (60, 11)
    pictures = some_frames()
    ways: dict[str, Callable[[Path, list[Any], int], float]] = {"raw": write_raw, "ours": _write_ours}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        # Each way begins a round in its turn, so that none is always the first.
        for name in list(ways)[turn % 2 :] + list(ways)[: turn % 2]:
            path = folder / f"{name}.nxs"
            taken = ways[name](path, pictures, frames)
            path.unlink()
            if turn:  # the first round warms up
                speeds[name].append(frames * FRAME_BYTES / 1e6 / taken)
    speed, raw = (float(np.median(speeds[name])) for name in ("ours", "raw"))
    ratio = speed / raw
    yield Figure(
        f"{SHAPE[0]}² frames recorded, share of the raw write speed", 100 * ratio, "%", "raw write with fsync",
        100.0, ratio, goal="85 % or more", met=ratio >= 0.85,
        remark=f"{speed:.0f} MB/s, the disk alone {raw:.0f}; medians of {rounds} rounds in turn",
    )  # fmt: skip
    yield Figure(
        "2048² at 20 frames/s: room to spare", speed / (20 * FRAME_BYTES / 1e6), "times", goal="1", met=speed > 168
    )  # fmt: skip


def _write_ours(path: Path, pictures: list[Any], frames: int) -> float:
    """Seconds from the first frame until the last one is safe."""
    with _store(path) as store:
        stack = FrameStack(name="camera", frame_numbers=np.zeros(0, np.int64))
        stack.source = store.start_stack(stack, pictures[0].shape, pictures[0].dtype)
        begun = time.perf_counter()
        for number in range(frames):
            store.append_frame(stack.id, pictures[number % len(pictures)], number / 20, number)
        store.finish_stack(stack)
        return time.perf_counter() - begun


@contextmanager
def _store(path: Path) -> Iterator[SessionStore]:
    opened = run_to_end(files.create_session(path, Session("bench"), for_recording=True))
    try:
        yield opened.store
    finally:
        opened.store.close()


def _bias_beside_frames(folder: Path, seconds: float) -> Iterator[Figure]:
    """1000 samples a second in blocks while 2k frames come at 20 a second: what an append costs, when it is safe."""
    pictures, ended = some_frames(), threading.Event()
    costs: list[float] = []
    waiting: list[tuple[int, float]] = []
    ages: list[float] = []
    with _store(folder / "beside.nxs") as store:
        columns = {
            name: Column(name, unit, GrowingArray()) for name, unit in (("voltage", "V"), ("current", "A"))
        }
        run = BiasRun(name="bias", columns=columns, host_times=GrowingArray())
        store.start_run(run)
        stack = FrameStack(name="camera")
        stack.source = store.start_stack(stack, pictures[0].shape, pictures[0].dtype)

        def film() -> None:
            number = 0
            while not ended.wait(1 / 20):
                store.append_frame(stack.id, pictures[number % len(pictures)], number / 20)
                number += 1

        filming = threading.Thread(target=film)
        filming.start()
        begun = time.perf_counter()
        count = 0
        while (now := time.perf_counter()) - begun < seconds:
            times = np.arange(count, count + 10) / 1000
            block = {"voltage": times + 3, "current": times * 1e-9}
            start = time.perf_counter()
            store.append_samples(run.id, times, block, times)
            costs.append(time.perf_counter() - start)
            count += 10
            waiting.append((count, now))
            ages += _safe_now(waiting, store.acknowledged().get(run.id, 0))
            time.sleep(0.01)
        while waiting and time.perf_counter() - begun < seconds + LONGEST_WAIT_S:
            ages += _safe_now(waiting, store.acknowledged().get(run.id, 0))
            time.sleep(0.01)
        # What never became safe counts with the time it has waited.
        ages += [time.perf_counter() - appended for _, appended in waiting]
        ended.set()
        filming.join()
        store.finish_run(run)
        store.finish_stack(stack)
    p99 = float(np.quantile(costs, 0.99)) * 1e3
    yield Figure(
        "appending bias samples while frames are recorded, p99", p99, "ms", goal="below 0.1", met=p99 < 0.1
    )
    worst = max(ages)
    yield Figure("until a sample is safe on disk, worst", worst, "s", goal="below 1.5", met=worst < 1.5)


# --- ends -------------------------------------------------------------------------------------------------------------


def _kills(folder: Path, times: int) -> Iterator[Figure]:
    broken = [wrong for number in range(times) if (wrong := killed_at_random(folder, number)) is not None]
    yield Figure(
        f"kill −9 of tandem record, {times} times: files that broke a promise", float(len(broken)), "",
        goal="0", met=not broken, remark=broken[0] if broken else "",
    )  # fmt: skip


def _terminated(folder: Path) -> Figure:
    seconds, wrong = seconds_to_stop(folder)
    return Figure(
        "SIGTERM to tandem record under load: until it has ended cleanly", seconds, "s", goal="below 3",
        met=seconds < 3 and wrong is None, remark=wrong or "",
    )  # fmt: skip


def _safe_now(waiting: list[tuple[int, float]], safe: int) -> list[float]:
    """How long those samples waited that are on disk now; they wait no longer."""
    ages, now = [], time.perf_counter()
    while waiting and waiting[0][0] <= safe:
        ages.append(now - waiting.pop(0)[1])
    return ages
