"""More curves of followed particles for the area lane: perimeter, circularity, path of the centroid, and kept fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk import kinetics, particles_table
from tandem_em.desk.particles import DOUBT
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_widgets.parts import theme
from tandem_widgets.parts.lanes_curves import Curve

Floats = NDArray[np.float64]
Convert = Callable[[str, Floats, str], Floats | None]
SHAPES = ("perimeter", "circularity", "centroid")
"""Modes that need the outlines themselves; the others are made of areas."""


def shape_rows(particle: Particle, stack: FrameStack, mode: str) -> tuple[Floats, Floats, Floats] | None:
    """Value, lower and upper limit in every frame; None when the pixel size is needed and unknown."""
    if mode != "circularity" and not stack.pixel_nm:
        return None
    sure = {frame: outline for frame, outline in particle.outlines.items() if outline.confidence >= DOUBT}
    found = particles_table.measured(stack, replace(particle, outlines=sure))
    if mode == "centroid":
        start = found.centroid_nm[min(sure, default=0)]
        far = np.hypot(*(found.centroid_nm - start).T)
        return far, np.maximum(0, far - found.centroid_error_nm), far + found.centroid_error_nm
    shown = found.perimeter_nm if mode == "perimeter" else found.circularity
    return shown.value, shown.low, shown.high


def kept_fits(session: Session, shown: dict[str, Curve], convert: Convert) -> list[Curve]:
    """The likeliest model of each particle whose kinetics are kept, in the unit of the lane.

    `shown` holds the area curves by particle; `convert(particle_id, area, unit)` brings fitted areas to their unit.
    """
    curves = []
    for result in session.results:
        curve = shown.get(result.owner_id)
        if result.analysis != kinetics.KINETICS or curve is None:
            continue
        model = result.values["models"][0]["name"]
        y = convert(
            result.owner_id, np.asarray(result.arrays[f"fit {model}"], np.float64), result.values["area_unit"]
        )
        if y is not None:
            curves.append(
                Curve(
                    f"{result.id}:fit", f"{curve.label}, {model}", theme.active().text,
                    np.asarray(result.arrays["t_s"], np.float64), y, is_main=False,
                    is_stale=kinetics.is_stale(session, result),
                )
            )  # fmt: skip
    return curves
