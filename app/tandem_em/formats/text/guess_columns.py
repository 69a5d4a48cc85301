"""What the columns of a table mean and how their values are spelled: from headings, units and the values themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tandem_em.formats.text.guess_meaning import name_by_numbers, name_by_units
from tandem_em.formats.text.headings import counts_up
from tandem_em.formats.text.labels import (
    STEPPED,
    Label,
    dimension_of,
    plain,
    preference,
    quantity_of,
    read_label,
)
from tandem_em.formats.text.numbers import MISSING, is_number, numbers
from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.formats.text.stamps import (
    epoch_seconds,
    find_order,
    parse_clock,
    parse_date,
    parse_duration,
)
from tandem_em.formats.text.units import SI, parse_unit

Row = Sequence[str]
ELAPSED_NAME = re.compile(r"test|total|elapsed|run|duration|relative|prog|step|experiment|corrected")
EPOCH_UNITS = (1.0, 1e-3, 1e-6, 1e-9)
"""Seconds since 1970 come in these units; which one, their size says."""
DEFAULT_UNITS = {
    "current": "A", "voltage": "V", "time": "s", "capacity": "Ah", "charge_capacity": "Ah", "discharge_capacity": "Ah",
    "energy": "Wh", "charge_energy": "Wh", "discharge_energy": "Wh", "step_time": "s", "temperature": "°C", "power": "W",
    "resistance": "Ohm", "internal_resistance": "Ohm", "control_voltage": "V", "control_current": "A", "frequency": "Hz",
    "impedance_real": "Ohm", "impedance_imag": "Ohm", "impedance_abs": "Ohm", "set_temperature": "°C", "charge": "C",
    "counter_voltage": "V",
}  # fmt: skip


def guess_columns(
    settings: TextSettings,
    names: Sequence[str],
    units: Sequence[str],
    rows: Sequence[Row],
    above: Sequence[str],
    later: Sequence[Row] = (),
) -> None:
    """Fill `settings.columns`, the date order and the guesses, from headings, units and sample rows."""
    labels = [read_label(name, unit) for name, unit in zip(names, units)]
    fields = [[row[i].strip() if i < len(row) else "" for row in rows] for i in range(len(names))]
    _units_in_rows(labels, fields)
    settings.columns = [_column(label, values, settings) for label, values in zip(labels, fields)]
    if not any(names):
        name_by_numbers(settings, fields)
    elif labels[0].text in ("", "Unnamed: 0") and counts_up(fields[0]):
        settings.columns[0].kind, settings.columns[0].quantity = "index", ""
    dated = [[row[i].strip() if i < len(row) else "" for row in (*rows, *later)] for i in range(len(names))]
    _settle_dates(settings, dated, above)
    _settle_time(settings, labels, dated)
    _settle_duplicates(settings, labels)
    name_by_units(settings, labels)
    _settle_units(settings, labels, fields)


def _column(label: Label, values: Sequence[str], settings: TextSettings) -> TextColumn:
    quantity = quantity_of(label) or ""
    kind = spelling(values, settings.decimal, 0.5 if dimension_of(quantity) else 0.8)
    column = TextColumn(label.text, quantity, label.unit_text, kind, is_step=quantity in STEPPED)
    if quantity == "skip":
        column.kind, column.quantity = "index" if counts_up(values) else "skip", ""
    elif quantity == "state":
        column.kind, column.quantity = ("state", "state") if kind == "skip" else ("number", "")
    elif quantity in ("time", "datetime", "step_time", "fraction"):
        _time_column(column, label, values, settings.decimal)
    elif kind in ("stamp", "date"):
        column.quantity = "datetime"
    elif kind in ("clock", "duration"):
        column.kind, column.quantity = "skip", ""
    elif kind == "skip":
        column.quantity = ""
    if column.kind == "number" and label.unit is not None:
        column.unit, column.factor, column.offset = label.unit.si, label.unit.factor, label.unit.offset
        if re.match(r"-\s*(im|z)", label.name.lower()) and quantity == "impedance_imag":
            column.factor = -column.factor
    return column


def spelling(values: Sequence[str], decimal: str, share: float = 0.8) -> str:
    """How the values of a column are spelled; `skip` for words. `share`: so many must be numbers to call them that."""
    # fifty values show how a column is spelled
    filled = [v for v in values if v.lower() not in MISSING][:50]
    if not filled:
        return "number"
    if sum(is_number(v, decimal) for v in filled) >= share * len(filled):
        return "number"
    dated = sum(parse_date(v, "DMY") is not None or parse_date(v, "MDY") is not None for v in filled)
    clocked = sum(parse_clock(v) is not None for v in filled)
    long = sum(parse_duration(v) is not None for v in filled)
    if dated >= 0.8 * len(filled):
        return "stamp" if clocked >= 0.8 * len(filled) else "date"
    if clocked >= 0.8 * len(filled):
        return "clock"
    return "duration" if long >= 0.8 * len(filled) else "skip"


def _time_column(column: TextColumn, label: Label, values: Sequence[str], decimal: str) -> None:
    """Tell elapsed seconds, durations, times of day, day numbers and seconds since 1970 or 1904 apart."""
    name = plain(label.name)
    if column.quantity == "fraction":
        column.kind, column.quantity = ("fraction", "fraction") if column.kind == "number" else ("skip", "")
        column.factor = 1e-3 if "milli" in name or name == "msec" else 1.0
        return
    if column.kind == "clock" and column.quantity != "datetime":
        starts_at_zero = (parse_duration(values[0]) or 1e9) < 60 or parse_duration(values[0]) == 0.0
        if label.is_clock or ELAPSED_NAME.search(name) or starts_at_zero:
            column.kind = (
                "duration" if all(parse_duration(v) is not None for v in values[:5] if v) else "clock"
            )
    if column.kind == "number":
        filled, _ = numbers([v for v in values if v], decimal)
        usual = float(np.nanmedian(filled)) if np.isfinite(filled).any() else 0.0
        unit_s = label.unit.factor if label.unit is not None and label.unit.dimension == "time" else None
        _number_of_time(column, name, usual, unit_s)
    elif column.kind in ("stamp", "date", "clock"):
        column.quantity = "datetime"
    elif column.kind == "skip":
        column.quantity = ""
    if column.quantity == "step_time" and column.kind == "duration":
        column.kind, column.quantity = "skip", ""


def _number_of_time(column: TextColumn, name: str, usual: float, unit_s: float | None) -> None:
    calendar = column.quantity == "datetime" or "stamp" in name or name in ("time", "t")
    # seconds between 1998 and 2065, in whichever unit
    since_1970 = next((f for f in ((unit_s,) if unit_s else EPOCH_UNITS) if 9e8 < usual * f < 3.0e9), None)
    if calendar and since_1970:
        column.kind, column.quantity, column.factor = "epoch", "datetime", since_1970
    # seconds since 1904 between 1999 and 2037
    elif calendar and 3.0e9 < usual < 4.2e9:
        column.kind, column.quantity = "labview", "datetime"
    # day numbers of a spreadsheet between 1954 and 2119
    elif column.quantity == "datetime" and 20000 < usual < 80000:
        column.kind = "excel"
    elif column.quantity == "datetime":
        column.kind, column.quantity = "number", "time" if "time" in name else ""


def _units_in_rows(labels: list[Label], fields: Sequence[Sequence[str]]) -> None:
    """Keithley: `Reading` and `Value` have their unit in the next column called `Unit`."""
    for i, label in enumerate(labels):
        if (
            plain(label.name) not in ("reading", "value", "measurement", "source", "source value")
            or label.unit
        ):
            continue
        for j in range(i + 1, min(i + 3, len(labels))):
            if (
                plain(labels[j].name) in ("unit", "units", "reading unit", "value unit", "source unit")
                and fields[j]
            ):
                unit = parse_unit(fields[j][0])
                if unit is not None:
                    meant = {"current": "Current", "voltage": "Voltage", "resistance": "Resistance"}.get(
                        unit.dimension
                    )
                    labels[i] = Label(label.text, meant or label.name, fields[j][0], unit)
                break


def _settle_dates(settings: TextSettings, fields: Sequence[Sequence[str]], above: Sequence[str]) -> None:
    texts = [f for f, c in zip(fields, settings.columns) if c.kind in ("stamp", "date")]
    in_rows = [v for v in (texts[0] if texts else []) if v]
    others = [v for column in texts[1:] for v in column[:5] if v]
    heads = [line for line in above if parse_date(line, "DMY") or parse_date(line, "MDY")]
    order, sure = find_order(in_rows) if in_rows else find_order([*heads])
    if not sure:
        wider, wider_sure = find_order([*in_rows, *others, *heads])
        if wider_sure and wider != "YMD":
            order, sure = wider, True
    settings.date_order, settings.date_order_sure = order, sure
    if not sure:
        words = {"DMY": "day first", "MDY": "month first", "YMD": "year first"}[order]
        settings.guesses.append(
            f"Its dates can be read with the day or the month first: {words} was assumed."
        )


def _settle_time(settings: TextSettings, labels: Sequence[Label], fields: Sequence[Sequence[str]]) -> None:
    """One column says the time; others that could are kept out of its way."""
    candidates = [
        i for i, c in enumerate(settings.columns) if c.quantity == "time" and c.kind in ("number", "duration")
    ]
    absolute = any(
        c.quantity == "datetime" and c.kind in ("stamp", "epoch", "labview", "clock")
        for c in settings.columns
    )
    ranked = sorted(candidates, key=lambda i: (_falls(settings, fields, i), preference(labels[i]), i))
    if not ranked:
        return
    best: int | None = ranked[0]
    if absolute and _falls(settings, fields, ranked[0]):
        best = None
        settings.guesses.append(
            f"{labels[ranked[0]].text} starts again in the table: the dates were used as its time."
        )
    elif _falls(settings, fields, ranked[0]) and settings.column("step", "cycle", "state") >= 0:
        settings.time_restarts = True
        settings.guesses.append(
            f"{labels[ranked[0]].text} starts again in the table: its steps were put one after the other."
        )
    for i in ranked:
        if i != best:
            column = settings.columns[i]
            column.quantity = ""
            column.kind = "number" if column.kind == "number" else "skip"


def _seconds(
    settings: TextSettings, fields: Sequence[Sequence[str]], index: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    column = settings.columns[index]
    if column.kind == "duration":
        return np.array([np.nan if (s := parse_duration(v)) is None else s for v in fields[index]])
    return numbers(fields[index], settings.decimal)[0] * column.factor


def _falls(settings: TextSettings, fields: Sequence[Sequence[str]], index: int) -> bool:
    """Whether a time goes back to about its start: a step time, not the time of the test."""
    seconds = _seconds(settings, fields, index)
    seconds = seconds[np.isfinite(seconds)]
    if len(seconds) < 3:
        return False
    back = np.flatnonzero(np.diff(seconds) < 0)
    return bool(len(back)) and bool(np.any(seconds[back + 1] <= 0.5 * seconds[back]))


def _settle_duplicates(settings: TextSettings, labels: Sequence[Label]) -> None:
    """Of several columns with one meaning the best named keeps it; the others keep their headings."""
    for quantity in {c.quantity for c in settings.columns} - {"", "datetime"}:
        same = [i for i, c in enumerate(settings.columns) if c.quantity == quantity]
        for i in sorted(same, key=lambda i: (preference(labels[i]), i))[1:]:
            settings.columns[i].quantity = ""
            if settings.columns[i].kind in ("state", "fraction"):
                settings.columns[i].kind = "skip"


def _settle_units(settings: TextSettings, labels: Sequence[Label], fields: Sequence[Sequence[str]]) -> None:
    """Where a heading names no unit: from its word (`Amps`), from the dates beside it, else the usual one, and said."""
    assumed: list[str] = []
    for i, (column, label) in enumerate(zip(settings.columns, labels)):
        if column.kind != "number" or label.unit is not None or column.quantity not in DEFAULT_UNITS:
            continue
        unit = parse_unit(label.name, dimension_of(column.quantity)) if len(label.name) > 1 else None
        if unit is None or unit.dimension != dimension_of(column.quantity):
            unit = parse_unit(DEFAULT_UNITS[column.quantity])
            assert unit is not None
            if column.quantity == "time" and (factor := _pace(settings, fields, i)):
                column.factor, column.unit = factor, SI["time"]
                continue
            assumed.append(f"{column.name or column.quantity} in {DEFAULT_UNITS[column.quantity]}")
        column.unit, column.factor, column.offset = unit.si, unit.factor, unit.offset
    if assumed:
        settings.guesses.append(f"It names no units for some columns; assumed: {', '.join(assumed)}.")


def _pace(settings: TextSettings, fields: Sequence[Sequence[str]], index: int) -> float | None:
    """Seconds per unit of a time column, from the dates beside it; None when they cannot tell."""
    stamps = next((i for i, c in enumerate(settings.columns) if c.kind == "stamp"), -1)
    if stamps < 0 or len(fields[index]) < 3:
        return None
    elapsed = numbers(fields[index], settings.decimal)[0]
    order = settings.date_order
    dated = np.array([np.nan if (s := epoch_seconds(v, order)) is None else s for v in fields[stamps]])  # type: ignore[arg-type]
    span, true = float(elapsed[-1] - elapsed[0]), float(dated[-1] - dated[0])
    # stamps of whole seconds tell the unit only over a longer stretch
    if not (np.isfinite(span) and np.isfinite(true)) or span <= 0 or true < 5:
        return None
    # 30 %: the units differ by factors of 60 and more
    return next((f for f in (1.0, 1e-3, 60.0, 3600.0) if abs(span * f / true - 1) < 0.3), None)
