"""A replay that goes out through the wire, so that demos and tests run the real receivers."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tandem_em.sources.core.base import Block, FrameBlock, SampleBlock
from tandem_em.sources.replay.source import ReplaySource
from tandem_em.sources.zmq.sender import MessageSender


class ReplayOverWire:
    """Sends what a replay source plays over ZeroMQ, so that real receivers hear it. `close` ends it."""

    def __init__(
        self, source: ReplaySource, address: str, *, pattern: Any = "push", bind: bool = False
    ) -> None:
        self.source = source
        described = source.describe()
        facts = {"replay_of": described.instrument.get("replay_of") or source.name, "label": described.label}
        if described.simulated:
            facts["simulated"] = True
        self._units = described.units
        self._sender = MessageSender(address, source.name, pattern=pattern, bind=bind, facts=facts)
        self.sent = {"sample": 0, "frame": 0, "event": 0}
        """Rows, frames and events that went out."""
        # The thread uses the sender alone; it is closed after the thread has ended.
        self._thread = threading.Thread(target=self._send, name=f"replay {source.name}", daemon=True)
        source.start()
        self._thread.start()

    def close(self) -> None:
        """Stop sending and playing; can be called at any time."""
        self._sender.closing.set()
        self.source.close()
        self._thread.join(5.0)
        self._sender.close()

    @property
    def is_done(self) -> bool:
        """Whether everything was sent, or sending was ended."""
        return not self._thread.is_alive()

    def _send(self) -> None:
        while not self._sender.closing.is_set():
            block = self.source.read(0.1)
            if block is not None:
                self._send_block(block)
            elif self.source.is_played and self.source.status().queued == 0:
                self._sender.end()
                return

    def _send_block(self, block: Block) -> None:
        kind = (
            "frame"
            if isinstance(block, FrameBlock)
            else "sample"
            if isinstance(block, SampleBlock)
            else "event"
        )
        if isinstance(block, FrameBlock):
            facts: dict[str, Any] = {key: block.info[key] for key in ("exposure_s",) if key in block.info}
            if "pixel_nm" in block.info:
                facts |= {"scale": block.info["pixel_nm"], "unit": "nm"}
            self._sender.frame(block.frame, block.time, **facts)
        elif isinstance(block, SampleBlock):
            names = list(block.columns)
            table = np.column_stack(
                [block.times, *(np.asarray(block.columns[name], np.float64) for name in names)]
            )
            self._sender.samples(table, names, [self._units.get(name, "") for name in names])
        else:
            self._sender.event(block.text, block.time, block.category)
        self.sent[kind] += len(block)
