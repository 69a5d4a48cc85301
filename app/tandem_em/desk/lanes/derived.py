"""Quantities made of a run's columns sample by sample: how all of them are computed, and how later samples are added."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from tandem_em.core.jobs import Job
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.ordered import Ordered
from tandem_em.model.curves import BiasRun


@dataclass
class Computed:
    """A derived quantity in the order of the run's `Ordered`."""

    values: Floats
    error: Floats | None = None
    """Half the width of its error band."""
    state: Any = None
    """What `more` needs to know of the samples before."""


class Derivation(ABC):
    """One derived quantity. The window keeps what it computed and adds to it while the run grows."""

    name: str
    """In messages: `Computing the charge`."""
    needs: tuple[str, ...] = ()
    """Columns it is made of."""

    def key(self, run: BiasRun) -> tuple[Any, ...]:
        """What it depends on besides the samples: when this changes it is computed anew."""
        return self.name, run.zero_current_A, run.zero_current_error_A, run.gap_limit_s

    @abstractmethod
    def whole(self, run: BiasRun, ordered: Ordered) -> Job[Computed]:
        """Of the samples that `ordered` knows; in pieces where there may be many."""

    @abstractmethod
    def more(
        self, run: BiasRun, ordered: Ordered, before: Computed, total: int
    ) -> tuple[Floats, Floats | None]:
        """Values and errors of the samples after those in `before` up to `total`, of a run in order of time."""
