"""Lines across layers of a stack: the kymograph along one, and the edges on it followed in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Task
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Request, ResultAnalysis
from tandem_em.desk.desk import Desk
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_stacks import Layers
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine

if TYPE_CHECKING:
    from tandem_em.analysis.images.layers import LayerTrack

LAYERS = Layers.analysis


def kymograph(stack: FrameStack, line: ProfileLine) -> Job[Floats]:
    """Brightness along a line (drift taken off) in every frame: (T, distance); NaN rows for frames nobody can read."""
    from tandem_em.analysis.images import layers

    return (
        yield from layers.kymograph(_reading(stack), len(stack), line.points, line.width_px, _drift(stack))
    )


def profile(stack: FrameStack, line: ProfileLine, frame: NDArray[Any], index: int) -> tuple[Floats, Floats]:
    """Brightness along a line in one frame that has been read already, a value per px, and its standard error."""
    from tandem_em.analysis.images.layers import one_profile

    return one_profile(frame, np.asarray(line.points) + stack.drift_at(index), line.width_px)


class FollowLayers(ResultAnalysis):
    """Edges along a line, followed in time; asked of the line."""

    name = Layers.analysis
    menu = "Follow the edges"
    owner = ProfileLine
    makes = Layers

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the line lies on a stack; on a map there is nothing to follow."""
        return isinstance(owner, ProfileLine) and owner.owner_id in session.stacks

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`edges_px`: two or more places along the line in `frame` (0 when not given)."""
        edges_px = [float(place) for place in parameters.get("edges_px", ())]
        stack = session.stacks.get(owner.owner_id)
        if len(edges_px) < 2:
            raise UserError("A thickness lies between two edges.", "Mark two edges on the profile.")
        if stack is None:
            raise UserError(f"The movie of {owner.name} is gone.", "Draw the line on another one.")
        given = {
            # The line as it is now: it may be moved while the job runs.
            "line": [list(point) for point in owner.points], "width_px": owner.width_px, "edges_px": edges_px,
            "frame": int(parameters.get("frame", 0)),
        }  # fmt: skip
        return Request(self, owner, [stack, stack.clock, owner], given)

    def title(self, request: Request) -> str:
        """Names the line."""
        return f"Layers along {request.owner.name}"

    def working(self, request: Request) -> str:
        """Names the line."""
        return f"Following the edges along {request.owner.name}"

    def label(self, request: Request) -> str:
        """Undo text: the same as the name of the result."""
        return self.title(request)

    def job(self, session: Session, request: Request) -> Job[LayerTrack]:
        """Finds every edge again in each frame, drift taken off."""
        from tandem_em.analysis.images.layers import follow_layers

        stack, given = _stack(request), request.parameters
        return follow_layers(
            _reading(stack), len(stack), given["line"], given["edges_px"], given["frame"], given["width_px"], _drift(stack)
        )  # fmt: skip

    def typed(self, session: Session, request: Request, found: Any) -> Layers:
        """Positions (px) and thicknesses (nm, or px without calibration) of every frame, with errors."""
        stack, count = _stack(request), found.positions.shape[1]
        pixel, unit = (stack.pixel_nm, "nm") if stack.pixel_nm else (1.0, "px")
        between = [found.thickness(inner, outer) for inner, outer in pairwise(range(len(found.positions)))]
        given = request.parameters
        return Layers(
            t_s=stack.t[:count].copy(), edges_px=tuple(found.positions), edge_errors_px=tuple(found.errors),
            thickness=tuple(each * pixel for each, _ in between), thickness_error=tuple(e * pixel for _, e in between),
            unit=unit, line_id=request.owner.id, line=given["line"], width_px=given["width_px"],
            started_at_px=given["edges_px"], frame=given["frame"],
        )  # fmt: skip

    def about(self, session: Session, request: Request) -> Item:
        """The stack, whose frames were measured; it was asked of the line."""
        return _stack(request)

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """What was followed along this line before."""
        return [r for r in session.results if (found := Layers.of(r)) and found.line_id == request.owner.id]

    def summary(self, item: Item) -> str:
        """First and last thickness of each layer."""
        found = self.of(item)
        if found is None:
            return ""
        seen = [row[np.isfinite(row)] for row in found.thickness]
        return ", ".join(f"{row[0]:.4g} to {row[-1]:.4g} {found.unit}" for row in seen if len(row))

    def method(self, session: Session, step: Step) -> str:
        """How many edges were marked, and in which frame."""
        count, frame = len(step.parameters.get("edges_px", ())), int(step.parameters.get("frame", 0))
        return f"{self.subject(session, step)}: {count} edges marked in frame {frame + 1} and followed through the movie"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """Edges and frame; place and width are those of the line."""
        return {key: step.parameters.get(key) for key in ("edges_px", "frame")}


FOLLOW_LAYERS = FollowLayers()


def follow(desk: Desk, stack: FrameStack, line: ProfileLine, edges_px: list[float], frame: int) -> Task[Any]:
    """Follow the edges that lie at `edges_px` along a line in one frame; thickness over time, kept as one step."""
    return FOLLOW_LAYERS.ask(desk.session, line, edges_px=edges_px, frame=frame).start(desk)


def _stack(request: Request) -> FrameStack:
    stack = request.inputs[0]
    assert isinstance(stack, FrameStack)
    return stack


def of_line(session: Session, line: ProfileLine) -> ResultSet | None:
    """The layers that were followed along a line."""
    return next((r for r in session.results if (found := Layers.of(r)) and found.line_id == line.id), None)


def propose_edges(values: Floats, count: int) -> list[float]:
    """The clearest edges on a profile, where a person would mark them; places along it in pixels."""
    from tandem_em.analysis.images.layers import propose_edges as proposed

    return proposed(values, count)


def edges_at(result: ResultSet, frame: int) -> list[float]:
    """Positions of the edges along the line in a frame (px); NaN where one was not seen."""
    rows = Layers.from_result(result).edges_px
    # Frames that came after the following have no edges.
    return [float(row[frame]) if frame < len(row) else float("nan") for row in rows]


def thicknesses(result: ResultSet) -> list[tuple[Floats, Floats, str]]:
    """Thickness and its deviation over time, and their unit, layer by layer."""
    found = Layers.from_result(result)
    return [(row, error, found.unit) for row, error in zip(found.thickness, found.thickness_error)]


def _drift(stack: FrameStack) -> Floats | None:
    """One shift for each frame; frames that came after the drift was measured stay where they are."""
    if stack.drift_px is None:
        return None
    return np.array([stack.drift_at(index) for index in range(len(stack))])


def _reading(stack: FrameStack) -> Any:
    def read(index: int) -> NDArray[Any] | None:
        try:
            return stack.frame(index)
        except UserError:
            return None

    return read
