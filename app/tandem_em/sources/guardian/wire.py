"""What window and guardian say to each other: orders one way, answers the other, each a line of JSON.

Every message is a frozen dataclass; the names of its fields are spelled here and nowhere else. What is no message, or
lacks a field, or has one of the wrong type, is refused with a sentence and changes nothing. One exception: an order
that can only make the cell safer is obeyed however badly its reason is spelled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

from tandem_em.sources.core.base import EventCategory
from tandem_em.sources.core.checked import read_json
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.core.plain_fields import FieldError, from_plain, to_plain
from tandem_em.sources.guardian.soft_limits import CellLimits
from tandem_em.sources.programs.runner import ProgramProgress
from tandem_em.sources.scpi.meter import MeterSettings, MeterState, Mode

GuardState = Literal[
    "connecting", "watching", "program", "paused", "as found", "safe", "tripped", "lost", "ended"
]
"""watching: 0 A at open circuit; as found: the output is as somebody else left it; safe: off on request."""
EMERGENCY = "Emergency stop."


class GuardianFormatError(ValueError):
    """A message that is not understood; the text is a sentence."""


@dataclass(frozen=True)
class GuardConfig:
    """Everything the guardian must know about the instrument and the cell."""

    name: str
    model: str
    address: str
    rate_hz: float = 10.0
    start: Literal["open circuit", "as is"] = "open circuit"
    settings: MeterSettings = field(default_factory=MeterSettings)
    limits: CellLimits = field(default_factory=CellLimits)
    origin_host: float = 0.0
    """Host time of device second 0: the timeline goes on when a new guardian takes over."""
    stays_off: str = ""
    """Why the output was switched off before; it stays off until somebody rearms."""


@dataclass(frozen=True)
class LinkSettings:
    """How the instrument is talked to."""

    timeout_s: float = 0.8
    backend: str = "auto"
    baud_rate: int = 9600


# --- from the window -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Configure:
    """The first order of all. `owner`: under which name the instrument is owned; None: under none."""

    do: ClassVar[str] = "configure"
    config: GuardConfig
    link: LinkSettings
    owner: Owner | None


@dataclass(frozen=True)
class Beat:
    """The window is alive."""

    do: ClassVar[str] = "beat"


@dataclass(frozen=True)
class RunProgram:
    """`json`: the text of the program. `capacity_C` turns C-rates into amperes."""

    do: ClassVar[str] = "program"
    json: str
    name: str = "The program"
    capacity_C: float | None = None


@dataclass(frozen=True)
class Pause:
    """The program waits at 0 A."""

    do: ClassVar[str] = "pause"


@dataclass(frozen=True)
class Resume:
    """A paused program goes on."""

    do: ClassVar[str] = "resume"


@dataclass(frozen=True)
class Skip:
    """The present step of the program ends."""

    do: ClassVar[str] = "skip"


@dataclass(frozen=True)
class Abort:
    """The program ends; open circuit at 0 A, watched."""

    do: ClassVar[str] = "abort"


@dataclass(frozen=True)
class Apply:
    """A set point by hand (A or V)."""

    do: ClassVar[str] = "apply"
    mode: Mode
    level: float


@dataclass(frozen=True)
class SetLimits:
    """Other limits for the cell, from now on."""

    do: ClassVar[str] = "limits"
    limits: CellLimits


@dataclass(frozen=True)
class Stop:
    """Output off in high impedance, at once."""

    do: ClassVar[str] = "stop"
    why: str = EMERGENCY


@dataclass(frozen=True)
class Rearm:
    """After a stop: open circuit at 0 A, watched again."""

    do: ClassVar[str] = "rearm"


@dataclass(frozen=True)
class Quit:
    """Make the cell safe and end."""

    do: ClassVar[str] = "quit"


@dataclass(frozen=True)
class NotUnderstood:
    """What came instead of an order, as a sentence."""

    do: ClassVar[str] = ""
    sentence: str


Order = (
    Configure
    | Beat
    | RunProgram
    | Pause
    | Resume
    | Skip
    | Abort
    | Apply
    | SetLimits
    | Stop
    | Rearm
    | Quit
    | NotUnderstood
)
ORDERS: dict[str, type[Any]] = {each.do: each for each in get_args(Order) if each.do}


def order_line(order: Order) -> bytes:
    """An order on its way to the guardian."""
    return _line({"do": order.do, **to_plain(order)})


def read_order(line: bytes) -> Order:
    """An order that has arrived. Never raises: what is none is `NotUnderstood`, and says why."""
    try:
        raw = read_json(line)
    except ValueError:
        return NotUnderstood("An order was not understood: it is no JSON.")
    return order_from(raw)


def order_from(raw: Any) -> Order:
    """The same of a decoded line."""
    if not isinstance(raw, dict):
        return NotUnderstood("An order was not understood: it is no object.")
    do = raw.get("do")
    kind = ORDERS.get(do) if isinstance(do, str) else None
    if kind is None:
        return NotUnderstood(f"The order {repr(do)[:60]} is not known.")
    if kind is Stop:  # whatever is wrong with its reason
        return Stop(str(raw.get("why") or EMERGENCY))
    if not fields(kind):  # there is nothing in it to misunderstand
        return kind()
    try:
        return from_plain(kind, _without(raw, "do"), nan=False)
    except FieldError as error:
        return NotUnderstood(f"The order {do!r} was not understood: it {error}.")


# --- from the guardian -----------------------------------------------------------------------------------------------

Row = tuple[float, float, float, float, float]
"""Device time, host time (s), voltage (V), current (A), number of the step (NaN: no program runs)."""


@dataclass(frozen=True)
class Ready:
    """The instrument has answered: who it is and how it was found."""

    say: ClassVar[str] = "ready"
    idn: str
    found: MeterState


@dataclass(frozen=True)
class Samples:
    """Rows of readings; `segment`: a new stretch begins with them."""

    say: ClassVar[str] = "samples"
    rows: tuple[Row, ...]
    segment: bool


@dataclass(frozen=True)
class Happened:
    """An event for the log of the session, at a host time."""

    say: ClassVar[str] = "event"
    text: str
    category: EventCategory
    host: float
    data: dict[str, Any]


@dataclass(frozen=True)
class StateNow:
    """How the cell is. `output_on` None: not known, so it may be on."""

    say: ClassVar[str] = "state"
    state: GuardState
    message: str
    output_on: bool | None
    verified: bool
    mode: Mode
    level: float
    charge_C: float


@dataclass(frozen=True)
class ProgramNow:
    """Where the program is, also when it has just ended."""

    say: ClassVar[str] = "progress"
    progress: ProgramProgress


@dataclass(frozen=True)
class ClockNow:
    """How well device and host time are known of each other (s)."""

    say: ClassVar[str] = "clock"
    round_trip_s: float
    anchor_s: float


@dataclass(frozen=True)
class Refused:
    """The guardian ends without having touched the instrument, and says why."""

    say: ClassVar[str] = "refused"
    title: str
    advice: str


@dataclass(frozen=True)
class Bye:
    """The last word. `verified`: the instrument itself says that its output is off."""

    say: ClassVar[str] = "bye"
    verified: bool
    host: float


Answer = Ready | Samples | Happened | StateNow | ProgramNow | ClockNow | Refused | Bye
ANSWERS: dict[str, type[Any]] = {each.say: each for each in get_args(Answer)}


def answer_line(answer: Answer, dropped: int) -> bytes:
    """An answer on its way to the window; `dropped`: rows that could not be sent so far."""
    return _line({"say": answer.say, **to_plain(answer), "dropped": dropped})


def read_answer(line: bytes) -> tuple[Answer, int]:
    """An answer that has arrived, and how many rows were dropped so far; GuardianFormatError when it is none."""
    try:
        raw = read_json(line)
    except ValueError as error:
        raise GuardianFormatError("An answer is no JSON.") from error
    if not isinstance(raw, dict):
        raise GuardianFormatError("An answer is no object.")
    say, dropped = raw.get("say"), raw.get("dropped")
    kind = ANSWERS.get(say) if isinstance(say, str) else None
    if kind is None:
        raise GuardianFormatError(f"The answer {repr(say)[:60]} is not known.")
    if isinstance(dropped, bool) or not isinstance(dropped, int) or dropped < 0:
        raise GuardianFormatError(f"The answer {say!r} does not say how many rows were dropped.")
    try:
        return from_plain(kind, _without(raw, "say", "dropped"), nan=True), dropped
    except FieldError as error:
        raise GuardianFormatError(f"The answer {say!r} was not understood: it {error}.") from error


def _line(raw: dict[str, Any]) -> bytes:
    return json.dumps(raw).encode() + b"\n"


def _without(raw: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in keys}
