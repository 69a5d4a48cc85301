"""Outlines of all particles of a stack as one ragged table, and area against time for other programs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage import layout
from tandem_em.storage.compress import write_array
from tandem_em.storage.writer_fields import hints_of, remove, set_attr
from tandem_em.storage.writer_json import alternatives, to_json
from tandem_em.storage.writer_nexus import (
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
Rows = list[tuple[int, int, Outline]]
"""(frame, particle number, outline), sorted."""


def write_tracks(
    group: Any, particles: list[tuple[int, Particle]], stack: FrameStack | None, start_iso: str
) -> None:
    """Write the outlines of one stack's particles; `particles` are (number of its group, particle)."""
    set_attr(group, "NX_class", "NXprocess")
    set_text(group, "program", "TandEM")
    rows: Rows = sorted(
        (
            (frame, number, outline)
            for number, particle in particles
            for frame, outline in particle.outlines.items()
        ),
        key=lambda row: row[:2],
    )
    for name in ("outlines", "table", "area_vs_time"):
        remove(group, name)
    if "default" in group.attrs:
        del group.attrs["default"]
    if not rows:
        return
    _write_outlines(group, rows)
    _write_areas(group, rows, particles, stack, start_iso)


def _write_outlines(group: Any, rows: Rows) -> None:
    vertices = [np.asarray(outline.polygon, np.float64).reshape(-1, 2) for _, _, outline in rows]
    counts = np.array([len(polygon) for polygon in vertices], np.uint32)
    frames = np.array([frame for frame, _, _ in rows], np.int32)
    outlines = ensure_group(group, "outlines", "NXcg_polygon")
    outlines["dimensionality"] = np.uint32(2)
    outlines["cardinality"] = np.uint64(len(rows))
    outlines["number_of_total_vertices"] = np.uint64(counts.sum())
    set_text(outlines, "description", DESCRIPTION)
    polygons = ensure_group(outlines, "polygons", "NXcg_face_list_data_structure")
    polygons["number_of_faces"] = np.uint64(len(rows))
    polygons["vertices_are_unique"] = np.bool_(False)
    if counts.sum():
        describe(write_array(polygons, "vertices", np.concatenate(vertices)), "px", "vertices x, y")
    write_array(polygons, "number_of_vertices", counts)
    write_array(polygons, "faces", np.arange(int(counts.sum()) or 1, dtype=np.uint64))
    write_array(polygons, "first_vertex", np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.uint64))
    write_array(polygons, "frame", frames)
    write_array(polygons, "particle_id", np.array([number for _, number, _ in rows], np.int32))
    write_array(polygons, "parent_row", np.full(len(rows), -1, np.int32))
    if frames.min() >= 0:
        write_array(
            polygons,
            "frame_first_row",
            np.searchsorted(frames, np.arange(frames.max() + 2)).astype(np.uint32),
        )
    _write_columns(polygons, [outline for _, _, outline in rows])


def _write_columns(polygons: Any, outlines: list[Outline]) -> None:
    """Every other field of an outline as a column: numbers as numbers, anything else as one JSON list."""
    hints = hints_of(Outline)
    for field in dataclasses.fields(Outline):
        if field.name == "polygon":
            continue
        values = [getattr(outline, field.name) for outline in outlines]
        number_type = next((t for t in (bool, int, float) if alternatives(hints[field.name]) == (t,)), None)
        if number_type is not None and all(
            isinstance(value, (bool, int, float, np.number, np.bool_)) for value in values
        ):
            dtype = {bool: np.uint8, int: np.int64, float: np.float64}[number_type]
            column = write_array(polygons, f"outline_{field.name}", np.array(values).astype(dtype))
            unit = "px^2" if field.name.startswith("area") else layout.unit_of(field.name)
            describe(column, unit, field.name)
        else:
            polygons[f"outline_{field.name}"] = to_json(values, Any)


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
        x, y = (vertices - np.repeat(origins, counts, axis=0)).T
        cross = x * y[following] - x[following] * y
        areas = np.add.reduceat(cross, starts) / 2
        flat = areas == 0
        sums = np.stack([np.add.reduceat((v + v[following]) * cross, starts) for v in (x, y)], axis=1)
        centres = origins + sums / np.where(flat, np.nan, 6 * areas)[:, None]
        means = np.add.reduceat(vertices, starts, axis=0) / counts[:, None]
    out[usable, 0] = np.abs(areas)
    out[usable, 1:] = np.where(flat[:, None], means, centres)
    return out


def _write_areas(
    group: Any, rows: Rows, particles: list[tuple[int, Particle]], stack: FrameStack | None, start_iso: str
) -> None:
    pixel, unit = (stack.pixel_nm, "nm") if stack is not None and stack.pixel_nm else (1.0, "px")
    frames = np.array([frame for frame, _, _ in rows], np.int64)
    times = _times_of(frames, stack)
    shapes = shapes_of([np.asarray(outline.polygon, np.float64).reshape(-1, 2) for _, _, outline in rows])
    measured = np.array([outline.area_px for _, _, outline in rows], np.float64)
    with np.errstate(all="ignore"):
        areas = np.where(np.isfinite(measured), measured, shapes[:, 0]) * pixel**2
    status = np.array([1 if o.is_key else 2 if o.confidence < 0.5 else 0 for _, _, o in rows], np.uint8)
    table = ensure_group(group, "table")
    for name, values, units in (
        ("time", times, "s"), ("area", areas, f"{unit}^2"), ("frame", frames.astype(np.int32), ""),
        ("particle_id", np.array([number for _, number, _ in rows], np.int32), ""),
        ("centroid_x", shapes[:, 1] * pixel, unit), ("centroid_y", shapes[:, 2] * pixel, unit), ("status", status, ""),
    ):  # fmt: skip
        describe(write_array(table, name, values), units, name)
    table["status"].attrs["flags"] = STATUS_FLAGS
    count = len(stack) if stack is not None else 0
    _write_curves(
        group, rows, areas, particles, stack, max(count, int(frames.max()) + 1), f"{unit}^2", start_iso
    )


def _times_of(frames: NDArray[np.int64], stack: FrameStack | None) -> NDArray[np.float64]:
    known = stack.t if stack is not None else np.zeros(0)
    inside = (frames >= 0) & (frames < len(known))
    times = np.full(len(frames), np.nan)
    times[inside] = known[frames[inside]]
    return times


def _write_curves(
    group: Any,
    rows: Rows,
    areas: NDArray[np.float64],
    particles: list[tuple[int, Particle]],
    stack: FrameStack | None,
    count: int,
    unit: str,
    start_iso: str,
) -> None:
    """area_vs_time: one curve for each particle, NaN where it was lost; a picture when there are many."""
    numbers = [number for number, particle in particles if particle.outlines]
    order = {number: row for row, number in enumerate(numbers)}
    dense = np.full((len(numbers), count), np.nan)
    for (frame, number, _outline), area in zip(rows, areas):
        if 0 <= frame < count:
            dense[order[number], frame] = area
    curves = ensure_group(group, "area_vs_time", "NXdata")
    axis = time_axis(_times_of(np.arange(count), stack), count)
    attributes = {"start": start_iso} if axis.name == "time" else {}
    set_axis(curves, axis.name, axis.values, "s" if axis.name == "time" else "", axis.name, **attributes)
    if len(numbers) > layout.MAX_SIGNALS_AS_CURVES:
        describe(write_array(curves, "area", dense, signal=True), unit, f"area ({unit})")
        set_axis(curves, "particle_id", np.array(numbers), "", "particle")
        make_nxdata(curves, "area", ["particle_id", axis.name], "spectrum", "Area against time")
    else:
        names = {number: particle.name or f"particle {number}" for number, particle in particles}
        for row, number in enumerate(numbers):
            curve = write_array(curves, f"particle_{number}", dense[row], signal=True)
            describe(curve, unit, f"{names[number]}: area ({unit})", interpretation="spectrum")
        make_nxdata(curves, f"particle_{numbers[0]}", [axis.name], "spectrum", "Area against time")
        if numbers[1:]:
            import h5py

            others = np.array([f"particle_{number}" for number in numbers[1:]], dtype=object)
            curves.attrs.create("auxiliary_signals", others, dtype=h5py.string_dtype())
    set_attr(group, "default", "area_vs_time")
