"""SETUP.toml: which sources to record, about which cell, within which limits; read with sentences, written for reuse."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tandem_em.core.notices import UserError


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class SourceTable(Table):
    """What every `[[source]]` has."""

    name: str = Field(min_length=1, max_length=80)
    simulated: bool = False


class ScpiTable(SourceTable):
    """A source-meter owned by the guardian."""

    kind: Literal["scpi"] = "scpi"
    model: str = "keithley 2400"
    address: str
    rate_hz: float = Field(default=10.0, gt=0, le=5000)
    nplc: float = Field(default=1.0, ge=0.01, le=10)
    compliance_V: float = Field(default=5.0, gt=0)
    compliance_A: float = Field(default=1e-6, gt=0)
    four_wire: bool = False
    rear_terminals: bool = False
    start: Literal["open circuit", "as is"] = "open circuit"
    """What to do at the start: source 0 A and watch the voltage, or leave the output as it is found."""
    baud_rate: int = 9600
    backend: Literal["auto", "visa", "socket"] = "auto"
    timeout_s: float = Field(default=0.8, gt=0, le=10)


class TextTable(SourceTable):
    """A text or TDMS file that another program is still writing."""

    kind: Literal["text"] = "text"
    path: Path
    poll_s: float = Field(default=0.1, ge=0.02, le=10)
    quiet_s: float = Field(default=1.0, ge=0.1)
    """A last row without line end is taken after this long without growth."""
    from_start: bool = True


class FolderTable(SourceTable):
    """A folder into which a camera or spectrometer program writes files."""

    kind: Literal["folder"] = "folder"
    path: Path
    pattern: str = "*"
    layout: Literal["auto", "flat", "gatan"] = "auto"
    poll_s: float = Field(default=0.25, ge=0.02, le=60)
    from_start: bool = False


class MerlinTable(SourceTable):
    kind: Literal["merlin"] = "merlin"
    address: str = "127.0.0.1:6342"
    control: str = ""
    """`host:port` of the command socket (usually 6341); empty: only listen."""
    trigger: bool = False
    """Start an endless acquisition through the command socket."""
    frame_time_s: float | None = Field(default=None, gt=0)


class DectrisTable(SourceTable):
    kind: Literal["dectris"] = "dectris"
    address: str = "127.0.0.1:9999"
    version: Literal["auto", 1, 2] = "auto"
    channel: str = ""
    """Which threshold channel of a version 2 stream; empty: the first."""


class ZmqTable(SourceTable):
    kind: Literal["zmq"] = "zmq"
    address: str = "127.0.0.1:5555"
    socket: Literal["pull", "sub"] = "pull"
    bind: bool = True
    """True: senders connect to us; False: we connect to a sender."""
    allow_network: bool = False
    """Listen beyond this computer. Needs `keys` with an allow-list."""
    keys: Path | None = None
    """A folder with `server.key_secret` and `allowed/*.key` (CURVE)."""
    max_mebibytes: float = Field(default=256.0, gt=0, le=4096)


class ImpulseTable(SourceTable):
    kind: Literal["impulse"] = "impulse"
    address: str = "127.0.0.1:5556"
    control: str = ""
    topics: list[str] = Field(default_factory=lambda: ["heat", "bias", "gas", "liquid"])


class ReplayTable(SourceTable):
    kind: Literal["replay"] = "replay"
    path: Path
    speed: float = Field(default=1.0, ge=0.1, le=100)


AnySource = Annotated[
    ScpiTable | TextTable | FolderTable | MerlinTable | DectrisTable | ZmqTable | ImpulseTable | ReplayTable,
    Field(discriminator="kind"),
]


class SessionTable(Table):
    name: str = ""


class CellTable(Table):
    """The fields of `model.curves.Cell` that a person types."""

    area_um2: float | None = Field(default=None, gt=0)
    width_um: float | None = Field(default=None, gt=0)
    thickness_um: float | None = Field(default=None, gt=0)
    capacity_uAh_cm2: float | None = Field(default=None, gt=0)
    chemistry: str = ""
    name: str = ""


class LimitsTable(Table):
    """Soft limits kept by the guardian; what is not given is not watched (the compliances always are)."""

    low_V: float | None = None
    high_V: float | None = None
    current_A: float | None = Field(default=None, gt=0)
    charge_C: float | None = Field(default=None, gt=0)
    rate_V_per_s: float | None = Field(default=None, gt=0)
    jump_V: float | None = Field(default=0.5, gt=0)
    """A jump between two readings at an unchanged set point: a contact opened or a short."""


class ProgramTable(Table):
    file: Path
    source: str = ""
    """Which scpi source runs it; empty: the only one."""


class Setup(Table):
    session: SessionTable = Field(default_factory=SessionTable)
    cell: CellTable = Field(default_factory=CellTable)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    source: list[AnySource] = Field(default_factory=list)
    program: ProgramTable | None = None


SOURCE_TABLES: dict[str, type[SourceTable]] = {
    "scpi": ScpiTable,
    "text": TextTable,
    "folder": FolderTable,
    "merlin": MerlinTable,
    "dectris": DectrisTable,
    "zmq": ZmqTable,
    "impulse": ImpulseTable,
    "replay": ReplayTable,
}


def read_setup(path: Path) -> Setup:
    """Read a set-up file; relative paths in it count from the folder it lies in."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} could not be read: {error}.", "Give a SETUP.toml file.") from error
    setup = parse_setup(text, path.name)
    for table in setup.source:
        if isinstance(table, TextTable | FolderTable | ReplayTable) and not table.path.is_absolute():
            table.path = path.parent / table.path
        if isinstance(table, ZmqTable) and table.keys is not None and not table.keys.is_absolute():
            table.keys = path.parent / table.keys
    if setup.program is not None and not setup.program.file.is_absolute():
        setup.program.file = path.parent / setup.program.file
    return setup


def parse_setup(text: str, file_name: str = "SETUP.toml") -> Setup:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file_name} is not valid TOML: {error}.", "Correct that line.") from error
    sources = raw.get("source", [])
    if not isinstance(sources, list):
        raise UserError(f"{file_name}: sources are written as [[source]], with two brackets.", "Add them.")
    for number, table in enumerate(sources, 1):
        _check_kind(table, number, file_name)
    try:
        setup = Setup.model_validate(raw)
    except ValidationError as error:
        raise _as_sentence(error, raw, file_name) from error
    names = [table.name for table in setup.source]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f'{file_name}: two sources are called "{name}".', "Give each its own name.")
    return setup


def parse_source(table: dict[str, Any], file_name: str = "This source") -> AnySource:
    """One source table, e.g. from the dialog."""
    return parse_setup_dict({"source": [table]}, file_name).source[0]


def parse_setup_dict(raw: dict[str, Any], file_name: str) -> Setup:
    return parse_setup(to_toml(raw), file_name)


def write_setup(setup: Setup, path: Path) -> None:
    """Write what differs from the defaults, and every kind and name."""
    path.write_text(to_toml(dump_setup(setup)), "utf-8")


def dump_setup(setup: Setup) -> dict[str, Any]:
    raw = setup.model_dump(mode="json", exclude_defaults=True)
    if setup.source:
        raw["source"] = [
            {"kind": table.kind, **table.model_dump(mode="json", exclude_defaults=True, exclude_none=True)}
            for table in setup.source
        ]
    return raw


def to_toml(raw: dict[str, Any]) -> str:
    """The little TOML a set-up needs: tables and arrays of tables of plain values."""
    lines: list[str] = []
    for key, value in raw.items():
        for header, table in _tables(key, value):
            lines.append(header)
            lines += [f"{name} = {_toml_value(item)}" for name, item in table.items() if item is not None]
            lines.append("")
    return "\n".join(lines)


def _tables(key: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        return [(f"[[{key}]]", table) for table in value]
    return [(f"[{key}]", value)] if value is not None else []


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_kind(table: Any, number: int, file_name: str) -> None:
    if not isinstance(table, dict):
        raise UserError(f"{file_name}: sources are written as [[source]], with two brackets.", "Add them.")
    kind = table.get("kind")
    kinds = " | ".join(SOURCE_TABLES)
    if kind is None:
        raise UserError(f'{file_name}: {_which(table, number)} has no key "kind".', f"Write one of {kinds}.")
    if kind not in SOURCE_TABLES:
        raise UserError(
            f'{file_name}: {_which(table, number)} has the kind "{kind}", which TandEM does not know.',
            f"Write one of {kinds}.",
        )


def _as_sentence(error: ValidationError, raw: dict[str, Any], file_name: str) -> UserError:
    found = error.errors()  # a key that is unknown is often the one that is missing, typed wrongly
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    where, key, model = _place(first["loc"], raw)
    if first["type"] == "missing":
        return UserError(f'{file_name}: {where} needs the key "{key}".', "Add it.")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, list(model.model_fields), 1) if model else []
        known = ", ".join(model.model_fields) if model else ", ".join(Setup.model_fields)
        advice = f'Did you mean "{near[0]}"?' if near else f"Known keys: {known}."
        return UserError(f'{file_name}: {where} has an unknown key "{key}".', advice)
    said = first["msg"][0].lower() + first["msg"][1:]
    return UserError(
        f'{file_name}: "{key}" in {where} does not fit: {said}.', f"It is {first['input']!r} now."
    )


def _place(loc: tuple[int | str, ...], raw: dict[str, Any]) -> tuple[str, str, type[Table] | None]:
    """Where an error is, in words; the key; and the table's model."""
    key = str(loc[-1])
    if loc[0] == "source" and len(loc) > 1 and isinstance(loc[1], int):
        table = raw["source"][loc[1]]
        if len(loc) > 3:
            key = str(loc[3])
        return _which(table, loc[1] + 1), key, SOURCE_TABLES[table["kind"]]
    models: dict[str, type[Table]] = {
        "session": SessionTable,
        "cell": CellTable,
        "limits": LimitsTable,
        "program": ProgramTable,
    }
    if len(loc) > 1 and loc[0] in models:
        return f"[{loc[0]}]", key, models[str(loc[0])]
    return "the file", key, None


def _which(table: dict[str, Any], number: int) -> str:
    name = table.get("name")
    return f'[[source]] "{name}"' if name else f"[[source]] number {number}"
