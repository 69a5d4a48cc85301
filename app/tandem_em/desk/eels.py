"""Element maps: which edges, made how, kept where. The window, `tandem maps` and reports all come here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels_maps import EdgeMap, map_edge, map_edge_in_blocks
from tandem_em.analysis.eels_windows import EdgeWindows
from tandem_em.jobs import Job, Progress
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import BackgroundModel, Edge, SpectrumImage
from tandem_em.notices import UserError
from tandem_resources import read_json

IN_MEMORY_BYTES = 2 << 30
"""Spectrum images up to this size are worked whole, larger ones in blocks of rows."""
CHANNEL_COLOURS = {"red": "#ff5a5f", "green": "#4fd18b", "blue": "#4a9eff"}


@dataclass
class MadeMap:
    """One map and what is to be said about it."""

    edge: Edge
    found: EdgeMap
    seconds: float
    warnings: list[dict[str, Any]] = field(default_factory=list)


def windows_of(edge: Edge) -> EdgeWindows:
    return EdgeWindows(edge.name, edge.background, edge.order, edge.fit, edge.signal)


def default_edges() -> list[Edge]:
    """Li K, P L and Si L with the windows customary for battery low loss."""
    rows = [row for row in read_json("edges.json")["edges"] if row.get("default")]
    order = {"Li": ("red", 0), "P": ("green", 1), "Si": ("blue", 2)}
    rows = [row for row in rows if row["element"] in order]
    rows.sort(key=lambda row: order[row["element"]][1])
    return [edge_from_table(row, order[row["element"]][0]) for row in rows]


def edge_from_table(row: dict[str, Any], channel: str = "") -> Edge:
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
            f"There are: {', '.join(get_args(BackgroundModel))}.",
        )
    order = row.get("order", 2)
    if not isinstance(order, int) or not 0 <= order <= 8:
        raise UserError(
            f"{label}: order {order!r} is not a whole number from 0 to 8.", "Usually it is 1 or 2."
        )
    windows = {}
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
    image: SpectrumImage, edges: list[Edge], *, block_bytes: int = IN_MEMORY_BYTES
) -> Job[list[MadeMap]]:
    """Maps of several edges of one spectrum image, whole or in blocks of rows, with the guard's warnings."""
    if not edges:
        raise UserError(
            f"No edge of the list lies on the energy axis of {image.name} "
            f"({image.energy_eV[0]:.1f} to {image.energy_eV[-1]:.1f} eV).",
            "Choose edges inside this range.",
        )
    height, width, channels = image.shape
    gain = image.counts_per_electron or 1.0
    started = time.perf_counter()
    size = height * width * channels * image.source.dtype.itemsize
    if size <= block_bytes:
        yield Progress(0, len(edges), f"Reading {image.name}")
        data = image.source.read(slice(None))
        found = []
        for number, edge in enumerate(edges):
            yield Progress(number, len(edges), f"Mapping {edge.name}")
            began = time.perf_counter()
            mapped = map_edge(data, image.energy_eV, windows_of(edge), counts_per_electron=gain)
            found.append((mapped, time.perf_counter() - began))
        mean = np.asarray(np.nanmean(data.reshape(-1, channels), axis=0, dtype=np.float64))
        of_data = _of_data(image, data, edges)
    else:
        maps = yield from map_edge_in_blocks(
            lambda y0, y1: image.source.read(slice(y0, y1)),
            image.shape,
            image.energy_eV,
            [windows_of(edge) for edge in edges],
            counts_per_electron=gain,
        )
        each = (time.perf_counter() - started) / len(edges)
        found = [(mapped, each) for mapped in maps]
        step = max(1, height // 64)
        rows = [image.source.read(slice(y, y + 1)) for y in range(0, height, step)]
        mean = np.nanmean(np.concatenate(rows).reshape(-1, channels).astype(np.float64), axis=0)
        of_data = {}
    made = [MadeMap(edge, mapped, seconds) for edge, (mapped, seconds) in zip(edges, found)]
    for each_made in made:
        each_made.warnings = warnings_for(image, each_made, edges, mean) + of_data.get(each_made.edge.id, [])
    return made


def warnings_for(
    image: SpectrumImage, made: MadeMap, edges: list[Edge], mean: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """What the low-loss guard says of one map, with reasons and numbers."""
    from tandem_em.analysis.guard import check_map

    height, width, _ = image.shape
    found = check_map(
        windows_of(made.edge),
        image.energy_eV,
        spectrum=np.nan_to_num(mean) * height * width,
        found=made.found,
        t_over_lambda=_thickness(image, mean),
        others=[windows_of(edge) for edge in edges if edge is not made.edge],
        counts_per_electron=image.counts_per_electron or 1.0,
    )
    return [warning.as_dict() for warning in found]


def _of_data(image: SpectrumImage, data: NDArray[Any], edges: list[Edge]) -> dict[str, list[dict[str, Any]]]:
    """What the counts themselves say of each edge: saturation, dead channels inside its windows."""
    from tandem_em.analysis.guard import check_dead_channels, check_saturation

    saturated = [warning.as_dict() for warning in check_saturation(data, image.name)]
    return {
        edge.id: [w.as_dict() for w in check_dead_channels(data, image.energy_eV, windows_of(edge))]
        + saturated
        for edge in edges
    }


def _thickness(image: SpectrumImage, mean: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """t/λ of the mean spectrum, where the zero loss is on the axis."""
    energy = image.energy_eV
    if not (energy[0] < -2 < 2 < energy[-1]):
        return None
    from tandem_em.analysis.zero_loss import thickness_map

    try:
        return np.asarray(thickness_map(mean[None, :], energy).t_over_lambda)
    except UserError:
        return None


def result_of(image: SpectrumImage, made: MadeMap, step_id: str) -> ResultSet:
    """A map to be kept in the session."""
    arrays: dict[str, NDArray[Any]] = {"counts": made.found.counts.astype(np.float32)}
    if made.found.error is not None:
        arrays["error"] = made.found.error.astype(np.float32)
    return ResultSet(
        name=f"{made.edge.name} of {image.name}",
        analysis="map",
        arrays=arrays,
        units=dict.fromkeys(arrays, "counts"),
        values={
            "edge": made.edge.name,
            "background": made.edge.background,
            "order": made.edge.order,
            "fit_eV": list(made.edge.fit),
            "signal_eV": list(made.edge.signal),
            "warnings": made.warnings,
        },
        owner_id=image.id,
        step_id=step_id,
        simulated=image.simulated,
    )


def summary(made: MadeMap, files_by_kind: dict[str, str]) -> dict[str, Any]:
    """An entry of maps.json."""
    numbers = made.found.statistics()
    return {
        "name": made.edge.name,
        "files": files_by_kind,
        "background": made.edge.background,
        "order": made.edge.order,
        "fit": list(made.edge.fit),
        "signal": list(made.edge.signal),
        **numbers,
        "mean_signal_to_noise": numbers["mean_snr"],
        "warnings": made.warnings,
        "seconds": made.seconds,
    }


def write_maps(
    folder: Path, image: SpectrumImage, made: list[MadeMap], seconds: float
) -> Job[dict[str, Any]]:
    """Every map as files, and what maps.json says of them."""
    from tandem_em.exporters import map_files

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose another place."
        ) from error
    entries = []
    stems: set[str] = set()
    for number, each in enumerate(made):
        yield Progress(number, len(made), f"Writing {each.edge.name}")
        stem = map_files.file_stem(each.edge.name)
        while stem in stems:
            stem += "_2"
        stems.add(stem)
        names = map_files.write_map(folder, stem, each.found.counts, image.pixel_nm)
        if each.found.error is not None:
            error_names = map_files.write_map(folder, f"{stem}_error", each.found.error, image.pixel_nm)
            names |= {f"error_{kind}": name for kind, name in error_names.items()}
        entries.append(summary(each, names))
    return {
        "map": image.name,
        "shape": list(image.shape),
        "energy_eV": [float(image.energy_eV[0]), float(image.energy_eV[-1])],
        "pixel_nm": list(image.pixel_nm) if image.pixel_nm else None,
        "simulated": image.simulated,
        "edges": entries,
        "seconds": seconds,
    }
