"""Impulse with a heater and a biased cell: real PUB and REP sockets on 127.0.0.1, answers other clients too."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any

from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.core.zmq_socket import zmq_library

PROPERTIES = {
    "heat": {"temperatureMeasured": "°C", "temperatureSetpoint": "°C", "powerMeasured": "mW"},
    "bias": {"voltageMeasured": "V", "currentMeasured": "A", "setpoint": "A", "compliance": "V"},
}
ALWAYS = {"sequenceNumber": "", "timeStamp": "", "experimentDuration": "s"}


class ImpulseSimulator:
    """Publishes each topic `rate_hz` times a second."""

    def __init__(self, *, rate_hz: float = 50.0, data_port: int = 0, control_port: int = 0) -> None:
        self.rate_hz = rate_hz
        self.cell = BatteryCell(capacity_C=1e-6, resistance_ohm=1e6)
        self.setpoint_A, self.compliance_V = 0.0, 5.0
        self.temperature_C, self.target_C = 25.0, 25.0
        self.skip_next = False
        """Leave one number out."""
        self.orders: list[dict[str, Any]] = []
        self._numbers = dict.fromkeys(PROPERTIES, 0)
        self._ports = [data_port, control_port]
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="impulse simulator", daemon=True)
        self._thread.start()
        self._ready.wait(5.0)

    @property
    def address(self) -> str:
        """Where it publishes, host:port."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def control(self) -> str:
        """Where it takes orders, host:port."""
        return f"127.0.0.1:{self._ports[1]}"

    def close(self) -> None:
        """End its thread and close both sockets."""
        self._closing.set()
        self._thread.join(5.0)

    def __enter__(self) -> ImpulseSimulator:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _run(self) -> None:
        zmq = zmq_library()
        with zmq.Context(1) as context, context.socket(zmq.PUB) as data, context.socket(zmq.REP) as control:
            for place, each in enumerate((data, control)):
                each.setsockopt(zmq.LINGER, 0)
                if self._ports[place]:
                    each.bind(f"tcp://127.0.0.1:{self._ports[place]}")
                else:
                    self._ports[place] = each.bind_to_random_port("tcp://127.0.0.1")
            self._ready.set()
            begun = due = host_now()
            while not self._closing.is_set():
                if control.poll(max(int((due - host_now()) * 1000), 0)):
                    control.send(json.dumps(self._answer(control.recv())).encode())
                if host_now() >= due:
                    self._publish(data, host_now() - begun, 1 / self.rate_hz)
                    # A slow computer does not publish a burst of what it has missed.
                    due = max(due + 1 / self.rate_hz, host_now() - 0.1)

    def _publish(self, data: Any, duration: float, dt: float) -> None:
        self.temperature_C += (self.target_C - self.temperature_C) * min(dt / 0.1, 1.0)
        answer = self.cell.drive("current", self.setpoint_A, self.compliance_V, dt)
        values = {
            "heat": {
                "temperatureMeasured": self.temperature_C,
                "temperatureSetpoint": self.target_C,
                "powerMeasured": (self.temperature_C - 25.0) * 0.02,
            },
            "bias": {
                "voltageMeasured": answer.voltage,
                "currentMeasured": answer.current,
                "setpoint": self.setpoint_A,
                "compliance": self.compliance_V,
            },
        }
        skip, self.skip_next = self.skip_next, False
        for topic, properties in values.items():
            self._numbers[topic] += 2 if skip else 1
            facts = {
                "sequenceNumber": self._numbers[topic],
                "timeStamp": datetime.now().isoformat(),
                "experimentDuration": round(duration, 6),
                **properties,
            }
            data.send_multipart([topic.encode(), json.dumps(facts).encode()])

    def _answer(self, request: bytes) -> dict[str, Any]:
        try:
            order = json.loads(request)
            self.orders.append(order)
            return {"resultCode": "ok", "data": self._obey(str(order["$type"]), order)}
        except (ValueError, KeyError, TypeError) as error:
            return {"resultCode": "error", "message": str(error), "data": {}}

    def _obey(self, kind: str, order: dict[str, Any]) -> dict[str, Any]:
        channel = str(order.get("channelName", ""))
        if kind == "control.impulse.getStatus":
            return {"status": "control"}
        if kind == "control.impulse.getAvailableDataChannels":
            return {"activeChannels": list(PROPERTIES)}
        if kind == "control.impulse.getAvailableProperties":
            return {"properties": [*ALWAYS, *PROPERTIES[channel]]}
        if kind == "control.impulse.getPropertyInformation":
            name = str(order["propertyName"])
            unit = {**ALWAYS, **PROPERTIES[channel]}[name]
            digits = {"A": 18, "V": 15}.get(unit, 6)
            return {"channelName": channel, "propertyName": name, "unit": unit, "precision": digits}
        if kind == "control.bias.applyConstantBias":
            self.setpoint_A, self.compliance_V = float(order["setpoint"]), float(order["compliance"])
        elif kind == "control.heat.startRamp":
            self.target_C = float(order["temperature"])
        else:
            raise ValueError(f"{kind} is not simulated")
        return {}
