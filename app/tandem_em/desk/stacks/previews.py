"""Previews of packed movies: made once in the background, kept in the session, shown while somebody scrubs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import ArraySource, FrameByFrame
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.session import Session

BLOCK_PX = 4
LEAST_SIDE_PX, LEAST_FRAMES = 1024, 8
"""Smaller frames are unpacked in no time, few frames are kept in memory."""


class Shrunk(FrameByFrame):
    """An ArraySource: means of blocks of another one's pixels; what is left over at the borders is left out."""

    def __init__(self, source: ArraySource, block_px: int = BLOCK_PX) -> None:
        self._source, self._block = source, block_px
        frames, height, width = source.shape
        small = source.dtype.kind in "ui" and source.dtype.itemsize <= 2
        # Eleven bits of a mean are more than a screen shows, at half the size.
        dtype = np.float16 if small else np.float32
        super().__init__(frames, (height // block_px, width // block_px), dtype)

    def one(self, number: int) -> AnyArray:
        """A small frame: float16 for up to 16-bit counts, else float32."""
        _, height, width = self.shape
        block = self._block
        frame = self._source.read(number)[: height * block, : width * block]
        # Rows first: summing along memory is much faster than a mean over both axes.
        columns = frame.reshape(height, block, width * block).sum(axis=1, dtype=np.float32)
        means = columns.reshape(height, width, block).sum(axis=2) / np.float32(block * block)
        if self.dtype == np.float16:
            # The largest finite float16: bright 16-bit pixels would become infinite.
            means = np.clip(means, -65504, 65504)
        return means.astype(self.dtype)


def of_stack(session: Session, stack: FrameStack) -> Preview | None:
    """The finished preview of a stack."""
    for preview in session.previews:
        if (
            preview.of_id == stack.id
            and not isinstance(preview.source, Shrunk)
            and len(preview) == len(stack)
        ):
            return preview
    return None


def reader(session: Session, stack: FrameStack) -> Callable[[int], AnyArray] | None:
    """Reads a frame of the preview; None where there is none."""
    preview = of_stack(session, stack)
    if preview is None:
        return None
    return lambda index: np.asarray(preview.frame(index), np.float32)


def wanted(session: Session) -> list[FrameStack]:
    """Stacks that scrub badly without one."""
    known = {preview.of_id for preview in session.previews}
    return [
        stack
        for stack in session.stacks
        if stack.id not in known
        and len(stack) >= LEAST_FRAMES
        and min(stack.shape[1:]) >= LEAST_SIDE_PX
        and stack.source.is_packed
    ]


Prepare = Callable[[str, str, ArraySource, str], Job[None]]
"""Item id, kind, data, label: a job that copies the data into a file."""


def make(
    start: Callable[..., Any],
    session: Session,
    stack: FrameStack,
    on_end: Callable[[], None],
    prepare: Prepare,
) -> None:
    """Build the preview of a stack; it joins the session when it is complete. `start` runs a job (`Desk.start`), `prepare`
    says into which file: the session's own, unless somebody is only looking at it."""
    preview = Preview(
        name=f"preview of {stack.name}", of_id=stack.id, block_px=BLOCK_PX, source=Shrunk(stack.source),
        clock=stack.clock, simulated=stack.simulated,
    )  # fmt: skip

    def finished(_none: None) -> None:
        if stack.id in session.stacks:
            session.previews.add(preview)
            on_end()

    label = f"Preview of {stack.name}"
    job = prepare(preview.id, preview.kind, preview.source, label)
    start(label, job, finished, key=f"preview {stack.id}")


def forget_orphans(session: Session) -> None:
    """Previews of stacks that are gone go with them."""
    for preview in list(session.previews):
        if preview.of_id not in session.stacks:
            session.previews.remove(preview.id)
