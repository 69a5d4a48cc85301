"""Merlin (Quantum Detectors Medipix3) over its TCP data socket, and its command socket to start and stop."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, ClassVar

from tandem_em.sources.core.addresses import host_port
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.merlin.settings import DEFAULT_PORT, MerlinTable
from tandem_em.sources.merlin.wire import (
    MerlinFormatError,
    MerlinStream,
    command,
    read_acquisition_header,
    read_frame,
)


class MerlinSource(ThreadedSource):
    """Tolerates joining in the middle, leftovers of the series before, and restarts."""

    kind: ClassVar[str] = "merlin"
    patience_s: ClassVar[float] = 0.5

    def __init__(self, table: MerlinTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._where = host_port(table.address, DEFAULT_PORT)
        self._control_at = host_port(table.control, 6341) if table.control else None
        self._socket: socket.socket | None = None
        self._control: socket.socket | None = None
        self._stream = MerlinStream()
        self._timeline = Timeline()
        self._numbers = Numbers()
        self._header: dict[str, str] = {}
        self._shape: tuple[int, int] | None = None
        self._dtype = ""
        self._exposure_s = 0.0
        self._bad_told = False

    def describe(self) -> SourceDescription:
        """What the last frame and the acquisition header said."""
        return SourceDescription(
            name=self._name,
            kind="merlin",
            label="Merlin",
            frame_shape=self._shape,
            frame_dtype=self._dtype,
            sync=self.sync,
            simulated=self._table.simulated,
            instrument={"address": self._table.address, "exposure_s": self._exposure_s, **self._header},
        )

    def _connect(self) -> None:
        self._stream = MerlinStream()
        self._numbers.restart()
        self._timeline.restart()
        try:
            self._socket = socket.create_connection(self._where, 2.0)
        except OSError as error:
            raise SourceLostError(
                f"{self._name} does not answer at {self._table.address} ({error})."
            ) from error
        # Room for what comes while this thread is busy.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.settimeout(0.2)
        if self._control_at is not None:
            self._open_control(self._control_at)

    def _open_control(self, where: tuple[str, int]) -> None:
        try:
            self._control = socket.create_connection(where, 2.0)
            self._control.settimeout(1.0)
            if self._table.trigger:
                self._order("SET", "TRIGGERSTART", 0)
                self._order("CMD", "STARTACQUISITION")
        except OSError as error:
            raise SourceLostError(f"The command socket of {self._name} does not answer ({error}).") from error

    def _order(self, verb: str, name: str, value: Any = 0) -> None:
        """Send one command; an answer that reports an error is told, a missing one is too."""
        assert self._control is not None
        self._control.sendall(command(verb, name, value))
        try:
            answer = self._control.recv(4096)
        except TimeoutError:
            self._say(f"{self._name} did not answer the command {name}.", "warning")
            return
        # The answer ends with a code; 0 is well.
        code = answer.rsplit(b",", 1)[-1].strip()
        if code not in (b"0", b""):
            self._say(
                f"{self._name} refused the command {name} (code {code.decode('ascii', 'replace')}).",
                "warning",
            )

    def _pump(self) -> None:
        assert self._socket is not None
        try:
            count = self._socket.recv_into(self._stream.room())
        except TimeoutError:
            return
        if count == 0:
            raise SourceLostError(f"{self._name} closed the connection.")
        self._stream.received(count)
        now = host_now()
        for payload in self._stream.messages():
            self._take(payload, now)
        self._tell_refused()

    def _take(self, payload: memoryview, now: float) -> None:
        kind = bytes(payload[:3])
        if kind == b"HDR":
            self._header = read_acquisition_header(bytes(payload[:65536]))
            self._numbers.restart()
            self._timeline.restart()
            return
        if kind != b"MQ1":
            self._refused += 1
            return
        try:
            frame = read_frame(payload)
        except MerlinFormatError as error:
            self._refused += 1
            self._tell_once(str(error))
            return
        missing, again = self._numbers.take(frame.number)
        self._missed += missing
        # A number smaller than expected: the camera counts anew.
        if again:
            self._timeline.restart()
        self._shape, self._dtype = (frame.pixels.shape[0], frame.pixels.shape[1]), str(frame.pixels.dtype)
        self._exposure_s = frame.exposure_s
        device, new = self._timeline.place(self._stamp(frame.stamp, frame.number), now)
        self._put_frame(frame.pixels, device, frame.number, host_time=now, new_segment=new)

    def _stamp(self, stamp: float, number: int) -> float:
        """Without a readable stamp the frame number and the frame time the user gave."""
        if stamp != stamp and self._table.frame_time_s is not None:
            return number * self._table.frame_time_s
        return stamp

    def _tell_refused(self) -> None:
        if self._stream.oversized:
            self._refused += self._stream.oversized
            self._stream.oversized = 0
            self._tell_once("A message claimed to be larger than any Merlin frame and was rejected.")
        if self._stream.skipped:
            self._stream.skipped = 0
            self._tell_once("Bytes that belong to no message were skipped.")

    def _tell_once(self, text: str) -> None:
        if not self._bad_told:
            self._bad_told = True
            self._say(f"{self._name}: {text}", "warning")

    def _disconnect(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            # Only what we have started is stopped, and only at the end, not at a loss.
            if self._table.trigger and self._stopping.is_set():
                with contextlib.suppress(OSError):
                    control.sendall(command("CMD", "STOPACQUISITION"))
            control.close()
        data, self._socket = self._socket, None
        if data is not None:
            data.close()
