"""Frames, samples and events from any sender that speaks the open message over ZeroMQ.

Listens at 127.0.0.1. Anything else must be switched on and needs CURVE keys with an allow-list. One sender is taken;
a second one that uses another name is refused.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tandem_em.model.clock import Origin
from tandem_em.sources.core.addresses import is_loopback
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.core.zmq_socket import ZmqReceiver
from tandem_em.sources.zmq.settings import DEFAULT_PORT, ZmqTable
from tandem_em.sources.zmq.wire import Heard, MessageError, read_message

# Different troubles that are told; a faulty sender may invent a new one in each message.
MAX_TOLD = 20


class ZmqSource(ThreadedSource):
    """Frames, samples and events of one sender, in the open ZeroMQ message."""

    kind: ClassVar[str] = "zmq"
    patience_s: ClassVar[float] = 0.5

    def __init__(self, table: ZmqTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._max_bytes = int(table.max_mebibytes * 2**20)
        self._receiver = ZmqReceiver(
            table.address,
            table.socket,
            default_port=DEFAULT_PORT,
            bind=table.bind,
            allow_network=table.allow_network,
            keys=table.keys,
            max_bytes=self._max_bytes,
        )
        self._timelines: dict[str, Timeline] = {}
        self._numbers: dict[str, Numbers] = {}
        self._sender: str | None = None
        self._units: dict[str, str] = {}
        self._shape: tuple[int, int] | None = None
        self._dtype = ""
        self._pixel_nm: float | None = None
        self._facts: dict[str, Any] = {}
        self._told: set[str] = set()

    def describe(self) -> SourceDescription:
        """What the last messages of the sender said."""
        known = ("simulated", "exposure_s", "label", "replay_of")
        return SourceDescription(
            name=self._name,
            kind="zmq",
            label=str(self._facts.get("label") or self._sender or "ZeroMQ"),
            units=dict(self._units),
            frame_shape=self._shape,
            frame_dtype=self._dtype,
            pixel_nm=self._pixel_nm,
            sync=self._origin(),
            simulated=self._table.simulated or bool(self._facts.get("simulated")),
            replay="replay_of" in self._facts,
            instrument={"address": self._table.address}
            | {k: v for k, v in self._facts.items() if k in known},
        )

    @property
    def port(self) -> int:
        """The port that is listened at or connected to."""
        return self._receiver.port

    def _origin(self) -> Origin:
        return "same host" if is_loopback(self._receiver.host) else "ntp"

    def _connect(self) -> None:
        self._receiver.open()

    def _disconnect(self) -> None:
        self._receiver.close()

    def _pump(self) -> None:
        parts = self._receiver.receive(0.2)
        for news in self._receiver.news():
            self._hear_news(news)
        if parts is None:
            return
        now = host_now()
        try:
            self._take(read_message(parts, self._max_bytes), now)
        except MessageError as error:
            self._refuse(str(error))

    def _take(self, heard: Heard, now: float) -> None:
        # The first name that is heard is the sender's; two at once would mix their clocks.
        if self._sender is None:
            self._sender = heard.sender
        elif heard.sender != self._sender:
            raise MessageError(
                f'A second sender "{heard.sender}" is ignored; "{self._sender}" is being recorded.'
            )
        if heard.kind in ("frame", "sample"):
            self._facts = heard.facts
        if heard.kind == "end":
            self._restart()
            self._say(f"{self._name}: the sender has ended.", "note")
            return
        if heard.kind == "event":
            self._say(heard.text, heard.category)
            return
        restarted = self._count(heard)
        timeline = self._timelines.setdefault(heard.kind, Timeline())
        if restarted:
            timeline.restart()
        if heard.kind == "frame":
            self._take_frame(heard, timeline, now)
        else:
            self._take_samples(heard, timeline, now)

    def _take_frame(self, heard: Heard, timeline: Timeline, now: float) -> None:
        assert heard.pixels is not None
        self._shape = (heard.pixels.shape[0], heard.pixels.shape[1])
        self._dtype, self._pixel_nm = str(heard.pixels.dtype), heard.pixel_nm
        device, new = timeline.place(heard.t, now)
        wanted = ("exposure_s", "name")
        known: dict[str, Any] = {key: heard.facts[key] for key in wanted if key in heard.facts}
        if heard.pixel_nm is not None:
            known["pixel_nm"] = heard.pixel_nm
        # Senders need not number their frames.
        number = heard.number if heard.number is not None else self._queue.received
        self._put_frame(heard.pixels, device, number, host_time=now, new_segment=new, info=known)

    def _take_samples(self, heard: Heard, timeline: Timeline, now: float) -> None:
        assert heard.times is not None
        self._units = heard.units
        raw = heard.times
        if len(raw) == 0:
            return
        first, new = timeline.place(float(raw[0]), now)
        if len(raw) > 1:
            timeline.place(float(raw[-1]), now)
        # One table may run back within itself; the device timeline never does.
        times = np.maximum.accumulate(raw - raw[0] + first) if not math.isnan(first) else raw
        self._put_samples(times, np.full(len(raw), now), heard.columns, new_segment=new)

    def _count(self, heard: Heard) -> bool:
        if heard.number is None:
            return False
        missing, again = self._numbers.setdefault(heard.kind, Numbers()).take(heard.number)
        self._missed += missing
        return again

    def _restart(self) -> None:
        for numbers in self._numbers.values():
            numbers.restart()
        for timeline in self._timelines.values():
            timeline.restart()
        self._begin_segment()

    def _hear_news(self, news: str) -> None:
        if news == "disconnected":
            self._restart()
            self._set_state("waiting", "The sender is disconnected; waiting for it.")
            # ZeroMQ does not tell why a connection ended.
            self._say(
                f"{self._name}: a sender disconnected, or was cut off because of a message larger than "
                f"{self._max_bytes / 2**20:.0f} MiB.",
                "warning",
            )
        elif news == "refused":
            self._refuse("A sender without an allowed key was rejected.")

    def _refuse(self, why: str) -> None:
        self._refused += 1
        if why not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(why)
            self._say(f"{self._name}: {why}", "warning")
