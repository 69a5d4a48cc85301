"""The window as commands see it: the front door hands it in, so that no command knows Qt."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class WindowDoor(Protocol):
    """What a command may ask of the window."""

    def open(self, paths: list[Path], *, demo: bool = False, play_at: float | None = None) -> int:
        """Show these files and return the exit status of the window; `play_at`: replay at this speed."""

    def screenshot(
        self, session: Path | None, out: Path, size: tuple[int, int], at: float | None, theme: str
    ) -> None:
        """Draw the window into a PNG, `size` in pixels, the cursor at `at` (s; None: where it is)."""

    def benchmarks(self) -> tuple[str, ...]:
        """Names of the benchmarks that need the window."""
