"""One run of rest, charge, rest, discharge."""

from __future__ import annotations

import numpy as np

from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column

RATE_HZ, CURRENT_A, OFFSET_A = 10.0, 1e-11, 5e-14


def cycled(name: str = "cell A", start: float = 0.0, simulated: bool = False) -> BiasRun:
    """Rest, charge, rest, discharge: 100 s each at 10 pA; the voltage ramps."""
    t = start + np.arange(0, 400, 1 / RATE_HZ)
    phase = ((t - start) // 100).astype(int)
    current = np.choose(phase, [0.0, CURRENT_A, 0.0, -CURRENT_A]) + OFFSET_A
    voltage = 3.0 + np.choose(phase, [0 * t, (t - start - 100) / 100, 1 + 0 * t, (400 - t + start) / 100])
    return BiasRun(
        name=name,
        times=GrowingArray(t),
        columns={
            "voltage": Column("voltage", "V", GrowingArray(voltage)),
            "current": Column("current", "A", GrowingArray(current)),
        },
        simulated=simulated,
    )
