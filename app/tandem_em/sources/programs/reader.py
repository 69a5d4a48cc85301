"""Biasing programs out of JSON: aurora-unicycler's schema and two steps of our own, with sentences for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tandem_em.core.notices import UserError
from tandem_em.sources.core.checked import read_json, real
from tandem_em.sources.programs.steps import (
    ConstantCurrent,
    ConstantVoltage,
    Loop,
    Program,
    Pulse,
    Ramp,
    Rest,
    Safety,
    Scan,
    Step,
    Tag,
)


def read_program(path: Path, capacity_C: float | None = None) -> Program:
    """Read a program file; `capacity_C` of the cell is used for C-rates when the file gives none."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.name} could not be read: {error}.", "Give an aurora-unicycler JSON file."
        ) from error
    return parse_program(text, path.name, capacity_C)


def parse_program(text: str, file_name: str = "The program", capacity_C: float | None = None) -> Program:
    """A program from the text of its JSON; UserError says which step and key does not fit."""
    try:
        raw = read_json(text)
    except ValueError as error:
        raise UserError(f"{file_name} is not valid JSON: {error}.", "Correct that line.") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("method"), list) or not raw["method"]:
        raise UserError(
            f'{file_name} has no list of steps called "method".', "Give an aurora-unicycler JSON file."
        )
    try:
        return _program(raw, text, file_name, capacity_C)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{file_name} has a value that does not fit: {error}.", "Correct it.") from error


def _program(raw: dict[str, Any], text: str, file_name: str, capacity_C: float | None) -> Program:
    sample, record, safety = (_table(raw, key, file_name) for key in ("sample", "record", "safety"))
    given = real(sample.get("capacity_mAh"))
    # 3.6 C are one mAh. What the file says goes before the cell.
    capacity = given * 3.6 if given > 0 else capacity_C
    reader = _Reader(file_name, capacity, raw["method"])
    steps = tuple(reader.step(number, item) for number, item in enumerate(raw["method"]))
    _check_loops(steps, file_name)
    return Program(
        steps=steps,
        name=str(sample.get("name") or ""),
        capacity_C=capacity,
        record_s=_optional(record.get("time_s")),
        safety=_safety(safety),
        source_json=text,
    )


def _table(raw: dict[str, Any], key: str, file_name: str) -> dict[str, Any]:
    found = raw.get(key) or {}
    if not isinstance(found, dict):
        raise UserError(f'{file_name}: "{key}" is not an object.', "Give an aurora-unicycler JSON file.")
    return found


def program_json(
    steps: list[dict[str, Any]], capacity_mAh: float | None = None, record_s: float = 1.0
) -> str:
    """A program file from steps as the JSON spells them (the editor in the window writes this)."""
    return json.dumps(
        {"sample": {"capacity_mAh": capacity_mAh}, "record": {"time_s": record_s}, "method": steps}, indent=1
    )


class _Reader:
    """Reads one step after another and says which key of which step does not fit."""

    def __init__(self, file_name: str, capacity_C: float | None, method: list[Any]) -> None:
        self.file_name, self.capacity_C, self.method = file_name, capacity_C, method

    def step(self, number: int, item: Any) -> Step:
        self.where = f"{self.file_name}, step {number + 1}"
        if not isinstance(item, dict) or not item.get("step"):
            raise UserError(f'{self.where} has no key "step".', "Say what it does, e.g. constant_current.")
        self.item: dict[str, Any] = item
        kind = item["step"]
        read = getattr(self, f"_read_{kind}", None)
        if read is None:
            why = " A source-meter cannot measure impedance." if kind == "impedance_spectroscopy" else ""
            raise UserError(
                f'{self.where} is a "{kind}", which TandEM does not run.{why}',
                "Known: open_circuit_voltage, constant_current, constant_voltage, ramp, pulse, voltage_scan, loop, tag.",
            )
        step: Step = read()
        return step

    def _read_open_circuit_voltage(self) -> Step:
        self._only("until_time_s")
        return Rest(self._positive("until_time_s"))

    def _read_constant_current(self) -> Step:
        self._only("rate_C", "current_mA", "until_time_s", "until_voltage_V")
        current = self._current("rate_C", "current_mA")
        if not current:
            raise UserError(
                f"{self.where} gives neither rate_C nor current_mA.", "Give one of them, not zero."
            )
        step = ConstantCurrent(current, self._may("until_voltage_V"), self._may("until_time_s"))
        if step.until_voltage_V is None and step.until_time_s is None:
            raise UserError(f"{self.where} would never end.", "Give until_voltage_V or until_time_s.")
        return step

    def _read_constant_voltage(self) -> Step:
        self._only("voltage_V", "until_time_s", "until_rate_C", "until_current_mA")
        until = self._current("until_rate_C", "until_current_mA")
        step = ConstantVoltage(
            self._number("voltage_V"), abs(until) if until else None, self._may("until_time_s")
        )
        if step.until_current_A is None and step.until_time_s is None:
            raise UserError(
                f"{self.where} would never end.", "Give until_current_mA, until_rate_C or until_time_s."
            )
        return step

    def _read_ramp(self) -> Step:
        self._only("start_voltage_V", "end_voltage_V", "start_current_mA", "end_current_mA", "until_time_s")
        duration = self._positive("until_time_s")
        if "end_voltage_V" in self.item:
            return Ramp(
                "voltage",
                _optional(self.item.get("start_voltage_V")),
                self._number("end_voltage_V"),
                duration,
            )
        start = _optional(self.item.get("start_current_mA"))
        end = self._number("end_current_mA") * 1e-3
        return Ramp("current", None if start is None else start * 1e-3, end, duration)

    def _read_pulse(self) -> Step:
        self._only("rate_C", "current_mA", "pulse_s", "base_mA", "base_s", "count")
        count = self._number("count")
        if count < 1 or count != int(count):
            raise UserError(f'{self.where}: "count" is {count:g}.', "Give a whole number of pulses.")
        return Pulse(
            pulse_A=self._current("rate_C", "current_mA") or 0.0,
            pulse_s=self._positive("pulse_s"),
            base_A=(self._may("base_mA") or 0.0) * 1e-3,
            base_s=self._positive("base_s"),
            count=int(count),
        )

    def _read_voltage_scan(self) -> Step:
        self._only("start_voltage_V", "end_voltage_V", "scan_rate_mV_per_s")
        return Scan(
            self._number("start_voltage_V"),
            self._number("end_voltage_V"),
            self._positive("scan_rate_mV_per_s") * 1e-3,
        )

    def _read_loop(self) -> Step:
        self._only("loop_to", "cycle_count")
        # Loops count from 1 in the file.
        to, count = self.item.get("loop_to", 1), self._positive("cycle_count")
        if isinstance(to, str):
            tags = [
                i for i, each in enumerate(self.method) if isinstance(each, dict) and each.get("tag") == to
            ]
            if len(tags) != 1:
                raise UserError(
                    f'{self.where} loops to the tag "{to}", which is there {len(tags)} times.', "Correct it."
                )
            return Loop(tags[0], int(count))
        return Loop(int(to) - 1, int(count))

    def _read_tag(self) -> Step:
        return Tag(str(self.item.get("tag", "")))

    def _only(self, *keys: str) -> None:
        for key in self.item:
            # Unknown keys are refused: a misspelled limit would be no limit.
            if key not in (*keys, "step", "id"):
                raise UserError(
                    f'{self.where} has an unknown key "{key}".', f"Known here: {', '.join(keys)}."
                )

    def _number(self, key: str) -> float:
        value = self._read(key)
        if value is None:
            raise UserError(f'{self.where} needs the key "{key}".', "Add it.")
        return value

    def _positive(self, key: str) -> float:
        value = self._number(key)
        if not value > 0:
            raise UserError(f'{self.where}: "{key}" is {value:g}.', "It must be greater than zero.")
        return value

    def _may(self, key: str) -> float | None:
        """A number; missing, empty and zero all mean: not given."""
        return self._read(key) or None

    def _read(self, key: str) -> float | None:
        try:
            return _optional(self.item.get(key))
        except (TypeError, ValueError) as error:
            raise UserError(
                f'{self.where}: "{key}" is {self.item[key]!r}, which is not a number.', "Correct it."
            ) from error

    def _current(self, rate_key: str, current_key: str) -> float | None:
        """Amperes from a C-rate (which goes first, as in the schema) or from mA."""
        try:
            rate = c_rate(self.item.get(rate_key))
        except ValueError as error:
            raise UserError(
                f'{self.where}: "{rate_key}" is {self.item[rate_key]!r}.', "Write C/5 or 0.2."
            ) from error
        if rate:
            if self.capacity_C is None:
                raise UserError(
                    f"{self.where} uses a C-rate, but the capacity is not known.", "Give capacity_mAh."
                )
            return rate * self.capacity_C / 3600
        current = self._may(current_key)
        return None if current is None else current * 1e-3


def c_rate(value: Any) -> float | None:
    """0.2, "0.2", "1/5", "C/5", "2C/3", and "D/2" for discharge (negative)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        return float(value)
    text = value.replace(" ", "").upper()
    if "/" not in text:
        return float(text)
    top, bottom = text.split("/", 1)
    # D for discharge, as cycler programs write it.
    sign = -1.0 if "D" in top else 1.0
    return sign * float(top.replace("C", "").replace("D", "") or 1.0) / float(bottom)


def _optional(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return float(value)


def _safety(raw: dict[str, Any]) -> Safety:
    milli = {"low_A": "min_current_mA", "high_A": "max_current_mA"}
    found = {key: _optional(raw.get(name)) for key, name in milli.items()}
    charge = _optional(raw.get("max_capacity_mAh"))
    return Safety(
        low_V=_optional(raw.get("min_voltage_V")),
        high_V=_optional(raw.get("max_voltage_V")),
        charge_C=None if charge is None else charge * 3.6,
        **{key: None if value is None else value * 1e-3 for key, value in found.items()},
    )


def _check_loops(steps: tuple[Step, ...], file_name: str) -> None:
    for number, step in enumerate(steps):
        if isinstance(step, Loop):
            # A loop over nothing but tags would never let time pass.
            inside = steps[max(step.to, 0) : number]
            if step.to < 0 or step.to >= number or all(isinstance(each, Tag | Loop) for each in inside):
                raise UserError(
                    f"{file_name}, step {number + 1} loops to step {step.to + 1}, so nothing would be repeated.",
                    "A loop goes back to a step before it, with a step that takes time between them.",
                )
