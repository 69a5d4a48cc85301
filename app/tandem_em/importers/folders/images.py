"""A folder of numbered images as one movie: natural order, odd ones named, times from the files or a log."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.importers.core.assemble import prepared
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.companion import inside
from tandem_em.importers.core.errors import DamagedError, sentences
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import native
from tandem_em.importers.microscope.dm import start_s
from tandem_em.importers.movies.images import load_picture, size_of
from tandem_em.model.arrays import FrameByFrame

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".webp")
TIFFS = (".tif", ".tiff")
DMS = (".dm3", ".dm4")
FAMILY = {".jpeg": ".jpg", ".tiff": ".tif"}
TAGS_LIMIT = 5000
"""Up to this many DigitalMicrograph frames their own start times are read at import."""
STRAY = re.compile(r"^(\._|thumbs|\.)", re.IGNORECASE)


@dataclass
class First:
    """What the first image of a folder says for all of them."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    y: Axis
    x: Axis
    facts: Facts


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sorting key that puts image_2 before image_10."""
    return [
        (1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def images_in(folder: Path) -> list[Path]:
    """The images of the commonest kind in a folder, naturally sorted; empty when there are none."""
    kinds: dict[str, list[Path]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = os.path.splitext(entry.name)[1].lower()
                if suffix in (*PICTURES, *TIFFS, *DMS) and not STRAY.match(entry.name) and entry.is_file():
                    kinds.setdefault(FAMILY.get(suffix, suffix), []).append(Path(entry.path))
    except OSError:
        return []
    if not kinds:
        return []
    best = max(kinds.values(), key=len)
    return sorted(best, key=lambda path: natural(path.name))


def read(path: Path, options: ImportOptions) -> Job[list[Found]]:
    """All images of the folder as one stack."""
    paths = images_in(path)
    if not paths:
        raise UserError(
            f"The folder {path.name} contains no images.", "Choose the folder that contains the images."
        )
    found = yield from stack_of(paths, path)
    if found.times_s is None and len(paths) > 1:
        log = inside(path, len(paths))
        if log is not None:
            found.times_s, start, file = log
            found.facts.start_iso = start or found.facts.start_iso
            found.times_from = "companion log"
            found.files.append(file)
            found.problems.append(f"Frame times were read from {file.name}.")
    return [found]


def stack_of(paths: Sequence[Path], folder: Path) -> Job[Found]:
    """A stack of image files, described by the first one that can be read."""
    first, broken = _first_readable(paths, folder)
    load = _loader(paths[0])
    other = yield from _of_other_size(paths, first, folder)
    odd = sorted({*broken, *other})
    problems = []
    if odd:
        names = ", ".join(paths[i].name for i in odd[:3])
        problems.append(
            f"{len(odd)} of {len(paths)} images in {folder.name} are damaged or of another size ({names})."
        )
    source = FileFrames(paths, load, first.shape, first.dtype)
    first.facts.title = folder.name
    found = Found(source, [Axis(len(paths)), first.y, first.x], facts=first.facts, problems=problems)
    found.bad_frames = odd
    if paths[0].suffix.lower() in DMS and 1 < len(paths) <= TAGS_LIMIT:
        yield from _dm_times(paths, found, folder)
    return found


def _first_readable(paths: Sequence[Path], folder: Path) -> tuple[First, list[int]]:
    broken: list[int] = []
    reason: UserError | None = None
    # the first images may be damaged; fifty of them mean another kind of file
    for number, path in enumerate(paths[:50]):
        try:
            with sentences(path, "image"):
                return _describe(path), broken
        except UserError as error:
            reason = reason or error
            broken.append(number)
    raise UserError(f"None of the images in {folder.name} can be read: {reason}", "Choose another folder.")


def _describe(path: Path) -> First:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        pixels = load_picture(path)
        return First(
            (pixels.shape[0], pixels.shape[1]),
            pixels.dtype,
            Axis(pixels.shape[0]),
            Axis(pixels.shape[1]),
            Facts(),
        )
    found = _single(path)
    height, width = found.source.shape[-2:]
    return First((height, width), found.source.dtype, found.axes[-2], found.axes[-1], found.facts)


def _single(path: Path) -> Found:
    """The one image in a TIFF or DigitalMicrograph file, in plain numbers."""
    if path.suffix.lower() in TIFFS:
        from tandem_em.importers.movies.tiff import read as read_file
    else:
        from tandem_em.importers.microscope.dm import read as read_file
    found = prepared(read_file(path, ImportOptions())[0], path)
    if len(found.source.shape) < 2 or any(size != 1 for size in found.source.shape[:-2]):
        raise DamagedError("it holds more than one image")
    return found


def _loader(path: Path) -> Callable[[Path], AnyArray]:
    if path.suffix.lower() in PICTURES:
        return load_picture
    return _load_single


def _load_single(path: Path) -> AnyArray:
    found = _single(path)
    try:
        pixels = found.source.read((slice(None),))
    finally:
        found.source.close()
    return pixels.reshape(pixels.shape[-2:])


def _of_other_size(paths: Sequence[Path], first: First, folder: Path) -> Job[list[int]]:
    """Images whose header (pictures) or length (everything else, uncompressed) says they are different."""
    out = []
    if paths[0].suffix.lower() in PICTURES:
        for number, path in enumerate(paths):
            if number % 200 == 0:
                yield Progress(number, len(paths), f"Listing {folder.name}")
            try:
                good = size_of(path) == first.shape
            except Exception:  # noqa: BLE001 - whatever Pillow says about it, it is no image of this movie
                good = False
            if not good:
                out.append(number)
        return out
    sizes = [_bytes(path) for path in paths]
    pixels = first.shape[0] * first.shape[1] * first.dtype.itemsize
    usual = Counter(sizes).most_common(1)[0][0]
    for number, size in enumerate(sizes):
        # uncompressed images that are much shorter than the usual one were cut off
        if size == 0 or (usual >= pixels and size < min(usual, pixels)):
            out.append(number)
    return out


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _dm_times(paths: Sequence[Path], found: Found, folder: Path) -> Job[None]:
    """The start each DigitalMicrograph frame states itself."""
    seconds: NDArray[np.float64] = np.full(len(paths), np.nan)
    for number, path in enumerate(paths):
        if number % 50 == 0:
            yield Progress(number, len(paths), f"Reading the frame times of {folder.name}")
        seconds[number] = start_s(path)
    good = seconds[np.isfinite(seconds)]
    # stamps that are all the same say when the recording began, not when each frame was taken
    if len(good) > len(paths) // 2 and len(np.unique(good)) > 1:
        found.times_s, found.times_from = seconds - good[0], "frame files"
        found.axis0_is_time = True


class FileFrames(FrameByFrame):
    """One frame per file, read when asked for."""

    def __init__(
        self,
        paths: Sequence[Path],
        load: Callable[[Path], AnyArray],
        shape: tuple[int, int],
        dtype: DTypeLike,
    ) -> None:
        super().__init__(len(paths), shape, native(np.dtype(dtype)))
        self.paths, self.load = paths, load

    def one(self, number: int) -> AnyArray:
        """The frame of one file; UserError when it is damaged or of another size."""
        path = self.paths[number]
        with sentences(path, "image"):
            frame = self.load(path)
        if frame.shape != self.shape[1:]:
            raise UserError(
                f"{path.name} has {frame.shape[1]} × {frame.shape[0]} pixels, the movie {self.shape[2]} × {self.shape[1]}.",
                "It is left out.",
            )
        return frame.astype(self.dtype, copy=False)
