"""TIFF files (.tif, .tiff): single images, pages, ImageJ stacks, DigitalMicrograph, FEI, Olympus and Zeiss tags."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.core.texts import counted
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Found
from tandem_em.importers.core.sources import (
    FramesAt,
    PositionedFile,
    RawArray,
    native,
    shape_bytes,
)
from tandem_em.importers.core.views import GreyChannels, Reordered
from tandem_em.importers.movies.tiff_tags import calibration, frame_stamps, tiff_facts
from tandem_em.model.arrays import ArraySource, FrameByFrame

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPages

# a chain of directories that leads in a circle has no end
PAGES_LIMIT = 2_000_000


def library() -> Any:
    """tifffile, told not to write its complaints on the screen."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The largest image series of the file; thumbnails and reduced copies are left out."""
    with library().TiffFile(path) as tif:
        if not len(tif.pages):
            raise DamagedError("it contains no image")
        if len(tif.pages) > PAGES_LIMIT:
            raise DamagedError("it claims millions of pages")
        first = tif.pages[0]
        if first.dtype is None or not all(first.shape):
            raise DamagedError("its first image has no size or an unknown kind of pixels")
        # ImageJ first: its pages alone would be a stack of one
        stack = _imagej(path, tif) or _pages(path, tif)
        source, frames, problems = stack
        axis, size, unit_axes = calibration(tif, frames, source.shape)
        found = Found(source, [axis, *unit_axes], facts=tiff_facts(tif), problems=problems)
        found.axis0_is_time = size
        stamps = frame_stamps(tif, frames)
        if stamps is not None:
            found.times_s = stamps
        return [found]


def _imagej(path: Path, tif: TiffFile) -> tuple[ArraySource, int, list[str]] | None:
    """ImageJ keeps stacks above 4 GB as one page followed by all the other images."""
    metadata = tif.imagej_metadata if tif.is_imagej else None
    if not metadata:
        return None
    page = tif.pages[0]
    count = int(metadata.get("images", 1) or 1)
    # pages of their own, or packed: the ordinary way
    if count <= len(tif.pages) or not page.is_contiguous or page.compression != 1:
        return None
    offset = int(page.dataoffsets[0])
    dtype = np.dtype(tif.byteorder + page.dtype.char) if page.dtype.itemsize > 1 else page.dtype
    whole = (path.stat().st_size - offset) // max(shape_bytes(page.shape, dtype), 1)
    problems = [f"{path.name} was cut off: {whole} of {count} images are there."] if whole < count else []
    count = int(min(whole, count))
    if count < 1:
        raise DamagedError("it was cut off in its first image")
    source: ArraySource = RawArray(path, offset, (count, *page.shape), dtype)
    return _plain_frames(source, page), count, problems


def _pages(path: Path, tif: TiffFile) -> tuple[ArraySource, int, list[str]]:
    """All pages of the size and kind of the first; pages of other sizes are counted and left out."""
    pages, first, problems = tif.pages, tif.pages[0], []
    chosen, other, lost = _alike(pages, first)
    if other:
        problems.append(f"{path.name}: {counted(other, 'image')} of another size or kind left out.")
    if lost:
        problems.append(f"{path.name} was cut off: {lost} of its images are missing.")
    size = path.stat().st_size
    raw = _raw_offsets(tif, chosen)
    if raw is not None:
        whole = [offset for offset in raw if offset + first.nbytes <= size]
        if not whole:
            raise DamagedError("it was cut off in its first image")
        if len(whole) < len(raw):
            problems.append(f"{path.name} was cut off: {len(whole)} of {len(raw)} images are there.")
        dtype = np.dtype(first.dtype.newbyteorder(tif.byteorder))
        source: ArraySource = FramesAt([PositionedFile(path)], np.array(whole), first.shape, dtype)
        return _plain_frames(source, first), len(whole), problems
    packed = sum(int(count) for count in first.databytecounts)
    # no compression reaches 10 000 to 1: the header is damaged
    if first.nbytes > (1 << 20) + 10_000 * packed:
        raise DamagedError(f"its first image claims {first.nbytes >> 20} MiB in {packed} bytes")
    source = PageFrames(path, [page.index for page in chosen], first.shape, first.dtype)
    # a file whose frames cannot be decoded at all is refused at import
    source.one(0)
    return _plain_frames(source, first), len(chosen), problems


def _alike(pages: TiffPages, first: TiffPage) -> tuple[list[Any], int, int]:
    """(pages like the first, how many images are different, how many are missing at the end)."""
    # the short way takes the layout of the first page for granted and complains where that is wrong
    pages.useframes = len(pages) > 200
    pages.set_keyframe(0)
    chosen: list[Any] = []
    other = 0
    for number in range(len(pages)):
        try:
            page = pages[number]
        except RuntimeError:
            other += 1
            continue
        except Exception:  # noqa: BLE001 - a broken directory ends the list of pages, whatever it raises
            return chosen, other, len(pages) - number
        if page.shape == first.shape and page.dtype == first.dtype:
            chosen.append(page)
        elif not page.is_reduced:
            other += 1
    return chosen, other, 0


def _raw_offsets(tif: TiffFile, pages: list[Any]) -> list[int] | None:
    """Where each page's pixels lie in one uncompressed run, None when one is compressed, tiled or in pieces."""
    first = pages[0]
    if first.compression != 1 or first.is_tiled or first.fillorder != 1 or first.predictor != 1:
        return None
    if first.bitspersample not in (8, 16, 32, 64) or first.photometric == 3:
        return None
    if any(getattr(page, "compression", 1) != 1 for page in pages):
        return None
    offsets = []
    for page in pages:
        starts, counts = page.dataoffsets, page.databytecounts
        if not starts or len(starts) != len(counts) or sum(counts) < first.nbytes:
            return None
        if any(a + n != b for a, n, b in zip(starts[:-1], counts[:-1], starts[1:], strict=True)):
            return None
        offsets.append(int(starts[0]))
    return offsets


def _plain_frames(source: ArraySource, page: TiffPage) -> ArraySource:
    """Colour pages as grey; palette images stay numbers."""
    if len(page.shape) == 3 and page.shape[-1] in (2, 3, 4):
        return GreyChannels(source)
    if len(page.shape) == 3 and page.shape[0] in (2, 3, 4):
        return GreyChannels(Reordered(source, (0, 2, 3, 1)))
    if len(page.shape) != 2:
        raise UserError(
            f"A TIFF with images of {len(page.shape)} axes cannot be shown.",
            "Save it as a stack of plain images.",
        )
    return source


class PageFrames(FrameByFrame):
    """Compressed or tiled pages, decoded one at a time."""

    def __init__(self, path: Path, numbers: list[int], shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(len(numbers), shape, native(np.dtype(dtype)))
        self.path, self.numbers = path, numbers
        self._tif: Any = None
        self._lock = threading.Lock()

    def one(self, number: int) -> AnyArray:
        """Page `number`, decoded; one reader at a time, as the file has one position."""
        with self._lock:
            try:
                if self._tif is None:
                    self._tif = library().TiffFile(self.path)
                page = self._tif.pages[self.numbers[number]]
                if _points_outside(page, self._tif.filehandle.size):
                    raise self._damaged(number)
                frame = page.asarray()
            except UserError:
                raise
            except Exception:  # noqa: BLE001 - tifffile knows fewer compressions without its codecs; Pillow knows LZW
                frame = _with_pillow(self.path, self.numbers[number])
        if frame.shape != self.shape[1:]:
            raise self._damaged(number)
        return np.asarray(frame, self.dtype)

    def _damaged(self, number: int) -> UserError:
        return UserError(f"Image {number + 1} of {self.path.name} is damaged.", "Copy the file again.")

    def close(self) -> None:
        """Close the file; a later frame opens it again."""
        with self._lock:
            if self._tif is not None:
                self._tif.close()
                self._tif = None

    def __del__(self) -> None:
        self.close()


def _points_outside(page: TiffPage, size: int) -> bool:
    """Whether a piece of a page would lie beyond the end of the file: a decoder would make room for all that is between."""
    return any(start + count > size for start, count in zip(page.dataoffsets, page.databytecounts))


def _with_pillow(path: Path, page: int) -> AnyArray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.seek(page)
            return np.asarray(image)
    except Exception as error:
        raise UserError(
            f"Image {page + 1} of {path.name} cannot be decoded ({type(error).__name__}: {str(error)[:100]}).",
            "It may be damaged, or compressed in an unusual way: save it uncompressed.",
        ) from error
