"""A source from outside, whole in one file: a thermometer with its table, form, simulator and entry."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.entry import Simulation, Simulator, SourceEntry
from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable
from tandem_em.sources.core.threaded import ThreadedSource


class ThermometerTable(SourceTable):
    kind: Literal["thermometer"] = "thermometer"
    address: str
    rate_hz: float = Field(default=50.0, gt=0, le=1000)
    calibration: Path | None = None


class ThermometerSource(ThreadedSource):
    kind: ClassVar[str] = "thermometer"

    def __init__(self, table: ThermometerTable) -> None:
        super().__init__(table.name)
        self._table = table

    def describe(self) -> SourceDescription:
        return SourceDescription(
            name=self._name, kind=self.kind, units={"temperature": "°C"}, simulated=self._table.simulated
        )

    def _connect(self) -> None:
        pass

    def _pump(self) -> None:
        if not self._stopping.wait(1.0 / self._table.rate_hz):
            now = host_now()
            self._put_samples([now], [now], {"temperature": [21.5]})

    def _disconnect(self) -> None:
        pass


def _simulate(name: str, _movie: AnyArray | None, rate_hz: float) -> Simulation:
    table = ThermometerTable(name=name, address="here", rate_hz=rate_hz, simulated=True)
    return Simulation(table, None, lambda: None)


THERMOMETER = SourceEntry(
    kind="thermometer",
    settings=ThermometerTable,
    form=SourceForm(
        "Thermometer",
        "Room",
        "How warm it is beside the microscope.",
        (
            NAME,
            FormField("address", "Port", hint="COM3"),
            FormField("rate_hz", "Samples", "quantity", "Hz", "Readings per second"),
            FormField("calibration", "Calibration", "file", advanced=True),
        ),
    ),
    make=lambda table, _surroundings: ThermometerSource(table),
    simulator=Simulator("Simulated thermometer", _simulate),
)
