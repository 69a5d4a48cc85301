"""Lines across layers of a stack: the kymograph along one, and the edges on it followed in time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Task
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, Edit, RemoveItem
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine

if TYPE_CHECKING:
    from tandem_em.analysis.images.layers import LayerTrack

LAYERS = "layers"


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


def follow(desk: Desk, stack: FrameStack, line: ProfileLine, edges_px: list[float], frame: int) -> Task[Any]:
    """Follow the edges that lie at `edges_px` along a line in one frame; thickness over time, kept as one step."""
    if len(edges_px) < 2:
        raise UserError("A thickness lies between two edges.", "Mark two edges on the profile.")
    from tandem_em.analysis.images.layers import follow_layers

    parameters = {
        "line": [list(point) for point in line.points], "width_px": line.width_px, "edges_px": list(edges_px),
        "frame": frame,
    }  # fmt: skip
    label = f"Layers along {line.name}"
    step = step_for(label, [stack, stack.clock, line], parameters)
    job = follow_layers(
        _reading(stack), len(stack), line.points, edges_px, frame, line.width_px, _drift(stack)
    )

    def finished(track: LayerTrack) -> None:
        if line.id not in desk.session.profiles:
            return
        result = _result(label, stack, line, track, step)
        older = of_line(desk.session, line)
        edits: list[Edit] = [] if older is None else [RemoveItem(label, older)]
        desk.do(label, *edits, AddItem(label, step), AddItem(label, result))

    return desk.start(f"Following the edges along {line.name}", job, finished, key=f"layers {line.id}")


def _result(label: str, stack: FrameStack, line: ProfileLine, track: LayerTrack, step: Step) -> ResultSet:
    count = track.positions.shape[1]
    pixel, unit = (stack.pixel_nm, "nm") if stack.pixel_nm else (1.0, "px")
    arrays: dict[str, NDArray[Any]] = {"t_s": stack.t[:count].copy()}
    units = {"t_s": "s"}
    for number, (place, error) in enumerate(zip(track.positions, track.errors), start=1):
        arrays |= {f"edge_{number}": place, f"edge_{number}_error": error}
        units |= dict.fromkeys((f"edge_{number}", f"edge_{number}_error"), "px")
    for number, (inner, outer) in enumerate(pairwise(range(len(track.positions))), start=1):
        thickness, error = track.thickness(inner, outer)
        arrays |= {f"thickness_{number}": thickness * pixel, f"thickness_{number}_error": error * pixel}
        units |= dict.fromkeys((f"thickness_{number}", f"thickness_{number}_error"), unit)
    result = ResultSet(
        name=label, analysis=LAYERS, arrays=arrays, units=units, values={"line_id": line.id, **step.parameters},
        owner_id=stack.id, step_id=step.id, simulated=stack.simulated,
    )  # fmt: skip
    step.outputs.append(result.id)
    return result


def of_line(session: Session, line: ProfileLine) -> ResultSet | None:
    """The layers that were followed along a line."""
    return next(
        (r for r in session.results if r.analysis == LAYERS and r.values.get("line_id") == line.id), None
    )


def edges_at(result: ResultSet, frame: int) -> list[float]:
    """Positions of the edges along the line in a frame (px); NaN where one was not seen."""
    found: list[float] = []
    while (name := f"edge_{len(found) + 1}") in result.arrays:
        column = result.arrays[name]
        found.append(float(column[frame]) if frame < len(column) else float("nan"))
    return found


def thicknesses(result: ResultSet) -> list[tuple[Floats, Floats, str]]:
    """Thickness and its deviation over time, and their unit, layer by layer."""
    found: list[tuple[Floats, Floats, str]] = []
    while (name := f"thickness_{len(found) + 1}") in result.arrays:
        found.append((result.arrays[name], result.arrays[f"{name}_error"], result.units.get(name, "nm")))
    return found


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
