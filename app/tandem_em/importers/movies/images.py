"""Pictures (.png, .jpg, .bmp, .gif …): one image or the frames of an animation, colours made grey."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import native
from tandem_em.importers.core.views import grey
from tandem_em.model.arrays import FrameByFrame

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
PIXEL_LIMIT = 170_000_000


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The picture, or all frames of an animated one."""
    from PIL import Image

    with Image.open(path) as image:
        check_size(image, path)
        count = int(getattr(image, "n_frames", 1))
        first = as_grey(image)
        delay = image.info.get("duration")
    source = PictureFrames(path, count, first.shape, first.dtype)
    axes = [Axis(count), Axis(first.shape[0]), Axis(first.shape[1])]
    facts = Facts()
    if count > 1 and isinstance(delay, (int, float)) and delay > 0:
        facts.frame_interval_s = float(delay) / 1e3
    return [Found(source, axes, facts=facts)]


def check_size(image: Image.Image, path: Path) -> None:
    """Look at the promised size before anything is decoded."""
    width, height = image.size
    if width * height > PIXEL_LIMIT or width < 1 or height < 1:
        raise DamagedError(f"its {width} × {height} pixels are not an image size of a camera")
    size = path.stat().st_size
    # PNG and GIF pack at most about a thousand to one; JPEG and the others have no such bound
    most = 1100 if image.format == "PNG" else 10_000
    channels = (
        0.125 if image.mode == "1" else len(image.getbands()) * (2 if image.mode.startswith("I") else 1)
    )
    if width * height * channels > (1 << 20) + most * size:
        raise DamagedError(f"it claims {width} × {height} pixels in {size} bytes")


def as_grey(image: Image.Image) -> AnyArray:
    """Pixels of an open picture as grey numbers of their own depth."""
    # palettes and other colour spaces have to become RGB before grey
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "HSV", "LAB"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8)
    if pixels.ndim == 3:
        return grey(pixels)
    # Pillow opens 16-bit PNG as 32-bit numbers
    if image.mode == "I" and pixels.size and pixels.min() >= 0 and pixels.max() < 1 << 16:
        return pixels.astype(np.uint16)
    return pixels


def load_picture(path: Path) -> AnyArray:
    """One picture as grey numbers."""
    from PIL import Image

    with Image.open(path) as image:
        check_size(image, path)
        return as_grey(image)


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) from the header alone."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        return int(height), int(width)


class PictureFrames(FrameByFrame):
    """Frames of one picture file, decoded one at a time."""

    def __init__(self, path: Path, count: int, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(count, shape, native(np.dtype(dtype)))
        self.path = path
        self._lock = threading.Lock()

    def one(self, number: int) -> AnyArray:
        """Frame `number` in grey, decoded anew from the file."""
        from PIL import Image

        with self._lock:
            try:
                with Image.open(self.path) as image:
                    if number:
                        image.seek(number)
                    frame = as_grey(image)
            except Exception as error:
                raise UserError(
                    f"Frame {number + 1} of {self.path.name} cannot be decoded ({type(error).__name__}).",
                    "The file was changed or is damaged.",
                ) from error
        if frame.shape != self.shape[1:]:
            raise UserError(f"Frame {number + 1} of {self.path.name} has another size.", "Save it again.")
        return frame.astype(self.dtype, copy=False)
