"""How a delimited text is to be read: what was guessed, what a person changed, what a `--as text.toml` says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from tandem_em.core.notices import UserError

KINDS = (
    "number",
    "duration",
    "stamp",
    "date",
    "clock",
    "epoch",
    "excel",
    "labview",
    "fraction",
    "state",
    "unit",
    "skip",
    "index",
    "tag",
)
"""How the values of a column are spelled. `stamp`: date and time; `epoch`: seconds since 1970; `excel`: day number;
`labview`: seconds since 1904; `fraction`: part of a second to add to `clock`; `state`: charge or discharge as a word.
`skip`, `index` and `tag` carry no values; a row with a word in its `index` (the number of the row) or another word than the
heading in its `tag` is no sample of this table."""
NO_VALUES = ("skip", "index", "tag")
"""Kinds of columns from which nothing is read."""


@dataclass
class TextColumn:
    """One column: its heading, what it means (`quantity`, empty: kept under its heading) and its unit.

    SI value = number × factor + offset. Times have quantity `time`; where several say the time, the first that can be
    read wins: elapsed time, then date and time of day."""

    name: str
    quantity: str = ""
    unit: str = ""
    kind: str = "number"
    factor: float = 1.0
    offset: float = 0.0
    is_step: bool = False


@dataclass
class TextSettings:
    """Everything needed to read one kind of table. Rows are counted from 0; -1 means there is no such row."""

    separator: str = ","
    """One character, or a space for any run of white space."""
    decimal: str = "."
    encoding: str = "utf-8"
    header_row: int = 0
    units_row: int = -1
    first_row: int = 1
    columns: list[TextColumn] = field(default_factory=list)
    date_order: str = "MDY"
    """DMY, MDY or YMD, for dates that do not say it themselves."""
    date_order_sure: bool = True
    time_restarts: bool = False
    """The time begins again in every step: the steps follow one another."""
    start: str = ""
    """The absolute time of the start as the text above the table has it."""
    start_date_order_sure: bool = True
    field_counts: list[int] = field(default_factory=list)
    """How many fields a complete row may have; empty: as many as there are columns."""
    guesses: list[str] = field(default_factory=list)
    """Sentences: what the file does not say and was assumed."""
    meta: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As a plain dictionary, for the memory of answers and for TOML."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], name: str = "the settings") -> TextSettings:
        """From a dictionary or a TOML file; unknown keys and kinds are an error, missing ones take their default."""
        values = dict(values)
        known = set(cls.__dataclass_fields__)
        if unknown := set(values) - known:
            raise UserError(
                f"{name} has unknown entries: {', '.join(sorted(unknown))}.",
                f"Known are: {', '.join(sorted(known))}.",
            )
        try:
            values["columns"] = [TextColumn(**column) for column in values.get("columns", [])]
            settings = cls(**values)
        except TypeError as error:
            raise UserError(
                f"A column in {name} cannot be understood: {error}.", "Compare with a file TandEM wrote."
            ) from error
        settings.check(name)
        return settings

    def check(self, name: str = "the settings") -> None:
        """Raise a UserError for settings no table can be read with."""
        for column in self.columns:
            if column.kind not in KINDS:
                raise UserError(
                    f"{name}: column {column.name} has the unknown kind {column.kind}.",
                    f"Use one of {', '.join(KINDS)}.",
                )
        if len(self.separator) != 1:
            raise UserError(
                f"{name}: the separator must be one character.", "A space stands for any white space."
            )
        if self.decimal not in (".", ","):
            raise UserError(f"{name}: the decimal mark must be . or ,.", "")
        if self.decimal == self.separator:
            raise UserError(
                f"{name}: decimal mark and separator are both {self.decimal!r}.", "Change one of them."
            )
        if self.date_order not in ("DMY", "MDY", "YMD"):
            raise UserError(f"{name}: the date order {self.date_order!r} is unknown.", "Use DMY, MDY or YMD.")
        if not self.columns:
            raise UserError(
                f"{name} names no columns.",
                'Add [[columns]] with name, quantity ("time", "voltage", …) and unit.',
            )

    def column(self, *quantities: str) -> int:
        """The number of the first column with one of these quantities; -1 when there is none."""
        return next((i for q in quantities for i, c in enumerate(self.columns) if c.quantity == q), -1)


def to_toml(settings: TextSettings) -> str:
    """As a TOML file a person can edit and hand to `tandem import --as`."""
    values = settings.to_dict()
    columns, meta = values.pop("columns"), values.pop("meta")
    lines = [f"{key} = {_literal(value)}" for key, value in values.items()]
    for column in columns:
        lines += ["", "[[columns]]", *(f"{key} = {_literal(value)}" for key, value in column.items())]
    if meta:
        lines += ["", "[meta]", *(f"{_literal(key)} = {_literal(value)}" for key, value in meta.items())]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
        return '"' + "".join(c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" for c in escaped) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    return repr(value)
