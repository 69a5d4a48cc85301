"""The lithium lane: x in LixSi from the swelling of each particle, from the charge and from EELS maps, on one axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tandem_em.desk.eels import lithium_of_sites
from tandem_em.desk.lanes import lithium_numbers
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve

NO_SWELLING = "Follow a silicon particle: its swelling is read as lithium."


def swelling(volumes: Iterable[Curve]) -> list[Curve]:
    """Volume ratios as x, with their limits."""
    made = []
    for curve in volumes:
        if curve.is_main:
            curve.y = lithium_numbers.x_from_volume(np.asarray(curve.y, np.float64))
            if curve.band is not None:
                low, high = (
                    lithium_numbers.x_from_volume(np.asarray(side, np.float64)) for side in curve.band
                )
                curve.band = low, high
            made.append(curve)
    return made


def charges(
    passed: Iterable[tuple[BiasRun, Curve]], swollen: list[Curve], cell_of: Callable[[BiasRun], Cell | None]
) -> list[Curve]:
    """The charge of the runs that were recorded meanwhile, as x."""
    made = []
    for run, curve in passed:
        reach = np.array([curve.session(curve.x[0]), curve.session(curve.x[-1])])
        swelling = [(np.asarray(c.x, np.float64), np.asarray(c.y, np.float64)) for c in swollen]
        scaled = lithium_numbers.charge_as_x(
            lithium_numbers.x_per_coulomb(cell_of(run)), reach, swelling, curve.value_at
        )
        if scaled is not None:
            curve.key, curve.colour = f"{run.id}:lithium", theme.active().text  # no colour of a particle
            curve.label, curve.factor = scaled.label, scaled.per_coulomb
            curve.shift = -scaled.zero_C * scaled.per_coulomb
            made.append(curve)
    return made


def measured(session: Session) -> list[Curve]:
    """What was read from maps: a level as long as the map took, with its error."""
    return [
        Curve(
            key=each.key, label=each.name, colour=each.colour, x=np.array([each.start, each.end]),
            y=np.full(2, each.x), error=np.full(2, each.error), is_stale=each.is_stale,
        )
        for each in lithium_of_sites.readings(session)
    ]  # fmt: skip
