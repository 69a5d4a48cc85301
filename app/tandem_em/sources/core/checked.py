"""Values from messages of others, taken only for what they are: JSON that is not too deep, numbers that are numbers."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(text: str | bytes) -> Any:
    """ValueError for what is no JSON, and for what is nested too deeply to be meant."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def real(value: Any, otherwise: float = math.nan) -> float:
    """A number of a message as a float; `otherwise` for anything else, also for one beyond all measure."""
    # For Python True is an integer; for a message it is not.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    try:
        return float(value)
    except OverflowError:
        return otherwise


def whole(value: Any, otherwise: int = 0) -> int:
    """A whole number of a message; `otherwise` for anything else."""
    # An int64 has to hold it; Python's own integers have no end.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62:
        return value
    return otherwise
