"""The one object that crosses threads: runs callables on the GUI thread, in order."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, pyqtSignal


class Bridge(QObject):
    """`bridge.post(call)` from any thread runs `call()` on the thread the bridge was made on."""

    _posted = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        # queued also on the GUI thread itself: whatever is posted runs in the order of posting
        self._posted.connect(self._run, type=Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]

    def post(self, call: Callable[[], None]) -> None:
        """Hand a call over from any thread; after `close` it is dropped without a word."""
        if self._open:
            self._posted.emit(call)

    def close(self) -> None:
        """Whatever is still posted is dropped: the window it was for is gone."""
        self._open = False

    def _run(self, call: Callable[[], None]) -> None:
        if self._open:
            call()
