"""A camera is received by one program at a time: the other is told by whom, and gets it when that one is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import EventBlock, Source
from tandem_em.sources.core.ownership import Owner, hold
from tandem_em.sources.core.tables import SourceTable
from tandem_em.sources.dectris.settings import DectrisTable
from tandem_em.sources.files.settings import FolderTable, TextTable
from tandem_em.sources.impulse.settings import ImpulseTable
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.registry import create_source
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.setup import Setup, dump_setup, to_toml
from tandem_em.sources.zmq.settings import ZmqTable

NOBODY = "127.0.0.1:9"
RECORD = """
import sys
from pathlib import Path
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.registry import create_source
from tandem_em.sources.setup import parse_setup
owner = Owner(Path(sys.argv[1]), "tandem record")
source = create_source(parse_setup(sys.argv[2]).source[0], owner=owner)
source.start()
while source.status().state == "connecting":
    source.read(0.05)
print("started", flush=True)
sys.stdin.readline()
source.stop()
print("stopped", flush=True)
sys.stdin.readline()
"""
TABLES: list[SourceTable] = [
    MerlinTable(name="camera", address=NOBODY),
    DectrisTable(name="camera", address=NOBODY),
    ImpulseTable(name="holder", address=NOBODY),
    ZmqTable(name="script", address=NOBODY, bind=False),
]


@pytest.fixture(params=TABLES, ids=lambda table: table.kind)
def recorded(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[SourceTable, subprocess.Popen[str]]]:
    """Another process that receives from this source; a line to it makes it stop."""
    text = to_toml(dump_setup(Setup(source=[request.param])))
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, str(tmp_path), text],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        yield request.param, other
        other.kill()


def said(other: subprocess.Popen[str]) -> str:
    assert other.stdout is not None
    return other.stdout.readline().strip()


def test_a_second_program_is_refused_by_name_until_the_first_stops(
    recorded: tuple[SourceTable, subprocess.Popen[str]], tmp_path: Path
) -> None:
    table, other = recorded
    early = create_source(table, owner=Owner(tmp_path))  # nobody has it yet: making is not owning
    assert said(other) == "started"
    refusal = rf"in use by tandem record of .* \(process {other.pid}\)"
    with pytest.raises(UserError, match=refusal):
        create_source(table, owner=Owner(tmp_path))
    early.start()
    told = early.read(10.0)
    assert isinstance(told, EventBlock)
    assert f"(process {other.pid})" in told.text
    assert early.status().state == "failed"
    early.close()
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    assert said(other) == "stopped"  # stopped, but alive
    late = create_source(table, owner=Owner(tmp_path))
    late.start()
    late.close()
    is_free(tmp_path)


def test_a_program_that_was_killed_holds_up_nobody(
    recorded: tuple[SourceTable, subprocess.Popen[str]], tmp_path: Path
) -> None:
    table, other = recorded
    assert said(other) == "started"
    other.kill()
    other.wait()
    create_source(table, owner=Owner(tmp_path)).close()


def until_lost(source: Source) -> None:
    while source.status().state != "lost":
        source.read(0.05)


def test_a_source_that_was_stopped_can_start_again(tmp_path: Path) -> None:
    source = create_source(MerlinTable(name="camera", address=NOBODY), owner=Owner(tmp_path))
    for _ in range(2):
        source.start()
        until_lost(source)
        with pytest.raises(UserError, match="in use by TandEM"):
            hold(Owner(tmp_path), NOBODY)
        source.stop()
        is_free(tmp_path)
    source.close()


def test_the_sources_of_one_program_share_an_address_until_the_last_stops(tmp_path: Path) -> None:
    """As in a set-up that records two topics of one holder as two runs."""
    heat, bias = (
        create_source(ImpulseTable(name=topic, address=NOBODY, topics=[topic]), owner=Owner(tmp_path))
        for topic in ("heat", "bias")
    )
    for source in (heat, bias):
        source.start()
        while source.status().state == "connecting":
            source.read(0.05)
    assert [source.status().state for source in (heat, bias)] == ["waiting", "waiting"]
    create_source(ImpulseTable(name="gas", address=NOBODY), owner=Owner(tmp_path)).close()
    heat.close()
    with pytest.raises(UserError, match="in use by TandEM"):
        hold(Owner(tmp_path), NOBODY)
    bias.close()
    is_free(tmp_path)


def is_free(folder: Path) -> None:
    held = hold(Owner(folder), NOBODY)
    assert held is not None
    held.close()


@pytest.mark.parametrize(
    ("table", "address"),
    [
        (MerlinTable(name="a", address="localhost"), "127.0.0.1:6342"),
        (MerlinTable(name="a", address="tcp://Camera-PC:6342/"), "camera-pc:6342"),
        (DectrisTable(name="a", address="10.0.0.2", version=2), "10.0.0.2:31001"),
        (ZmqTable(name="a"), "127.0.0.1:5555"),
        (ZmqTable(name="a", socket="sub", bind=True), "127.0.0.1:5555"),
        (ZmqTable(name="a", socket="sub", bind=False), ""),
        (ImpulseTable(name="a"), "127.0.0.1:5556"),
        (ScpiTable(name="a", address="GPIB0::24::INSTR"), "GPIB0::24::INSTR"),
        (FolderTable(name="a", path=Path("shared")), ""),
        (TextTable(name="a", path=Path("cell.mpt")), ""),
    ],
)  # fmt: skip
def test_what_is_owned_is_spelled_one_way_and_what_is_shared_is_not_owned(
    table: SourceTable, address: str
) -> None:
    assert table.owned_address() == address
