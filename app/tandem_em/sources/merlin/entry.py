"""Merlin cameras for the registry."""

from __future__ import annotations

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.entry import FoundInstrument, Simulation, Simulator, SourceEntry
from tandem_em.sources.merlin.settings import FORM, MerlinTable
from tandem_em.sources.merlin.simulator import MerlinSimulator
from tandem_em.sources.merlin.source import MerlinSource


def _simulate(name: str, movie: AnyArray | None, rate_hz: float) -> Simulation:
    camera = MerlinSimulator(frames=10_000_000, rate_hz=rate_hz, movie=movie)
    table = MerlinTable(name=name, address=camera.address, control=camera.control, simulated=True)
    return Simulation(table, camera, camera.close)


MERLIN = SourceEntry(
    kind="merlin",
    settings=MerlinTable,
    form=FORM,
    make=lambda table, _surroundings: MerlinSource(table),
    simulator=Simulator("Simulated camera", _simulate, shows_movie=True),
    usual_places=(
        FoundInstrument(
            "Merlin",
            "127.0.0.1:6342",
            MerlinTable(name="Merlin", address="127.0.0.1:6342", control="127.0.0.1:6341"),
        ),
    ),
)
