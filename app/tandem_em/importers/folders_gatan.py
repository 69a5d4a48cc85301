"""Gatan in-situ recordings: NAME/Hour_00/Minute_00/Second_07/NAME_Hour_00_…_Frame_0003.dm4, one file per frame."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.base import ImportOptions
from tandem_em.importers.folders_images import DMS, PICTURES, TIFFS, stack_of
from tandem_em.importers.microscope_signal import Found
from tandem_em.jobs import Job
from tandem_em.notices import UserError

LEVEL = re.compile(r"^(Hour|Minute|Second)_(\d+)$", re.IGNORECASE)
FRAME = re.compile(r"Hour_(\d+).*?Minute_(\d+).*?Second_(\d+).*?Frame_(\d+)", re.IGNORECASE)
Place = tuple[int, int, int, int]


def looks_like(folder: Path) -> bool:
    """Whether the folder has Hour_00 below it (or is one level further down)."""
    try:
        with os.scandir(folder) as entries:
            return any(LEVEL.match(entry.name) and entry.is_dir() for entry in entries)
    except OSError:
        return False


def frames_below(folder: Path) -> list[tuple[Place, Path]]:
    """((hour, minute, second, frame), file) of all frames, in order."""
    out: list[tuple[Place, Path]] = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if LEVEL.match(entry.name):
                        waiting.append(Path(entry.path))
                elif os.path.splitext(entry.name)[1].lower() in (*DMS, *TIFFS, *PICTURES):
                    match = FRAME.search(entry.name)
                    if match:
                        out.append(
                            ((int(match[1]), int(match[2]), int(match[3]), int(match[4])), Path(entry.path))
                        )
    return sorted(out)


def read(path: Path, options: ImportOptions) -> Job[list[Found]]:
    """The recording as one stack; the files' own times, else hour, minute, second and number of their names."""
    frames = frames_below(path)
    kinds = Counter(file.suffix.lower() for _, file in frames)
    if not frames:
        raise UserError(
            f"The folder {path.name} looks like an in-situ recording but has no frames.",
            "Copy its files again.",
        )
    kind = kinds.most_common(1)[0][0]
    frames = [pair for pair in frames if pair[1].suffix.lower() == kind]
    found = yield from stack_of([file for _, file in frames], path)
    places = np.array([place for place, _ in frames], np.int64)
    if found.times_s is None:
        found.times_s, rate = times_of(places)
        found.times_from = "frame files"
        found.facts.frame_interval_s = 1.0 / rate
    found.axis0_is_time = True
    found.problems += missing(places)
    return [found]


def times_of(places: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """(seconds, frames per second) from hour, minute, second and number within the second."""
    seconds = places[:, 0] * 3600 + places[:, 1] * 60 + places[:, 2]
    # the fullest second shows the rate: the first and last are rarely complete
    rate = float(places[:, 3].max() - places[:, 3].min() + 1)
    return seconds + (places[:, 3] - places[:, 3].min()) / rate, rate


def missing(places: NDArray[np.int64]) -> list[str]:
    """A sentence when numbers inside complete seconds are missing."""
    seconds = places[:, 0] * 3600 + places[:, 1] * 60 + places[:, 2]
    rate = int(places[:, 3].max() - places[:, 3].min() + 1)
    inner = (seconds > seconds.min()) & (seconds < seconds.max())
    span = int(seconds.max() - seconds.min()) - 1
    lost = span * rate - int(np.count_nonzero(inner)) if span > 0 else 0
    return [f"{lost} frames are missing in the recording ({rate} per second expected)."] if lost > 0 else []
