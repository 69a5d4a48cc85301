"""What commands share: progress on standard error, JSON on standard output, files that appear only when complete."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self, TypeVar

import numpy as np

from tandem_em.cli import output
from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace
from tandem_em.core.texts import read_quantity

Result = TypeVar("Result")


class ProgressLine:
    """One line that rewrites itself, with rate and time left; silent when standard error is not a terminal."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._started = time.monotonic()
        self._last = 0.0
        self._shown = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        """Rewrite the line, at most ten times a second."""
        now = time.monotonic()
        if not self._shown or now - self._last < 0.1:
            return
        self._last = now
        elapsed = now - self._started
        text = progress.message or self._label
        fraction = progress.fraction
        if fraction:
            left = elapsed * (1 - fraction) / fraction
            text += (
                f"  {100 * fraction:3.0f} %  {progress.done / max(elapsed, 1e-3):.1f}/s  {left:.0f} s left"
            )
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()

    def end(self) -> None:
        """Wipe the line, so that what is printed next begins on a clean one."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")


def quantity_in(unit: str) -> Callable[[str], float]:
    """What an option takes: a number in `unit`, or one with any unit that can be brought to it (`500um2`, `1e-7 cm2`)."""

    def read(text: str) -> float:
        try:
            return read_quantity(text, unit)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def positive_in(unit: str) -> Callable[[str], float]:
    """The same, above zero."""
    read_any = quantity_in(unit)

    def read(text: str) -> float:
        value = read_any(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"“{text}” is not above zero.")
        return value

    return read


def work(label: str, job: Job[Result]) -> Result:
    """Run a job with a progress line."""
    line = ProgressLine(label)
    with _Interrupts() as interrupts:

        def heard(progress: Progress) -> None:
            interrupts.repeat()
            line(progress)

        try:
            return run_to_end(job, heard)
        except Exception:
            interrupts.repeat()  # what an interrupt broke is no news
            raise
        finally:
            line.end()


class _Interrupts:
    """Remembers Ctrl+C and SIGTERM: what is raised inside a callback of a compiler is swallowed there."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._asked: int | None = None
        self._unraisable = sys.unraisablehook

    def __enter__(self) -> Self:
        # Python lets only the main thread set handlers.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
            sys.unraisablehook = self._quietly
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._unraisable

    def _quietly(self, lost: Any) -> None:
        """An interrupt that could not be raised is not lost: it comes again."""
        if lost.exc_type is not KeyboardInterrupt:
            self._unraisable(lost)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        handler = self._before[number]
        # What was set before may be a default of the system, which is no function.
        if callable(handler):
            handler(number, frame)
        else:
            raise KeyboardInterrupt

    def repeat(self) -> None:
        """Say again what was said and had no effect."""
        if self._asked is not None:
            self._note(self._asked, None)


def plain(value: Any) -> Any:
    """Numbers and arrays as JSON has them; NaN and infinity become null."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def print_json(value: Any, *, indent: int | None = 1) -> None:
    """One JSON value on standard output; `indent` None: on one line."""
    only_ascii = not output.shows_everything()  # JSON has signs of its own for the letters an encoding lacks
    print(json.dumps(plain(value), indent=indent, ensure_ascii=only_ascii, allow_nan=False))


def write_json(path: Path, value: Any) -> None:
    """Write under a temporary name, then replace: an interrupted command leaves no half file."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
    # In the same folder, since only there replacing is one step; with the process id, since two may run.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "Choose another folder.") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """JSON of a file with or without a byte order mark; UserError when it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.", "Check the path.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.name} is not valid JSON: {error}.", "Compare it with the example in the user guide."
        ) from error


def existing(path: Path) -> Path:
    """The path itself; UserError when nothing is there."""
    if not path.exists():
        raise UserError(f"{path} does not exist.", "Check the path.")
    return path
