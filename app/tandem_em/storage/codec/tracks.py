"""Outlines of all particles of a stack as one ragged table, and area against time for other programs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.hdf5_types import H5Group
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import write_array
from tandem_em.storage.codec.fields import hints_of, remove, set_attr
from tandem_em.storage.codec.json_values import alternatives, to_json
from tandem_em.storage.codec.nexus import (
    describe,
    ensure_group,
    make_nxdata,
    set_axis,
    set_text,
    time_axis,
)

DESCRIPTION = (
    "Vertices x, y in pixels of that frame: pixel centres are whole numbers, (0, 0) is the centre of the first pixel,"
    " y down; polygons are not closed. Polygon i has number_of_vertices[i] vertices from first_vertex[i] on."
)
STATUS_FLAGS = (
    "0 followed, 1 key outline (drawn or corrected by a person), 2 uncertain (confidence below 0.5)"
)


@dataclass
class Tracks:
    """All outlines of one stack's particles as columns, sorted by frame; made before the storage thread is bothered."""

    stack_id: str
    particle_ids: list[str]
    names: list[str]
    frames: NDArray[np.int32]
    which: NDArray[np.int32]
    """Place in `particle_ids` of each row's particle."""
    counts: NDArray[np.uint32]
    vertices: NDArray[np.float64]
    shapes: NDArray[np.float64]
    """Area, centroid x, centroid y (px)."""
    columns: dict[str, Any]
    """The other fields of each outline: arrays, or JSON texts of whole lists."""


def gather(stack_id: str, particles: list[Particle]) -> Tracks:
    """Columns of all outlines. Pure and slow (a second for 50 000 outlines): not for the storage thread."""
    rows = sorted(
        (
            (frame, place, outline)
            for place, p in enumerate(particles)
            for frame, outline in p.outlines.items()
        ),
        key=lambda row: row[:2],
    )
    outlines = [outline for _, _, outline in rows]
    polygons = [np.asarray(outline.polygon, np.float64).reshape(-1, 2) for outline in outlines]
    return Tracks(
        stack_id,
        [particle.id for particle in particles],
        [particle.name for particle in particles],
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int32),
        np.array([len(polygon) for polygon in polygons], np.uint32),
        np.concatenate(polygons) if polygons else np.zeros((0, 2)),
        shapes_of(polygons),
        {f.name: _column(f.name, outlines) for f in dataclasses.fields(Outline) if f.name != "polygon"},
    )


def _column(name: str, outlines: list[Outline]) -> Any:
    """One field of all outlines: numbers as numbers, anything else as one JSON list."""
    hint = hints_of(Outline)[name]
    values = [getattr(outline, name) for outline in outlines]
    number_type = next((t for t in (bool, int, float) if alternatives(hint) == (t,)), None)
    if number_type is not None:
        found = np.array(values)
        if found.dtype.kind in "biuf" and found.ndim == 1:
            return found.astype({bool: np.uint8, int: np.int64, float: np.float64}[number_type])
    return to_json(values)


def write_tracks(
    group: H5Group, tracks: Tracks, numbers: list[int], stack: FrameStack | None, start_iso: str
) -> None:
    """Write the outlines of one stack's particles; `numbers` are those of their groups, in the order of `tracks`."""
    set_attr(group, "NX_class", "NXprocess")
    set_text(group, "program", "TandEM")
    for name in ("outlines", "table", "area_vs_time"):
        remove(group, name)
    if "default" in group.attrs:
        del group.attrs["default"]
    if len(tracks.frames) == 0:
        return
    ids = np.array(numbers, np.int32)[tracks.which]
    _write_outlines(group, tracks, ids)
    _write_areas(group, tracks, numbers, ids, stack, start_iso)


def _write_outlines(group: H5Group, tracks: Tracks, ids: NDArray[np.int32]) -> None:
    counts, total = tracks.counts, int(tracks.counts.sum())
    outlines = ensure_group(group, "outlines", "NXcg_polygon")
    outlines["dimensionality"] = np.uint32(2)
    outlines["cardinality"] = np.uint64(len(counts))
    outlines["number_of_total_vertices"] = np.uint64(total)
    set_text(outlines, "description", DESCRIPTION)
    polygons = ensure_group(outlines, "polygons", "NXcg_face_list_data_structure")
    polygons["number_of_faces"] = np.uint64(len(counts))
    polygons["vertices_are_unique"] = np.bool_(False)
    if total:
        describe(write_array(polygons, "vertices", tracks.vertices), "px", "vertices x, y")
        write_array(polygons, "faces", np.arange(total, dtype=np.uint64))
    write_array(polygons, "number_of_vertices", counts)
    write_array(polygons, "first_vertex", np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.uint64))
    write_array(polygons, "frame", tracks.frames)
    write_array(polygons, "particle_id", ids)
    write_array(polygons, "parent_row", np.full(len(counts), -1, np.int32))
    # an index by frame: other programs find the rows of frame n without a search
    if tracks.frames.min() >= 0:
        firsts = np.searchsorted(tracks.frames, np.arange(int(tracks.frames.max()) + 2))
        write_array(polygons, "frame_first_row", firsts.astype(np.uint32))
    for name, column in tracks.columns.items():
        if isinstance(column, str):
            polygons[f"outline_{name}"] = column
        else:
            unit = "px^2" if name.startswith("area") else layout.unit_of(name)
            describe(write_array(polygons, f"outline_{name}", column), unit, name)


def shapes_of(polygons: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Area, centroid x, centroid y of polygons (px): rows of three numbers, NaN for fewer than three vertices."""
    out = np.full((len(polygons), 3), np.nan)
    counts = np.array([len(polygon) for polygon in polygons], np.intp)
    usable = np.flatnonzero(counts >= 3)
    if len(usable) == 0:
        return out
    counts = counts[usable]
    vertices = np.concatenate([polygons[row] for row in usable])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    following = np.arange(1, len(vertices) + 1)
    following[starts + counts - 1] = starts
    with np.errstate(all="ignore"):  # absurd coordinates give absurd areas
        origins = vertices[starts]
        # relative to the first vertex: small outlines far from the corner keep their digits
        x, y = (vertices - np.repeat(origins, counts, axis=0)).T
        cross = x * y[following] - x[following] * y
        areas = np.add.reduceat(cross, starts) / 2
        flat = areas == 0
        sums = np.stack([np.add.reduceat((v + v[following]) * cross, starts) for v in (x, y)], axis=1)
        centres = origins + sums / np.where(flat, np.nan, 6 * areas)[:, None]
        means = np.add.reduceat(vertices, starts, axis=0) / counts[:, None]
    out[usable, 0] = np.abs(areas)
    # a polygon without area has no centroid: the mean of its vertices instead
    out[usable, 1:] = np.where(flat[:, None], means, centres)
    return out


def _write_areas(
    group: H5Group,
    tracks: Tracks,
    numbers: list[int],
    ids: NDArray[np.int32],
    stack: FrameStack | None,
    start_iso: str,
) -> None:
    pixel, unit = (stack.pixel_nm, "nm") if stack is not None and stack.pixel_nm else (1.0, "px")
    measured, shapes = _numbers(tracks, "area_px"), tracks.shapes
    with np.errstate(all="ignore"):
        # the area that was measured counts; that of the polygon stands in for it
        areas = np.where(np.isfinite(measured), measured, shapes[:, 0]) * pixel**2
        centres = shapes[:, 1:] * pixel
    is_key, is_unsure = _numbers(tracks, "is_key") == 1, _numbers(tracks, "confidence") < 0.5
    status = np.where(is_key, 1, np.where(is_unsure, 2, 0)).astype(np.uint8)
    table = ensure_group(group, "table")
    for name, values, units in (
        ("time", _times_of(tracks.frames, stack), "s"), ("area", areas, f"{unit}^2"), ("frame", tracks.frames, ""),
        ("particle_id", ids, ""), ("centroid_x", centres[:, 0], unit), ("centroid_y", centres[:, 1], unit),
        ("status", status, ""),
    ):  # fmt: skip
        describe(write_array(table, name, values), units, name)
    table["status"].attrs["flags"] = STATUS_FLAGS
    _write_curves(group, tracks, areas, numbers, stack, f"{unit}^2", start_iso)


def _numbers(tracks: Tracks, name: str) -> NDArray[np.float64]:
    column = tracks.columns.get(name)
    return (
        np.full(len(tracks.frames), np.nan)
        if column is None or isinstance(column, str)
        else column.astype(float)
    )


def _times_of(frames: NDArray[Any], stack: FrameStack | None) -> NDArray[np.float64]:
    known = stack.t if stack is not None else np.zeros(0)
    inside = (frames >= 0) & (frames < len(known))
    times = np.full(len(frames), np.nan)
    times[inside] = known[frames[inside]]
    return times


def _write_curves(
    group: H5Group,
    tracks: Tracks,
    areas: NDArray[np.float64],
    numbers: list[int],
    stack: FrameStack | None,
    unit: str,
    start_iso: str,
) -> None:
    """area_vs_time: one curve for each particle, NaN where it was lost; a picture when there are many."""
    shown = np.unique(tracks.which)
    count = max(len(stack) if stack is not None else 0, int(tracks.frames.max()) + 1)
    dense = np.full((len(shown), max(count, 1)), np.nan)
    inside = tracks.frames >= 0
    dense[np.searchsorted(shown, tracks.which[inside]), tracks.frames[inside]] = areas[inside]
    curves = ensure_group(group, "area_vs_time", "NXdata")
    axis = time_axis(_times_of(np.arange(dense.shape[1]), stack), dense.shape[1])
    attributes = {"start": start_iso} if axis.name == "time" else {}
    set_axis(curves, axis.name, axis.values, "s" if axis.name == "time" else "", axis.name, **attributes)
    shown_numbers = [numbers[place] for place in shown]
    if len(shown) > layout.MAX_SIGNALS_AS_CURVES:
        describe(write_array(curves, "area", dense, signal=True), unit, f"area ({unit})")
        set_axis(curves, "particle_id", np.array(shown_numbers), "", "particle")
        make_nxdata(curves, "area", ["particle_id", axis.name], "spectrum", "Area against time")
    else:
        for row, (place, number) in enumerate(zip(shown, shown_numbers)):
            curve = write_array(curves, f"particle_{number}", dense[row], signal=True)
            name = tracks.names[place] or f"particle {number}"
            describe(curve, unit, f"{name}: area ({unit})", interpretation="spectrum")
        make_nxdata(curves, f"particle_{shown_numbers[0]}", [axis.name], "spectrum", "Area against time")
        if shown_numbers[1:]:
            import h5py

            others = np.array([f"particle_{number}" for number in shown_numbers[1:]], dtype=object)
            curves.attrs.create("auxiliary_signals", others, dtype=h5py.string_dtype())
    set_attr(group, "default", "area_vs_time")
