"""Giving a finished file its name, also where another program looks at the old one.

On Windows a file that is open cannot be replaced. A virus scanner or a preview lets go within a moment: it is tried again
for a while, then a sentence says what to do.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tandem_em.core.notices import UserError

OPEN_ELSEWHERE = (5, 32, 33)
"""Windows: access denied, sharing violation, lock violation."""
PATIENCE_S = 2.0
PAUSE_S = 0.05


def replace(temporary: Path, path: Path, patience_s: float = PATIENCE_S) -> None:
    """`os.replace` with patience. UserError when the old file stays open elsewhere; other OSErrors as they are."""
    give_up = time.monotonic() + patience_s
    while True:
        try:
            os.replace(temporary, path)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in OPEN_ELSEWHERE:
                raise
            if time.monotonic() >= give_up:
                raise UserError(
                    f"{path.name} cannot be replaced: another program has it open.",
                    "Close it there (also previews), then try again; or choose another name.",
                ) from error
            time.sleep(PAUSE_S)
        else:
            return
