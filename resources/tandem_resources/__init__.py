"""Files only: icons, edge table, diffusivities, help. This is the one door to them.

What lives here: data files that ship with the program, and the two functions that open them.
What does not: anything that computes. Who may come in: everybody.
"""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


def path(name: str) -> Traversable:
    """A shipped file or folder, by its path inside this package; use `importlib.resources.as_file` for a real path."""
    return files(__package__).joinpath(*name.split("/"))


def read_json(name: str) -> Any:
    """The contents of a shipped JSON file; read anew each time, so that nobody can change another's copy."""
    return json.loads(path(name).read_text(encoding="utf-8"))
