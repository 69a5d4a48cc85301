"""What the program remembers between sessions: a small validated JSON file of the user's own."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

log = logging.getLogger(__name__)


def config_folder() -> Path:
    """Where settings, recovery notes and logs live; `TANDEM_HOME` moves all of it (tests, portable installs)."""
    override = os.environ.get("TANDEM_HOME")
    if override:
        return Path(override)
    from platformdirs import user_data_path

    return user_data_path("TandEM", appauthor=False)


class Preferences(BaseModel):
    """Everything a person can choose."""

    theme: Literal["dark", "light"] = "dark"
    recent: list[str] = Field(default_factory=list)
    autosave_s: float = Field(default=30.0, ge=1.0)
    embed_limit_GB: float = Field(default=8.0, gt=0)
    author: str = ""
    scheduler: str = ""
    tour_seen: bool = False
    window: dict[str, Any] = Field(default_factory=dict)
    text_imports: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Text import settings by fingerprint of the header."""
    pixel_by_magnification: dict[str, float] = Field(default_factory=dict)


class Settings:
    """Loads once, saves atomically on every change. A broken file is set aside, never fatal."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "preferences.json"
        self.values = self._load()

    def _load(self) -> Preferences:
        try:
            return Preferences.model_validate_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Preferences()
        except (OSError, ValidationError, ValueError) as error:
            log.warning("preferences %s could not be read (%s); defaults are used", self.path, error)
            return Preferences()

    def change(self, **fields: Any) -> None:
        self.values = self.values.model_copy(update=fields)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps(self.values.model_dump(mode="json"), indent=1), encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            log.warning("preferences could not be saved: %s", error)

    def remember_recent(self, path: Path) -> None:
        text = str(path.resolve())
        self.change(recent=[text, *(other for other in self.values.recent if other != text)][:12])
