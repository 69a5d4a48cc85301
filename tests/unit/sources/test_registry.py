"""A source from outside is read, made, simulated and described like one of our own; what does not fit in is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from thermometer import THERMOMETER, ThermometerSource, ThermometerTable

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.live.forms import simulator_titles, source_forms
from tandem_em.desk.live.instruments import Instruments
from tandem_em.sources import registry
from tandem_em.sources.core.base import SampleBlock
from tandem_em.sources.core.forms import FormField
from tandem_em.sources.setup import parse_setup, read_setup, write_setup
from tandem_em.sources.simulators import simulate

TEXT = """[[source]]
kind = "thermometer"
name = "room"
address = "COM3"
calibration = "room.csv"
[[source]]
kind = "merlin"
name = "camera"
"""


@pytest.fixture
def thermometer() -> Iterator[None]:
    registry.register(THERMOMETER)
    yield
    registry.unregister("thermometer")


def test_a_kind_from_outside_is_unknown_before_and_after() -> None:
    with pytest.raises(UserError, match='kind "thermometer", which TandEM does not know'):
        parse_setup(TEXT)
    registry.register(THERMOMETER)
    assert [table.kind for table in parse_setup(TEXT).source] == ["thermometer", "merlin"]
    registry.unregister("thermometer")
    with pytest.raises(UserError, match="does not know"):
        parse_setup(TEXT)


@pytest.mark.usefixtures("thermometer")
def test_a_set_up_with_a_kind_from_outside_is_read_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "SETUP.toml"
    path.write_text(TEXT)
    room = read_setup(path).source[0]
    assert isinstance(room, ThermometerTable)
    assert (room.rate_hz, room.calibration) == (50.0, tmp_path / "room.csv")
    write_setup(read_setup(path), tmp_path / "again.toml")
    assert read_setup(tmp_path / "again.toml").source == read_setup(path).source


@pytest.mark.usefixtures("thermometer")
def test_mistakes_in_a_table_from_outside_are_named_like_in_our_own() -> None:
    with pytest.raises(UserError, match='unknown key "adress"') as told:
        parse_setup(TEXT.replace("address", "adress"))
    assert 'Did you mean "address"?' in told.value.advice
    with pytest.raises(UserError, match=r'"rate_hz" in \[\[source\]\] "room" does not fit: input should be'):
        parse_setup(TEXT.replace("address", "rate_hz = 0\naddress"))


@pytest.mark.usefixtures("thermometer")
def test_the_registry_makes_a_source_from_outside_and_its_simulator_is_heard() -> None:
    with simulate("thermometer", "room") as simulation:
        source = registry.create_source(simulation.table)
        assert isinstance(source, ThermometerSource)
        source.start()
        block = source.read(10.0)
        source.close()
    assert isinstance(block, SampleBlock)
    assert block.columns["temperature"].tolist() == [21.5]


@pytest.mark.usefixtures("thermometer")
def test_the_desk_offers_a_source_from_outside() -> None:
    assert source_forms()["thermometer"].title == "Thermometer"
    assert simulator_titles()["thermometer"] == "Simulated thermometer"
    instruments = Instruments()
    table = instruments.add_kind("thermometer", "room")
    assert (table.kind, table.name, table.address) == ("thermometer", "room", "")
    assert run_to_end(instruments.simulate("thermometer")).name == "Simulated thermometer"


@pytest.mark.parametrize("kind", registry.entries())
def test_each_form_shows_fields_that_its_table_has(kind: str) -> None:
    entry = registry.entry(kind)
    table = entry.blank(entry.form.name)
    assert table.kind == kind == entry.kind
    keys = [field.key for field in entry.form.fields]
    assert len(set(keys)) == len(keys)
    for field in entry.form.fields:
        assert field.key in entry.settings.model_fields
        if field.kind == "choice":
            assert getattr(table, field.key) in [value for value, _ in field.choices]
            for value, _ in field.choices:
                setattr(table, field.key, value)


@pytest.mark.parametrize("changed", [
    {"kind": "merlin"}, {"kind": "barometer"},
    {"form": replace(THERMOMETER.form, fields=(FormField("pressure", "Pressure"),))},
])  # fmt: skip
def test_what_does_not_fit_in_is_refused(changed: dict[str, Any]) -> None:
    before = registry.entries()
    with pytest.raises(ValueError, match=r"kind|form"):
        registry.register(replace(THERMOMETER, **changed))
    assert registry.entries() == before


def test_a_field_that_a_new_source_cannot_leave_empty_needs_a_default() -> None:
    class Strict(ThermometerTable):
        port: int

    with pytest.raises(ValueError, match="port needs a default in Strict"):
        registry.register(replace(THERMOMETER, settings=Strict))


def test_an_unknown_kind_is_a_sentence() -> None:
    with pytest.raises(UserError, match='"barometer" is not known'):
        registry.entry("barometer")
