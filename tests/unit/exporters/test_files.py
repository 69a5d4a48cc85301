"""Files for other programs: whole or not at all, and with the numbers and the calibration they were given."""

from __future__ import annotations

import os
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_em.exporters import report
from tandem_em.exporters.map_files import file_stem, write_map
from tandem_em.exporters.replacing import replacing
from tandem_em.exporters.tables import Column, Table, table_of_rows, write_table


@given(st.floats(1e-3, 1e9), st.floats(0.05, 1.0))
@example(10_000 / 3, 0.3)
@example(999.9999999999999, 1.0)
def test_a_scale_bar_is_a_round_number_that_fits(across_nm: float, share: float) -> None:
    length = bar_length_nm(across_nm, share)
    assert length <= share * across_nm * (1 + 1e-9)
    assert length > share * across_nm / 2.5 * (1 - 1e-9)
    mantissa = f"{length:.6e}".partition("e")[0]
    assert float(mantissa) in (1.0, 2.0, 5.0)


@given(st.floats(1e-2, 1e7))
def test_a_length_is_said_without_loss_of_size(across_nm: float) -> None:
    length = bar_length_nm(across_nm)
    number, unit = length_text(length).split()
    assert float(number) * {"pm": 1e-3, "nm": 1.0, "µm": 1e3}[unit] == pytest.approx(length)


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.csv"
    with replacing(path) as temporary:
        temporary.write_text("first")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text(f"half, interrupted by {1 / 0}")
    with suppress(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_takes_no_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.csv", tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match="cannot be written"), replacing(path) as temporary:
            temporary.write_text("x")


@given(st.text(max_size=40))
@example("CON µ ☃ ../..")
def test_a_stem_is_taken_by_every_file_system(text: str) -> None:
    stem = file_stem(text)
    assert stem
    assert set(stem) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-_")
    assert not stem.startswith(".")
    assert file_stem(stem) == stem


@pytest.mark.parametrize("pixel_nm", [None, (0.5, 0.25)])
def test_a_map_is_numbers_a_calibrated_image_and_a_picture(
    tmp_path: Path, pixel_nm: tuple[float, float] | None
) -> None:
    image = np.linspace(-2, 7, 60).reshape(6, 10)
    image[2, 3] = np.nan
    names = write_map(tmp_path, "Li_K", image, pixel_nm)
    np.testing.assert_array_equal(np.load(tmp_path / names["npy"]), image)
    with tifffile.TiffFile(tmp_path / names["tif"]) as tif:
        np.testing.assert_array_equal(tif.asarray(), image.astype(np.float32))
        if pixel_nm is not None:
            assert tif.imagej_metadata["unit"] == "nm"
            for tag, size in zip(("XResolution", "YResolution"), pixel_nm):
                above, below = tif.pages[0].tags[tag].value
                assert below / above == pytest.approx(size)
    with Image.open(tmp_path / names["png"]) as png:
        picture = np.asarray(png)
    assert picture.shape == (6, 10, 4)
    assert (picture[..., 3] == 0).sum() == 1
    assert picture[2, 3, 3] == 0
    assert picture[-1, -1, 0] > 200 > picture[0, 0, 0], "yellow is much, violet is little"


@pytest.mark.parametrize("image", [np.full((3, 4), np.nan), np.full((3, 4), 5.0), np.zeros((1, 1))])
def test_a_flat_or_empty_map_is_written_too(tmp_path: Path, image: np.ndarray) -> None:
    names = write_map(tmp_path, "flat", image, None)
    with Image.open(tmp_path / names["png"]) as picture:
        assert picture.size == image.shape[::-1]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.1, "0.1"), (np.float64(0.1), "0.1"), (np.float32(0.5), "0.5"), (np.int64(3), "3"), (None, ""), (np.nan, ""),
        (np.float64("nan"), ""), (True, "True"), ("a", "a"), ("a,b", '"a,b"'), (' "x"', '" ""x"""'), ("a\nb", '"a b"'),
        (1e-300, "1e-300"), (-0.0, "-0.0"),
    ],
)  # fmt: skip
def test_cells_are_written_as_every_reader_expects(tmp_path: Path, value: object, cell: str) -> None:
    table = Table("t", [Column("v", "", [value])])
    text = run_to_end(write_table(tmp_path / "t.csv", table)).read_bytes().decode("utf-8")
    assert text == f"v\r\n{cell}\r\n"


def test_records_become_columns_in_the_order_of_their_units() -> None:
    rows = [{"run": "a", "charge_C": 1.0, "start_s": 2.0}, {"run": "b", "charge_C": None}]
    table = table_of_rows("cycles", rows, {"run": "", "start_s": "s", "charge_C": "C"}, {})
    assert [column.header for column in table.columns] == ["run", "start (s)", "charge (C)"]
    assert [column.values for column in table.columns] == [["a", "b"], [2.0, None], [1.0, None]]
    assert (len(table), len(Table("empty", []))) == (2, 0)


class Page(HTMLParser):
    """What a page says and where it would fetch something from."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)


def test_a_report_is_one_page_that_fetches_nothing_and_is_well_formed(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & \"more\""
    parts = [
        ("Figures", report.picture(b"<svg/>", "svg", 85.0, 1, evil, evil)),
        ("Nothing", report.table(["a"], [])),
        ("Table", report.table(["name", "value"], [[evil, "1"], ["b", "2"]])),
        ("Notes", report.notes([("warning", evil, "Do it.")]) + report.listing([evil, "plain"])),
    ]
    path = report.write_report(tmp_path / "report.html", evil, "lead", "simulated", parts, "foot")
    page = Page(path.read_text("utf-8"))
    assert page.open == []
    assert all(source.startswith(("data:", "#")) for source in page.sources)
    assert "\n".join(page.texts).count(evil) == 7, "shown as it was typed"
    assert "Nothing" not in page.texts
    assert [source for source in page.sources if source.startswith("#")] == ["#part0", "#part2", "#part3"]
    assert page.texts.count("Table") == 2, "in the list of contents and as a heading"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"), replacing(tmp_path / "a.csv") as temporary:
        temporary.write_text("x")
