"""What the user is told: sentences in a list with one signal. The window is one listener, the log another."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Literal

from psygnal import Signal

log = logging.getLogger("tandem")
Level = Literal["info", "warning", "error"]


class UserError(Exception):
    """Something a person can mend: `title` says what happened to which file or instrument, `advice` what to do next."""

    def __init__(self, title: str, advice: str = "") -> None:
        super().__init__(f"{title} {advice}".strip())
        self.title = title
        self.advice = advice


@dataclass(frozen=True)
class Notice:
    """One thing that was said: `title` what happened, `advice` what to do, `when` in seconds since 1970."""

    level: Level
    title: str
    advice: str = ""
    when: float = field(default_factory=time.time)


class Notices:
    """The list of everything said in this run; newest last."""

    posted = Signal(Notice)

    def __init__(self) -> None:
        self.items: list[Notice] = []

    def post(self, level: Level, title: str, advice: str = "") -> None:
        """Add a notice, write it to the log, and tell the listeners."""
        notice = Notice(level, title, advice)
        self.items.append(notice)
        log.log(getattr(logging, level.upper()), "%s %s", title, advice)
        self.posted.emit(notice)

    def info(self, title: str, advice: str = "") -> None:
        """Something to know; nothing is wrong."""
        self.post("info", title, advice)

    def warning(self, title: str, advice: str = "") -> None:
        """Something that may spoil the data or the experiment."""
        self.post("warning", title, advice)

    def error(self, title: str, advice: str = "") -> None:
        """Something that could not be done."""
        self.post("error", title, advice)

    def tell(self, error: BaseException) -> None:
        """Say an error: a UserError in its own words, anything else as the bug it is (with its traceback in the log)."""
        if isinstance(error, UserError):
            self.error(error.title, error.advice)
        else:
            log.error("unexpected error", exc_info=error)
            self.error(
                f"Something unexpected happened: {error}",
                "Nothing recorded is lost. The log has the details.",
            )
