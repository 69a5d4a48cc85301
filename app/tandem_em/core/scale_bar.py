"""How long a scale bar is and what is written at it: the same on the screen, in figures and in films."""

from __future__ import annotations

import math


def bar_length_nm(across_nm: float, share: float = 0.3) -> float:
    """The longest of 1, 2, 5 × 10ⁿ that is not longer than its share of the picture."""
    wanted = share * across_nm * (1 + 1e-9)  # a tenth of a third of 100 nm is a little less than 10 / 3 nm
    power = 10.0 ** math.floor(math.log10(wanted))
    return max(step * power for step in (0.5, 1, 2, 5) if step * power <= wanted)


def length_text(length_nm: float) -> str:
    """In the unit that reads best: 50 nm, 2 µm, 20 pm."""
    if length_nm >= 1000:
        return f"{length_nm / 1000:g} µm"
    return f"{length_nm:g} nm" if length_nm >= 0.1 else f"{1000 * length_nm:g} pm"
