"""How much room a recording leaves on the disk, and when it must stop: pure numbers, bytes and seconds."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# bytes; closing the file needs room
LEAST_FREE = 1_000_000_000
# what still comes from the queue and the instruments while the recording stops
RESERVE_S = 10.0
WARNING_S = 60.0


@dataclass(frozen=True)
class Outlook:
    """Free room, what is kept back so that the file can be closed (bytes), and how long recording can go on (s)."""

    free: int
    reserve: int
    seconds_left: float
    verdict: Literal["fine", "warn", "stop"]


def free_bytes(path: Path) -> int:
    """Room for this user on the disk that holds `path`, which need not exist yet."""
    place = path.resolve()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def reserve_bytes(bytes_per_second: float) -> int:
    """What must stay free: 1 GB, or 10 s of data if that is more."""
    return max(LEAST_FREE, round(RESERVE_S * bytes_per_second))


def outlook(free: int, bytes_per_second: float) -> Outlook:
    """Judge a disk with `free` bytes while data come at this rate: stop at the reserve, warn a minute before."""
    reserve = reserve_bytes(bytes_per_second)
    room = free - reserve
    seconds = room / bytes_per_second if bytes_per_second > 0 else float("inf")
    if room <= 0:
        return Outlook(free, reserve, 0.0, "stop")
    return Outlook(free, reserve, seconds, "warn" if seconds < WARNING_S else "fine")


def sentence(state: Outlook, name: str) -> tuple[str, str] | None:
    """What to tell the user about it: (title, advice), None when all is well."""
    if state.verdict == "fine":
        return None
    free_gb = state.free / 1e9
    if state.verdict == "stop":
        return (
            f"Recording to {name} stopped: only {free_gb:.1f} GB are free on its disk.",
            "Everything recorded is safe. Free some space, then record again.",
        )
    return (
        f"The disk of {name} is full in {state.seconds_left:.0f} s ({free_gb:.1f} GB free).",
        "Free some space now, or lower the frame rate.",
    )
