"""Gatan in-situ recordings: NAME/Hour_00/Minute_00/Second_07/NAME_Hour_00_…_Frame_0003.dm4, one file per frame."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.formats.frame_names import frame_times, place_of
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.signal import Found
from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.folders.images import DMS, PICTURES, TIFFS, stack_of
from tandem_em.importers.microscope.dm import start_s

LEVEL = re.compile(r"^(Hour|Minute|Second)_(\d+)$", re.IGNORECASE)
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
    # a stack of our own: recordings nest hours, minutes and seconds, links are not followed
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if LEVEL.match(entry.name):
                        waiting.append(Path(entry.path))
                elif os.path.splitext(entry.name)[1].lower() in (*DMS, *TIFFS, *PICTURES):
                    place = place_of(Path(entry.path))
                    if place is not None:
                        minutes, second = divmod(place[0], 60)
                        out.append(((*divmod(minutes, 60), second, place[1]), Path(entry.path)))
    return sorted(out)


def read(path: Path, options: ImportOptions) -> Job[list[Found]]:
    """The recording as one stack. Each frame has its time by its name; the stamps in the files say when it all began."""
    frames = frames_below(path)
    kinds = Counter(file.suffix.lower() for _, file in frames)
    if not frames:
        raise UserError(
            f"The folder {path.name} looks like an in-situ recording but has no frames.",
            "Copy its files again.",
        )
    # previews of another format may lie beside the frames
    kind = kinds.most_common(1)[0][0]
    frames = [pair for pair in frames if pair[1].suffix.lower() == kind]
    found = yield from stack_of([file for _, file in frames], path)
    places = np.array([place for place, _ in frames], np.int64)
    if found.times_s is None or not _has_a_stamp_for_each(found.times_s):
        stamps = found.times_s
        found.times_s, rate = times_of(places, found.facts.exposure_s)
        found.times_from = "frame files"
        found.facts.frame_interval_s = 1.0 / rate
        _move_start(found, stamps if stamps is not None else _ends(frames, kind))
    found.axis0_is_time = True
    found.problems += missing(places, times_of(places, found.facts.exposure_s)[1])
    return [found]


def times_of(places: NDArray[np.int64], exposure_s: float | None = None) -> tuple[NDArray[np.float64], float]:
    """(seconds, frames per second) from hour, minute, second and number within the second."""
    seconds = places[:, 0] * 3600 + places[:, 1] * 60 + places[:, 2]
    return frame_times(np.column_stack([seconds, places[:, 3]]), exposure_s)


def _has_a_stamp_for_each(stamps: NDArray[np.float64]) -> bool:
    """Whether the files' own times tell frames apart: stamps of whole seconds do not."""
    return bool(
        np.isfinite(stamps).all() and np.all(np.diff(stamps) > 0) and np.any(stamps != np.rint(stamps))
    )


def _ends(frames: list[tuple[Place, Path]], kind: str) -> NDArray[np.float64] | None:
    """Stamps (after the first) of the first and the last frame only; None where the files have none."""
    # reading the tags of all frames would take minutes; two are enough to see when it began
    if kind not in DMS or len(frames) < 2:
        return None
    stamps = np.full(len(frames), np.nan)
    stamps[[0, -1]] = [start_s(frames[0][1]), start_s(frames[-1][1])]
    return stamps - stamps[0] if np.isfinite(stamps[[0, -1]]).all() else None


def _move_start(found: Found, stamps: NDArray[np.float64] | None) -> None:
    """The stamp of the first frame is its own when later frames have later ones: the recording began before it."""
    start = parse_iso(found.facts.start_iso)
    if start is None or stamps is None or found.times_s is None:
        return
    began = (stamps - found.times_s)[np.isfinite(stamps)]
    if np.nanmax(stamps) <= 0:
        return  # all say when the recording began
    # stamps of whole seconds are too early by up to one
    near = began[np.abs(began - np.median(began)) <= 1.5]
    found.facts.start_iso = (start + timedelta(seconds=float(near.max()))).isoformat()


def missing(places: NDArray[np.int64], rate: float) -> list[str]:
    """A sentence when numbers inside complete seconds are missing."""
    seconds = places[:, 0] * 3600 + places[:, 1] * 60 + places[:, 2]
    there, counts = np.unique(seconds, return_counts=True)
    # the first and the last second are rarely complete: between them nothing is left
    if len(there) < 3:
        return []
    fullest = np.zeros(len(there), np.int64)
    np.maximum.at(fullest, np.searchsorted(there, seconds), places[:, 3] - places[:, 3].min() + 1)
    # a rate that is no whole number gives one frame more or less in a second
    whole = np.where(np.abs(fullest[1:-1] - rate) < 1, fullest[1:-1], np.rint(rate))
    gaps = int(there[-1] - there[0]) + 1 - len(there)
    lost = int(np.maximum(whole - counts[1:-1], 0).sum()) + round(gaps * rate)
    return (
        [f"{counted(lost, 'frame')} missing in the recording ({rate:.4g} per second expected)."]
        if lost > 0
        else []
    )
