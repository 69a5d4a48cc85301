"""DENSsolutions Impulse over its ZeroMQ interface: SUB `[topic, JSON]` for measured values, REQ for its status."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any, ClassVar

from tandem_em.formats.text.units import Unit, parse_unit
from tandem_em.sources.core.addresses import host_port
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.checked import read_json, real
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.core.zmq_socket import ZmqReceiver, zmq_library
from tandem_em.sources.impulse.settings import DEFAULT_PORT, ImpulseTable

# What a message claims is believed up to here.
MAX_MESSAGE = 1 << 20
SETTLE_S = 1.0
"""Topics come one after another; rows are held back this long so that all columns are known from the first block."""
QUANTITIES: dict[str, tuple[str, str]] = {
    "temperatureMeasured": ("temperature", "°C"),
    "temperatureSetpoint": ("temperature_setpoint", "°C"),
    "powerMeasured": ("power", "mW"),
    "currentMeasured": ("current", "A"),
    "voltageMeasured": ("voltage", "V"),
    "resistance": ("resistance", "Ohm"),
}
"""Impulse's name: quantity and the unit Impulse sends, unless its control socket says otherwise."""
# Both the heater and the bias have these; without the topic they would be one column.
SHARED = ("voltage", "current", "power", "resistance", "setpoint", "compliance")
NOT_VALUES = ("sequenceNumber", "timeStamp", "experimentDuration", "$type")


class ImpulseSource(ThreadedSource):
    """Topics are recorded side by side in one run: a value that a topic does not bring is NaN in its rows."""

    kind: ClassVar[str] = "impulse"

    def __init__(self, table: ImpulseTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._receiver = ZmqReceiver(
            table.address,
            "sub",
            default_port=DEFAULT_PORT,
            max_bytes=MAX_MESSAGE,
            topics=(*table.topics, "events"),
        )
        self._timeline = Timeline()
        self._numbers: dict[str, Numbers] = {}
        self._units: dict[str, str] = {}
        self._spelled: dict[tuple[str, str], str] = {}
        self._held: list[tuple[float, float, dict[str, float], bool]] | None = []
        self._hold_until = float("inf")
        self._told: set[str] = set()
        self._status = ""

    def describe(self) -> SourceDescription:
        """The quantities that came so far with their units, and what Impulse said of its state."""
        return SourceDescription(
            name=self._name,
            kind="impulse",
            label="DENSsolutions Impulse",
            units=dict(self._units),
            sync=self.sync,
            simulated=self._table.simulated,
            instrument={
                "address": self._table.address,
                "topics": list(self._table.topics),
                "status": self._status,
            },
        )

    def _connect(self) -> None:
        self._receiver.open()
        self._timeline.restart()
        # Without a control address nothing can be asked, and the usual units hold.
        if self._table.control:
            status = ask_impulse(self._table.control, {"$type": "control.impulse.getStatus"})
            if status is None:
                self._say(f"{self._name}: Impulse does not answer at {self._table.control}.", "warning")
                return
            self._status = str(_data(status).get("status", ""))
            self._spelled = property_units(self._table.control, self._table.topics)
            # The columns are settled before the first values come.
            for topic, name in self._spelled:
                self._quantity(topic, name)

    def _disconnect(self) -> None:
        self._receiver.close()

    def _pump(self) -> None:
        parts = self._receiver.receive(0.1)
        if "disconnected" in self._receiver.news():
            self._begin_segment()
            self._timeline.restart()
            self._set_state("lost", "Impulse closed the connection; waiting for it.")
            self._say(f"{self._name}: Impulse closed the connection.", "warning")
        if parts is not None:
            self.hear(parts, host_now())
        self._let_go()

    def hear(self, parts: list[bytes], now: float) -> None:
        """Take one message, or refuse it with a sentence."""
        try:
            self._take(*_read(parts), now)
        except ValueError as error:
            self._refuse(str(error))

    def _take(self, topic: str, facts: dict[str, Any], now: float) -> None:
        if topic == "events":
            self._say(_event_text(facts), "note", impulse=facts)
            return
        number = facts.get("sequenceNumber")
        again = False
        if isinstance(number, int):
            missing, again = self._numbers.setdefault(topic, Numbers()).take(number)
            self._missed += missing
        values = self._values(topic, facts)
        if not values:
            return
        device, new = self._timeline.place(_stamp(facts), now)
        # Counted from the first row, not from the connection.
        if self._held is not None:
            self._hold_until = min(self._hold_until, now + SETTLE_S)
            self._held.append((device, now, values, new or again))
        else:
            self._put_row(device, now, values, new or again)

    def _let_go(self) -> None:
        """The columns are settled: hand out what was held back."""
        if self._held is not None and host_now() >= self._hold_until:
            held, self._held = self._held, None
            for row in held:
                self._put_row(*row)

    def _put_row(self, device: float, host: float, values: dict[str, float], new: bool) -> None:
        # Every row has all columns: what this topic does not bring is NaN.
        columns = {key: [values.get(key, math.nan)] for key in self._units}
        self._put_samples([device], [host], columns, new_segment=new)

    def _values(self, topic: str, facts: dict[str, Any]) -> dict[str, float]:
        """Values of one message in SI."""
        plain = dict(facts)
        channels = facts.get("channels")
        for channel in channels if isinstance(channels, list) else ():
            if isinstance(channel, dict):
                plain[str(channel.get("name"))] = channel.get("measuredValue")
        found: dict[str, float] = {}
        for name, value in plain.items():
            if name not in NOT_VALUES and isinstance(value, int | float) and not isinstance(value, bool):
                quantity, unit = self._quantity(topic, name)
                found[quantity] = real(value) * unit.factor + unit.offset
        return found

    def _quantity(self, topic: str, name: str) -> tuple[str, Unit]:
        """The quantity's key and its unit; outside the topic bias an electrical quantity gets its topic in front."""
        quantity, usual = QUANTITIES.get(name, (name, ""))
        if topic != "bias" and quantity in SHARED:
            quantity = f"{topic}_{quantity}"
        spelled = self._spelled.get((topic, name)) or usual
        unit = parse_unit(spelled, "temperature" if "temperature" in quantity else "")
        self._units.setdefault(quantity, unit.si if unit else spelled)
        return quantity, unit or Unit("")

    def _refuse(self, why: str) -> None:
        self._refused += 1
        # Each trouble once, and not more than a few kinds.
        if why not in self._told and len(self._told) < 20:
            self._told.add(why)
            self._say(f"{self._name}: {why}", "warning")


def property_units(control: str, topics: list[str]) -> dict[tuple[str, str], str]:
    """(topic, property) and its unit, as Impulse spells it; stops at the first question without an answer."""
    answer = ask_impulse(control, {"$type": "control.impulse.getAvailableDataChannels"})
    found: dict[tuple[str, str], str] = {}
    for topic in _data(answer).get("activeChannels") or ():
        if topic not in topics:
            continue
        answer = ask_impulse(
            control, {"$type": "control.impulse.getAvailableProperties", "channelName": topic}
        )
        for name in _data(answer).get("properties") or ():
            if name in NOT_VALUES:
                continue
            question = {
                "$type": "control.impulse.getPropertyInformation",
                "channelName": topic,
                "propertyName": name,
            }
            answer = ask_impulse(control, question)
            # Each further question would wait its whole second too.
            if answer is None:
                return found
            found[str(topic), str(name)] = str(_data(answer).get("unit") or "")
    return found


def ask_impulse(address: str, order: dict[str, Any], timeout_s: float = 1.0) -> dict[str, Any] | None:
    """One question to the control socket; None when there is no answer."""
    zmq = zmq_library()
    host, port = host_port(address, 5557)
    with zmq.Context(1) as context, context.socket(zmq.REQ) as request:
        # A request that nobody takes must not hold up the end of the context.
        request.setsockopt(zmq.LINGER, 0)
        request.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        request.connect(f"tcp://{host}:{port}")
        request.send(json.dumps(order).encode())
        if not request.poll(int(timeout_s * 1000)):
            return None
        try:
            answer = read_json(request.recv())
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None


def _read(parts: list[bytes]) -> tuple[str, dict[str, Any]]:
    """Topic and values; some versions send the values as a list of one."""
    if len(parts) != 2:
        raise ValueError(f"A message has {len(parts)} parts instead of a topic and its values.")
    try:
        facts = read_json(parts[1])
    except ValueError as error:
        raise ValueError("A message is not valid JSON.") from error
    if isinstance(facts, list) and len(facts) == 1:
        facts = facts[0]
    if isinstance(facts, dict) and isinstance(facts.get("data"), dict):
        facts = facts["data"]
    if not isinstance(facts, dict):
        raise ValueError("A message has no named values.")
    return parts[0].decode("utf-8", "replace"), facts


def _stamp(facts: dict[str, Any]) -> float:
    """Seconds of the experiment, else the time stamp."""
    duration = facts.get("experimentDuration")
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        return real(duration)
    try:
        return datetime.fromisoformat(str(facts.get("timeStamp"))).timestamp()
    except ValueError:
        return math.nan


def _data(answer: dict[str, Any] | None) -> dict[str, Any]:
    data = (answer or {}).get("data")
    return data if isinstance(data, dict) else {}


def _event_text(facts: dict[str, Any]) -> str:
    words = [str(facts.get("$type", "event")).removeprefix("data.event.")]
    words += [str(facts[key]) for key in ("stimulusType", "newState") if key in facts]
    return "Impulse: " + " ".join(words)
