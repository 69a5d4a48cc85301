"""What columns mean when their headings do not say it: from the numbers themselves, or from a unit only one column has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tandem_em.formats.text.labels import Label
from tandem_em.formats.text.numbers import numbers
from tandem_em.formats.text.settings import TextColumn, TextSettings


def name_by_numbers(settings: TextSettings, fields: Sequence[Sequence[str]]) -> None:
    """Columns without headings: a sweep of frequencies with an impedance, Keithley's V, I, R, t, or a rising time."""
    columns = [c for c in settings.columns if c.kind == "number"]
    values = [numbers(f, settings.decimal)[0] for f, c in zip(fields, settings.columns) if c.kind == "number"]
    if not columns or len(values[0]) < 2 or any(c.quantity == "datetime" for c in settings.columns):
        _name_rest(columns, values)
        return
    if len(columns) == 3 and _is_sweep(values[0]):
        for column, quantity in zip(columns, ("frequency", "impedance_real", "impedance_imag")):
            column.quantity = column.name = quantity
        settings.guesses.append(
            "The first column rises by a constant factor: read as frequency, then Re(Z) and Im(Z)."
        )
    elif len(columns) == 5 and np.nanmax(np.abs(values[2])) > 9e37 and np.all(np.diff(values[3]) >= 0):
        for column, quantity in zip(columns, ("voltage", "current", "resistance", "time", "status")):
            column.quantity = column.name = quantity
        settings.guesses.append(
            "Five columns as a source meter sends them: voltage, current, resistance, time, status."
        )
    elif len(values[0]) > 3 and np.all(np.diff(values[0]) > 0):
        columns[0].quantity, columns[0].name = "time", "time"
        settings.guesses.append("The first column rises all the way: read as time.")
        _name_rest(columns[1:], values[1:])


def name_by_units(settings: TextSettings, labels: Sequence[Label]) -> None:
    """`Bias (V)`, or PalmSens' bare `µA`: the only column in volts is the voltage, the only one in amperes the current."""
    timed = any(c.quantity in ("time", "datetime") for c in settings.columns)
    for quantity in ("voltage", "current") if timed else ("time", "voltage", "current"):
        if any(column.quantity == quantity for column in settings.columns):
            continue
        alike = [
            (column, label)
            for column, label in zip(settings.columns, labels)
            if column.kind == "number" and label.unit is not None and label.unit.dimension == quantity
        ]
        if len(alike) == 1 and not alike[0][0].quantity:
            column, label = alike[0]
            column.quantity = quantity
            named = f"{column.name!r}, the only column" if column.name else "The only column"
            settings.guesses.append(f"{named} in {label.unit_text} was read as {quantity}.")


def _name_rest(
    columns: Sequence[TextColumn], values: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]
) -> None:
    """One column of volts and one of (much smaller) amperes, when there are just two."""
    if len(columns) == 2 and all(np.isfinite(v).any() for v in values):
        big = [float(np.nanmedian(np.abs(v))) for v in values]
        # amperes of a cell in a microscope are far smaller than its volts
        if min(big) < 0.01 * max(big) and 0.01 < max(big) < 10:
            first = "voltage" if big[0] > big[1] else "current"
            second = "current" if first == "voltage" else "voltage"
            for column, quantity in zip(columns, (first, second)):
                column.quantity = column.name = quantity


def _is_sweep(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    if len(values) < 3 or np.any(values <= 0):
        return False
    steps = np.diff(np.log(values))
    return bool(np.all(steps > 0) or np.all(steps < 0)) and float(np.ptp(steps)) < 0.1 * abs(
        float(np.mean(steps))
    )
