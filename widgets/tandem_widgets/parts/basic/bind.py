"""Connections from the model to a widget that end when the widget does."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from PyQt6.QtCore import QObject

_collecting = False
"""Whether the garbage collector is at work now."""


def _note(phase: str, _info: dict[str, int]) -> None:
    global _collecting
    _collecting = phase == "start"


# Python tells only its callbacks that a collection runs; `destroyed` may come in the middle of one.
gc.callbacks.append(_note)


class Bindings:
    """`bindings.on(signal, slot)`; everything is disconnected when `owner` is destroyed or on `release()`."""

    def __init__(self, owner: QObject) -> None:
        self._pairs: list[tuple[SignalInstance, Callable[..., Any]]] = []
        # The owner keeps them; Qt holds a method weakly. A lambda here would be called by an owner that dies with its cycle,
        # after the garbage collector has emptied it: that ends the process.
        vars(owner).setdefault("_kept_bindings", []).append(self)
        owner.destroyed.connect(self._owner_gone)

    def on(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of the model for as long as the owner lives, or until `release`."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def _owner_gone(self) -> None:
        if not _collecting:
            self.release()

    def release(self) -> None:
        """Not while garbage is collected: the signals of a closed session may be half gone then, touching them crashes."""
        pairs, self._pairs = self._pairs, []
        for signal, slot in pairs:
            # psygnal holds methods weakly: it may have dropped this one already
            signal.disconnect(slot, missing_ok=True)
