"""Importing any table of text: the guess, what a person changes about it, what it gives, and remembering the answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.importing import adding, describe_source
from tandem_em.desk.settings import Settings
from tandem_em.formats.text.settings import NO_VALUES, to_toml
from tandem_em.formats.text.settings import TextColumn as TextColumn
from tandem_em.formats.text.settings import TextSettings as TextSettings
from tandem_em.formats.text.units import parse_unit
from tandem_em.importers.core.base import Imported, ImportOptions
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import RemoveItem, Together
from tandem_em.model.session import Session

# Enough rows to guess by, read within the blink of a dialog.
HEAD_BYTES = 512 * 1024
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "white space": " ", "bar |": "|"}
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "gb18030", "cp1251", "shift_jis")
DATE_ORDERS = {"day, month, year": "DMY", "month, day, year": "MDY", "year, month, day": "YMD"}
ROLES: dict[str, tuple[str, str]] = {
    "time (number)": ("time", "number"), "time h:mm:ss": ("time", "duration"), "date and time": ("datetime", "stamp"),
    "date": ("datetime", "date"), "time of day": ("datetime", "clock"), "seconds since 1970": ("datetime", "epoch"),
    "voltage": ("voltage", "number"), "current": ("current", "number"), "charge": ("charge", "number"),
    "temperature": ("temperature", "number"), "resistance": ("resistance", "number"), "power": ("power", "number"),
    "cycle": ("cycle", "number"), "step": ("step", "number"), "other number": ("", "number"), "leave out": ("", "skip"),
}  # fmt: skip
"""What a column can be, in words: its quantity and how its values are spelled."""
UNITS: dict[str, tuple[str, ...]] = {
    "time": ("s", "ms", "min", "h"), "voltage": ("V", "mV", "µV"), "current": ("A", "mA", "µA", "nA", "pA"),
    "charge": ("C", "Ah", "mAh", "µAh"), "temperature": ("°C", "K"), "resistance": ("Ω", "kΩ", "MΩ", "GΩ"),
    "power": ("W", "mW", "µW", "nW"),
}  # fmt: skip
STEPPED = ("cycle", "step")


@dataclass
class TextGuess:
    """What a file was taken for. `remembered`: these settings were chosen for a table like this before."""

    path: Path
    settings: TextSettings
    fingerprint: str
    remembered: bool = False


@dataclass
class Tried:
    """What the beginning of the file gives with some settings: rows as text, a run, or why not."""

    rows: list[list[str]]
    run: BiasRun | None = None
    problems: list[str] = field(default_factory=list)
    error: str = ""


def guessing(path: Path, memory: Settings) -> Job[TextGuess]:
    """Guess the layout; what was chosen for the same headings before wins."""
    from tandem_em.importers.bias.text_guess import fingerprint, guess

    yield Progress(0, 1, f"Inspecting {path.name}")
    found = guess(path)
    mark = fingerprint(found)
    stored = memory.values.text_imports.get(mark)
    if stored is not None:
        try:
            kept = TextSettings.from_dict(stored, f"the remembered settings of {path.name}")
        except UserError:
            kept = None
        # The same headings with another number of columns is another export of the instrument.
        if kept is not None and len(kept.columns) == len(found.columns):
            # Date and header fields belong to this file; everything else was chosen by a person.
            kept.start, kept.meta = found.start, found.meta
            _move_rows(kept, found.header_row - kept.header_row)
            return TextGuess(path, kept, mark, True)
    return TextGuess(path, found, mark)


def _move_rows(settings: TextSettings, lines: int) -> None:
    """The same headings may stand further down in another file."""
    settings.header_row += lines
    settings.first_row += lines
    if settings.units_row >= 0:
        settings.units_row += lines


def remembered(memory: Settings, path: Path) -> ImportOptions | None:
    """How a table with the same headings was read before; None for other files and tables nobody has settled."""
    from tandem_em.importers import registry
    from tandem_em.importers.bias.text import TEXT

    # Cheap refusals first: guessing reads the beginning of the file.
    if not memory.values.text_imports or registry.find(path) is not TEXT:
        return None
    try:
        found = run_to_end(guessing(path, memory))
    except UserError:
        return None
    return ImportOptions(text=found.settings.to_dict()) if found.remembered else None


def remember(memory: Settings, guess: TextGuess, settings: TextSettings) -> None:
    """Keep the answer for the next file with these headings. The start belongs to one file only."""
    kept = replace(settings, start="", meta={}, guesses=[])
    memory.change(text_imports={**memory.values.text_imports, guess.fingerprint: kept.to_dict()})


def with_layout(path: Path, settings: TextSettings) -> TextSettings:
    """Guess the columns anew after separator, decimal mark, encoding or rows were changed by hand."""
    from tandem_em.formats.text.feed import LineFeed
    from tandem_em.formats.text.fields import split_line as split
    from tandem_em.formats.text.guess_columns import guess_columns
    from tandem_em.formats.text.headings import counts_of, headings_of
    from tandem_em.formats.text.odd_rows import is_summary

    with path.open("rb") as file:
        lines = LineFeed(settings.encoding).feed(file.read(HEAD_BYTES))
    rows = [
        split(line, settings.separator)
        for line in lines[settings.first_row : settings.first_row + 200]
        if line.strip()
    ]
    if not rows:
        raise UserError("There are no rows below the chosen first row.", "Choose an earlier row.")
    heading, units = (
        lines[row] if 0 <= row < len(lines) else "" for row in (settings.header_row, settings.units_row)
    )
    # Summary rows between cycles have their own number of fields and must not decide.
    usual = Counter(len(row) for row in rows if not is_summary(row)).most_common(1)
    counts = counts_of(rows, usual[0][0] if usual else len(rows[0]), heading, settings.separator)
    rows = [row for row in rows if len(row) in counts and not is_summary(row)] or rows[:1]
    heads = headings_of(heading, settings.separator, max(counts), rows)
    below = headings_of(units, settings.separator, max(counts), rows)
    made = replace(settings, columns=[], guesses=heads.doubts, field_counts=counts)
    # Units may stand in a line of their own, or be told in the text above the table.
    above = [line for line in lines[: max(settings.header_row, 0)] if line.strip()]
    guess_columns(made, heads.names, below.names, rows, above)
    return made


def role_of(column: TextColumn) -> str:
    """The words for what a column is."""
    if column.kind in NO_VALUES:
        return "leave out"
    for words, (quantity, kind) in ROLES.items():
        if (column.quantity, column.kind) == (quantity, kind):
            return words
    if column.quantity and column.kind == "number":
        return column.quantity.replace("_", " ")
    return "other number" if column.kind == "number" else column.kind


def with_role(column: TextColumn, role: str) -> TextColumn:
    """The column as something else; its unit goes back to the base unit unless it still fits."""
    if role not in ROLES:
        return column
    quantity, kind = ROLES[role]
    fitting = [text for text in UNITS.get(quantity, ()) if text == column.unit]
    factor, offset = (column.factor, column.offset) if fitting else (1.0, 0.0)
    unit = column.unit if fitting else UNITS.get(quantity, ("",))[0]
    return replace(
        column, quantity=quantity, kind=kind, unit=unit, factor=factor, offset=offset, is_step=quantity in STEPPED
    )  # fmt: skip


def with_unit(column: TextColumn, text: str) -> TextColumn:
    """Values of this column are in `text`: mA, h, kΩ …"""
    unit = parse_unit(text, hint=column.quantity)
    if unit is None:
        raise UserError(f"{text} is not a unit TandEM knows.", "Try V, mA, µA, s, min, h, Ah, °C, Ω …")
    return replace(column, unit=unit.si, factor=unit.factor, offset=unit.offset)


def unit_text(column: TextColumn) -> str:
    """The unit the numbers in the file are in."""
    for text in UNITS.get(column.quantity, ()):
        unit = parse_unit(text, hint=column.quantity)
        if (
            unit is not None
            # Factors were multiplied out of prefixes: the last bits differ.
            and abs(unit.factor - column.factor) < 1e-9 * abs(unit.factor)
            and unit.offset == column.offset
        ):
            return text
    return column.unit if column.factor == 1.0 else f"{column.factor:g} {column.unit}"


def trying(path: Path, settings: TextSettings, rows: int = 60) -> Job[Tried]:
    """Read the beginning of the file as the settings say. Errors are part of the answer, not failures."""
    from tandem_em.formats.text.parser import DelimitedParser
    from tandem_em.importers.bias.text_guess import preview
    from tandem_em.importers.bias.text_reader import build_from_tables

    yield Progress(0, 2, f"Reading the beginning of {path.name}")
    try:
        settings.check(f"The settings for {path.name}")
        tried = Tried(preview(path, settings, rows))
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        parser = DelimitedParser(settings)
        parser.feed(head)
        # Only a whole file has a last line to finish; otherwise it was cut in the middle.
        if len(head) < HEAD_BYTES:
            parser.finish()
        yield Progress(1, 2, "Reading the numbers")
        found = build_from_tables(path, parser, ImportOptions())
        tried.run = next((item for item in found.items if isinstance(item, BiasRun)), None)
        tried.problems = found.problems
        return tried
    except UserError as error:
        return Tried([], error=f"{error.title} {error.advice}".strip())
    # Settings are being tried: any wrong one may break the reading, which is an answer here.
    except (ValueError, IndexError, UnicodeError, LookupError) as error:
        return Tried([], error=f"{path.name} cannot be read like this: {error}.")


def importing(path: Path, settings: TextSettings, zone: str = "") -> Job[Imported]:
    """Read the whole file as the settings say; what comes out fits `desk.importing.adding`."""
    from tandem_em.importers.bias.text import TEXT

    # A person has looked at the guesses: they are no doubts any more.
    settled = replace(settings, guesses=[])
    found = yield from TEXT.read(path, ImportOptions(text=settled.to_dict(), zone=zone))
    source = describe_source(path)
    source.problems, source.importer = found.problems, TEXT.name
    for item in found.items:
        if isinstance(item, BiasRun):
            item.source_id = source.id
    # Before the run, which refers to it.
    found.items.insert(0, source)
    found.problems = [
        f"{path.name}: {text}" if not text.startswith(path.name) else text for text in found.problems
    ]
    return found


def doubts_of(session: Session, run: BiasRun | None) -> list[str]:
    """What was guessed when the text of a run was read, and its file is still there to read it better."""
    guesses = run.instrument.get("guesses") if run is not None else None
    source = session.sources.get(run.source_id) if run is not None else None
    if not isinstance(guesses, list) or source is None or not Path(source.path).is_file():
        return []
    return [str(guess) for guess in guesses]


def add_imported(desk: Desk, session: Session, imported: Imported, instead: BiasRun | None = None) -> None:
    """Put the run into the session it was meant for, and say what was doubtful. `instead`: the run it replaces."""
    step = adding(session, imported)
    # The run may have been deleted while the dialog was open.
    if instead is not None and instead.id in session.runs:
        for item in imported.items:
            if isinstance(item, BiasRun):
                # What a person has set outlives the second reading.
                item.cell_id, item.colour = instead.cell_id, instead.colour
        old = [RemoveItem(step.label, instead)]
        if instead.source_id in session.sources:
            old.append(RemoveItem(step.label, session.sources[instead.source_id]))
        step = Together(f"Read {instead.name} again", [*old, step])
    session.history.do(step)
    for problem in imported.problems:
        desk.notices.warning(problem)


def as_toml(settings: TextSettings) -> str:
    """The same for `tandem import --as text.toml`."""
    return to_toml(replace(settings, start="", meta={}, guesses=[]))
