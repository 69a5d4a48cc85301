"""Outlines back from the ragged table of `writer_tracks`."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Group
from tandem_em.model.tracks import Outline
from tandem_em.storage.codec.fields import hints_of
from tandem_em.storage.codec.read_fields import FieldError, child
from tandem_em.storage.codec.read_json import from_json


def read_tracks(group: H5Group) -> dict[int, dict[int, Outline]]:
    """Outlines by particle number, then by frame. FieldError when the table contradicts itself."""
    polygons = child(group, "outlines/polygons")
    if polygons is None:
        return {}
    counts = _column(polygons, "number_of_vertices").astype(np.int64)
    starts = _column(polygons, "first_vertex").astype(np.int64)
    frames, numbers = _column(polygons, "frame"), _column(polygons, "particle_id")
    stored = child(polygons, "vertices")
    vertices = np.zeros((0, 2)) if stored is None else stored[...]
    if (
        vertices.ndim != 2
        or vertices.shape[1] != 2
        or not len(counts) == len(starts) == len(frames) == len(numbers)
    ):
        raise FieldError("the outlines do not fit together")
    if len(counts) and (starts.min() < 0 or counts.min() < 0 or int((starts + counts).max()) > len(vertices)):
        raise FieldError("outlines point beyond their vertices")
    columns = _fields(polygons, len(counts))
    tracks: dict[int, dict[int, Outline]] = {}
    for row, (start, count, frame, number) in enumerate(
        zip(starts.tolist(), counts.tolist(), frames.tolist(), numbers.tolist())
    ):
        values = {name: column[row] for name, column in columns.items()}
        # a copy: a view would keep the vertices of all particles in memory
        polygon = vertices[start : start + count].copy()
        tracks.setdefault(number, {})[frame] = Outline(polygon=polygon, **values)
    return tracks


def _column(polygons: H5Group, name: str) -> Any:
    stored = child(polygons, name)
    if stored is None or getattr(stored, "ndim", 0) != 1:
        raise FieldError(f"the column {name} of the outlines is missing")
    return stored[...]


def _fields(polygons: H5Group, count: int) -> dict[str, list[Any]]:
    """The other fields of every outline, as far as they are stored."""
    hints = hints_of(Outline)
    found: dict[str, list[Any]] = {}
    for field in dataclasses.fields(Outline):
        stored = child(polygons, f"outline_{field.name}")
        if field.name == "polygon" or stored is None:
            continue
        if stored.shape == ():
            values = from_json(stored.asstr()[()], Any)
        else:
            values = stored[...].tolist()
            if hints[field.name] is bool:
                values = [bool(value) for value in values]
        if len(values) != count:
            raise FieldError(f"the column {field.name} of the outlines has another length")
        found[field.name] = values
    return found
