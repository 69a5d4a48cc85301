"""What a hand does to outlines: draw, drag, rename, split, merge, follow. Every verb is one undoable step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from tandem_em.core.jobs import Progress, Task
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import following
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.desk.outlines.follow import BLANK, EXACT, FOLLOW, OUTSIDE, joined
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, ChangeFields, Edit, RemoveItem
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle, Polygon

Partial = Callable[[dict[str, dict[int, Outline]]], None]
Ended = Callable[[dict[str, tuple[int, ...]]], None]
"""Gets the frames where each particle was given up, by its id."""


def of_stack(session: Session, stack: FrameStack) -> list[Particle]:
    """Particles outlined on a stack, in the order of the session."""
    return [particle for particle in session.particles if particle.stack_id == stack.id]


# --- drawing and correcting -----------------------------------------------------------------------------------------


def draw(desk: Desk, stack: FrameStack, frame: int, polygon: Polygon) -> Particle:
    """A new particle with one key outline at a frame; the selection goes to it. In a movie that shape stays as a ghost."""
    # 9 px² is a slip of the hand.
    if len(polygon) < 3 or following.polygon_area(polygon) < 9:
        raise UserError("The outline has hardly any area.", "Draw it around the particle.")
    name = desk.session.particles.free_name("P")
    # Separate images have no earlier shape to compare with.
    ghosts = [] if stack.axis0_is_time is False else [frame]
    particle = Particle(name=name, stack_id=stack.id, simulated=stack.simulated, reference_frames=ghosts)
    particle.outlines[frame] = following.key_outline(particles_shape.evened(polygon))
    desk.add(f"Outline {name}", particle)
    desk.session.focus.select("particle", particle.id)
    return particle


def correct(desk: Desk, particle: Particle, frame: int, polygon: Polygon) -> tuple[int, int]:
    """Make the corrected outline a key of this frame; returns the stretch that depends on it (neighbouring keys)."""
    outlines = dict(particle.outlines)
    outlines[frame] = following.key_outline(polygon)
    exact = sorted({*particle.extra.get(EXACT, []), frame})
    desk.change(
        f"Correct {particle.name} in frame {frame + 1}",
        particle,
        outlines=outlines,
        extra={**particle.extra, EXACT: exact},
    )
    return stretch_of(desk.session, particle, frame)


def stretch_of(session: Session, particle: Particle, frame: int) -> tuple[int, int]:
    """From the key before a frame to the key after it; to the ends of the movie where there is none."""
    stack = session.stacks.get(particle.stack_id)
    last = len(stack) - 1 if stack is not None else frame
    before = [key for key in particle.keys if key < frame]
    after = [key for key in particle.keys if key > frame]
    return max(before, default=0), min(after, default=last)


def confirm(desk: Desk, particle: Particle, frame: int) -> None:
    """What was followed is right in this frame: it becomes a key, and what is found from now on starts from it."""
    outlines = dict(particle.outlines)
    outlines[frame] = replace(outlines[frame], is_key=True, confidence=1.0)
    exact = sorted({*particle.extra.get(EXACT, []), frame})
    label = f"Make frame {frame + 1} a key frame of {particle.name}"
    desk.change(label, particle, outlines=outlines, extra={**particle.extra, EXACT: exact})


def delete_key(desk: Desk, particle: Particle, frame: int) -> tuple[int, int]:
    """Take a correction back; returns the stretch to be followed again."""
    keys = particle.keys
    if frame not in keys:
        raise UserError(
            f"Frame {frame + 1} is not a key frame of {particle.name}.", "Key frames have filled handles."
        )
    if len(keys) == 1:
        raise UserError(
            f"This is the only key frame of {particle.name}.",
            "Delete the particle, or make another key frame first.",
        )
    outlines = {number: outline for number, outline in particle.outlines.items() if number != frame}
    exact = [number for number in particle.extra.get(EXACT, []) if number != frame]
    desk.change(
        f"Remove key frame {frame + 1} of {particle.name}",
        particle,
        outlines=outlines,
        extra={**particle.extra, EXACT: exact},
    )
    return stretch_of(desk.session, particle, frame)


def remove(desk: Desk, particle: Particle) -> None:
    """Delete a particle with all its outlines and drop the selection."""
    desk.remove(f"Delete {particle.name}", particle)
    desk.session.focus.select("particle", "")


# --- names, colours, ghosts -----------------------------------------------------------------------------------------


def rename(desk: Desk, particle: Particle, name: str) -> None:
    """Give a particle another name; blanks around it are cut, an empty name changes nothing."""
    name = name.strip()
    if name and name != particle.name:
        desk.change(f"Rename {particle.name} to {name}", particle, name=name)


def recolour(desk: Desk, particle: Particle, colour: str) -> None:
    """Give a particle another colour (#rrggbb), in the image and in the lanes."""
    desk.change(f"Colour of {particle.name}", particle, colour=colour)


def show(desk: Desk, chosen: Iterable[Particle], visible: bool) -> None:
    """Show or hide particles in one step; those that are so already are left out of it."""
    rows = [particle for particle in chosen if particle.visible != visible]
    label = f"{'Show' if visible else 'Hide'} {', '.join(particle.name for particle in rows)}"
    desk.do(label, *(ChangeFields(label, particle.id, {"visible": visible}) for particle in rows))


def toggle_reference(desk: Desk, chosen: Iterable[Particle], frame: int) -> bool:
    """Keep the shapes of this frame as ghosts, or let them go where all have one; returns whether they stay now."""
    rows = [particle for particle in chosen if frame in particle.outlines]
    if not rows:
        raise UserError("There is no outline in this frame.", "Draw or follow a particle first.")
    keep = any(frame not in particle.reference_frames for particle in rows)
    label = f"{'Keep' if keep else 'Remove'} the reference of frame {frame + 1}"
    edits: list[Edit] = []
    for particle in rows:
        frames = [number for number in particle.reference_frames if number != frame]
        edits.append(
            ChangeFields(
                label, particle.id, {"reference_frames": sorted([*frames, frame]) if keep else frames}
            )
        )
    desk.do(label, *edits)
    return keep


# --- several at once ------------------------------------------------------------------------------------------------


def merge(desk: Desk, one: Particle, other: Particle, frame: int) -> Particle:
    """The union of two outlines becomes one particle (the first keeps its name); the other goes."""
    if frame not in one.outlines or frame not in other.outlines:
        raise UserError(
            f"{one.name} and {other.name} are not both outlined in this frame.",
            "Go to a frame where both are outlined.",
        )
    joined = particles_shape.union(one.outlines[frame].polygon, other.outlines[frame].polygon)
    if joined is None:
        raise UserError(
            f"{one.name} and {other.name} do not touch in this frame.",
            "Merge them in a frame where they do, or outline both together (N).",
        )
    label = f"Merge {one.name} and {other.name}"
    fields = {
        "outlines": {frame: following.key_outline(joined)},
        "followed": None,
        "reference_frames": [frame],
    }
    desk.do(label, ChangeFields(label, one.id, fields), RemoveItem(label, other))
    return one


def split(
    desk: Desk, particle: Particle, frame: int, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Particle, Particle]:
    """Cut an outline along a line: the larger part keeps the name, the smaller becomes a particle of its own."""
    parts = particles_shape.cut(particle.outlines[frame].polygon, start, end)
    if parts is None:
        raise UserError(f"The line does not cross {particle.name}.", "Draw it across the whole particle.")
    larger, smaller = sorted(parts, key=following.polygon_area, reverse=True)
    label = f"Split {particle.name}"
    made = Particle(
        name=desk.session.particles.free_name("P"), stack_id=particle.stack_id, simulated=particle.simulated,
        reference_frames=[frame], outlines={frame: following.key_outline(smaller)},
    )  # fmt: skip
    fields = {
        "outlines": {frame: following.key_outline(larger)},
        "followed": None,
        "reference_frames": [frame],
    }
    desk.do(label, ChangeFields(label, particle.id, fields), AddItem(label, made))
    return particle, made


def copy_to(desk: Desk, particle: Particle, frame: int, stack: FrameStack) -> Particle:
    """The outline of this frame on another stack, which is shown then: same name and colour, scaled by the pixel sizes."""
    source = desk.session.stacks[particle.stack_id]
    # Drift off here and on there: the outline stays on the same piece of the sample.
    polygon = particle.outlines[frame].polygon - np.array(source.drift_at(frame))
    if source.pixel_nm and stack.pixel_nm:
        polygon = polygon * (source.pixel_nm / stack.pixel_nm)
    index = stack.index_at(desk.session.focus.t)
    polygon = polygon + np.array(stack.drift_at(index))
    _, height, width = stack.shape
    x, y = polygon.mean(axis=0)
    if not (0 <= x < width and 0 <= y < height):
        unknown = [each.name for each in (source, stack) if not each.pixel_nm]
        raise UserError(
            f"{particle.name} would lie outside the images of {stack.name}.",
            f"Calibrate {' and '.join(unknown)} first, or draw it there (N)."
            if unknown
            else "Draw it there (N).",
        )
    made = Particle(
        name=particle.name, stack_id=stack.id, colour=particle.colour, simulated=stack.simulated,
        reference_frames=[index], outlines={index: following.key_outline(polygon)},
    )  # fmt: skip
    desk.add(f"Copy {particle.name} to {stack.name}", made)
    desk.session.focus.select("stack", stack.id)
    desk.session.focus.select("particle", made.id)
    return made


# --- following ------------------------------------------------------------------------------------------------------


def follow(
    desk: Desk,
    stack: FrameStack,
    chosen: list[Particle],
    span: tuple[int, int] | None = None,
    on_partial: Partial | None = None,
    on_end: Ended | None = None,
    *,
    on_stopped: Callable[[bool], None] | None = None,
    ask: bool = True,
    completing: Edit | None = None,
) -> Task[Any]:
    """Follow particles in a job; the result is one undoable step with its provenance.

    `on_partial` gets what is new while it works, `on_end` is called when it ended well, `on_stopped` when it did not:
    True when somebody has stopped it, False when it failed, which is said. A newer call for the same particles replaces
    this one. With `ask` a direction is given up where following becomes guessing; without, every frame is tried. All keys
    of a `span` stay as they are: what lies outside depends on them. `completing`: the drawing or correction that made this
    necessary; both are one step then.
    """
    request = FOLLOW.ask(desk.session, stack, chosen, span=span, ask=ask)

    def progress(told: Progress) -> None:
        if on_partial is not None and told.partial:
            on_partial(told.partial)

    def finished(found: list[following.Followed]) -> None:
        free = request.changed(desk.session)
        outcome = FOLLOW.outcome(desk.session, request, found)
        if outcome.edits:
            # Not `Request.keep`: a drawing and its following are to be undone together.
            desk.do(outcome.label, *outcome.edits, completing=completing)
        outcome.tell(desk.notices)
        if on_end is not None:
            on_end({p.id: each.stopped for p, each, is_free in zip(chosen, found, free) if is_free})

    def stopped() -> None:
        if on_stopped is not None:
            on_stopped(True)

    def failed(error: BaseException) -> None:
        desk.notices.tell(error)
        if on_stopped is not None:
            on_stopped(False)

    job = request.job(desk.session)
    return desk.start(
        FOLLOW.working(request), job, finished,
        on_progress=progress, on_error=failed, on_cancelled=stopped, key=FOLLOW.key(request),
    )  # fmt: skip


def keep(
    desk: Desk, chosen: list[Particle], grown: dict[str, dict[int, Outline]], completing: Edit | None = None
) -> None:
    """Keep what a stopped follow had found, as one step; keys stay as they were."""
    label = "Follow " + ", ".join(particle.name for particle in chosen) + " (stopped)"
    session = desk.session
    stacks = {
        particle.stack_id: stack for particle in chosen if (stack := session.stacks.get(particle.stack_id))
    }
    step = step_for(
        label, stacks.values(), {"stopped": True}, [particle.id for particle in chosen], FOLLOW.name
    )
    edits: list[Edit] = []
    for particle in chosen:
        found = grown.get(particle.id)
        if found and session.particles.get(particle.id) is particle:
            # Last in the union: keys stay as they were drawn.
            keys = {frame: outline for frame, outline in particle.outlines.items() if outline.is_key}
            fields: dict[str, Any] = {"outlines": particle.outlines | found | keys, "made_by": step.id}
            fields["followed"] = joined(particle.followed, (min(found), max(found)))
            edits.append(ChangeFields(label, particle.id, fields))
    if edits:
        desk.do(label, AddItem(label, step), *edits, completing=completing)


def doubts(particle: Particle) -> list[tuple[int, int]]:
    """Stretches of frames (first, last) where a followed particle was lost or is not to be trusted.

    Frames without beam are neither, nor those in which it does not lie in the picture.
    """
    if particle.followed is None:
        return []
    first, last = particle.followed
    nothing = {*particle.extra.get(BLANK, []), *particle.extra.get(OUTSIDE, [])}
    bad = [
        frame
        for frame in range(first, last + 1)
        if frame not in nothing
        and ((outline := particle.outlines.get(frame)) is None or outline.confidence < DOUBT)
    ]
    found: list[tuple[int, int]] = []
    for frame in bad:
        if found and found[-1][1] == frame - 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found


def first_doubt(particle: Particle, stopped: int) -> int:
    """The frame to look at when following stopped: where the doubtful stretch that ends there began."""
    step = 1 if stopped < min(particle.keys, default=0) else -1
    frame = stopped
    while (before := particle.outlines.get(frame + step)) is not None and before.confidence < DOUBT:
        frame += step
    return frame


def stale(session: Session, particle: Particle) -> bool:
    """Whether the stack (its drift, its calibration) has changed since this particle was followed."""
    return bool(particle.made_by) and session.is_stale(particle.made_by)
