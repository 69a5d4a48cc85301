"""The list of all checks, the quick ones first."""

from __future__ import annotations

from pathlib import Path

from tandem_em.desk.selftest import cell_safety, going_out, numbers, reading, sessions_kept, window
from tandem_em.desk.selftest.check import Check


def checks(shot: Path | None = None) -> list[Check]:
    """`shot`: where the picture of the window is to be kept."""
    return [
        *sessions_kept.checks(),
        *reading.checks(),
        *going_out.checks(),
        *numbers.checks(),
        *cell_safety.checks(),
        window.check(shot),
    ]
