"""What the program remembers between sessions: a small validated JSON file of the user's own."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from tandem_em.core import replacing
from tandem_em.core.notices import UserError

log = logging.getLogger(__name__)


def config_folder() -> Path:
    """Where settings, recovery notes and logs live; `TANDEM_HOME` moves all of it (tests, portable installs)."""
    override = os.environ.get("TANDEM_HOME")
    if override:
        return Path(override)
    from platformdirs import user_data_path

    return user_data_path("TandEM", appauthor=False)


def opened_demos() -> Path:
    """Where the copies of the demo lie that are played with; each opening makes a fresh one."""
    return config_folder() / "demo" / "opened"


@dataclass(frozen=True)
class Preferences:
    """Everything a person can choose."""

    theme: Literal["dark", "light"] = "dark"
    recent: list[str] = field(default_factory=list)
    autosave_s: float = 30.0
    embed_limit_GB: float = 8.0
    author: str = ""
    scheduler: str = ""
    tour_seen: bool = False
    window: dict[str, Any] = field(default_factory=dict)
    text_imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Text import settings by fingerprint of the header."""
    pixel_by_magnification: dict[str, float] = field(default_factory=dict)


def preferences_from(found: Any) -> Preferences:
    """Preferences from what stood in the file; a value of the wrong kind gives way to its default."""
    defaults = Preferences()
    if not isinstance(found, dict):
        return defaults
    good: dict[str, Any] = {}
    for each in fields(Preferences):
        value, default = found.get(each.name), getattr(defaults, each.name)
        if (
            # JSON writes 30.0 as 30 when a person edits it.
            isinstance(default, float)
            and isinstance(value, int | float)
            and not isinstance(value, bool)
            and value > 0
        ):
            good[each.name] = float(value)
        elif type(value) is type(default) and (each.name != "theme" or value in ("dark", "light")):
            good[each.name] = value
    return Preferences(**good)


class Settings:
    """Loads once, saves atomically on every change. A broken file is set aside, never fatal."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "preferences.json"
        self.values = self._load()

    def _load(self) -> Preferences:
        try:
            return preferences_from(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Preferences()
        except (OSError, ValueError) as error:
            log.warning("preferences %s could not be read (%s); defaults are used", self.path, error)
            return Preferences()

    def change(self, **changed: Any) -> None:
        """Set preferences and save them; a disk that refuses is logged, the new values hold all the same."""
        self.values = replace(self.values, **changed)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and then replaced: a crash leaves the old file whole.
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps(asdict(self.values), indent=1), encoding="utf-8")
            replacing.replace(temporary, self.path, patience_s=0.2)
        except (OSError, UserError) as error:
            log.warning("preferences could not be saved: %s", error)

    def remember_recent(self, path: Path) -> None:
        """Put a file first among the last twelve that were opened."""
        text = str(path.resolve())
        self.change(recent=[text, *(other for other in self.values.recent if other != text)][:12])
