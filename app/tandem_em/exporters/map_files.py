"""Element maps as files for other programs: .npy with the numbers, .tif with the calibration, .png to look at."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.exporters.replacing import replacing

SPELLED = str.maketrans(
    {"µ": "u", "μ": "u", "Å": "A", "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "σ": "sigma", "Ω": "Ohm",
     "−": "-", "–": "-", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "ł": "l", "°": "deg"}
)  # fmt: skip
DROPPED = re.compile("[\u0300-\u036f]")
"""Accents that were split from their letters."""


def file_stem(text: str) -> str:
    """A name that every file system takes: `P L₂,₃` gives `P_L2_3`, `10 µm` gives `10_um`."""
    # indices become plain digits, accents come apart from their letters
    plain = unicodedata.normalize("NFKD", text.translate(SPELLED))
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", DROPPED.sub("", plain)).strip("_.") or "map"


def write_map(
    folder: Path, stem: str, image: AnyArray, pixel_nm: tuple[float, float] | None
) -> dict[str, str]:
    """The three files of one map; returns their names by kind."""
    names = {"npy": f"{stem}.npy", "tif": f"{stem}.tif", "png": f"{stem}.png"}
    with replacing(folder / names["npy"]) as path, path.open("wb") as file:
        np.save(file, image)
    with replacing(folder / names["tif"]) as path:
        write_tif(path, np.asarray(image, np.float32), pixel_nm)
    with replacing(folder / names["png"]) as path:
        write_png(path, image)
    return names


def write_tif(path: Path, image: AnyArray, pixel_nm: tuple[float, float] | None) -> None:
    """A 32-bit TIFF that ImageJ, Gatan and HyperSpy open with its scale."""
    import tifffile

    if pixel_nm is None:
        tifffile.imwrite(path, image)
        return
    resolution = (1 / pixel_nm[0], 1 / pixel_nm[1])
    tifffile.imwrite(path, image, imagej=True, resolution=resolution, metadata={"unit": "nm"})


def write_png(path: Path, image: AnyArray) -> None:
    """The map in viridis between its 1st and 99th percentile, NaN transparent."""
    import cmap
    from PIL import Image

    finite = image[np.isfinite(image)]
    # a hot pixel would leave the rest dark
    low, high = np.percentile(finite, [1, 99]) if finite.size else (0.0, 1.0)
    # a constant map has no span
    place = np.clip((np.nan_to_num(image) - low) / max(high - low, 1e-30), 0, 1)
    colours = np.asarray(cmap.Colormap("viridis").lut(256))
    rgba = (colours[(place * 255).astype(int)] * 255).astype(np.uint8)
    rgba[~np.isfinite(image), 3] = 0
    Image.fromarray(rgba).save(path)
