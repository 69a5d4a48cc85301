"""The drift that outlines are followed in, as an analysis of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Analysis, Outcome, Request
from tandem_em.desk.outlines import following
from tandem_em.model.edits import AddItem, ChangeFields, Edit
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import Step
from tandem_em.model.session import Session


class FindDrift(Analysis):
    """How far the content of each frame has moved; kept with the stack, taken off on view."""

    name = "drift"
    menu = "Correct the drift"
    owner = FrameStack
    makes = FrameStack

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`region`: x0, y0, x1, y1 (px) to measure in, None: the whole frame; needs two frames."""
        if len(owner) < 2:
            raise UserError(f"{owner.name} has only one frame.", "Drift needs at least two.")
        region = parameters.get("region")
        return Request(self, owner, [], {"region": list(region) if region else None})

    def working(self, request: Request) -> str:
        """Names the stack."""
        return f"Finding the drift of {request.owner.name}"

    def job(self, session: Session, request: Request) -> Job[Floats]:
        """Measures the drift of every frame against frame 0 (px)."""
        stack, region = request.owner, request.parameters["region"]
        assert isinstance(stack, FrameStack)
        return following.find_drift(stack, (region[0], region[1], region[2], region[3]) if region else None)

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """The drift becomes a field of the stack; it is no item of its own."""
        label, stack = f"Correct the drift of {request.owner.name}", request.owner
        request.step.parameters["frames"], request.step.outputs = len(found), [stack.id]
        edits: list[Edit] = [ChangeFields(label, stack.id, {"drift_px": found}), AddItem(label, request.step)]
        return Outcome(label, edits, [stack])

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """Never: None."""
        return None  # frames stay as they are, and so does their drift

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """The region; the number of frames in the step is an outcome."""
        return {"region": step.parameters.get("region")}


DRIFT = FindDrift()
