"""The guardian as a process of its own: `python -m tandem_em.sources.guardian.process`.

Orders come as JSON lines on standard input (the first is the configuration), answers go as JSON lines to standard
output (`wire`). Whatever happens to the window (end of file, silence, SIGTERM here) the cell is made safe before this ends.
Ctrl+C of the window's terminal does not reach it: it runs in a session of its own and ignores SIGINT and SIGHUP.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import threading
from typing import IO, Any

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.ownership import hold
from tandem_em.sources.guardian.guardian import GuardianCore
from tandem_em.sources.guardian.wire import (
    Answer,
    Beat,
    Bye,
    Configure,
    NotUnderstood,
    Order,
    Quit,
    Refused,
    Samples,
    answer_line,
    read_order,
)
from tandem_em.sources.scpi.link import open_link

log = logging.getLogger(__name__)
# Lines that wait while the window does not read; then rows are dropped, and counted.
OUTBOX = 2000
# s without a configuration after which it ends: there is nothing to guard.
FIRST_ORDER_S = 10.0


class Outbox:
    """Lines to the window, written by a thread: a window that does not read never holds up the guardian."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lines: queue.Queue[bytes | None] = queue.Queue(OUTBOX)
        self.dropped = 0
        self._thread = threading.Thread(target=self._write, name="guardian outbox", daemon=True)
        self._thread.start()

    def say(self, answer: Answer) -> None:
        """Queue an answer; when the window does not read, it is dropped and its rows are counted."""
        try:
            self._lines.put_nowait(answer_line(answer, self.dropped))
        except queue.Full:
            self.dropped += len(answer.rows) if isinstance(answer, Samples) else 0

    def close(self, timeout: float) -> None:
        """Send what is queued, for at most `timeout` s."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(timeout)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (OSError, ValueError):
                return


class Inbox:
    """Orders from the window, read by a thread; `ended` when the window closed the pipe or is gone."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.orders: queue.Queue[Order] = queue.Queue()
        self.ended = threading.Event()
        self._awake = threading.Event()
        threading.Thread(target=self._read, name="guardian inbox", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Until an order or the end comes, at most `seconds`; beats do not wake."""
        self._awake.wait(seconds)
        self._awake.clear()

    def wake(self) -> None:
        """End the present `wait`; may be called from a signal handler."""
        self._awake.set()

    def _read(self) -> None:
        try:
            # A line without end may not fill the memory.
            while line := self._stream.readline(1 << 24):
                order = read_order(line)
                self.orders.put(order)
                # Beats come five times a second: waking for each would be of no use.
                if not isinstance(order, Beat):
                    self._awake.set()
        except (OSError, ValueError):
            pass
        # Read errors and the end of the file are the same: the window is gone.
        self.ended.set()
        self._awake.set()


def run(inbox: Inbox, outbox: Outbox, terminated: threading.Event) -> int:
    """The life of a guardian; returns 0 when the instrument itself said that the output is off, 2 when it had none."""
    try:
        configure = _first_order(inbox)
        held = None if configure.owner is None else hold(configure.owner, configure.config.address)
    except queue.Empty:
        return 2
    except UserError as error:
        outbox.say(Refused(error.title, error.advice))
        return 2
    try:
        return _guard(configure, inbox, outbox, terminated)
    finally:
        # Given free after the cell was made safe, never before.
        if held is not None:
            held.close()


def _first_order(inbox: Inbox) -> Configure:
    """Beats may overtake it; anything else in its place is refused before an instrument is touched."""
    order: Order = Beat()
    while isinstance(order, Beat):
        order = inbox.orders.get(timeout=FIRST_ORDER_S)
    if isinstance(order, Configure):
        return order
    why = order.sentence if isinstance(order, NotUnderstood) else f"The order {order.do!r} came first."
    raise UserError(f"The guardian was not told what to guard. {why}", "Start the source again.")


def _guard(configure: Configure, inbox: Inbox, outbox: Outbox, terminated: threading.Event) -> int:
    config, settings = configure.config, configure.link
    link = open_link(
        config.address,
        timeout_s=settings.timeout_s,
        backend=settings.backend,
        baud_rate=settings.baud_rate,
    )
    core = GuardianCore(config, link, outbox.say)
    # The silence is counted from here, not from the start of the process.
    core.beat()
    why = "The guardian had an error."
    try:
        why = _loop(core, inbox, terminated)
    except Exception as error:
        log.exception("guardian")
        why = f"The guardian had an error ({error!r})."
    finally:
        verified = core.end(why)
        outbox.say(Bye(verified, host_now()))
    return 0 if verified else 1


def _loop(core: GuardianCore, inbox: Inbox, terminated: threading.Event) -> str:
    while True:
        for _ in range(inbox.orders.qsize()):  # not until there is none: the cell is looked at in between
            order = inbox.orders.get()
            if isinstance(order, Quit):
                return "Recording ended."
            core.command(order)
        if inbox.ended.is_set():
            return "The window was closed or crashed."
        if terminated.is_set():
            return "The guardian was asked to end."
        wait = core.turn()
        if wait > 0:
            # At most 0.1 s: the end and the silence of the window are looked at in time.
            inbox.wait(min(wait, 0.1))


def main() -> int:
    """The guardian's process; its exit status is what `run` returns."""
    terminated = threading.Event()
    # the descriptors, not sys.stdin: a windowed program has no sys.stdin even when it was given pipes
    inbox = Inbox(os.fdopen(os.dup(0), "rb"))
    outbox = Outbox(os.fdopen(os.dup(1), "wb"))

    def end(_number: int, _frame: Any) -> None:
        terminated.set()
        inbox.wake()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGHUP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Windows: Ctrl+Break is how a process in a group of its own is asked to end.
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, end)
    status = run(inbox, outbox, terminated)
    # Not longer: a window that does not read any more must not keep the guardian.
    outbox.close(0.5)
    return status


if __name__ == "__main__":
    code = main()
    os._exit(code)  # not sys.exit: the reading thread may still sit in a pipe nobody writes to
