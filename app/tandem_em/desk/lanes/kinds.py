"""Which lanes there are: titles, names and units; for the pane, the figures and the movie alike."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_em.model.curves import Cell
from tandem_em.model.session import Session


@dataclass(frozen=True)
class LaneKind:
    """A lane that can be added: its title in the gutter, its name in the menu, its base unit."""

    title: str
    name: str
    unit: str
    caption: str = ""


KINDS: dict[str, LaneKind] = {
    "voltage": LaneKind("Voltage", "Voltage", "V"),
    "current": LaneKind("Current", "Current", "A"),
    "charge": LaneKind("Charge", "Charge", "C"),
    "capacity": LaneKind("Capacity", "Areal capacity", "Ah/cm²"),
    "density": LaneKind("Density", "Current density", "A/cm²"),
    "c_rate": LaneKind("C-rate", "C-rate", "", "C"),
    "resistance": LaneKind("Resistance", "Resistance", "Ω"),
    "area": LaneKind("Area", "Particle area", "", "× start"),
    "lithium": LaneKind("Lithium", "Lithium from charge, swelling and EELS", "", "x in LiₓSi"),
    "thickness": LaneKind("Thickness", "Layer thickness", "nm"),
    "region": LaneKind("Region", "Region mean", "counts"),
    "dose_rate": LaneKind("Dose rate", "Dose rate", "e⁻/Å²s"),
    "dose": LaneKind("Dose", "Dose", "e⁻/Å²"),
    "drift": LaneKind("Drift", "Drift of the stack", "nm"),
}
COLUMN = "column:"
"""Lanes of other columns of the runs: `column:temperature`."""
MODES = {
    "": "× start", "nm2": "nm²", "diameter": "nm", "volume": "× start", "perimeter": "nm", "circularity": "1 = disc",
    "centroid": "nm from start",
}  # fmt: skip
"""What the area lane can show, with its unit."""
MODE_TITLES = {
    "diameter": "Diameter", "volume": "Volume", "perimeter": "Perimeter", "circularity": "Circularity",
    "centroid": "Centroid",
}  # fmt: skip


def other_columns(session: Session) -> list[str]:
    """Quantities of the runs that have no lane of their own."""
    found: dict[str, None] = {}
    for run in session.runs:
        for name in run.columns:
            if name not in KINDS:
                found[name] = None
    return list(found)


def describe(session: Session, kind: str) -> LaneKind:
    if kind in KINDS:
        return KINDS[kind]
    name = kind.removeprefix(COLUMN)
    column = next((run.columns[name] for run in session.runs if name in run.columns), None)
    title = name.replace("_", " ").capitalize()
    return LaneKind(title[:11], title, column.unit if column is not None else "")


def per_area(cell: Cell | None) -> float | None:
    """From A to A/cm²; None without an electrode area."""
    area = cell.electrode_area_cm2 if cell is not None else None
    return None if not area else 1.0 / area


def per_one_c(cell: Cell | None) -> float | None:
    """From A to multiples of 1C; None without area and capacity."""
    area = per_area(cell)
    capacity = cell.capacity_uAh_cm2 if cell is not None else None
    return None if area is None or not capacity else area / (capacity * 1e-6)
