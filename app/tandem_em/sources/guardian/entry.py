"""Source-meters behind their guardian, for the registry."""

from __future__ import annotations

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.core.entry import Simulation, Simulator, SourceEntry, Surroundings
from tandem_em.sources.guardian.source import GuardedSource, limits_from
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.settings import FORM, ScpiTable
from tandem_em.sources.scpi.simulator import SimulatedMeter


def _guarded(table: ScpiTable, surroundings: Surroundings) -> Source:
    return GuardedSource(table, limits_from(surroundings.limits), surroundings.owner)


def _simulate(name: str, _movie: AnyArray | None, _rate_hz: float) -> Simulation:
    server = ScpiServer(SimulatedMeter("2400", BatteryCell(capacity_C=2e-7, resistance_ohm=2e6)))
    table = ScpiTable(name=name, address=server.address, compliance_A=1e-7, simulated=True)
    return Simulation(table, server, server.close)


SCPI = SourceEntry(
    kind="scpi",
    settings=ScpiTable,
    form=FORM,
    make=_guarded,
    holds_itself=True,
    simulator=Simulator("Simulated source-meter", _simulate),
)
