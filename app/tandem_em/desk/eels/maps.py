"""Element maps: which edges, made how, kept where. The window, `tandem maps` and reports all come here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.maps import (
    EdgeMap,
    blocks_of_rows,
    count_blocks,
    joined,
    map_block,
    map_edge,
    map_edge_in_blocks,
)
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk import cluster
from tandem_em.desk.eels import advice
from tandem_em.desk.eels.spectra import IN_MEMORY_BYTES, corrected, size_of
from tandem_em.model.spectra import BackgroundModel, Edge, SpectrumImage
from tandem_resources import read_json

IN_BATTERIES = (
    "Li", "Be", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co",
    "Ni", "Cu", "Zn", "Ga", "Ge", "Y", "Zr", "Nb", "Mo", "In", "Sn", "Sb", "La", "Ta", "W",
)  # fmt: skip
"""Elements that are proposed by name."""
CHANNEL_COLOURS = {"red": "#ff5a5f", "green": "#4fd18b", "blue": "#4a9eff"}


@dataclass
class MadeMap:
    """One map and what is to be said about it."""

    edge: Edge
    found: EdgeMap
    seconds: float
    warnings: list[dict[str, Any]] = field(default_factory=list)


def windows_of(edge: Edge) -> EdgeWindows:
    """The windows and background of an edge, hashable and safe to hand to another thread."""
    return EdgeWindows(edge.name, edge.background, edge.order, edge.fit, edge.signal)


def default_edges() -> list[Edge]:
    """Li K, P L and Si L with the windows customary for battery low loss."""
    rows = [row for row in read_json("edges.json")["edges"] if row.get("default")]
    order = {"Li": ("red", 0), "P": ("green", 1), "Si": ("blue", 2)}
    rows = [row for row in rows if row["element"] in order]
    rows.sort(key=lambda row: order[row["element"]][1])
    return [edge_from_table(row, order[row["element"]][0]) for row in rows]


def edge_from_table(row: dict[str, Any], channel: str = "") -> Edge:
    """An edge from a row of edges.json; `channel`: red, green, blue, or empty for none."""
    edge = Edge(
        name=row["name"],
        onset_eV=row["onset_eV"],
        fit=(row["fit_eV"][0], row["fit_eV"][1]),
        signal=(row["signal_eV"][0], row["signal_eV"][1]),
        colour=CHANNEL_COLOURS.get(channel, ""),
    )
    edge.channel = channel  # type: ignore[assignment]
    return edge


def fitting_edges(edges: list[Edge], energy_eV: NDArray[np.float64]) -> list[Edge]:
    """Those whose windows lie on the energy axis of a map."""
    if len(energy_eV) < 2:
        return []
    step = abs(float(energy_eV[1] - energy_eV[0]))
    # One channel of tolerance: windows often end exactly with the axis.
    low, high = float(energy_eV.min()) - step, float(energy_eV.max()) + step
    return [e for e in edges if low <= min(e.fit[0], e.signal[0]) and max(e.fit[1], e.signal[1]) <= high]


def edges_from_json(found: Any, where: str) -> list[Edge]:
    """Edges as in EDGES.json; a sentence that names the entry when one is wrong."""
    rows = found.get("edges") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{where} has no list “edges”.", "See `tandem maps --help` for an example.")
    return [_edge_from_json(row, number, where) for number, row in enumerate(rows)]


def _edge_from_json(row: Any, number: int, where: str) -> Edge:
    label = f"{where}, edge {number + 1}"
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise UserError(f"{label} has no name.", 'Give each edge a "name".')
    label = f"{where}, edge {row['name']}"
    background = row.get("background", "power law")
    if background not in get_args(BackgroundModel):
        raise UserError(
            f"{label}: “{background}” is not a background model.",
            f"Use one of: {', '.join(get_args(BackgroundModel))}.",
        )
    order = row.get("order", 2)
    if not isinstance(order, int) or not 0 <= order <= 8:
        raise UserError(
            f"{label}: order {order!r} is not a whole number from 0 to 8.", "Usually it is 1 or 2."
        )
    windows = {}
    # Without a background there is nothing to fit.
    for key in ("signal",) if background == "none" else ("fit", "signal"):
        windows[key] = _window(row.get(key), f"{label}: {key}")
    return Edge(
        name=row["name"],
        background=background,
        order=order,
        fit=windows.get("fit", (0.0, 0.0)),
        signal=windows["signal"],
        onset_eV=float(row.get("onset", windows["signal"][0])),
    )


def _window(value: Any, label: str) -> tuple[float, float]:
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value)
    if not numbers or not value[0] < value[1]:
        raise UserError(f"{label} must be [low, high] in eV with low below high.", "For Li K: [52.5, 57.5].")
    return float(value[0]), float(value[1])


def make_maps(
    image: SpectrumImage,
    edges: list[Edge],
    *,
    low_loss: SpectrumImage | None = None,
    block_bytes: int = IN_MEMORY_BYTES,
    scheduler: str = "",
) -> Job[list[MadeMap]]:
    """Maps of several edges of one spectrum image with the guard's warnings; `low_loss` is its partner in dual EELS.

    Whole when it fits into `block_bytes`, else in blocks of rows; on a Dask cluster when `scheduler` names one.
    """
    _refuse(image, edges)
    windows = [windows_of(edge) for edge in edges]
    if scheduler or size_of(image) > block_bytes:
        facts, found = yield from _in_blocks(image, windows, low_loss, scheduler)
    else:
        facts, found = yield from _whole(image, windows, low_loss)
    made: list[MadeMap] = []
    for edge, own, (mapped, seconds) in zip(edges, windows, found):
        yield Progress(len(made), len(edges), f"Checking {edge.name}")
        # By identity: the same edge may be listed twice with equal windows.
        others = [each for each in windows if each is not own]
        made.append(MadeMap(edge, mapped, seconds, advice.doubts(image, facts, own, mapped, others)))
    return made


def _refuse(image: SpectrumImage, edges: list[Edge]) -> None:
    """Say so when nothing can be mapped."""
    low, high = float(image.energy_eV[0]), float(image.energy_eV[-1])
    if image.shape[2] < 2:
        raise UserError(
            f"{image.name} has one energy channel (at {low:g} eV): there is no spectrum to map.",
            "Open the file with its whole energy axis.",
        )
    if not edges:
        raise UserError(
            f"No edge of the list lies on the energy axis of {image.name} ({low:.1f} to {high:.1f} eV).",
            f"Name edges inside this range with --edges.{_known_between(low, high)}",
        )


def known_edges(low_eV: float, high_eV: float) -> list[Edge]:
    """Major edges of the table whose windows lie between two energies, by onset."""
    rows = [
        row
        for row in read_json("edges.json")["edges"]
        if row["relevance"] == "major"
        and row["Z"] <= 83
        and low_eV <= row["fit_eV"][0]
        and row["signal_eV"][1] <= high_eV
    ]
    return [edge_from_table(row) for row in sorted(rows, key=lambda row: float(row["onset_eV"]))]


def _known_between(low: float, high: float) -> str:
    """The same as a hint."""
    rows = [edge.name for edge in known_edges(low, high) if edge.name.split(" ")[0] in IN_BATTERIES]
    return f" The table has {', '.join(rows[:8])}{' …' if len(rows) > 8 else ''} there." if rows else ""


Found = list[tuple[EdgeMap, float]]
"""Each map with the seconds it took."""


def _whole(
    image: SpectrumImage, windows: list[EdgeWindows], low_loss: SpectrumImage | None
) -> Job[tuple[advice.DataFacts, Found]]:
    yield Progress(0, len(windows), f"Reading {image.name}")
    raw = image.source.read(slice(None))
    # Facts are of the raw data: dead channels are found there, then mended.
    facts = advice.look_at(image, raw, low_loss)
    data = corrected(image, raw, 0, facts.dead_channels)
    gain = image.counts_per_electron or 1.0
    found = []
    for number, edge in enumerate(windows):
        yield Progress(number, len(windows), f"Mapping {edge.name}")
        began = time.perf_counter()
        mapped = map_edge(data, image.energy_eV, edge, counts_per_electron=gain)
        found.append((mapped, time.perf_counter() - began))
    return facts, found


def _in_blocks(
    image: SpectrumImage, windows: list[EdgeWindows], low_loss: SpectrumImage | None, scheduler: str
) -> Job[tuple[advice.DataFacts, Found]]:
    """Block by block of rows, here or on a cluster: the same blocks, the same answer."""
    yield Progress(0, 0, f"Inspecting {image.name}")
    # Dead channels once for all blocks: a block alone could judge them differently.
    facts = advice.look_at_rows(image, low_loss)

    def read_rows(y0: int, y1: int) -> NDArray[Any]:
        return corrected(image, image.source.read(slice(y0, y1)), y0, facts.dead_channels)

    gain = image.counts_per_electron or 1.0
    began = time.perf_counter()
    if scheduler:
        axis = EnergyAxis.from_values(image.energy_eV)
        calls = ((block, axis, windows, gain) for _, _, block in blocks_of_rows(read_rows, image.shape))
        parts = yield from cluster.run(scheduler, map_block, calls, count_blocks(image.shape), "Mapping")
        maps = joined(parts)
    else:
        maps = yield from map_edge_in_blocks(
            read_rows, image.shape, image.energy_eV, windows, counts_per_electron=gain
        )
    # All edges go through each block together: only their mean time is known.
    each = (time.perf_counter() - began) / len(windows)
    return facts, [(mapped, each) for mapped in maps]
