"""Potentiostat records of tomato (.json): one poll of the instrument per file, values in SI units."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.formats.text.stamps import parse_stamp
from tandem_em.importers.bias.build import ColumnValues, RunParts, build_run, imported, no_samples
from tandem_em.importers.core.base import Imported, ImportOptions, Kind

MEANING = {
    "Ewe": ("voltage", "V"), "I": ("current", "A"), "Ece": ("counter_voltage", "V"), "cycle": ("cycle", ""),
    "freq": ("frequency", "Hz"), "abs_Ewe": ("|Ewe|", "V"), "abs_I": ("|I|", "A"), "Phase_Zwe": ("impedance_phase", "°"),
    "I_step": ("control_current", "A"),
}  # fmt: skip


class Tomato:
    """tomato potentiostat record."""

    name = "tomato"
    label = "tomato potentiostat record"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".json",)

    def probe(self, path: Path, head: bytes) -> float:
        """0.95 for a JSON object that names a technique and a current status."""
        text = head[:8192]
        return (
            0.95
            if text.lstrip().startswith(b"{") and b'"technique"' in text and b'"current"' in text
            else 0.0
        )

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """One run from the rows of one poll."""
        yield Progress(0, 0, f"Reading {path.name}")
        try:
            record = json.loads(path.read_text("utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(
                f"{path.name} is cut off or not valid JSON: {error}.", "Copy it again."
            ) from error
        rows = record.get("data") if isinstance(record, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UserError(
                f"{path.name} is not a tomato record: it has no list of data.",
                "Check that it is the right file.",
            )
        if not rows:
            raise no_samples(path)
        parts, problems = _parts(path, record, rows)
        run, more = build_run(path, parts, options)
        return imported(path, [(run, [*problems, *more])])


def _parts(path: Path, record: dict[str, Any], rows: list[dict[str, Any]]) -> tuple[RunParts, list[str]]:
    problems = []
    timed = [row for row in rows if isinstance(row.get("time"), int | float)]
    if len(timed) < len(rows):
        problems.append(f"{path.name}: {counted(len(rows) - len(timed), 'row')} without a time left out.")
    if not timed:
        raise no_samples(path)
    times = np.array([float(row["time"]) for row in timed])
    columns = {}
    for name in dict.fromkeys(key for row in timed for key in row if key != "time"):
        values = np.array(
            [float(row[name]) if isinstance(row.get(name), int | float) else np.nan for row in timed]
        )
        key, unit = MEANING.get(name, (name, ""))
        columns[key] = ColumnValues(values, unit, name, key in ("cycle", "control_current"))
    technique, now = record.get("technique") or {}, record.get("current") or {}
    parts = RunParts(
        times, columns, path.stem, instrument={"format": "tomato", "technique": technique, "status": now}
    )
    announced = technique.get("data_rows") if isinstance(technique, dict) else None
    if isinstance(announced, int) and announced != len(rows):
        problems.append(f"{path.name} announces {counted(announced, 'row')} but has {len(rows)}.")
    polled = re.search(r"\d{4}-\d\d-\d\dT\d{6}\.?\d*[+-]\d{4}", path.name)
    stamp = parse_stamp(polled[0]) if polled else None
    elapsed = now.get("elapsed_time") if isinstance(now, dict) else None
    if stamp is not None and isinstance(elapsed, int | float):
        parts.start = stamp.when - timedelta(seconds=float(elapsed))
        problems.append(
            f"{path.name}: its start follows from the time in the file's name and the elapsed time in the record."
        )
    return parts, problems


TOMATO = Tomato()
