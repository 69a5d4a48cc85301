"""From what a reader found to model items: movie, image or spectrum image, decided from units and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import Imported, ImportOptions
from tandem_em.importers.core.map import energy_axis_of, maps_from
from tandem_em.importers.core.signal import Found
from tandem_em.importers.core.stack import stack_from
from tandem_em.importers.core.views import GreyChannels, plain
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage

FRAME_LIMIT = 4 << 30
"""A single frame above 4 GiB is a broken header, not a camera."""
# a survey image lies in memory with its map
ADF_LIMIT = 256 << 20


def assemble(founds: Sequence[Found], path: Path, options: ImportOptions) -> Imported:
    """Model items of everything found in one file; a UserError when nothing of it can be shown."""
    imported = Imported(files=[path])
    refused: list[UserError] = []
    maps: list[SpectrumImage] = []
    images: list[tuple[Found, FrameStack]] = []
    for found in founds:
        try:
            prepared(found, path)
            imported.problems += found.problems
            _one(found, path, options, imported, maps, images)
            imported.files += [file for file in found.files if file not in imported.files]
        except UserError as error:
            refused.append(error)
    if not maps and not images:
        raise (
            refused[0]
            if refused
            else UserError(
                f"{path.name} contains no image and no spectrum.",
                "Export the data again from the instrument.",
            )
        )
    imported.problems += [error.title for error in refused]
    images = _tie_surveys(maps, images)
    pair_dual(maps)
    imported.items += [*maps, *(stack for _, stack in images)]
    _name(imported, path)
    return imported


def _one(
    found: Found,
    path: Path,
    options: ImportOptions,
    imported: Imported,
    maps: list[SpectrumImage],
    images: list[tuple[Found, FrameStack]],
) -> None:
    energy = energy_axis_of(found)
    if energy is not None:
        maps += maps_from(found, energy, path, options, imported.problems)
    elif len(found.axes) < 2:
        raise UserError(
            f"{path.name} contains a curve without an energy axis.",
            "Set the unit of its axis to eV in the program that wrote it, or open it as a text table.",
        )
    else:
        images.append((found, stack_from(found, path, options, imported)))


def prepared(found: Found, path: Path) -> Found:
    """The same with plain numbers, colours grey, and nothing absurd in it."""
    source = found.source
    if source.dtype.hasobject or (source.dtype.kind not in "biufc" and not source.dtype.names):
        raise UserError(
            f"{path.name} contains Python objects or text instead of numbers; these are not opened, for safety.",
            "Save the data again as an ordinary numeric array.",
        )
    if source.dtype.names and not {"R", "G", "B"} <= set(source.dtype.names):
        raise UserError(
            f"{path.name} holds records {source.dtype.names} instead of pixels.", "Export it as an image."
        )
    if not source.shape or 0 in source.shape:
        raise UserError(f"{path.name} contains no data (0 pixels).", "Copy it again from the instrument.")
    if len(source.shape) == len(found.axes) + 1:
        source = GreyChannels(source)
        found.problems.append("The pixels are coloured: they are shown in grey.")
    found.source, sentence = plain(source)
    if sentence:
        found.problems.append(sentence)
    frame = int(np.prod([int(size) for size in source.shape[-2:]], dtype=object)) * source.dtype.itemsize
    if frame > FRAME_LIMIT:
        raise UserError(
            f"{path.name} claims single frames of {frame / 2**30:.0f} GiB.",
            "Its header is damaged: copy it again from the instrument.",
        )
    return found


def _tie_surveys(
    maps: list[SpectrumImage], images: list[tuple[Found, FrameStack]]
) -> list[tuple[Found, FrameStack]]:
    """Give every map the image of its own field of view; images that were given away are not listed again."""
    left = list(images)
    for spectrum_image in maps:
        fitting = [pair for pair in images if _same_field(spectrum_image, pair[1])]
        if spectrum_image.adf is not None or not fitting:
            continue
        found, stack = max(fitting, key=lambda pair: _is_annular(pair[1].name))
        # a large survey would be held in memory with the map
        if stack.source.dtype.itemsize * stack.shape[1] * stack.shape[2] > ADF_LIMIT:
            continue
        spectrum_image.adf = np.asarray(stack.frame(0))
        left = [pair for pair in left if pair[0] is not found]
    return left


def _same_field(spectrum_image: SpectrumImage, stack: FrameStack) -> bool:
    height, width, _ = spectrum_image.shape
    if len(stack) != 1 or height * width == 1:
        return False
    if stack.shape[1:] == (height, width):
        return True
    if spectrum_image.pixel_nm is None or stack.pixel_nm is None or height == 1:
        return False
    one = (width * spectrum_image.pixel_nm[0], height * spectrum_image.pixel_nm[1])
    other = (stack.shape[2] * stack.pixel_nm, stack.shape[1] * stack.pixel_nm)
    return all(abs(a - b) <= 0.02 * max(a, b) for a, b in zip(one, other, strict=True))


def _is_annular(name: str) -> int:
    low = name.lower()
    return 2 if "adf" in low or "annular" in low else int("bf" in low or "survey" in low)


def pair_dual(maps: list[SpectrumImage]) -> None:
    """Tie core-loss maps to the low-loss map of the same pixels (dual EELS)."""
    # the low-loss map has the zero loss in its range
    low = [each for each in maps if each.energy_eV[0] <= 0.0 <= each.energy_eV[-1]]
    for each in maps:
        partners = [one for one in low if one is not each and one.shape[:2] == each.shape[:2]]
        if each not in low and len(partners) == 1:
            each.low_loss_id = partners[0].id


def _name(imported: Imported, path: Path) -> None:
    """Names from titles; equal names get numbers."""
    taken: dict[str, int] = {}
    for item in imported.items:
        item.name = item.name or path.stem
        taken[item.name] = taken.get(item.name, 0) + 1
        if taken[item.name] > 1:
            item.name = f"{item.name} {taken[item.name]}"
