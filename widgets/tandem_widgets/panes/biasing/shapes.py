"""Kept fits of followed particles for the area lane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.desk.outlines import kinetics
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve

Convert = Callable[[str, Floats, str], Floats | None]


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
