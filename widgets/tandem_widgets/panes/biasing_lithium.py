"""The lithium lane: x in LixSi from the swelling of each particle and from the charge, on one axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tandem_em.desk import lithium
from tandem_em.model.curves import BiasRun, Cell
from tandem_widgets.parts import theme
from tandem_widgets.parts.lanes_curves import Curve

NO_SWELLING = "Follow a silicon particle: its swelling is read as lithium."


def swelling(volumes: Iterable[Curve]) -> list[Curve]:
    """Volume ratios as x, with their limits."""
    made = []
    for curve in volumes:
        if curve.is_main:
            curve.y = lithium.x_from_volume(np.asarray(curve.y, np.float64))
            if curve.band is not None:
                low, high = (lithium.x_from_volume(np.asarray(side, np.float64)) for side in curve.band)
                curve.band = low, high
            made.append(curve)
    return made


def charges(
    passed: Iterable[tuple[BiasRun, Curve]], swollen: list[Curve], cell_of: Callable[[BiasRun], Cell | None]
) -> list[Curve]:
    """The charge of the runs that were recorded meanwhile, zero where the movie begins.

    With the capacity of the electrode it is an estimate of its own. Without, it is scaled to the mean swelling at its
    height; the label says how much silicon that would be: where the curves part, charge went elsewhere.
    """
    made = []
    for run, curve in passed:
        known = lithium.x_per_coulomb(cell_of(run))
        start, height = _height(curve, swollen)
        begin, end = curve.value_at(start), curve.value_at(height[0])
        scale = known if known is not None else height[1] / (end - begin) if end != begin else np.nan
        if not np.isfinite(begin) or not np.isfinite(scale):
            continue
        curve.key, curve.colour = f"{run.id}:lithium", theme.active().text  # no colour of a particle
        curve.label = "charge" if known is not None else f"charge, if {lithium.silicon_um3(scale):.2g} µm³ Si"
        curve.factor, curve.shift = scale, -begin * scale
        made.append(curve)
    return made


def _height(charge: Curve, swollen: list[Curve]) -> tuple[float, tuple[float, float]]:
    """When the movie began, and the moment of the greatest mean swelling while the run went on with that mean."""
    if not swollen:
        return np.nan, (np.nan, np.nan)
    times = np.unique(np.concatenate([curve.x for curve in swollen]))
    values = [np.interp(times, curve.x, np.nan_to_num(curve.y)) for curve in swollen]
    mean = np.mean(values, axis=0)
    inside = (times >= charge.session(charge.x[0])) & (times <= charge.session(charge.x[-1]))
    if not inside.any():
        return np.nan, (np.nan, np.nan)
    at = int(np.argmax(np.where(inside, mean, -np.inf)))
    return float(times[inside][0]), (float(times[at]), float(mean[at]))
