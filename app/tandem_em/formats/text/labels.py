"""Column headings: what `Ewe/V`, `Test Time (s)`, `I_mA` or `Channel B Current` mean, and in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tandem_em.formats.text.units import CLOCK_UNIT, Unit, parse_unit


@dataclass(frozen=True)
class Label:
    """A heading taken apart: `name` without its unit, the unit's text and (when known) what it means."""

    text: str
    name: str
    unit_text: str = ""
    unit: Unit | None = None
    is_clock: bool = False
    """The unit says the values are spelled hh:mm:ss."""


_SLASH = re.compile(r"^(?P<name>.+?)\s*/\s*(?P<unit>[^/]+)$")
_BRACKETS = re.compile(r"^(?P<name>.*?)[\s_]*[\[({]\s*(?P<unit>[^\[\](){}]+?)\s*[\])}]$")
_TAIL = re.compile(r"^(?P<name>.+?)[\s_,]+(?P<unit>[^\s_,]+)$")
_NAME_SLASH_UNIT = re.compile(r"[^/\[(]+/[\w%°µμΩ.^²-]+")
_WARM = re.compile(r"temp|^t ?(set|meas)?$|^t\d*$|temperature", re.IGNORECASE)


def read_label(text: str, unit_text: str = "") -> Label:
    """Take a heading apart; `unit_text` is what a separate row of units says."""
    text = " ".join(text.replace("\ufeff", "").strip().strip('"').split())
    given = unit_text.strip().strip("[]()")
    if given:
        return Label(text, text, given, _unit(text, given), bool(CLOCK_UNIT.search(given)))
    if text.count("/") > 1 and re.fullmatch(r"control/V/mA", text):
        return Label(text, text)  # volts in some rows, milliamperes in others
    for pattern in (_SLASH, _BRACKETS, _TAIL):
        match = pattern.match(text)
        if match is None:
            continue
        name, spelled = match["name"].strip(), match["unit"].strip()
        is_clock = bool(CLOCK_UNIT.search(spelled)) and pattern is _BRACKETS
        unit = None if is_clock else _unit(name, spelled)
        if pattern is _TAIL and not (unit and _tail_is_unit(name, spelled, unit)):
            continue
        if unit is not None or is_clock or (pattern is _BRACKETS and name):
            return Label(text, name, spelled, unit, is_clock)
    slash = (
        _SLASH.match(text) if _NAME_SLASH_UNIT.fullmatch(text) and text not in ("dV/dt", "ox/red") else None
    )
    if slash is None or parse_unit(slash["name"]) is not None:  # `mAh/g` is a unit and no name
        return Label(text, text)
    return Label(text, slash["name"], slash["unit"])


def _unit(name: str, spelled: str) -> Unit | None:
    return parse_unit(spelled, "temperature" if _WARM.search(plain(name)) else "")


def _tail_is_unit(name: str, spelled: str, unit: Unit) -> bool:
    """`current_mA` and `voltage volt` name units; in `Channel A` or `Battery C` the last letter is part of the name."""
    if plain(f"{name} {spelled}") in ("fractional seconds", "frac seconds"):
        return False
    if len(spelled) > 1 and spelled.lower() not in ("time", "current", "voltage"):
        found = quantity_of(Label(name, name))
        return found is None or dimension_of(found) in ("", unit.dimension)
    found = quantity_of(Label(name, name))
    return found is not None and dimension_of(found) == unit.dimension


def plain(name: str) -> str:
    """Lower case words: `Charge_Capacity` → `charge capacity`, `TestTime` → `test time`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[^\w#<>|()%+-]+|_", " ", spaced).lower().split())


_RULES: tuple[tuple[str, str, str], ...] = (
    # quantity, dimension, pattern on the plain name; earlier wins
    ("skip", "", r"rec(ord)?( ?(id|number|no|index))?#?|index|data ?point|pt|point|sample|row|line|#|no|test id"),
    ("skip", "", r"(记录|数据)?序号"),
    ("skip", "", r".*\b(uncertainty|std|stdev|deviation|limit|range digits|disp digits)\b.*"),
    ("step_time", "time", r".*\b(step|segment|half cycle|cycle (dis)?charge) ?time\b.*|t ?step|relative time in step"),
    ("skip", "", r".*\b(load|start|end|on|off|cycle) ?(on )?time"),
    ("time", "time", r"test ?time|total ?time|time total|total ?test ?time|overall time"),
    ("time", "time", r"elapsed( time)?|time elapsed|run ?time|experiment ?time|prog(ram)? ?time|duration"),
    ("time", "time", r"time|times|zeit|temps|tiempo|x value|(.* )?time ?stamps?|relative ?time|~ ?time|rel time"),
    ("time", "time", r"(相对|测试|总|运行)?时间|時間"),
    ("datetime", "", r"date ?(and|&)? ?time.*|abs(olute)?( |_)?time|real ?time|dpt ?time|system ?time|utc.*|uts"),
    ("datetime", "", r"(绝对|系统)时间|日期"),
    ("datetime", "", r"unix.*|epoch.*|time stamp .*|date ?stamp|record ?time|date|datum|fecha|ts|when"),
    ("time", "time", r"corrected time|.*\btime|t|measurement time"),
    ("fraction", "time", r"fractional seconds?|frac(tion)? ?sec(onds)?|milliseconds?|msec"),
    ("state", "", r"state|status|md|mode|step ?(type|state)|instruction ?name|step ?name|operation|type|chg ?type"),
    ("state", "", r"(工步)?(状态|类型|名称)"),
    ("current_range", "", r"i ?range|current ?range|ie ?range|irange|range( i)?"),
    ("overload", "", r"over|compliance|in compliance|error|ovld"),
    ("control_voltage", "voltage", r"control( v)?|v ?sig|sig|(set|target|source|applied|prog(rammed)?) ?(v|volt(age)?)"),
    ("control_current", "current", r"control( i| ma)?|(set|target|source|applied|prog(rammed)?) ?(i|curr(ent)?)"),
    ("voltage", "voltage", r"<?e ?we>?|<?e ?cell>?|vf|voltage|([mu] )?volts?|u|v|e|cell ?voltage|v ?cell|e ?vs.*|potential"),
    ("voltage", "voltage", r"(measured|meas|smu|sample|battery|output|test) ?(v|volt(s|age)?)|volt(s|age)? ?(meas.*|\d)?"),
    ("voltage", "voltage", r"spannung|tension|ewe.*|v ?(meas.*|heat|load|\d+)|potential.*|channel \w+ voltage|.*\bvoltage"),
    ("voltage", "voltage", r"voltage vs.*|.*\bpotential|vdc|<?ewe.*|working ?electrode|电压|電圧"),
    ("counter_voltage", "voltage", r"<?e ?ce>?|counter ?(v|volt(age)?)"),
    ("current", "current", r"<?i>?|im|current|([munpµ] )?amps?|curr?|cell ?current|i ?cell|measured current|strom|courant"),
    ("current", "current", r"(meas|measured|smu|sample|battery|output|test) ?(i|curr(ent)?|amps)|i ?(meas.*|heat|\d+)"),
    ("current", "current", r"current ?(meas.*|\d)?|channel \w+ current|i ?(mean|avg)|.*\bcurrent|idc|电流|電流"),
    ("charge_energy", "energy", r"(charge|charging|chg) ?energy|energy ?(charge|chg)|.*cumulative charg.* energy"),
    ("discharge_energy", "energy", r"(discharge|discharging|dchg|dischg) ?energy|energy ?(discharge|dchg)"),
    ("charge_capacity", "charge", r"(charge|charging|chg|charg) ?cap(acity)?|q ?(charge|chg)|cap(acity)? ?(charge|chg)"),
    ("discharge_capacity", "charge",
     r"(discharge|discharging|dchg|dischg|dis) ?cap(acity)?|q ?(discharge|dchg)|cap(acity)? ?(discharge|dchg)"),
    ("charge", "charge", r"\(q-qo\)|charge|cumulative charge|net capacity"),
    ("capacity", "charge", r"capa ?city|cap|([mu] )?amp ?-?hr|ah|q charge discharge"),
    ("energy", "energy", r"\|?energy\|?|([mu] )?watt ?-?hr|wh"),
    ("power", "power", r"power|p ?heat|watts"),
    ("temperature", "temperature", r"t ?meas|temp(erature)?( ?\d| meas.*)?|channel \w+ temp.*|(cell|aux|sample) ?temp.*"),
    ("temperature", "temperature", r"aux temperature \d|t\d?|station temp.*|temp.*|.*\btemperature"),
    ("set_temperature", "temperature", r"t ?set|(set|target) ?temp.*"),
    ("frequency", "frequency", r"freq(uency)?"),
    ("impedance_imag", "resistance", r"-?im\(z\)|-?z ?(imag|im)|zimag|im z|z''|-z''"),
    ("impedance_real", "resistance", r"re\(z\)|z ?(real|re)|zreal|re z|z'"),
    ("impedance_abs", "resistance", r"\|z\||zmod|z ?mod(ulus)?|magnitude"),
    ("impedance_phase", "angle", r"phase\(z\)|zphz|phase|theta"),
    ("resistance", "resistance", r"resistance|r ?heat|ohms?|r ?meas|channel \w+ resistance"),
    ("internal_resistance", "resistance", r"internal ?resistance.*|dcir.*"),
    ("internal_resistance", "resistance", r"acr|ac ?imp.*"),
    ("cycle", "", r"cy ?cle( ?(number|no|index|id|c|count))?#?|cyc#?|z cycle|cycle c|循环(号|序号)?"),
    ("half_cycle", "", r"half ?cycle"),
    ("step", "", r"工步(号|序号)?"),
    ("step", "", r"step( ?(index|number|no|id))?#?|ns"),
    ("loop", "", r"loop.*"),
)  # fmt: skip
RULES = tuple((quantity, dimension, re.compile(pattern)) for quantity, dimension, pattern in _RULES)
LETTERS = {
    "p": ("power", "power"),
    "f": ("frequency", "frequency"),
    "r": ("resistance", "resistance"),
    "q": ("charge", "charge"),
}
"""Single letters that mean a quantity only beside its unit."""
STEPPED = {
    "cycle",
    "step",
    "loop",
    "half_cycle",
    "current_range",
    "control_voltage",
    "control_current",
    "overload",
}
"""Quantities that hold their value until the next sample."""


def dimension_of(quantity: str) -> str:
    """The dimension of a quantity (`voltage`, `charge` …); empty for counters, states and times of day."""
    return next((d for q, d, _ in RULES if q == quantity), "")


def quantity_of(label: Label) -> str | None:
    """The quantity a heading means; None when nobody knows. A unit of another dimension overrules the name."""
    return _match(label)[0]


def preference(label: Label) -> int:
    """Smaller is the better candidate when two headings mean the same quantity."""
    return _match(label)[1]


def _match(label: Label) -> tuple[str | None, int]:
    name = plain(label.name)
    if name in LETTERS and label.unit is not None and label.unit.dimension == LETTERS[name][1]:
        return LETTERS[name][0], len(RULES)
    if label.name == "T" and not label.unit_text:
        return "temperature", len(RULES)
    for rank, (quantity, dimension, pattern) in enumerate(RULES):
        if dimension and label.unit_text and not label.is_clock:
            if label.unit is None or label.unit.dimension != dimension:
                continue
        elif label.unit is not None and quantity not in ("skip", "datetime"):
            continue
        if pattern.fullmatch(name):
            return quantity, rank
    return None, len(RULES)
