"""Options that take a quantity take its unit too, in any usual spelling, and say why they do not take another."""

from __future__ import annotations

import argparse
from types import ModuleType

import pytest

from tandem_em.cli import cycles, export, import_files, record, screenshot


def read(module: ModuleType, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("module", "arguments", "name", "value"),
    [
        (cycles, ("log.csv", "--area-um2", "10"), "area_um2", 10.0),
        (cycles, ("log.csv", "--area", "1e-7 cm2"), "area_um2", 10.0),
        (cycles, ("log.csv", "--area", "500um^2"), "area_um2", 500.0),
        (cycles, ("log.csv", "--area", "0,02 mm²"), "area_um2", 2e4),
        (import_files, ("a.tif", "-o", "a.nxs", "--pixel-nm", "2 Å"), "pixel_nm", 0.2),
        (import_files, ("a.tif", "-o", "a.nxs", "--frame-interval", "40 ms"), "frame_interval", 0.04),
        (export, ("a.nxs", "-o", "out", "--from", "-2", "--to", "5 min"), "end", 300.0),
        (screenshot, ("a.nxs", "-o", "a.png", "--at", "1.5h"), "at", 5400.0),
        (record, ("--setup", "s.toml", "-o", "a.nxs", "--for", "2 h"), "seconds", 7200.0),
    ],
)
def test_an_option_takes_a_quantity_with_its_unit(
    module: ModuleType, arguments: tuple[str, ...], name: str, value: float
) -> None:
    assert getattr(read(module, *arguments), name) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("500 cm", "cannot be brought to µm²: write for example 500 µm2"),
        ("ten", "does not begin with a number"),
        ("0", "is not above zero"),
        ("-5 um2", "is not above zero"),
        ("2 MM2", "has a unit that is not known here"),
    ],
)
def test_what_an_option_does_not_take_is_a_sentence(
    text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(cycles, "log.csv", f"--area={text}")
    assert words in capsys.readouterr().err
