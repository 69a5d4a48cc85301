"""Delimited text into BiasRuns: with settings a person settled, or guessed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.formats.text.detect import parser_for
from tandem_em.formats.text.feed import find_encoding, is_text
from tandem_em.formats.text.guess import NoTableError
from tandem_em.formats.text.guessing_parser import GuessingParser
from tandem_em.formats.text.mpt import MptParser
from tandem_em.formats.text.parser import DelimitedParser, LogParser, Table
from tandem_em.formats.text.rows import Rows, Tally, joined
from tandem_em.formats.text.settings import TextSettings
from tandem_em.importers.bias.build import ColumnValues, RunParts, build_run, imported, no_samples
from tandem_em.importers.core.base import Imported, ImportOptions, Question
from tandem_em.model.curves import BiasRun

BLOCK = 4 * 1024 * 1024


def read_text(path: Path, settings: TextSettings, options: ImportOptions | None = None) -> BiasRun:
    """One table read as `settings` say. Raises UserError; what was left out stands in `extra["problems"]`."""
    result = run_to_end(read_log(path, DelimitedParser(settings), options or ImportOptions()))
    run = result.items[0]
    assert isinstance(run, BiasRun)
    run.extra["problems"] = result.problems
    return run


def read_log(path: Path, parser: LogParser, options: ImportOptions) -> Job[Imported]:
    """Feed a whole file to a parser and build runs from its tables."""
    total = path.stat().st_size
    try:
        with path.open("rb") as file:
            while data := file.read(BLOCK):
                parser.feed(data)
                yield Progress(file.tell(), total, f"Reading {path.name}")
        parser.finish()
    except NoTableError as error:
        if error.header_only:
            raise no_samples(path) from error
        raise UserError(
            f"{path.name} is not a table of samples: {error}.", "Check that it is the right file."
        ) from error
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read: {error.strerror}.", "Check the drive it is on."
        ) from error
    return build_from_tables(path, parser, options)


def guessing_job(path: Path, options: ImportOptions) -> Job[Imported]:
    """Read any text log: its format by content, its layout guessed where the format leaves it open."""
    with path.open("rb") as file:
        head = file.read(64 * 1024)
    if not is_text(head):
        raise UserError(
            f"{path.name} is not a text file.",
            "Open it with the program that wrote it and export it as text.",
        )
    parser = parser_for(head)
    if isinstance(parser, GuessingParser):
        parser.later = later_lines(path, parser)
        if options.text:
            parser.overrides = dict(options.text)
    return (yield from read_log(path, parser, options))


def later_lines(path: Path, parser: LogParser, size: int = 16 * 1024) -> list[str]:
    """Some lines from the middle and the end of a file: their dates leave less doubt about day and month."""
    length = path.stat().st_size
    lines: list[str] = []
    with path.open("rb") as file:
        encoding = find_encoding(file.read(4096))
        for part in (0.25, 0.5, 0.75, 1.0):
            # at least 64 kB apart from the beginning: those lines are seen anyway
            start = int(length * part) - size
            if start > 4 * size:
                # a multiple of four: no character of UTF-16 or UTF-32 is cut
                file.seek(start - start % 4)
                # the first and the last line are cut
                lines += file.read(size).decode(encoding.replace("-sig", ""), "replace").splitlines()[1:-1]
    return lines


def build_from_tables(path: Path, parser: LogParser, options: ImportOptions) -> Imported:
    """Runs from all tables that have samples; consecutive tables of one kind are joined."""
    problems: list[str] = []
    order = (options.text or {}).get("date_order")
    if order in ("DMY", "MDY", "YMD"):
        for table in parser.tables:
            table.settings.date_order, table.settings.date_order_sure = order, True
    groups: list[list[tuple[Table, Rows]]] = []
    for table in parser.tables:
        waiting = table.take()
        problems += tally_sentences(path, table)
        if not waiting:
            if len(parser.tables) > 1:
                problems.append(f"{path.name}: its table {table.name} has no rows.")
            continue
        for rows in _restarts_apart(joined(waiting)):
            if groups and _continues(groups[-1][-1], (table, rows)):
                groups[-1].append((table, rows))
            else:
                groups.append([(table, rows)])
    runs = [_run(path, parser, group, options, alone=len(groups) == 1) for group in groups]
    names = [run.name for run, _ in runs]
    for number, (run, _) in enumerate(runs, 1):
        if names.count(run.name) > 1:
            run.name = f"{run.name} {number}"
    result = imported(path, runs)
    _place_later_tables(path, groups, runs, result)
    result.problems = [*problems, *result.problems]
    _add_doubts(path, parser, result)
    return result


def _restarts_apart(rows: Rows) -> list[Rows]:
    """A stretch whose time starts again is a recording of its own."""
    starts = [s for s in rows.segments if 0 < s < len(rows.times) and rows.times[s] < rows.times[s - 1]]
    if not starts:
        return [rows]
    parts = []
    for begin, end in itertools.pairwise([0, *starts, len(rows.times)]):
        values = {key: column[begin:end] for key, column in rows.values.items()}
        parts.append(
            Rows(rows.times[begin:end], values, [s - begin for s in rows.segments if begin < s < end])
        )
    return parts


def _continues(before: tuple[Table, Rows], after: tuple[Table, Rows]) -> bool:
    same = [c.key for c in before[0].columns] == [c.key for c in after[0].columns]
    return same and after[1].times[0] >= before[1].times[-1]


def _run(
    path: Path, parser: LogParser, group: Sequence[tuple[Table, Rows]], options: ImportOptions, alone: bool
) -> tuple[BiasRun, list[str]]:
    first = group[0][0]
    parts_rows: list[Rows] = [rows for _, rows in group]
    lengths = [len(rows.times) for rows in parts_rows]
    rows = joined(parts_rows)
    starts = list(np.cumsum([0, *lengths[:-1]]))
    columns = {
        info.key: ColumnValues(rows.values[info.key], info.unit, info.label, info.is_step)
        for info in first.columns
    }
    if len(group) > 1 and "cycle" not in columns:
        numbers = np.repeat(np.arange(1.0, len(group) + 1), lengths)
        columns["cycle"] = ColumnValues(numbers, "", first.name, True)
    if isinstance(parser, MptParser) and len(parser.loops) > 1:
        columns.setdefault("loop", ColumnValues(_loops(parser, len(rows.times)), "", "loop", True))
    start = first.start
    parts = RunParts(
        rows.times,
        columns,
        path.stem if alone or not first.name else f"{path.stem} {first.name}",
        start.when if start else None,
        start.resolution_s if start else 1.0,
        [int(s) for s in (*starts, *rows.segments)],
        {"format": parser.label, **({"header": first.meta} if first.meta else {})},
        is_timed=first.is_timed or bool(getattr(parser, "is_defined_by_step", False)),
        times_are_nominal=bool(getattr(parser, "is_defined_by_step", False)),
    )
    if first.settings.guesses:
        parts.instrument["guesses"] = list(first.settings.guesses)
    if first.notes:
        parts.instrument["notes"] = [{"t": t, "text": text} for table, _ in group for t, text in table.notes]
    return build_run(path, parts, options)


def _loops(parser: MptParser, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers = np.full(count, np.nan)
    for loop, first, last in parser.loops:
        numbers[first : last + 1] = loop
    return numbers


def _place_later_tables(
    path: Path,
    groups: Sequence[Sequence[tuple[Table, Rows]]],
    runs: Sequence[tuple[BiasRun, list[str]]],
    result: Imported,
) -> None:
    """A second table whose time starts again began after the first one: when exactly, the file does not say."""
    passed = 0.0
    for number, (group, (run, _)) in enumerate(zip(groups, runs)):
        if number and passed and run.clock.start_iso:
            run.clock.start_iso = (
                datetime.fromisoformat(run.clock.start_iso) + timedelta(seconds=passed)
            ).isoformat()
            # when it began nobody knows better than the length of what came before
            run.clock.uncertainty_s = max(run.clock.uncertainty_s, passed)
            result.problems.append(
                f"{path.name} does not say when {group[0][0].name or 'its second table'} began: placed after the table before it."
            )
        passed += float(group[-1][1].times[-1])


def tally_sentences(path: Path, table: Table) -> list[str]:
    """What was left out of a table, in words."""
    tally: Tally = table.reader.tally
    name = path.name if not table.name else f"{path.name} ({table.name})"
    found = [*_cut_sentences(name, tally), *tally.odd.sentences(name)]
    if tally.unreadable:
        found.append(
            f"{name}: {counted(tally.unreadable, 'field')} without a number left empty (first: {tally.unreadable_example!r})."
        )
    if tally.untimed:
        found.append(f"{name}: {counted(tally.untimed, 'row')} without a time left out.")
    if tally.overflow:
        found.append(f"{name}: {counted(tally.overflow, 'overflow mark')} (9.9E37) left empty.")
    if tally.zeros:
        found.append(
            f"{name}: {counted(tally.zeros, 'line')} of zero bytes (a crash while writing?) left out."
        )
    if tally.made_negative:
        found.append(
            f"{name}: the current has no sign; {counted(tally.made_negative, 'sample')} marked as discharge taken as negative."
        )
    declared, there = table.declared_rows, table.reader.rows_read
    if declared is not None and there != declared:
        found.append(f"{name} announces {counted(declared, 'row')} but has {there}.")
    return found


def _cut_sentences(name: str, tally: Tally) -> list[str]:
    """What is missing of lines that were not written to their end."""
    found: list[str] = []
    if tally.cut:
        found.append(
            f"{name}: the last line has no line end and may be cut; it was left out ({tally.cut!r})."
        )
    if tally.cut_field:
        found.append(
            f"{name}: the last line has no line end; its last value ({tally.cut_field}) may be cut and was left out."
        )
    if tally.short == 1 and tally.last_line_is_short:
        found.append(f"{name}: the last row is cut and was left out ({tally.short_example!r}).")
    elif tally.short:
        found.append(tally.short_sentence(name))
    return found


def _add_doubts(path: Path, parser: LogParser, result: Imported) -> None:
    """What the file does not say, as sentences and as questions."""
    for table in parser.tables:
        settings = table.settings
        result.problems += [f"{path.name}: {guess}" for guess in settings.guesses]
        dated = any(c.kind in ("stamp", "date") for c in settings.columns) or settings.start
        if (
            dated
            and not settings.date_order_sure
            and not any(q.key == "text.date_order" for q in result.questions)
        ):
            if not any("day or the month" in guess for guess in settings.guesses):
                words = "day first" if settings.date_order == "DMY" else "month first"
                result.problems.append(
                    f"{path.name}: its date can be read with the day or the month first; {words} was assumed."
                )
            result.questions.append(
                Question(
                    "text.date_order",
                    f"Are the dates in {path.name} day first or month first?",
                    ("DMY", "MDY"),
                    settings.date_order,
                )
            )
