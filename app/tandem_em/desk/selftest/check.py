"""One check of an installation, and what came of it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tandem_em.core.notices import UserError

INSTALL_AGAIN = "Install TandEM again; if that does not help, send this report with your question."


class CheckFailedError(Exception):
    """A part answered, but not with what it was given."""


@dataclass(frozen=True)
class Check:
    """Uses one part of the program in an empty folder; anything it raises is its failure."""

    name: str
    run: Callable[[Path], object]
    advice: str = INSTALL_AGAIN


@dataclass(frozen=True)
class Outcome:
    """How one check went."""

    name: str
    ok: bool
    seconds: float
    message: str = ""
    """What went wrong."""
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)

    @property
    def line(self) -> str:
        """For people: one line, and two more when it failed."""
        word = "ok" if self.ok else "FAILED"
        first = f"{word:<7}{self.seconds:6.1f} s  {self.name}"
        return first if self.ok else f"{first}\n         {self.message}\n         {self.advice}"


def require(holds: object, what: str) -> None:
    if not holds:
        raise CheckFailedError(what)


def outcomes(checks: Iterable[Check]) -> Iterator[Outcome]:
    """Carry out one check after the other; the folder of each is gone when the next begins."""
    for check in checks:
        folder = Path(tempfile.mkdtemp(prefix="tandem-selftest-"))
        try:
            yield carry_out(check, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # Windows keeps files that a mapping still shows


def carry_out(check: Check, folder: Path) -> Outcome:
    began = time.perf_counter()
    message = advice = ""
    try:
        check.run(folder)
    except UserError as error:
        message, advice = error.title, f"{error.advice} {check.advice}".strip()
    except Exception as error:  # noqa: BLE001  the whole point: whatever a broken part raises is said
        message, advice = f"{type(error).__name__}: {error}", check.advice
    return Outcome(check.name, not message, time.perf_counter() - began, " ".join(message.split()), advice)
