"""Forms as data: which fields a source has, in words, with units, choices and tips. A window draws them; no Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["text", "quantity", "yes", "choice", "file", "folder"]


@dataclass(frozen=True)
class FormField:
    """One field of a form. `key` is the one of the set-up file, which also knows what values it takes."""

    key: str
    label: str
    kind: FieldKind = "text"
    unit: str = ""
    tip: str = ""
    hint: str = ""
    """Shown while the field is empty."""
    choices: tuple[tuple[object, str], ...] = ()
    """Values and the words for them."""
    advanced: bool = False
    """Not on the face of the form."""


@dataclass(frozen=True)
class SourceForm:
    """A kind of source in words."""

    title: str
    name: str
    """What a new one is called."""
    about: str
    fields: tuple[FormField, ...] = ()


NAME = FormField("name", "Name", tip="Name in the window and in the file")
POLL = FormField(
    "poll_s", "Check every", "quantity", "s", "How often the file or folder is checked", advanced=True
)

SESSION_FIELDS = (FormField("name", "Name of the session", hint="name of the set-up"),)
CELL_FIELDS = (
    FormField("name", "Cell", hint="not named"),
    FormField("chemistry", "Chemistry", hint="for example LiCoO2 | LiPON | Si"),
    FormField("area_um2", "Electrode area", "quantity", "µm²", "For current densities", hint="unknown"),
    FormField("capacity_uAh_cm2", "Full charge", "quantity", "µAh/cm²", "For C-rates", hint="unknown"),
)  # fmt: skip
LIMIT_FIELDS = (
    FormField("low_V", "Voltage from", "quantity", "V", "Below this the output is switched off", hint="no limit"),
    FormField("high_V", "Voltage to", "quantity", "V", "Above this the output is switched off", hint="no limit"),
    FormField("current_A", "Current at most", "quantity", "A", "In either direction", hint="no limit"),
    FormField("charge_C", "Charge at most", "quantity", "C", "Charge passed since the start of the program", hint="no limit"),
    FormField("rate_V_per_s", "Voltage change at most", "quantity", "V/s", "Measured over 0.4 s", hint="no limit"),
    FormField("jump_V", "Voltage jump at most", "quantity", "V",
              "Between two readings at an unchanged set point: open contact or short", hint="no limit"),
)  # fmt: skip
