"""The lanes as they are shown in the biasing pane, as plain curves: for figures and movies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tandem_em.desk.biasing import runs
from tandem_em.desk.lanes.frames import (
    areas,
    dose,
    drift,
    lithium_of_maps,
    lithium_of_swelling,
    regions,
    thickness,
)
from tandem_em.desk.lanes.kinds import COLUMN, MODE_TITLES, MODES, describe, per_area, per_one_c
from tandem_em.desk.lanes.runs import (
    Interval,
    charges,
    columns,
    currents,
    lithium_charges,
    resistances,
)
from tandem_em.exporters.figures import data
from tandem_em.model.curves import Cell
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.desk.biasing.runs import LaneChoice


def lanes(session: Session, reach: Interval | None) -> list[data.Lane]:
    """What the pane shows, in its order; of every curve the part within reach."""
    made = []
    for choice in runs.lane_choices(session):
        lane = _lane(session, choice, reach) if choice.shown is not False else None
        if lane is not None and any(np.isfinite(curve.y).any() for curve in lane.curves):
            fixed = choice.y if isinstance(choice.y, tuple) else None
            made.append(replace(lane, kind=choice.kind, y=fixed))
    return made


def _lane(session: Session, choice: LaneChoice, reach: Interval | None) -> data.Lane | None:
    kind = choice.kind
    made: list[data.Curve]
    described = describe(session, kind)
    label, unit, title = described.name, described.unit or described.caption, described.title
    label = title if kind == "drift" else label
    limits: tuple[tuple[float, str], ...] = ()
    if kind == "area":
        title = MODE_TITLES.get(choice.mode, "Area")
        label, unit = _area_label(choice.mode)
        made = areas(session, choice.mode)
    elif kind == "lithium":
        swollen = lithium_of_swelling(session)
        made = [*swollen, *lithium_charges(session, swollen, reach), *lithium_of_maps(session)]
    elif kind in PER_FRAME:
        made, unit = PER_FRAME[kind](session)
    elif kind in ("dose", "dose_rate"):
        made, limits = dose(session, cumulative=kind == "dose")
    elif kind == "voltage":
        made, limits = columns(session, "voltage", reach), _safe_window(session)
    elif kind in OF_CURRENT:
        made = currents(session, OF_CURRENT[kind], reach)
    elif kind == "charge":
        made = charges(session, lambda _cell: 1.0, reach)
    elif kind == "capacity":
        made = charges(session, _areal, reach)
    elif kind == "resistance":
        made = resistances(session, reach)
    elif kind.startswith(COLUMN):
        made = columns(session, kind.removeprefix(COLUMN), reach)
    else:
        return None
    return data.Lane(label, unit, made, limits, title)


PER_FRAME = {"thickness": thickness, "region": regions, "drift": drift}
OF_CURRENT = {"current": lambda _cell: 1.0, "density": per_area, "c_rate": per_one_c}


def _areal(cell: Cell | None) -> float | None:
    factor = per_area(cell)
    return None if factor is None else factor / 3600.0


def _area_label(mode: str) -> tuple[str, str]:
    """Name and unit of the sizes of particles, as an axis says them."""
    if mode == "centroid":
        return "Path of the centroid", "nm"
    if mode == "circularity":
        return "Circularity", ""
    name = {"diameter": "Equivalent diameter", "volume": "Volume"}.get(mode, MODE_TITLES.get(mode, "Area"))
    return name, MODES.get(mode, MODES[""])


def _safe_window(session: Session) -> tuple[tuple[float, str], ...]:
    found: dict[float, str] = {}
    for run in session.runs:
        cell = runs.cell_of(session, run)
        if cell is None or not run.visible or "voltage" not in run.columns:
            continue
        for value, name in ((cell.safe_low_V, "safe from"), (cell.safe_high_V, "safe to")):
            if value is not None:
                found[value] = f"{name} {value:g} V".replace("-", "−")
    return tuple(found.items())
