"""SETUP.toml is read into typed tables, and what is wrong in it is said in a sentence that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tandem_em.core.notices import UserError
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.setup import parse_setup, read_setup, write_setup

GOOD = """
[session]
name = "cluster A"
[cell]
area_um2 = 10.0
[[source]]
kind = "scpi"
name = "bias"
model = "keithley 2400"
address = "TCPIP::127.0.0.1::5025::SOCKET"
rate_hz = 10
[[source]]
kind = "merlin"
name = "camera"
address = "127.0.0.1:6342"
control = "127.0.0.1:6341"
trigger = true
[program]
file = "galvanostatic.json"
"""


def test_the_example_of_the_manual(tmp_path: Path) -> None:
    path = tmp_path / "SETUP.toml"
    path.write_text(GOOD)
    setup = read_setup(path)
    bias, camera = setup.source
    assert isinstance(bias, ScpiTable)
    assert isinstance(camera, MerlinTable)
    assert (bias.rate_hz, camera.trigger, setup.cell.area_um2) == (10.0, True, 10.0)
    assert setup.program is not None
    assert setup.program.file == tmp_path / "galvanostatic.json"


def test_written_and_read_again(tmp_path: Path) -> None:
    setup = parse_setup(GOOD + "\n[limits]\nhigh_V = 4.3\ncurrent_A = 2.5e-10\n")
    assert isinstance(setup.source[0], ScpiTable)
    setup.source[0].name = 'odd "name" µA\\'
    path = tmp_path / "again.toml"
    write_setup(setup, path)
    again = read_setup(path)
    assert again.source == setup.source
    assert again.limits == setup.limits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[source]]\nkind = "scpi"\nname = "bias"\nadress = "x"\n', ["bias", "address"]),
        ('[[source]]\nkind = "scpi"\nname = "bias"\naddress = "x"\nrate_hzz = 3\n', ["rate_hzz", "rate_hz"]),
        ('[[source]]\nkind = "scpy"\nname = "bias"\n', ["scpy", "scpi | text"]),
        ('[[source]]\nname = "bias"\n', ["kind", "bias"]),
        ('[[source]]\nkind = "text"\npath = "a.mpt"\n', ["number 1", "name"]),
        ('[[source]]\nkind = "scpi"\nname = "bias"\naddress = "x"\nrate_hz = "fast"\n', ["rate_hz", "fast"]),
        ('[source]\nkind = "scpi"\n', ["[[source]]"]),
        ("[cell]\narea = 3\n", ["[cell]", "area_um2"]),
        ("[surces]\n", ["surces", "source"]),
        ("[[source]\n", ["TOML"]),
        (
            '[[source]]\nkind="merlin"\nname="a"\n[[source]]\nkind="merlin"\nname="a"\n',
            ['two sources are called "a"'],
        ),
    ],
)
def test_mistakes_are_named(text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse_setup(text)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.toml"):
        read_setup(tmp_path / "gone.toml")


def test_a_key_typed_wrongly_is_named_and_not_the_one_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[[source]]\nkind = "scpi"\nname = "bias"\nadress = "GPIB0::24::INSTR"\n')
    with pytest.raises(UserError, match='unknown key "adress"') as told:
        read_setup(path)
    assert 'Did you mean "address"?' in told.value.advice
