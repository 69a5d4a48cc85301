"""Units as microscope files write them, turned into nm, eV and s; None where a unit is something else."""

from __future__ import annotations

import math

LENGTH_NM: dict[str, float] = {
    "m": 1e9, "meter": 1e9, "meters": 1e9, "metre": 1e9, "cm": 1e7, "centimeter": 1e7, "mm": 1e6, "millimeter": 1e6,
    "inch": 2.54e7, "µm": 1e3, "um": 1e3, "µ": 1e3, "micron": 1e3, "microns": 1e3, "micrometer": 1e3,
    "micrometre": 1e3, "micrometers": 1e3, "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometre": 1.0,
    "å": 0.1, "a": 0.1, "ang": 0.1, "angstrom": 0.1, "angstroms": 0.1, "ångström": 0.1,
    "pm": 1e-3, "picometer": 1e-3, "picometers": 1e-3,
}  # fmt: skip
ENERGY_EV: dict[str, float] = {"mev": 1e-3, "ev": 1.0, "kev": 1e3}
TIME_S: dict[str, float] = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3,
    "µs": 1e-6, "us": 1e-6, "microsecond": 1e-6, "ns": 1e-9, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
ANGLES = ("mrad", "rad", "deg", "°", "degree", "degrees")


def clean(unit: object) -> str:
    """A unit as text, with one µ, without brackets and decoration."""
    if isinstance(unit, bytes):
        unit = unit.decode("utf-8", "replace")
    text = str(unit if unit is not None else "").strip().strip("\x00").strip()
    # the ångström sign and the letter Å are two characters
    text = text.replace("\u03bc", "µ").replace("\\u00B5", "µ").replace("Å", "Å")
    if text.lower() in ("<undefined>", "undefined", "none", "pixel", "pixels", "px", "[]", "unknown", "null"):
        return ""
    return text.strip("[]")


def length_nm(unit: object) -> float | None:
    """nm per unit; None for units that are not lengths (1/nm, mrad, nothing)."""
    return LENGTH_NM.get(clean(unit).lower())


def energy_eV(unit: object) -> float | None:
    """eV per unit. `Energy loss (eV)` counts as eV; meV and MeV are told apart (EELS never has MeV)."""
    text = clean(unit)
    if "(" in text and text.endswith(")"):
        text = text[text.rindex("(") + 1 : -1].strip()
    if text == "MeV":
        return 1e6
    return ENERGY_EV.get(text.lower())


def time_s(unit: object) -> float | None:
    """Seconds per unit; None for units that are not times."""
    return TIME_S.get(clean(unit).lower())


def is_reciprocal(unit: object) -> bool:
    """Whether a unit is that of a diffraction pattern: 1/length or an angle."""
    text = clean(unit).lower().replace(" ", "")
    return text.startswith("1/") or text.endswith(("^-1", "-1", "⁻¹")) or text in ANGLES


def number(value: object) -> float | None:
    """A finite float from whatever a tag holds; None when it is no number."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool) or value is None:
        return None
    try:
        out = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return out if math.isfinite(out) else None


def positive(value: object) -> float | None:
    """A finite number above zero; None otherwise (instruments write 0 or -1 for unknown)."""
    out = number(value)
    return out if out is not None and out > 0 else None
