"""Numbers as people read them (the prefix that reads best, true minus signs, enough digits and no more) and type them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_COMPOUND = frozenset({"A/cm²", "Ah/cm²", "C/cm²", "A/g", "Ah/g", "Ah/V", "Ah/V/cm²", "F"})
"""Compound units that take a prefix."""
VOLTS_FROM_V = 0.03
"""Smaller voltages are read in mV."""
_PREFIXED = {"V", "A", "Ah", "C", "W", "J", "s", "Hz", "Ω", "e", "B"}


def prefix_for(magnitude: float, unit: str) -> tuple[float, str]:
    """Factor and unit text that bring `magnitude` to 1..1000: 2.5e-10 A gives (1e12, "pA")."""
    if unit not in _PREFIXED or not math.isfinite(magnitude) or magnitude == 0:
        return 1.0, unit
    # The small addition: log10 of 1000 may come out a hair below 3.
    exponent = min(12, max(-15, 3 * math.floor(math.log10(abs(magnitude)) / 3 + 1e-9)))
    # Nobody reads kiloseconds.
    if unit == "s" and exponent > 0:
        exponent = 0
    return 10.0**-exponent, _PREFIXES[exponent] + unit


def reading_unit(magnitude: float, unit: str) -> tuple[float, str]:
    """Factor and unit that read best, also for compound units: 4e-5 A/cm² gives (1e6, "µA/cm²")."""
    if unit == "s" and magnitude > 3 * 3600:
        return 1 / 3600, "h"
    if unit not in _COMPOUND:
        return prefix_for(magnitude, unit)
    if not (math.isfinite(magnitude) and magnitude):
        return 1.0, unit
    exponent = min(12, max(-15, 3 * math.floor(math.log10(abs(magnitude)) / 3 + 1e-9)))
    return 10.0**-exponent, _PREFIXES[exponent] + unit


def axis_unit(magnitude: float, unit: str) -> tuple[float, str]:
    """The same for an axis, on which volts stay volts down to 30 mV."""
    if unit == "V" and magnitude > VOLTS_FROM_V:
        return 1.0, unit
    return reading_unit(magnitude, unit)


def figure(value: float, digits: int = 3) -> str:
    """`digits` significant figures without exponent where it reads, and a true minus."""
    if not math.isfinite(value):
        return "–"
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    # More than six decimals are noise; such numbers have got an exponent above.
    return f"{value:.{min(decimals, 6)}f}".replace("-", "−")


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """`-9.24e-11, "A"` gives "−92.4 pA"."""
    factor, text = prefix_for(value, unit)
    return f"{figure(value * factor, digits)} {text}".rstrip()


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 line, 2 lines, 12 000 lines; `many` where the plural is not made with s."""
    # The narrow no-break space keeps the groups of digits together in a line.
    digits = f"{count:,}".replace(",", "\u202f")
    return f"{digits} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Clock text: 00:01:35."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def time_unit(length_s: float) -> tuple[float, str]:
    """Factor and unit of a time axis: hours and minutes where seconds would have many digits."""
    return (1 / 3600, "h") if length_s >= 7200 else (1 / 60, "min") if length_s >= 1200 else (1.0, "s")


def byte_size(count: float) -> str:
    """Bytes in powers of 1000, as disks are sold: 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"


# --- quantities as people type them ----------------------------------------------------------------------------------

C_RATE = "C-rate"
"""The unit of a C-rate, written C; C alone is the coulomb."""
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_NUMBER = re.compile(
    r"([-+]?)(\d{1,3}(?:[ ']\d{3})+(?!\d)|\d+|(?=[.,]\d))(?:[.,](\d*))?(?:e([-+]?\d+))?", re.IGNORECASE
)
_TIMES_TEN = re.compile(r"\s*[x×·*]\s*10\s*\^?\s*([-+]?\d+)")
_FACTOR = re.compile(r"([^\W\d_]+|%)(?:\s*\^?\s*\(?([-+]?\d+)\)?)?")
_BETWEEN = re.compile(r"\s*([/·⋅*.]|per )?\s*")
_TEN = Fraction(10)
LONGEST, MOST_POWER = 80, 200
"""Letters of a quantity, and its power of ten: more is no measurement."""
_TYPED_PREFIXES = {
    "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12,
}  # fmt: skip
_OF_LENGTHS = {"c": -2, "d": -1}

Dimensions = dict[str, int]
_A, _V, _S = {"A": 1}, {"V": 1}, {"s": 1}
_SYMBOLS: dict[str, tuple[Fraction, Dimensions]] = {
    "A": (Fraction(1), _A), "V": (Fraction(1), _V), "s": (Fraction(1), _S), "m": (Fraction(1), {"m": 1}),
    "g": (Fraction(1), {"g": 1}), "C": (Fraction(1), {"A": 1, "s": 1}), "As": (Fraction(1), {"A": 1, "s": 1}),
    "Ah": (Fraction(3600), {"A": 1, "s": 1}), "W": (Fraction(1), {"A": 1, "V": 1}),
    "J": (Fraction(1), {"A": 1, "V": 1, "s": 1}), "Wh": (Fraction(3600), {"A": 1, "V": 1, "s": 1}),
    "Ω": (Fraction(1), {"V": 1, "A": -1}), "F": (Fraction(1), {"A": 1, "s": 1, "V": -1}), "Hz": (Fraction(1), {"s": -1}),
    "eV": (Fraction(1), {"eV": 1}), "e": (Fraction(1), {"e": 1}), "B": (Fraction(1), {"B": 1}),
}  # fmt: skip
"""Units that take a prefix."""
_PLAIN: dict[str, tuple[Fraction, Dimensions]] = {
    "min": (Fraction(60), _S), "h": (Fraction(3600), _S), "d": (Fraction(86400), _S), "Å": (_TEN**-10, {"m": 1}),
    "%": (Fraction(1, 100), {}),
}  # fmt: skip
"""Units that take none; they go before a prefix and a unit, so that min is no milli-inch and d no deci."""
_WORDS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "volt": "V", "volts": "V", "amp": "A", "amps": "A",
    "ampere": "A", "amperes": "A", "ohm": "Ω", "ohms": "Ω", "coulomb": "C", "coulombs": "C", "micron": "um", "microns": "um",
    "angstrom": "Å", "angstroms": "Å", "ångström": "Å", "ang": "Å",
}  # fmt: skip
_SMALL_LETTERS = {"a": "A", "v": "V", "ah": "Ah", "hz": "Hz", "ohm": "Ω", "Ohm": "Ω"}
"""Symbols that nobody mistakes in small letters. Prefixes keep their case: m is milli and M is mega."""
_EXAMPLES = {
    "µm²": "500 µm2, 0.02 mm2 or 1e-7 cm2", "µm": "2.5 µm, 850 nm or 20 Å", "nm": "850 nm, 20 Å or 0.5 µm",
    "µAh/cm²": "80 µAh/cm² or 0.08 mAh/cm2", "µA/cm²": "40 µA/cm² or 0.04 mA/cm2", "A": "10 pA or 2.5e-9 A",
    "V": "3.6 V or 50 mV", "s": "30 s, 5 min or 2 h", "Hz": "10 Hz or 2 kHz", "C": "5 nC or 1 nAh", "V/s": "5 mV/s",
    C_RATE: "0.5, 2C or C/5", "": "12.5", "eV": "532 eV or 0.53 keV",
}  # fmt: skip


def read_quantity(text: str, unit: str, plain_factor: float = 1.0) -> float:
    """What was typed, in `unit`; ValueError with a sentence when it cannot be read.

    A number alone is in units of `plain_factor` × `unit`. Units may be spelled um2, um^2, µm² or µm^2, mAh/cm2 or
    mAh cm-2, with a blank before them or not; the number may have a decimal comma, an exponent or × 10⁻⁷.
    """
    typed, plain = text.strip(), _plain_letters(text)
    if unit == C_RATE:
        return _read_rate(plain, typed)
    # A text that long is no quantity, and the expressions need not be run on it.
    found = _NUMBER.match(plain) if len(plain) < LONGEST else None
    if found is None:
        raise ValueError(f"“{typed[:LONGEST]}” does not begin with a number.")
    sign, whole, decimals, exponent = found.groups()
    rest, power = plain[found.end() :], int(exponent or 0)
    if times := _TIMES_TEN.match(rest):
        power, rest = power + int(times[1]), rest[times.end() :]
    rest = rest.strip()
    if rest and (rest[0].isdigit() or rest[0] in ".,"):
        raise ValueError(f"“{typed}” is not one number: write for example 1234.5.")
    # Ten to a huge power would take minutes and all memory.
    if abs(power) > MOST_POWER:
        raise ValueError(f"“{typed}” is too large or too small.")
    digits = re.sub(r"\D", "", whole) + (decimals or "")
    # Exact fractions: 0.1 typed in one unit must give the same float as 100 in another.
    number = Fraction(int(sign + (digits or "0"))) * _TEN ** (power - len(decimals or ""))
    try:
        return float(number * (_factor(rest, unit, typed) if rest else Fraction(repr(plain_factor))))
    except OverflowError as error:
        raise ValueError(f"“{typed}” is too large or too small.") from error


def parse_quantity(text: str, unit: str, plain_factor: float = 1.0) -> float | None:
    """The same for callers who need no reason: None where it cannot be read."""
    try:
        return read_quantity(text, unit, plain_factor)
    except ValueError:
        return None


def field_text(value: float, unit: str, fixed: bool = False, digits: int = 5) -> tuple[str, float]:
    """A quantity as a field shows it, and its shown unit in `unit`s: 1e-11, "A" gives ("10 pA", 1e-12).

    `fixed`: always in `unit` itself.
    """
    factor, shown = (1.0, unit) if fixed else reading_unit(value, unit)
    mantissa, mark, exponent = f"{value * factor:.{digits}g}".partition("e")
    number = (f"{mantissa}e{int(exponent)}" if mark else mantissa).replace("-", "−")
    return f"{number} {'C' if shown == C_RATE else shown}".rstrip(), 1.0 / factor


def _plain_letters(text: str) -> str:
    """One spelling of what keyboards and programs write differently: micro, Ångström, squares, minus signs, blanks."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text)  # µ and μ, Å and Å, no-break blanks
    text = text.replace("μ", "u").replace("−", "-").replace("–", "-").replace("’", "'").replace("**", "^")
    return " ".join(text.split())


def _factor(rest: str, unit: str, text: str) -> Fraction:
    """How many `unit`s the typed unit is."""
    known = _unit(_plain_letters(unit))
    assert known is not None, unit
    for_example = f"write for example {_EXAMPLES.get(unit, f'1 {unit}')}"
    if rest in _TYPED_PREFIXES and unit in _PREFIXED:
        if unit == "s" and rest == "m":
            raise ValueError(f"“{text}” can be minutes or milliseconds: write min or ms.")
        return _TEN ** _TYPED_PREFIXES[rest]  # 10 p in a field of amperes
    found = _unit(rest)
    if found is None:
        raise ValueError(f"“{text}” has a unit that is not known here: {for_example}.")
    if found[1] != known[1]:
        raise ValueError(f"“{text}” cannot be brought to {unit or 'a plain number'}: {for_example}.")
    return found[0] / known[0]


def _unit(text: str) -> tuple[Fraction, Dimensions] | None:
    """Size and dimensions of a unit; a slash turns the one factor after it round: Ah/V/cm2."""
    size, place, sign = Fraction(1), 0, 1
    dimensions: Dimensions = {}
    while place < len(text):
        found = _FACTOR.match(text, place)
        one = _named(found[1]) if found is not None else None
        if found is None or one is None:
            return None
        power = sign * int(found[2] or 1)
        if abs(power) > 9:
            return None
        size *= one[0] ** power
        for name, own in one[1].items():
            dimensions[name] = dimensions.get(name, 0) + own * power
        between = _BETWEEN.match(text, found.end())
        assert between is not None
        sign, place = -1 if between[1] in ("/", "per ") else 1, between.end()
        if between[1] and place == len(text):
            return None
    return size, {name: power for name, power in dimensions.items() if power}


def _named(name: str) -> tuple[Fraction, Dimensions] | None:
    """One unit with its prefix."""
    name = _WORDS.get(name.lower(), name)
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    prefix, symbol = name[:1], name[1:]
    symbol = symbol if symbol in _SYMBOLS else _SMALL_LETTERS.get(symbol, symbol)
    if name in _SMALL_LETTERS:
        return _SYMBOLS[_SMALL_LETTERS[name]]
    power = _TYPED_PREFIXES.get(prefix, _OF_LENGTHS.get(prefix) if symbol == "m" else None)
    if power is None or symbol not in _SYMBOLS:
        return None
    size, dimensions = _SYMBOLS[symbol]
    return size * _TEN**power, dimensions


def _read_rate(plain: str, text: str) -> float:
    """`0.5`, `2C`, `C/5`, `2C/3`."""
    found = re.fullmatch(r"([^C/]*?)\s*C?\s*(?:/\s*(\d+(?:[.,]\d+)?))?\s*", plain.replace("c", "C"))
    top = parse_quantity(found[1] or "1", "") if found is not None and plain else None
    below = float(found[2].replace(",", ".")) if found is not None and found[2] else 1.0
    if top is None or not below or not math.isfinite(top / below):
        raise ValueError(f"“{text.strip()}” is not a C-rate: write for example {_EXAMPLES[C_RATE]}.")
    return top / below


_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_step(span: float, most: int) -> float:
    """The smallest round step that divides `span` into at most `most` parts."""
    if not (span > 0 and math.isfinite(span)):
        return 1.0
    rough = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values inside low..high."""
    step = round_step(high - low, most)
    # Rounding must not lose a tick that lies on the border.
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # A range far from zero but very narrow would give more ticks than fit in memory.
    if not (math.isfinite(first) and last - first < 1000):
        return []
    return [number * step for number in range(first, last + 1)]


def decimals_for(values: Sequence[float]) -> int:
    """How many decimals tell neighbouring ticks apart."""
    step = abs(values[1] - values[0]) if len(values) > 1 else abs(values[0]) if values else 1.0
    decimals = 0
    while decimals < 9 and step > 0 and abs(round(step, decimals) - step) > 1e-6 * step:
        decimals += 1
    return decimals


def tick_text(value: float, decimals: int) -> str:
    """A number at a tick, with a true minus and no minus before zero."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        # −0.0 reads as a mistake.
        text = text.lstrip("-")
    if abs(value) >= 1e6:
        text = f"{value:.3g}"
    return text.replace("-", "−")


SMALLEST = {"A": 1e-12, "C": 1e-12, "A/cm²": 1e-9}
"""Half the height of what is exactly zero: what this field measures, not 50 mA."""


def padded(low: float, high: float, share: float = 0.06, unit: str = "") -> tuple[float, float]:
    """A range with a little air; a flat or empty one gets some height."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if low == high == 0.0 and unit in SMALLEST:
        return -SMALLEST[unit], SMALLEST[unit]
    span = high - low
    if span <= 1e-12 * max(abs(low), abs(high)) or span == 0:
        span = abs(high) or 1.0
    return low - share * span, high + share * span
