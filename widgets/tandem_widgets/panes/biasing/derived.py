"""Derived quantities of a run as the lanes need them: kept in step while it grows, with the levels of their values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk.lanes.derived import Computed, Derivation
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.ready import Ready
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.levels import Levels


class Derived:
    """One derived quantity of one run, sample by sample in the order of the run's `Ready`."""

    def __init__(self, what: Derivation, key: tuple[Any, ...], made: Computed) -> None:
        self.what = what
        self.key = key
        self._values = GrowingArray(made.values)
        self._error = None if made.error is None else GrowingArray(made.error, np.float32)
        self._state = made.state
        self.levels = Levels(self._values.view)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def name(self) -> str:
        """Name of the quantity, as the lanes are told apart."""
        return self.what.name

    @property
    def y(self) -> NDArray[np.float64]:
        """Values, one per sample that has been computed so far."""
        return self._values.view

    @property
    def error(self) -> NDArray[Any] | None:
        """Errors of the values, in their unit; None where the quantity has none."""
        return None if self._error is None else self._error.view

    def catch_up(self, run: BiasRun, ready: Ready) -> None:
        """Add what was recorded since; costs what was added."""
        # samples out of order cannot be appended: then all is computed anew
        if ready.order is not None or len(ready.x) <= len(self):
            return
        before = Computed(self.y, self.error, self._state)
        values, error = self.what.more(run, ready, before, len(ready.x))
        self._values.append(values)
        if self._error is not None and error is not None:
            self._error.append(error)
        self.levels.grow(self._values.view)


def deriving(what: Derivation, key: tuple[Any, ...], run: BiasRun, ready: Ready) -> Job[Derived]:
    """Compute a derived quantity of all samples there are now."""
    yield Progress(0, 2, f"Computing the {what.name} of {run.name}")
    made = Derived(what, key, (yield from what.whole(run, ready)))
    yield Progress(1, 2, f"Computing the {what.name} of {run.name}")
    if len(made) > levels.SMALL:
        yield from made.levels.building()
    else:
        made.levels.grow(made.y)
    return made
