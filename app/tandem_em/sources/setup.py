"""SETUP.toml: which sources to record, about which cell, within which limits; read with sentences, written for reuse."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from tandem_em.core.notices import UserError
from tandem_em.sources import registry
from tandem_em.sources.core.tables import LimitsTable, SourceTable, Table


class SessionTable(Table):
    """The `[session]` table: what the recording is called; empty: like the file."""

    name: str = ""


class CellTable(Table):
    """The fields of `model.curves.Cell` that a person types."""

    area_um2: float | None = Field(default=None, gt=0)
    width_um: float | None = Field(default=None, gt=0)
    thickness_um: float | None = Field(default=None, gt=0)
    capacity_uAh_cm2: float | None = Field(default=None, gt=0)
    chemistry: str = ""
    name: str = ""


class ProgramTable(Table):
    """The `[program]` table: the biasing program that is started with the recording."""

    file: Path
    source: str = ""
    """Which scpi source runs it; empty: the only one."""


def _of_its_kind(raw: Any) -> Any:
    """The table of the kind that is named; a kind registered from outside counts as much as one of our own."""
    entry = registry.entries().get(str(raw.get("kind"))) if isinstance(raw, dict) else None
    return raw if entry is None else entry.settings.model_validate(raw)


class Setup(Table):
    """A whole SETUP.toml: session, cell, limits, sources and program."""

    session: SessionTable = Field(default_factory=SessionTable)
    cell: CellTable = Field(default_factory=CellTable)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    source: list[Annotated[SourceTable, BeforeValidator(_of_its_kind)]] = Field(default_factory=list)
    program: ProgramTable | None = None


def read_setup(path: Path) -> Setup:
    """Read a set-up file; relative paths in it count from the folder it lies in."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} could not be read: {error}.", "Give a SETUP.toml file.") from error
    setup = parse_setup(text, path.name)
    for table in (*setup.source, *([] if setup.program is None else [setup.program])):
        for key, value in table:
            if isinstance(value, Path) and not value.is_absolute():
                setattr(table, key, path.parent / value)
    return setup


def parse_setup(text: str, file_name: str = "SETUP.toml") -> Setup:
    """A set-up from the text of its TOML; UserError says which key of which table does not fit."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file_name} is not valid TOML: {error}.", "Correct that line.") from error
    sources = raw.get("source", [])
    if not isinstance(sources, list):
        raise UserError(f"{file_name}: sources are written as [[source]], with two brackets.", "Add them.")
    # Before pydantic looks, so that the message can name the kinds there are.
    for number, table in enumerate(sources, 1):
        _check_kind(table, number, file_name)
    try:
        setup = Setup.model_validate(raw)
    except ValidationError as error:
        raise _as_sentence(error, raw, file_name) from error
    names = [table.name for table in setup.source]
    # Streams are known by the name of their source.
    for name in names:
        if names.count(name) > 1:
            raise UserError(f'{file_name}: two sources are called "{name}".', "Give each its own name.")
    return setup


def parse_source(table: dict[str, Any], file_name: str = "This source") -> SourceTable:
    """One source table, e.g. from the dialog."""
    return parse_setup_dict({"source": [table]}, file_name).source[0]


def parse_setup_dict(raw: dict[str, Any], file_name: str) -> Setup:
    """The same from tables that are not text yet, e.g. of the dialog."""
    return parse_setup(to_toml(raw), file_name)


def write_setup(setup: Setup, path: Path) -> None:
    """Write what differs from the defaults, and every kind and name."""
    path.write_text(to_toml(dump_setup(setup)), "utf-8")


def dump_setup(setup: Setup) -> dict[str, Any]:
    """What differs from the defaults as plain tables, with every kind and name."""
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
    # Before the numbers: for Python True is an integer.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    # JSON writes strings as TOML does, but for the delete character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_kind(table: Any, number: int, file_name: str) -> None:
    if not isinstance(table, dict):
        raise UserError(f"{file_name}: sources are written as [[source]], with two brackets.", "Add them.")
    kind = table.get("kind")
    kinds = " | ".join(registry.entries())
    if kind is None:
        raise UserError(f'{file_name}: {_which(table, number)} has no key "kind".', f"Write one of {kinds}.")
    if kind not in tuple(registry.entries()):
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
        if len(loc) > 2:
            key = str(loc[2])
        return _which(table, loc[1] + 1), key, registry.entry(table["kind"]).settings
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
