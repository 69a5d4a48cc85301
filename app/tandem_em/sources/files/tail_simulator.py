"""Programs that write files while they measure: text in random pieces, EC-Lab style headers, restarts."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

HEADER_LINES = 72


def ec_lab_text(rows: int, *, dt_s: float = 0.1, current_mA: float = 2.5e-7) -> bytes:
    """A galvanostatic .mpt as EC-Lab writes it: CRLF, latin-1, decimal comma, a header of 72 lines."""
    header = ["EC-Lab ASCII FILE", f"Nb header lines : {HEADER_LINES}", "", "Chronopotentiometry", ""]
    header += [
        "Electrode material : LiCoO2",
        "Acquisition started on : 03/01/2024 12:00:00.000",
        "Température : 25 °C",
    ]
    header += [f"Parameter {number} : 0" for number in range(HEADER_LINES - len(header) - 1)]
    header.append(
        "mode\tox/red\terror\tcontrol changes\tNs changes\tcounter inc.\ttime/s\tcontrol/mA\tEwe/V\tI/mA"
    )
    lines = [*header]
    for number in range(rows):
        numbers = (number * dt_s, current_mA, 3.7 + 1e-5 * number, current_mA)
        values = "\t".join(f"{value:.15E}".replace(".", ",") for value in numbers)
        lines.append(f"1\t1\t0\t0\t0\t0\t{values}")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def pieces(data: bytes, seed: int, largest: int = 400) -> Iterator[bytes]:
    """The same bytes cut at random places."""
    rng = random.Random(seed)
    start = 0
    while start < len(data):
        size = rng.randint(1, largest)
        # Pieces that end anywhere, also inside a row, as buffered programs write them.
        yield data[start : start + size]
        start += size


class FileWriter:
    """Appends pieces to a file in a thread, `pause_s` apart; `wait` until it is done."""

    def __init__(
        self, path: Path, data: bytes, *, pause_s: float = 0.002, seed: int = 0, largest: int = 4000
    ) -> None:
        self.path = path
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._write, args=(data, pause_s, seed, largest), name="file writer", daemon=True
        )
        self._thread.start()

    def wait(self, timeout: float = 20.0) -> None:
        """Until everything is written, at most `timeout` s."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Stop writing, done or not."""
        self._closing.set()
        self._thread.join(5.0)

    def _write(self, data: bytes, pause_s: float, seed: int, largest: int) -> None:
        with self.path.open("ab", buffering=0) as file:
            for piece in pieces(data, seed, largest):
                if self._closing.wait(pause_s):
                    return
                file.write(piece)


class FolderWriter:
    """Writes frame files in a thread, the way cameras do: plain, preallocated, or renamed when complete."""

    def __init__(
        self,
        make: Callable[[int], bytes],
        name: Callable[[int], Path],
        count: int,
        *,
        way: str,
        pause_s: float = 0.01,
    ) -> None:
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._write, args=(make, name, count, way, pause_s), name="folder writer", daemon=True
        )
        self._thread.start()

    def wait(self, timeout: float = 30.0) -> None:
        """Until all files are written, at most `timeout` s."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Stop after the file that is being written."""
        self._closing.set()
        self._thread.join(5.0)

    def _write(
        self, make: Callable[[int], bytes], name: Callable[[int], Path], count: int, way: str, pause_s: float
    ) -> None:
        for number in range(count):
            if self._closing.is_set():
                return
            path, data = name(number), make(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            target = path.with_suffix(".part") if way == "renamed" else path
            with target.open("wb", buffering=0) as file:
                # The full size at once, reading as zeros: what the watcher must not take for a frame.
                if way == "preallocated":
                    file.truncate(len(data))
                half = len(data) // 2
                file.write(data[:half])
                self._closing.wait(pause_s)
                file.write(data[half:])
            if target != path:
                target.rename(path)
