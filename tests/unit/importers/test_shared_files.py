"""Every real file of the project's data collection opens as its table says, or is refused with a sentence."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from microscope_reading import opened, try_opening
from places import SHARED_DATA

from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage

AREAS = ("tem", "eels", "nasty")
ROW = re.compile(r"^\| `(?P<path>[^`]+)` \|(?:[^|]*\|){2} (?P<what>.*?)\s*\|?$")
SHAPE = re.compile(
    r"(?:EELSSpectrum|EDSTEMSpectrum|(?:Complex)?Signal[12]D|BaseSignal) (?P<shape>\d+(?:x\d+)*) (?P<dtype>[a-z0-9()]+)"
)


def table() -> dict[str, tuple[tuple[int, ...], str]]:
    readme = SHARED_DATA / "README.md"
    rows = {}
    for line in readme.read_text("utf-8").splitlines() if readme.is_file() else ():
        match = ROW.match(line)
        said = SHAPE.search(match["what"]) if match else None
        if match and said and match["path"].split("/")[0] in AREAS:
            rows[match["path"]] = (tuple(int(n) for n in said["shape"].split("x")), said["dtype"])
    return rows


pytestmark = pytest.mark.skipif(
    not (SHARED_DATA / "README.md").is_file(), reason="the collection of real files is not here"
)


@pytest.mark.parametrize("name", sorted(table()))
def test_opens_as_its_table_says(name: str) -> None:
    shape, dtype = table()[name]
    imported, refusal = try_opening(SHARED_DATA / name)
    if imported is None:
        assert refusal.endswith(".")
        assert (SHARED_DATA / name).name in refusal
        assert "without an energy axis" in refusal or "object" in dtype, refusal
        return
    if name.endswith("powerlaw.msa"):
        shape = (100,)
    item = imported.items[0]
    assert isinstance(item, (FrameStack, SpectrumImage))
    assert math.prod(item.shape) == math.prod(shape)
    if isinstance(item, FrameStack):
        assert item.shape[1:] == shape[-2:]
        assert len(item.times) == len(item)
    else:
        assert item.shape[2] == len(item.energy_eV) in shape
        assert np.all(np.diff(item.energy_eV) > 0)
    if dtype not in ("bool", "rgb(a)", "int8") and not dtype.startswith("complex"):
        assert item.source.dtype == np.dtype(dtype)
    first = item.source.read(0)
    assert first.shape == item.shape[1:]
    assert np.array_equal(item.source.read((slice(None),))[0], first, equal_nan=first.dtype.kind == "f")
    item.source.close()


def test_whatever_else_is_there_gets_a_sentence() -> None:
    known = {SHARED_DATA / name for name in table()}
    for area in AREAS:
        for path in (SHARED_DATA / area).rglob("*"):
            if not path.is_file() or path in known:
                continue
            imported, refusal = try_opening(path)
            assert imported.items if imported is not None else refusal.endswith("."), path


def test_a_folder_of_numbered_pictures_is_one_movie_in_natural_order() -> None:
    folder = SHARED_DATA / "tem/msa-em_sintering800C/train/images"
    if not folder.is_dir():
        pytest.skip("the pictures are not here")
    imported = opened(folder)
    (stack,) = imported.items
    assert isinstance(stack, FrameStack)
    assert stack.shape == (20, 512, 512)
    assert stack.source.dtype == np.uint8
    single = opened(folder / "image_10.png").items[0]
    assert isinstance(single, FrameStack)
    assert np.array_equal(stack.frame(10), single.frame(0))
    assert stack.axis0_is_time is None
    assert [question.key for question in imported.questions] == ["axis0_is_time"]
