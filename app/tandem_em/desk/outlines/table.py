"""Everything measured on a followed particle, as one table: on screen, copied and exported alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.outlines.measure import Measured, Range, measure
from tandem_em.desk.desk import Desk
from tandem_em.exporters.map_files import file_stem
from tandem_em.exporters.tables import Column, write_table
from tandem_em.exporters.tables import Table as Table  # the window shows it
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle

NOTES = {
    "frame": "counted from 0",
    "low, high": "95 % limits: edge position ± its uncertainty",
    "relative area": "A/A0, A0 the first known area",
    "volume ratio": "(A/A0)^1.5: swelling alike in all directions",
    "centroid": "drift corrected, from the centre of pixel 0, 0",
    "empty cells": "the particle was lost or not followed there",
}
EMPTY = Table("", [])


def measured(stack: FrameStack, particle: Particle) -> Measured:
    """Sizes in every frame of the stack, in nm (px without calibration), NaN where there is no outline."""
    count = len(stack)
    inside = {frame: outline for frame, outline in particle.outlines.items() if 0 <= frame < count}
    drift = np.array([stack.drift_at(frame) for frame in range(count)]).reshape(-1, 2)
    return measure(inside, count, stack.pixel_nm or 1.0, drift)


def table(stack: FrameStack, particle: Particle, notes: Mapping[str, str] | None = None) -> Table:
    """One row per frame; every size with its 95 % limits."""
    count, unit = len(stack), "nm" if stack.pixel_nm else "px"
    found = measured(stack, particle)
    t = np.full(count, np.nan)
    t[: len(stack.times)] = stack.t[:count]
    trust, drawn = np.full(count, np.nan), np.zeros(count, int)
    for frame, outline in particle.outlines.items():
        if 0 <= frame < count:
            trust[frame], drawn[frame] = outline.confidence, outline.is_key
    columns = [Column("frame", "", np.arange(count)), Column("time", "s", t)]
    for name, own, values in (
        ("area", f"{unit}²", found.area_nm2),
        ("relative area", "", found.relative_area),
        ("equivalent diameter", unit, found.diameter_nm),
        ("volume ratio", "", found.volume_ratio),
        ("perimeter", unit, found.perimeter_nm),
        ("circularity", "", found.circularity),
    ):
        columns += _with_limits(name, own, values)
    columns += [
        Column("centroid x", unit, found.centroid_nm[:, 0]),
        Column("centroid y", unit, found.centroid_nm[:, 1]),
        Column("centroid ±", unit, found.centroid_error_nm),
        Column("confidence", "", trust),
        Column("drawn by hand", "", drawn),
    ]
    own_notes = {
        "particle": particle.name, "particle id": particle.id, "colour": particle.colour, "stack": stack.name, **NOTES,
    }  # fmt: skip
    return Table(f"particle_{file_stem(particle.name)}", columns, {**(notes or {}), **own_notes})


def save(desk: Desk, path: Path, found: Table) -> None:
    """The table as CSV, as `tandem export` writes it."""
    desk.start(f"Saving {path.name}", write_table(path, found))


def _with_limits(name: str, unit: str, values: Range) -> list[Column]:
    rows: list[tuple[str, NDArray[np.float64]]] = [
        (name, values.value),
        (f"{name} low", values.low),
        (f"{name} high", values.high),
    ]
    return [Column(title, unit, column) for title, column in rows]
