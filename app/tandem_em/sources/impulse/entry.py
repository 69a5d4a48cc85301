"""DENSsolutions Impulse for the registry."""

from __future__ import annotations

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.entry import FoundInstrument, Simulation, Simulator, SourceEntry
from tandem_em.sources.impulse.settings import FORM, ImpulseTable
from tandem_em.sources.impulse.simulator import ImpulseSimulator
from tandem_em.sources.impulse.source import ImpulseSource


def _simulate(name: str, _movie: AnyArray | None, rate_hz: float) -> Simulation:
    holder = ImpulseSimulator(rate_hz=rate_hz)
    table = ImpulseTable(name=name, address=holder.address, control=holder.control, simulated=True)
    return Simulation(table, holder, holder.close)


IMPULSE = SourceEntry(
    kind="impulse",
    settings=ImpulseTable,
    form=FORM,
    make=lambda table, _surroundings: ImpulseSource(table),
    simulator=Simulator("Simulated DENSsolutions holder", _simulate),
    usual_places=(
        FoundInstrument(
            "DENSsolutions Impulse",
            "127.0.0.1:5556",
            ImpulseTable(name="Impulse", address="127.0.0.1:5556", control="127.0.0.1:5557"),
        ),
    ),
)
