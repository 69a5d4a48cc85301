"""DECTRIS detectors over their stream interface (ZeroMQ PUSH), version 1 and 2. Only listens; never configures."""

from __future__ import annotations

from typing import Any, ClassVar

from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.core.zmq_socket import ZmqReceiver
from tandem_em.sources.dectris.settings import DEFAULT_PORT, DectrisTable
from tandem_em.sources.dectris.wire import (
    DectrisFormatError,
    DectrisFrame,
    Message,
    SeriesStart,
    Version1,
    read_v2,
)


class DectrisSource(ThreadedSource):
    """Tolerates joining in the middle of a series, images left over from the one before, and restarts."""

    kind: ClassVar[str] = "dectris"
    patience_s: ClassVar[float] = 0.5

    def __init__(self, table: DectrisTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._receiver = ZmqReceiver(table.address, "pull", default_port=DEFAULT_PORT[table.version])
        self._version = table.version
        self._old = Version1()
        self._timeline = Timeline()
        self._numbers = Numbers()
        self._series: int | None = None
        self._leftovers = 0
        self._facts: dict[str, Any] = {}
        self._shape: tuple[int, int] | None = None
        self._dtype = ""
        self._told: set[str] = set()

    def describe(self) -> SourceDescription:
        """What the camera said at the start of the series, and its address."""
        return SourceDescription(
            name=self._name,
            kind="dectris",
            label=str(self._facts.get("detector_description") or self._facts.get("description") or "DECTRIS"),
            frame_shape=self._shape,
            frame_dtype=self._dtype,
            sync=self.sync,
            simulated=self._table.simulated,
            instrument={"address": self._table.address, "stream": self._version, **self._facts},
        )

    def _connect(self) -> None:
        self._receiver.open()

    def _disconnect(self) -> None:
        self._receiver.close()

    def _pump(self) -> None:
        parts = self._receiver.receive(0.2)
        if parts is None:
            return
        now = host_now()
        try:
            for message in self._read(parts):
                self._take(message, now)
        except DectrisFormatError as error:
            self._refused += 1
            # Each trouble once, and not more than a few kinds: it may be in every frame.
            if str(error) not in self._told and len(self._told) < 20:
                self._told.add(str(error))
                self._say(f"{self._name}: {error}", "warning")

    def _read(self, parts: list[bytes]) -> list[Message]:
        version = self._table.version
        if version == "auto":
            # Once parts were seen, single messages are taken for version 1: replayers send its parts one by
            # one.
            version = 1 if len(parts) > 1 or parts[0][:1] == b"{" or self._version == 1 else 2
        self._version = version
        if version == 1:
            return self._old.take(parts)
        message = read_v2(parts[0], self._table.channel)
        return [] if message is None else [message]

    def _take(self, message: Message, now: float) -> None:
        if isinstance(message, SeriesStart):
            self._begin(message.series)
            self._facts = message.facts  # the object of version 1 still fills
        elif isinstance(message, DectrisFrame):
            self._take_frame(message, now)

    def _begin(self, series: int) -> None:
        self._series = series
        self._numbers.restart()
        self._timeline.restart()

    def _take_frame(self, message: DectrisFrame, now: float) -> None:
        # A detector that is armed again still sends what was queued.
        if self._series is not None and message.series < self._series:
            self._leftovers += 1
            if self._leftovers == 1:
                self._say(f"{self._name}: images left over from an earlier series were not recorded.", "note")
            return
        # Joined in the middle: there was no start message.
        if message.series != self._series:
            self._begin(message.series)
        missing, again = self._numbers.take(message.number)
        self._missed += missing
        if again:
            self._timeline.restart()
        self._shape = (message.pixels.shape[0], message.pixels.shape[1])
        self._dtype = str(message.pixels.dtype)
        stamp = message.start_s
        # NaN: this stream has no times of its own, so the frame time counts them.
        if stamp != stamp and "frame_time" in self._facts:
            stamp = message.number * float(self._facts["frame_time"])
        device, new = self._timeline.place(stamp, now)
        self._put_frame(message.pixels, device, message.number, host_time=now, new_segment=new)
