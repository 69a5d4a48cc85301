"""The look of figures: colours that are read on white, text that can be edited, names that do not overlap."""

from __future__ import annotations

import itertools
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.exporters.figures.cycles import shade
from tandem_em.exporters.figures.style import (
    FigureSettings,
    fonts_here,
    ink,
    lettered,
    mark_simulated,
    name_ends,
    new_figure,
    save,
    styled,
)

COLOURS = st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))


def luminance(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


@given(COLOURS)
@example("#b4ffb4")
def test_ink_is_dark_enough_for_paper_and_leaves_dark_colours_alone(colour: str) -> None:
    found = ink(colour)
    assert re.fullmatch("#[0-9a-f]{6}", found)
    assert luminance(found) <= 0.31
    assert found == colour or luminance(colour) > 0.3
    assert ink(found) == found or luminance(found) > 0.3


@given(COLOURS, st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_later_cycles_are_darker(colour: str, shares: list[float]) -> None:
    lights = [sum(sorted(shade(colour, share))[::2]) for share in sorted(shares)]
    assert all(one >= other - 1e-9 for one, other in itertools.pairwise(lights))
    full = "#" + "".join(f"{round(255 * c):02x}" for c in shade(colour, 1.0))
    assert all(abs(int(full[i : i + 2], 16) - int(ink(colour)[i : i + 2], 16)) <= 1 for i in (1, 3, 5))


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("P L₂,₃", "P L$_{2{,}3}$"), ("P L2,3", "P L$_{2{,}3}$"), ("LiCoO₂", "LiCoO$_{2}$"), ("e⁻/Å²", "e$^{-}$/Å²"),
        ("Si K", "Si K"), ("run 2", "run 2"), ("Fe M4,5", "Fe M$_{4{,}5}$"), ("", ""),
    ],
)  # fmt: skip
def test_signs_that_fonts_lack_are_typeset(text: str, typeset: str) -> None:
    assert lettered(text) == typeset


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=6))
def test_names_at_the_ends_of_curves_do_not_lie_on_one_another(places: list[float]) -> None:
    with styled(FigureSettings()):
        figure = new_figure(4.0, 3.0)
        axes = figure.subplots()
        axes.set_ylim(0, 1)
        name_ends(axes, [(f"n{number}", y, "#4a9eff") for number, y in enumerate(places)], 7.0)
        heights = sorted(text.xy[1] for text in axes.texts)
    tall = 3.0 * 72 * axes.get_position().height
    assert len(heights) == len(places)
    assert all(high - low >= 7.0 / tall - 1e-9 for low, high in itertools.pairwise(heights))
    order = [text.get_text() for text in sorted(axes.texts, key=lambda each: each.xy[1])]
    assert order == [f"n{number}" for number, _ in sorted(enumerate(places), key=lambda each: each[1])]


@pytest.mark.parametrize("wanted", ["", fonts_here()[-1], "No Such Font"])
def test_text_in_files_can_be_edited(tmp_path: Path, wanted: str) -> None:
    settings = FigureSettings(font=wanted, kinds=("svg", "pdf", "png"), dpi=100)
    with styled(settings):
        figure = new_figure(2.0, 1.0)
        figure.subplots().set_title("Grenzfläche")
        mark_simulated(figure)
        files = save(figure, tmp_path / "figures", "a", settings)
    assert [path.name for path in files] == ["a.svg", "a.pdf", "a.png"]
    svg = files[0].read_text("utf-8")
    assert "Grenzfläche" in svg
    assert "simulated" in svg
    assert (wanted if wanted in fonts_here() else fonts_here()[0]) in svg
    assert b"/Type3" not in _unpacked(files[1].read_bytes()), "letters as outlines cannot be edited"
    assert files[2].read_bytes()[16:24] == (200).to_bytes(4, "big") + (100).to_bytes(4, "big")


def _unpacked(pdf: bytes) -> bytes:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    found = [pdf]
    for stream in streams:
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(found)


def test_a_figure_is_the_same_file_twice(tmp_path: Path) -> None:
    settings = FigureSettings(kinds=("svg",))
    texts = []
    for name in ("one", "two"):
        with styled(settings):
            figure = new_figure(2.0, 1.0)
            figure.subplots().plot(np.arange(5))
            text = save(figure, tmp_path / name, "a", settings)[0].read_text("utf-8")
        texts.append(re.sub(r"<dc:date>.*?</dc:date>", "", text))
    assert texts[0] == texts[1]


def test_the_width_is_the_journals_unless_a_person_says_so() -> None:
    assert FigureSettings().width_in(85.0) == pytest.approx(85 / 25.4)
    assert FigureSettings(width_mm=120.0).width_in(85.0) == pytest.approx(120 / 25.4)
