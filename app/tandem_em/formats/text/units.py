"""Units as instruments spell them, and how to bring them to SI: `A.h`, `µA`, `Degrees C`, `hh:mm:ss` …"""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIXES = {
    "": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3,
    "K": 1e3, "M": 1e6, "G": 1e9,
}  # fmt: skip
PREFIX_WORDS = {
    "femto": 1e-15, "pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3, "centi": 1e-2, "kilo": 1e3, "mega": 1e6,
}  # fmt: skip

SI = {
    "time": "s", "current": "A", "voltage": "V", "charge": "C", "energy": "J", "power": "W", "resistance": "Ω",
    "temperature": "°C", "frequency": "Hz", "capacitance": "F", "angle": "°", "ratio": "%", "conductance": "S",
}  # fmt: skip
"""The unit a dimension is kept in."""

_SYMBOLS: dict[str, tuple[str, float]] = {
    "A": ("current", 1.0), "V": ("voltage", 1.0), "W": ("power", 1.0), "J": ("energy", 1.0), "C": ("charge", 1.0),
    "Ah": ("charge", 3600.0), "Wh": ("energy", 3600.0), "As": ("charge", 1.0), "Ω": ("resistance", 1.0),
    "Ohm": ("resistance", 1.0), "ohm": ("resistance", 1.0), "Hz": ("frequency", 1.0), "F": ("capacitance", 1.0),
    "s": ("time", 1.0), "S": ("conductance", 1.0),
}  # fmt: skip
_WORDS: dict[str, tuple[str, float]] = {
    "ampere": ("current", 1.0), "amperes": ("current", 1.0), "amps": ("current", 1.0), "amp": ("current", 1.0),
    "ampdc": ("current", 1.0), "ampac": ("current", 1.0), "volt": ("voltage", 1.0), "volts": ("voltage", 1.0),
    "voltdc": ("voltage", 1.0), "voltac": ("voltage", 1.0), "watt": ("power", 1.0), "watts": ("power", 1.0),
    "joule": ("energy", 1.0), "joules": ("energy", 1.0), "coulomb": ("charge", 1.0), "coulombs": ("charge", 1.0),
    "ohms": ("resistance", 1.0), "ohm": ("resistance", 1.0), "hertz": ("frequency", 1.0), "hz": ("frequency", 1.0),
    "amphr": ("charge", 3600.0), "amphour": ("charge", 3600.0), "amperehour": ("charge", 3600.0), "ah": ("charge", 3600.0),
    "amphours": ("charge", 3600.0), "watthr": ("energy", 3600.0), "watthour": ("energy", 3600.0), "wh": ("energy", 3600.0),
    "watthours": ("energy", 3600.0), "mah": ("charge", 3.6), "mwh": ("energy", 3.6), "second": ("time", 1.0),
    "seconds": ("time", 1.0), "sec": ("time", 1.0), "secs": ("time", 1.0), "min": ("time", 60.0), "mins": ("time", 60.0),
    "minute": ("time", 60.0), "minutes": ("time", 60.0), "h": ("time", 3600.0), "hr": ("time", 3600.0),
    "hrs": ("time", 3600.0), "hour": ("time", 3600.0), "hours": ("time", 3600.0), "d": ("time", 86400.0),
    "day": ("time", 86400.0), "days": ("time", 86400.0), "msec": ("time", 1e-3), "usec": ("time", 1e-6),
    "%": ("ratio", 1.0), "percent": ("ratio", 1.0), "deg": ("angle", 1.0), "°": ("angle", 1.0), "degree": ("angle", 1.0),
    "degrees": ("angle", 1.0), "rad": ("angle", 57.29577951308232),
}  # fmt: skip
_CELSIUS = {"°c", "ºc", "degc", "degreec", "degreesc", "celsius", "degreecelsius", "degreescelsius", "℃"}


@dataclass(frozen=True)
class Unit:
    """What a unit measures, and SI value = number × factor + offset."""

    dimension: str
    factor: float = 1.0
    offset: float = 0.0

    @property
    def si(self) -> str:
        """The unit that values are kept in after factor and offset."""
        return SI[self.dimension]


def _cleaned(text: str) -> str:
    """`V vs. Ref.` → `V`; `A.h`, `A·h`, `A*h`, `A-hr` lose what stands between."""
    text = re.split(r"\s+(?:vs\.?|versus)\b", text.strip(), flags=re.IGNORECASE)[0]
    return re.sub(r"[\s.·*_∙-]", "", text).replace("\N{OHM SIGN}", "Ω")


def parse_unit(text: str, hint: str = "") -> Unit | None:
    """The unit this text names; None when it names none. `hint` (a dimension) settles `C`: coulomb or Celsius."""
    cleaned = _cleaned(text)
    if not cleaned:
        return None
    lower = cleaned.lower()
    if lower in _CELSIUS or (lower == "c" and hint == "temperature"):
        return Unit("temperature")
    if cleaned in ("K", "Kelvin", "kelvin"):
        return Unit("temperature", 1.0, -273.15)
    # F alone is farad: only the heading can make it Fahrenheit
    if cleaned in ("°F", "F", "degF") and hint == "temperature":
        return Unit("temperature", 5 / 9, -160 / 9)
    return _symbol(cleaned) or _word(lower) or _prefixed_word(cleaned)


def _symbol(cleaned: str) -> Unit | None:
    """A prefix and a symbol; upper and lower case count (mA is not MA)."""
    # the longest symbol first: `Ah` before `h`, `Ohm` before `m`
    for symbol in sorted(_SYMBOLS, key=len, reverse=True):
        if cleaned.endswith(symbol) and cleaned[: -len(symbol)] in PREFIXES:
            prefix = cleaned[: -len(symbol)]
            dimension, factor = _SYMBOLS[symbol]
            return Unit(dimension, factor * PREFIXES[prefix])
    return None


def _word(lower: str) -> Unit | None:
    for prefix, scale in [("", 1.0), *PREFIX_WORDS.items()]:
        rest = lower[len(prefix) :]
        if lower.startswith(prefix) and rest in _WORDS:
            dimension, factor = _WORDS[rest]
            return Unit(dimension, factor * scale)
    return None


def _prefixed_word(cleaned: str) -> Unit | None:
    """`mAmps`, `uVolts`, `mAmphr`: one letter before a word of at least three."""
    prefix, rest = cleaned[:1], cleaned[1:].lower()
    if len(rest) < 3 or prefix not in PREFIXES or rest not in _WORDS:
        return None
    dimension, factor = _WORDS[rest]
    return Unit(dimension, factor * PREFIXES[prefix])


CLOCK_UNIT = re.compile(r"h+:m(m|in)?", re.IGNORECASE)
"""`hh:mm:ss.xxx`, `h:min:s.ms`: the values are spelled as a clock, not a number."""
