"""Steps of a biasing program in a form: amperes and C-rates as people type them, the program file's keys below."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tandem_em.core.texts import parse_quantity, quantity
from tandem_em.desk.live.forms import FormField

Step = dict[str, Any]
CURRENT_HINT = "for example 250 pA, −1 nA or C/5"
TIME = FormField(
    "until_time_s", "Until time", "quantity", "s", "The step ends after this long", hint="no limit"
)


@dataclass(frozen=True)
class StepText:
    """A kind of step in words, and what a new one is."""

    title: str
    tip: str
    new: Step
    fields: tuple[FormField, ...]


STEPS: dict[str, StepText] = {
    "open_circuit_voltage": StepText(
        "Rest", "0 A; the voltage is watched", {"until_time_s": 10.0},
        (FormField("until_time_s", "Duration", "quantity", "s"),),
    ),
    "constant_current": StepText(
        "Constant current", "Until a voltage is reached or the time has passed", {"current_mA": 1e-6, "until_time_s": 60.0},
        (FormField("current", "Current", hint=CURRENT_HINT, tip="In A with a prefix, or as a C-rate: C/5, or D/5 for discharge"),
         FormField("until_voltage_V", "Until voltage", "quantity", "V", "The step ends when this voltage is reached",
              hint="no limit"),
         TIME),
    ),
    "constant_voltage": StepText(
        "Constant voltage", "Approached slowly, then held", {"voltage_V": 3.8, "until_time_s": 60.0},
        (FormField("voltage_V", "Voltage", "quantity", "V"),
         FormField("until_current", "Until current below", hint="no limit, or for example 10 pA or C/50"), TIME),
    ),
    "ramp": StepText(
        "Ramp", "From the present value, or from a start value, to an end value", {"end_voltage_V": 4.0, "until_time_s": 60.0},
        (FormField("quantity", "Quantity", "choice", choices=(("voltage", "Voltage"), ("current", "Current"))),
         FormField("start", "From", hint="present value"), FormField("end", "To", hint="for example 4.1 V or 1 nA"),
         FormField("until_time_s", "Duration", "quantity", "s")),
    ),
    "pulse": StepText(
        "Pulses", "A current pulse, then a base current, repeated",
        {"current_mA": 1e-6, "pulse_s": 5.0, "base_mA": 0.0, "base_s": 10.0, "count": 3},
        (FormField("current", "Current", hint=CURRENT_HINT), FormField("pulse_s", "For", "quantity", "s"),
         FormField("base", "Then", hint="0 A"), FormField("base_s", "For", "quantity", "s"),
         FormField("count", "Pulses", "quantity", "")),
    ),
    "voltage_scan": StepText(
        "Voltage scan", "A linear sweep", {"start_voltage_V": 3.6, "end_voltage_V": 4.0, "scan_rate_mV_per_s": 5.0},
        (FormField("start_voltage_V", "From", "quantity", "V"), FormField("end_voltage_V", "To", "quantity", "V"),
         FormField("scan_rate_mV_per_s", "mV per second", "quantity", "")),
    ),
    "loop": StepText(
        "Loop", "Repeat from an earlier step", {"loop_to": 1, "cycle_count": 3},
        (FormField("loop_to", "Back to step", "quantity", ""), FormField("cycle_count", "Total runs", "quantity", "")),
    ),
}  # fmt: skip


def new_step(kind: str) -> Step:
    """A step of this kind with usual values, as a program file holds it."""
    return {"step": kind, **STEPS[kind].new}


def values_of(step: Step) -> dict[str, Any]:
    """What the form shows of a step."""
    values = dict(step)
    values["current"] = _current_text(step, "rate_C", "current_mA")
    values["until_current"] = _current_text(step, "until_rate_C", "until_current_mA")
    values["base"] = _shown(step.get("base_mA") or 0.0, "A", 1e-3)
    if step["step"] == "ramp":
        is_current = "end_current_mA" in step
        values["quantity"] = "current" if is_current else "voltage"
        for key in ("start", "end"):
            values[key] = (
                _current_text(step, "", f"{key}_current_mA")
                if is_current
                else _shown(step.get(f"{key}_voltage_V"), "V")
            )
    return values


def changed_step(step: Step, key: str, value: Any) -> Step:
    """The step with one field of the form changed."""
    made = dict(step)
    if key == "current":
        _set_current(made, value, "rate_C", "current_mA")
    elif key == "until_current":
        _set_current(made, value, "until_rate_C", "until_current_mA")
    elif key == "base":
        made["base_mA"] = _milli(value or "0")
    elif key in ("start", "end", "quantity"):
        return _changed_ramp(step, key, value)
    elif key in ("count", "loop_to", "cycle_count") and value is not None:
        made[key] = int(value)
    else:
        made[key] = value
    return made


def _changed_ramp(step: Step, key: str, value: Any) -> Step:
    kind = value if key == "quantity" else ("current" if "end_current_mA" in step else "voltage")
    unit = "current_mA" if kind == "current" else "voltage_V"
    made = {"step": "ramp", "until_time_s": step.get("until_time_s")}
    for place in ("start", "end"):
        made[f"{place}_{unit}"] = step.get(f"{place}_{unit}", 0.0 if place == "end" else None)
        if place == key:
            made[f"{place}_{unit}"] = _milli(value) if kind == "current" else _typed(value, "V")
    return {name: each for name, each in made.items() if each is not None}


def _current_text(step: Step, rate_key: str, current_key: str) -> str:
    rate = step.get(rate_key)
    if rate not in (None, ""):
        return rate.strip("“”") if isinstance(rate, str) else f"{rate:g}C"
    current = step.get(current_key)
    return _shown(current, "A", 1e-3)


def _shown(value: Any, unit: str, factor: float = 1.0) -> str:
    """A value of the step in the form; what could not be read stays as it was typed."""
    if value is None or isinstance(value, str):
        return (value or "").strip("“”")
    return f"{value:g} V" if unit == "V" else quantity(value * factor, unit, 4)


def _set_current(step: Step, text: str, rate_key: str, current_key: str) -> None:
    """Amperes when a unit or a plain number says so, else a C-rate; what cannot be read is kept for the reader to name."""
    # a current is given in one way only
    step.pop(rate_key, None)
    step.pop(current_key, None)
    current = _milli(text)
    if isinstance(current, float):
        step[current_key] = current
    elif text:
        rate = text.upper().replace("−", "-").replace(" ", "").replace(",", ".")
        # C/5 keeps its C, 0.5C loses it: the file knows both forms
        rate = rate.removesuffix("C") if rate.endswith("C") and "/" not in rate else rate
        step[rate_key] = rate if re.fullmatch(r"[-+.\dECD/]+", rate) else f"“{text}”"


def _typed(text: str, unit: str) -> float | str | None:
    """The value in the base unit; what cannot be read is kept in quotes, so that the reader of the program names it."""
    text = (text or "").strip()
    found = parse_quantity(text, unit)
    # what is not understood is kept in quotes: the check names it, and it can be put right
    return found if found is not None or not text else f"“{text}”"


def _milli(text: str) -> float | str | None:
    found = _typed(text, "A")
    return found * 1e3 if isinstance(found, float) else found
