"""Electron dose: how the rate of a stack is known, and the budget of the experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tandem_em.model.items import Item


@dataclass(eq=False, kw_only=True)
class DoseSettings(Item):
    """Rate in e/Å²s, typed or from calibrated counts of a stack; budget in e/Å²."""

    kind: ClassVar[str] = "dose"

    stack_id: str = ""
    rate_from: Literal["typed", "counts"] = "typed"
    rate_e_A2s: float | None = None
    budget_e_A2: float | None = None
    beam_off_fraction: float = 0.1
    """Frames darker than this fraction of the usual brightness are beam-off."""
