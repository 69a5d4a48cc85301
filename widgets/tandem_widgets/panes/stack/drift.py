"""The drift of the shown stack: whether it is taken off on view, how far, and finding it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.core.jobs import Task
from tandem_em.desk.desk import Desk
from tandem_em.desk.live import follow
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.frames import FrameStack


class DriftOnView:
    """Drift is a parameter of the stack; this only says what is taken off the frames on screen."""

    changed = Signal()
    """It is taken off, or no longer: the frame is to be shown again."""
    previewed = Signal()
    """It is being found, and more of it is known."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stack: FrameStack | None = None
        self._trial: NDArray[np.float64] | None = None
        self._trial_task: Task[Any] | None = None
        self.on = True

    @property
    def is_known(self) -> bool:
        """Whether the drift of the shown stack has been measured."""
        return self._stack is not None and self._stack.drift_px is not None

    def show_stack(self, stack: FrameStack | None) -> None:
        """Changes to another stack (None: none); a drift on trial is dropped."""
        self._stack, self._trial_task = stack, None

    def shift(self, index: int) -> tuple[float, float]:
        """What is taken off a frame on view (px): while the drift is being found, as far as it is known."""
        if self._stack is None or not self.on:
            return 0.0, 0.0
        found, trial = self._trial_task, self._trial
        # a trial that has ended or failed is no drift
        if found is not None and found.state == "running" and trial is not None and index < len(trial):
            return float(trial[index, 0]), float(trial[index, 1])
        return self._stack.drift_at(index)

    def use(self, on: bool) -> None:
        """Takes the drift off the frames on screen, or leaves them as recorded."""
        if on != self.on:
            self.on = on
            self.changed.emit()

    def find_or_use(self) -> None:
        """The first time it is found, later the frames are shown with and without."""
        if self._stack is not None and self._stack.drift_px is None:
            self.find()
        else:
            self.use(not self.on)

    def find(self, region: stacks.Region | None = None) -> None:
        """Find it in a job, on the whole frame or a region, and show it meanwhile. While filming the recorder does it."""
        if self._stack is None:
            return
        self.on = True
        # frames still come in: the recorder measures as they do
        if stacks.is_growing(self._stack):
            follow.ask_for_drift(self._desk, self._stack)
        else:
            self.watch(stacks.correct_drift(self._desk, self._stack, region, preview=self.preview))

    def watch(self, task: Task[Any]) -> None:
        """The drift is being found: `preview` is told how far that is."""
        self._trial_task, self._trial = task, None

    def preview(self, drift: NDArray[np.float64]) -> None:
        """Shows a drift (frames, 2) in px while it is still being measured."""
        self._trial = drift
        self.previewed.emit()

    def last_region(self) -> stacks.Region | None:
        """The newest region of interest of the stack."""
        stack = self._stack
        for result in reversed(list(self._desk.session.results)):
            if stack is not None and result.analysis == stacks.REGION and result.owner_id == stack.id:
                x0, y0, x1, y1 = (int(each) for each in result.values["region"])
                return x0, y0, x1, y1
        return None
