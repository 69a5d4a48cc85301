"""The temperature lane: every column in °C or K of a run, and every such array over time of a result, in °C."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tandem_em.desk.lanes.per_frame import series_of_frames
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import ORDER, SPARE_COLOURS, Interval, OfRun, Series
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session

CELSIUS = {"°C": 0.0, "℃": 0.0, "degC": 0.0, "celsius": 0.0, "K": -273.15, "kelvin": -273.15}
"""What is added to a temperature in each unit to have it in °C."""
COLOUR = "#ff8a5c"
NO_TEMPERATURE = "No run has a temperature column (°C or K)."


class Temperature(RunLane):
    """The temperature lane, in °C, of runs and of results."""

    kind, title, name, unit = "temperature", "Temp.", "Temperature", "°C"

    def claims(self, column: Column) -> bool:
        """Any column in °C or K, whatever it is called."""
        return to_celsius(column.unit) is not None

    def is_offered(self, session: Session) -> bool:
        """Only where there is a temperature: most sessions have none."""
        return any(self.has(run) for run in session.runs) or bool(_results(session))

    def has(self, run: BiasRun) -> bool:
        """Whether a run has samples and a temperature column."""
        return len(run) > 0 and any(self.claims(column) for column in run.columns.values())

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """A series for each temperature column, converted to °C."""
        named = [(name, column) for name, column in run.columns.items() if self.claims(column)]
        made = []
        for number, (name, column) in enumerate(named):
            words = name.replace("_", " ")
            series = series_of(
                session, run, OfRun(run, name), key=f"{self.kind} {name}", colour=COLOUR,
                name=run.name if len(named) == 1 else f"{run.name}, {words}",
                shift=to_celsius(column.unit) or 0.0, quantity=words,
            )  # fmt: skip
            # The first keeps the colour of temperature, further columns take the spare ones.
            made.append(series if not number else replace(series, role=ORDER[(number - 1) % len(ORDER)]))
        return made

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """Temperatures of runs, then those of results."""
        return [*super().curves(session, span), *_of_results(session)]

    def missing(self, session: Session, *, asked: bool) -> str:
        """That there is no such column, said only when the lane was switched on by hand."""
        return NO_TEMPERATURE if asked else ""


def to_celsius(unit: str) -> float | None:
    """What is added to have °C; None for what is no temperature."""
    return CELSIUS.get(unit, CELSIUS.get(unit.lower()))


def _results(session: Session) -> list[tuple[ResultSet, str]]:
    """Arrays of results that are temperatures over time."""
    return [
        (result, name)
        for result in session.results
        if "t_s" in result.arrays
        for name, values in result.arrays.items()
        if to_celsius(result.units.get(name, "")) is not None and values.shape == result.arrays["t_s"].shape
    ]


def _of_results(session: Session) -> list[Series]:
    made = []
    for number, (result, name) in enumerate(_results(session)):
        values = np.asarray(result.arrays[name], np.float64) + (to_celsius(result.units[name]) or 0.0)
        made.append(
            series_of_frames(
                session, result, values, key=f"{result.id}:{name}", name=result.name,
                role=ORDER[number % len(ORDER)], colour=SPARE_COLOURS[number % len(ORDER)],
            )
        )  # fmt: skip
    return made
