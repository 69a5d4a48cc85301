"""DECTRIS cameras for the registry."""

from __future__ import annotations

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.entry import FoundInstrument, Simulation, Simulator, SourceEntry
from tandem_em.sources.dectris.settings import FORM, DectrisTable
from tandem_em.sources.dectris.simulator import DectrisSimulator
from tandem_em.sources.dectris.source import DectrisSource


def _simulate(name: str, _movie: AnyArray | None, rate_hz: float) -> Simulation:
    camera = DectrisSimulator(2, frames=10_000_000, rate_hz=rate_hz)
    table = DectrisTable(name=name, address=camera.address, version=2, simulated=True)
    return Simulation(table, camera, camera.close)


DECTRIS = SourceEntry(
    kind="dectris",
    settings=DectrisTable,
    form=FORM,
    make=lambda table, _surroundings: DectrisSource(table),
    simulator=Simulator("Simulated diffraction camera", _simulate),
    usual_places=(
        FoundInstrument(
            "DECTRIS (stream 1)",
            "127.0.0.1:9999",
            DectrisTable(name="DECTRIS", address="127.0.0.1:9999", version=1),
        ),
        FoundInstrument(
            "DECTRIS (stream 2)",
            "127.0.0.1:31001",
            DectrisTable(name="DECTRIS", address="127.0.0.1:31001", version=2),
        ),
    ),
)
