"""Where the files of the tests lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
SHARED_DATA = Path(os.environ.get("TANDEM_REAL_DATA", ROOT.parent / "shared" / "data"))
"""Real files of other laboratories, too many to be kept here; tests that want them are skipped without."""
