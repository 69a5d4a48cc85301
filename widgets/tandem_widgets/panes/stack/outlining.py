"""Outlines by hand: draw, correct, split, choose and delete them. Each gesture ends in a verb of the desk."""

from __future__ import annotations

from functools import partial

from tandem_em.core.jobs import call_as_job
from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.outlines import following as proposals
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.tracks import Particle, Polygon
from tandem_widgets.panes.stack.active_tool import ActiveTool
from tandem_widgets.panes.stack.following import Following
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import Point
from tandem_widgets.parts.image.tools import LineTool
from tandem_widgets.parts.image.tools_edit import EditTool
from tandem_widgets.parts.image.tools_outline import OutlineTool


class Outlining:
    """The tools that make and change the particles of the shown frame; what was drawn is followed."""

    def __init__(self, scene: StackScene, canvas: ImageCanvas, active: ActiveTool) -> None:
        self._scene, self._canvas, self._active = scene, canvas, active
        self.following = Following(scene, canvas, self.correct_by_hand)
        self._edit = EditTool(
            canvas, self._shapes, self._select, self.correct, self.delete_selected, scene.hide_outline
        )
        active.rest = self._edit
        canvas.clicked.connect(self._clicked)

    # --- choosing ------------------------------------------------------------------------------------------------

    def _shapes(self) -> list[tuple[Particle, Polygon]]:
        shown = self._scene.outlines
        if shown is None:
            return []
        pairs = [(particle, shown.outline_of(particle)) for particle in shown.particles()]
        return [(particle, outline.polygon) for particle, outline in pairs if outline is not None]

    def _select(self, particle_id: str) -> None:
        self._scene.say(hint="")
        self._scene.select(particle_id)

    def _clicked(self, x: float, y: float) -> None:
        """A click inside a particle chooses it, one beside all of them chooses none."""
        if self._active.is_at_rest:
            particle = self._edit.inside(x, y)
            self._select(particle.id if particle is not None else "")

    def choose_at(self, x: float, y: float) -> Particle | None:
        """The particle at a point, which is selected."""
        particle = self._edit.inside(x, y)
        if particle is not None:
            self._select(particle.id)
        return particle

    def delete_selected(self) -> bool:
        """Removes the selected particle as an undoable step; False if none is selected."""
        particle = self._scene.selected
        if particle is None:
            return False
        particles_edit.remove(self._scene.desk, particle)
        return True

    def toggle_reference(self) -> None:
        """The ghost of the selected particle, or of all, at this frame."""
        stack, selected = self._scene.stack, self._scene.selected
        if stack is None:
            return
        chosen = [selected] if selected is not None else particles_edit.of_stack(self._scene.session, stack)
        particles_edit.toggle_reference(self._scene.desk, chosen, self._scene.frame_index)

    # --- drawing -------------------------------------------------------------------------------------------------

    def activate(self, particle: Particle | None = None) -> None:
        """Draw a new particle, or a given one anew in this frame. While filming the picture stands still until then."""
        self._active.deactivate()
        focus, stack = self._scene.session.focus, self._scene.stack
        # the frame must stay while it is drawn on, and go on afterwards
        was_live = stack is not None and stacks.is_growing(stack) and focus.follow_live

        def left() -> None:
            focus.follow_live = focus.follow_live or was_live

        focus.follow_live = focus.follow_live and not was_live
        tool = OutlineTool(
            partial(self._drawn, particle), lambda x, y, before: self._propose(tool, x, y, before),
            self._active.deactivate, particles_shape.ellipse, lambda text: self._scene.say(hint=text),
        )  # fmt: skip
        self._active.activate("outline" if particle is None else "outline again", tool, left=left)

    def _drawn(self, again: Particle | None, polygon: Polygon) -> None:
        stack, frame = self._scene.stack, self._scene.frame_index
        self._active.deactivate()
        if stack is None:
            return
        try:
            if again is not None:
                self.correct(again, particles_shape.evened(polygon))
                return
            particle = particles_edit.draw(self._scene.desk, stack, frame, polygon)
        except UserError as error:
            self._scene.desk.notices.tell(error)
            return
        self.following.start([particle])  # a step of its own: what a hand has drawn stays when that is undone

    def _propose(self, tool: OutlineTool, x: float, y: float, before: Polygon | None) -> None:
        stack, frame = self._scene.stack, self._scene.frame_index
        if stack is None:
            return

        def propose() -> Polygon:
            if before is not None:
                return proposals.propose_more(stack, frame, before, x, y)
            return proposals.propose(stack, frame, x, y)

        def found(polygon: Polygon) -> None:
            # the tool may have been put down while the search ran
            if self._active.is_active(tool) and tool.offer(particles_shape.evened(polygon)):
                self._scene.drawn_changed.emit()

        def none_found(error: BaseException) -> None:
            """No proposal: the click was the first vertex of a polygon. No larger one: the hint says so."""
            if before is not None and isinstance(error, UserError) and self._active.is_active(tool):
                self._scene.say(hint=f"{error.title} {error.advice}")

        self._scene.desk.start(
            "Searching for an outline", call_as_job(propose), found, on_error=none_found, key="propose"
        )

    # --- correcting ----------------------------------------------------------------------------------------------

    def correct(self, particle: Particle, polygon: Polygon) -> None:
        """This is its outline in the shown frame: it is followed on from there."""
        span = particles_edit.correct(self._scene.desk, particle, self._scene.frame_index, polygon)
        self.following.start([particle], span, completing=True)

    def correct_by_hand(self, particle: Particle, frame: int) -> None:
        """The outline in that frame is to be dragged; where there is none, a new one is drawn for it."""
        if frame not in particle.outlines:
            self.activate(particle)
        else:
            self._scene.say(
                hint=f"Drag the outline of {particle.name}: it is followed from here on · Esc ends"
            )
        self._canvas.setFocus()

    def activate_split(self, particle: Particle) -> None:
        """Cut a particle in two along a line that is drawn across it."""

        def cut(start: Point, end: Point) -> None:
            self._active.deactivate()
            frame = self._scene.frame_index
            try:
                parts = particles_edit.split(self._scene.desk, particle, frame, start, end)
            except UserError as error:
                self._scene.desk.notices.tell(error)
                return
            self.following.start(list(parts), completing=True)

        hint = f"Draw a line across {particle.name} · Esc ends"
        self._active.activate("split", LineTool(cut, self._active.deactivate), hint)
