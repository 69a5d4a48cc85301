"""DENSsolutions Impulse: a folder of CSV logs beside a `…_Metadata.log`; the logs' own time columns are used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.formats.text.guessing_parser import GuessingParser
from tandem_em.formats.text.settings import TextSettings
from tandem_em.formats.text.stamps import find_order, parse_clock, parse_stamp
from tandem_em.importers.bias.text_reader import read_log
from tandem_em.importers.core.base import Imported, ImportOptions, Kind
from tandem_em.model.curves import BiasRun

HEADING = re.compile(rb"^(?:\xef\xbb\xbf)?\"?TimeStamp\"?\s*[,;]\s*\"?Experiment time", re.IGNORECASE)
METADATA = re.compile(rb"^(?:\xef\xbb\xbf)?Experiment date\s*[,;]", re.IGNORECASE)


class ImpulseParser(GuessingParser):
    """A log of Impulse: seconds and degrees Celsius are known, the date stands in the other file."""

    label = "DENSsolutions Impulse"

    def __init__(self, metadata: dict[str, str]) -> None:
        super().__init__()
        self.metadata = metadata

    def _begin(self, settings: TextSettings) -> None:
        # Impulse always writes s and °C
        settings.guesses = [guess for guess in settings.guesses if "no units" not in guess]
        date = self.metadata.get("Experiment date", "")
        if date:
            settings.start = f"{date} {self.metadata.get('Experiment time', '')}".strip()
            settings.date_order, settings.date_order_sure = find_order([date])
        super()._begin(settings)
        self.tables[-1].meta.update(self.metadata)


class Impulse:
    """DENSsolutions Impulse experiment."""

    name = "impulse"
    label = "DENSsolutions Impulse"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".csv", ".log")

    def probe(self, path: Path, head: bytes) -> float:
        """1 for a log or its metadata, 0.9 for a folder that holds logs."""
        if path.is_dir():
            return 0.9 if logs_of(path) else 0.0
        return 1.0 if HEADING.match(head) or METADATA.match(head) else 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """All logs of the experiment, or the one that was named, each with its date and notes."""
        if path.is_dir():
            logs = logs_of(path)
        elif METADATA.match(_first_bytes(path)):
            logs = [log for log in logs_of(path.parent) if metadata_of(log) == path]
        else:
            logs = [path]
        if not logs:
            raise UserError(
                f"{path.name} has no Impulse logs (CSV files) beside it.",
                "Copy the whole folder of the experiment.",
            )
        result = Imported()
        for log in logs:
            beside = metadata_of(log)
            metadata, notes = read_metadata(beside) if beside else ({}, [])
            one = yield from read_log(log, ImpulseParser(metadata), options)
            if beside is None:
                one.problems.append(f"{log.name}: its Metadata.log is missing, so the date is not known.")
            for run in one.items:
                if isinstance(run, BiasRun):
                    run.instrument["notes"] = _timed_notes(notes, run)
            result.items += one.items
            result.problems += one.problems
            result.questions += one.questions
            result.files += [log] if beside is None or beside in result.files else [log, beside]
        return result


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


def logs_of(folder: Path) -> list[Path]:
    """The CSV files of a folder that begin as Impulse logs do."""
    try:
        return [p for p in sorted(folder.glob("*.csv"))[:100] if HEADING.match(_first_bytes(p))]
    except OSError:
        return []


def metadata_of(log: Path) -> Path | None:
    """The Metadata.log of the same experiment: the same name before the last underscore, else the only one there."""
    own = log.with_name(f"{log.stem.rpartition('_')[0]}_Metadata.log")
    if own.exists():
        return own
    found = sorted(log.parent.glob("*_Metadata.log"))
    return found[0] if len(found) == 1 else None


def read_metadata(path: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The settings and the notes (time of day, text) of an experiment."""
    metadata: dict[str, str] = {}
    notes: list[tuple[str, str]] = []
    for line in path.read_text("utf-8-sig", errors="replace").splitlines():
        key, _, value = line.partition(",")
        note = re.match(r"\s*(\d{1,2}:\d\d:\d\d(?:\.\d+)?):\s*(.*)", value if key == "Live notes" else line)
        if note:
            notes.append((note[1], note[2].strip()))
        elif value.strip():
            metadata[key.strip()] = value.strip().strip('"')
    return metadata, notes


def _timed_notes(notes: Sequence[tuple[str, str]], run: BiasRun) -> list[dict[str, object]]:
    start = parse_stamp(run.clock.start_iso) if run.clock.start_iso else None
    if start is None:
        return [{"text": f"{when} {text}"} for when, text in notes]
    midnight = start.when.replace(hour=0, minute=0, second=0, microsecond=0)
    timed: list[dict[str, object]] = []
    for when, text in notes:
        clock = parse_clock(when)
        if clock is not None:
            t = (midnight + timedelta(seconds=clock[0]) - start.when).total_seconds()
            # a note shortly after midnight; notes may come somewhat before the start as well
            timed.append({"t": t if t > -43200 else t + 86400, "text": text})
    return timed


IMPULSE = Impulse()
