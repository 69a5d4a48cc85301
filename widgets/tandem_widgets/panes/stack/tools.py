"""The title-row tools of the stack pane: which one is in hand, and what a finished gesture does."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QApplication, QInputDialog, QMenu, QToolButton

from tandem_em.core.jobs import call_as_job
from tandem_em.core.notices import UserError
from tandem_em.desk.live import follow
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.outlines import following
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import ProfileLine
from tandem_em.model.tracks import Particle, Polygon
from tandem_widgets.panes.stack.following import Following
from tandem_widgets.parts.image.marks import Point
from tandem_widgets.parts.image.tools import (
    BaseTool,
    LineTool,
    MeasureTool,
    PolylineTool,
    RectangleTool,
)
from tandem_widgets.parts.image.tools_edit import EditTool
from tandem_widgets.parts.image.tools_outline import OutlineTool

if TYPE_CHECKING:
    from tandem_widgets.panes.stack.pane import StackPane
    from tandem_widgets.panes.stack.profile import ProfileWindow


class StackTools:
    """Owns the buttons and the tool in hand. Gestures end in desk verbs; errors become notices."""

    def __init__(self, pane: StackPane) -> None:
        self._pane = pane
        self.following = Following(pane)
        self._profile: ProfileWindow | None = None
        self._switching = False
        self._was_live = False
        self.outline = self._mode(
            "✎ Outline", "Draw a particle (N): drag, click vertices, Shift+drag an ellipse", self.take_outline
        )
        self.reference = pane.add_tool(
            "◌ Reference",
            "Keep the shape of this frame as a dotted ghost, or let it go (G)",
            self._guarded(self.toggle_reference),
        )
        self.roi = self._mode("□ ROI", "Mean and spread of a region over time (I)", self.take_roi)
        self.profile = self._mode(
            "╱ Profile", "Along a line with width: intensity, layers, kymograph (L)", self.take_profile
        )
        self.drift = pane.add_tool("✛ Drift", "", self._guarded(self.use_drift), checkable=False)
        self.drift.setCheckable(True)
        self.drift.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.contrast = pane.add_tool(
            "◐ Contrast", "Percentile or by hand, gamma, colours (C)", lambda *_: pane.ask_contrast()
        )
        self.more = pane.add_tool(
            "⋯", "Calibrate, measure, kymograph, montage, filters, dose", lambda *_: self._show_more()
        )
        self.drift.customContextMenuRequested.connect(lambda _at: self._show_more())
        self._edit = EditTool(
            pane.canvas, self._shapes, self._select, self._corrected, self.delete_selected, self._hide
        )
        pane.canvas.tool = self._edit
        pane.canvas.clicked.connect(self._clicked)
        pane.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        pane.canvas.customContextMenuRequested.connect(self._context_menu)
        for key, title, call in (
            ("N", "Draw a new outline", self.outline.toggle),
            ("G", "Keep or drop the ghost of an outline", self._guarded(self.toggle_reference)),
            ("I", "Measure a region", self.roi.toggle),
            ("L", "Profile along a line", self.profile.toggle),
            ("C", "Contrast", pane.ask_contrast),
        ):
            pane.add_key(key, title, call)
        self.refresh()

    def make_compact(self, compact: bool) -> None:
        """Where there is little room the buttons keep their words and lose their signs."""
        for button in (self.outline, self.reference, self.roi, self.profile, self.drift, self.contrast):
            full = button.accessibleName()
            button.setText(full.split(" ", 1)[1] if compact else full)

    # --- which tool is in hand -----------------------------------------------------------------------------------

    @property
    def stack(self) -> FrameStack | None:
        return self._pane.stack

    def _mode(self, text: str, tip: str, take: Callable[[], None]) -> QToolButton:
        button = self._pane.add_tool(text, tip, checkable=True)

        def toggled(on: bool) -> None:
            if not self._switching:
                self.put_down(but=button)
                if on and self.stack is not None:
                    take()
                elif on:
                    self.put_down()  # there is nothing to work on

        button.toggled.connect(toggled)
        return button

    def _guarded(self, call: Callable[[], object]) -> Callable[..., None]:
        """A gesture that cannot be done says so in a sentence."""

        def guarded(*_: object) -> None:
            try:
                call()
            except UserError as error:
                self._pane.desk.notices.tell(error)

        return guarded

    def take(self, tool: BaseTool) -> None:
        canvas = self._pane.canvas
        canvas.tool = tool
        canvas.setCursor(tool.cursor)
        canvas.setFocus()
        self._pane.notes.hint = tool.hint
        canvas.update()

    def _hint(self, text: str) -> None:
        self._pane.notes.hint = text
        self._pane.canvas.update()

    def put_down(self, but: QToolButton | None = None) -> None:
        """Back to choosing and dragging outlines."""
        self._switching = True
        for button in (self.outline, self.roi, self.profile):
            if button is not but:
                button.setChecked(False)
        self._switching = False
        if self._was_live:
            self._was_live = False
            self._pane.desk.session.focus.follow_live = True
        canvas = self._pane.canvas
        canvas.tool = self._edit
        canvas.setCursor(self._edit.cursor)
        self._pane.notes.hint = ""
        canvas.update()

    def close(self) -> None:
        """The pane is going."""
        if self._profile is not None:
            self._profile.close()

    def refresh(self) -> None:
        """Buttons, and what the particles of this stack have to say."""
        stack = self.stack
        found = stack is not None and stack.drift_px is not None
        self.drift.setChecked(found and self._pane.drift_on)
        self.drift.setToolTip(
            "Drift is taken off: show the frames as they are, or right-click for more"
            if found
            else "Find the drift of the stack and take it off on view"
        )
        self.following.say_stale()

    def show_frame(self, index: int) -> None:
        """Another frame is on screen."""
        if self._profile is not None and self._profile.isVisible():
            self._profile.mark()

    # --- outlines ------------------------------------------------------------------------------------------------

    def _shapes(self) -> list[tuple[Particle, Polygon]]:
        overlay = self._pane.overlay
        if overlay is None:
            return []
        pairs = [(particle, overlay.outline_of(particle)) for particle in overlay.shown()]
        return [(particle, outline.polygon) for particle, outline in pairs if outline is not None]

    def _select(self, particle_id: str) -> None:
        self._pane.notes.hint = ""
        self._pane.desk.session.focus.select("particle", particle_id)

    def _clicked(self, x: float, y: float) -> None:
        """A click inside a particle chooses it, one beside all of them chooses none."""
        if self._pane.canvas.tool is self._edit:
            particle = self._edit.inside(x, y)
            self._select(particle.id if particle is not None else "")

    def _hide(self, particle_id: str) -> None:
        if self._pane.overlay is not None:
            self._pane.overlay.hidden_id = particle_id
            self._pane.canvas.update()

    @property
    def selected(self) -> Particle | None:
        particle = self._pane.desk.session.particles.get(self._pane.desk.session.focus.selected("particle"))
        stack = self.stack
        return (
            particle if particle is not None and stack is not None and particle.stack_id == stack.id else None
        )

    def take_outline(self, particle: Particle | None = None) -> None:
        """Draw a new particle, or a given one anew in this frame. While filming the picture stands still until then."""
        focus = self._pane.desk.session.focus
        self._was_live = self.stack is not None and stacks.is_growing(self.stack) and focus.follow_live
        focus.follow_live = focus.follow_live and not self._was_live
        tool = OutlineTool(
            partial(self._drawn, particle), lambda x, y, before: self._propose(tool, x, y, before), self.put_down,
            particles_shape.ellipse, self._hint,
        )  # fmt: skip
        self.take(tool)

    def _drawn(self, again: Particle | None, polygon: Polygon) -> None:
        stack, frame = self.stack, self._pane.frame_index
        self.put_down()
        if stack is None:
            return
        try:
            if again is not None:
                self._corrected(again, particles_shape.evened(polygon))
                return
            particle = particles_edit.draw(self._pane.desk, stack, frame, polygon)
        except UserError as error:
            self._pane.desk.notices.tell(error)
            return
        self.following.start([particle])  # a step of its own: what a hand has drawn stays when that is undone

    def _propose(self, tool: OutlineTool, x: float, y: float, before: Polygon | None) -> None:
        stack, frame = self.stack, self._pane.frame_index
        if stack is None:
            return

        def propose() -> Polygon:
            if before is not None:
                return following.propose_more(stack, frame, before, x, y)
            return following.propose(stack, frame, x, y)

        def found(polygon: Polygon) -> None:
            if self._pane.canvas.tool is tool and tool.offer(particles_shape.evened(polygon)):
                self._pane.canvas.update()

        def none_found(error: BaseException) -> None:
            """No proposal: the click was the first vertex of a polygon. No larger one: the hint says so."""
            if before is not None and isinstance(error, UserError) and self._pane.canvas.tool is tool:
                self._hint(f"{error.title} {error.advice}")

        self._pane.desk.start(
            "Looking for an outline", call_as_job(propose), found, on_error=none_found, key="propose"
        )

    def _corrected(self, particle: Particle, polygon: Polygon) -> None:
        desk = self._pane.desk
        span = particles_edit.correct(desk, particle, self._pane.frame_index, polygon)
        self.following.start([particle], span, completing=True)

    def delete_selected(self) -> bool:
        particle = self.selected
        if particle is None:
            return False
        particles_edit.remove(self._pane.desk, particle)
        return True

    def toggle_reference(self) -> None:
        stack = self.stack
        if stack is None:
            return
        chosen = (
            [self.selected]
            if self.selected is not None
            else particles_edit.of_stack(self._pane.desk.session, stack)
        )
        particles_edit.toggle_reference(self._pane.desk, chosen, self._pane.frame_index)

    def take_split(self, particle: Particle) -> None:
        def cut(start: Point, end: Point) -> None:
            self.put_down()
            try:
                parts = particles_edit.split(self._pane.desk, particle, self._pane.frame_index, start, end)
            except UserError as error:
                self._pane.desk.notices.tell(error)
                return
            self.following.start(list(parts), completing=True)

        self.take(LineTool(cut, self.put_down))
        self._pane.notes.hint = f"Draw a line across {particle.name} · Esc leaves"

    # --- region, profile, measuring ------------------------------------------------------------------------------

    def on_sample(self, point: Point) -> Point:
        """From pixels of the shown frame to those of frame 0."""
        assert self.stack is not None
        dx, dy = self.stack.drift_at(self._pane.frame_index)
        return point[0] - dx, point[1] - dy

    def take_roi(self) -> None:
        self.take(RectangleTool(self._roi_drawn, self.put_down))

    def _roi_drawn(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.put_down()
        stack = self.stack
        if stack is None:
            return
        low, high = self.on_sample((x0, y0)), self.on_sample((x1, y1))
        _, height, width = stack.shape
        region = (
            max(0, round(low[0])), max(0, round(low[1])), min(width, round(high[0])), min(height, round(high[1])),
        )  # fmt: skip
        self._guarded(lambda: stacks.region_statistics(self._pane.desk, stack, region))()

    def length_text(self, start: Point, end: Point) -> str:
        length = math.dist(start, end)
        pixel = self.stack.pixel_nm if self.stack is not None else None
        return f"{length * pixel:.3g} nm" if pixel else f"{length:.1f} px"

    def take_profile(self) -> None:
        self.take(PolylineTool(self._profile_drawn, self.put_down, self.length_text))

    def _profile_drawn(self, points: list[Point]) -> None:
        self.put_down()
        stack, desk = self.stack, self._pane.desk
        if stack is None:
            return
        known = [line for line in desk.session.profiles if line.owner_id == stack.id]
        name = desk.session.profiles.free_name("L")
        line = ProfileLine(
            name=name, owner_id=stack.id, start=self.on_sample(points[0]), end=self.on_sample(points[-1]),
            via=[self.on_sample(point) for point in points[1:-1]],
            width_px=known[-1].width_px if known else max(1.0, round(0.02 * stack.shape[2])), simulated=stack.simulated,
        )  # fmt: skip
        desk.add(f"Draw profile {name}", line)
        self.show_profile(line)

    def show_profile(self, line: ProfileLine) -> None:
        from tandem_widgets.panes.stack.profile import ProfileWindow

        if self._profile is not None:
            self._profile.close()
        self._profile = ProfileWindow(self._pane, line)
        self._profile.show()

    def take_measure(self) -> None:
        self.take(MeasureTool(self.put_down, self.length_text))

    def take_scale_bar(self) -> None:
        tool = LineTool(self._bar_drawn, self.put_down, lambda start, end: f"{math.dist(start, end):.1f} px")
        self.take(tool)
        self._pane.notes.hint = "Draw along the scale bar from end to end (Shift keeps it level) · Esc leaves"

    def _bar_drawn(self, start: Point, end: Point) -> None:
        self.put_down()
        stack, length = self.stack, math.dist(start, end)
        if stack is None:
            return
        before = length * stack.pixel_nm if stack.pixel_nm else 50.0
        nm, accepted = QInputDialog.getDouble(
            self._pane, "Scale bar", f"Length of the bar ({length:.1f} px) in nm:", before, 0.001, 1e9, 3
        )
        if accepted:
            self._guarded(lambda: stacks.set_pixel(self._pane.desk, stack, nm / length))()

    # --- drift ---------------------------------------------------------------------------------------------------

    def use_drift(self) -> None:
        """The first click finds it, later ones show the frames with and without."""
        stack = self.stack
        if stack is not None and stack.drift_px is None:
            try:
                self.find_drift()
            finally:
                self.refresh()
        else:
            self._pane.use_drift(not self._pane.drift_on)
            self.refresh()

    def find_drift(self, region: stacks.Region | None = None) -> None:
        if self.stack is None:
            return
        self._pane.drift_on = True
        if stacks.is_growing(self.stack):
            follow.ask_for_drift(self._pane.desk, self.stack)
        else:
            self._pane.watch_drift(
                stacks.correct_drift(self._pane.desk, self.stack, region, preview=self._pane.preview_drift)
            )

    def last_region(self) -> stacks.Region | None:
        stack = self.stack
        for result in reversed(list(self._pane.desk.session.results)):
            if stack is not None and result.analysis == stacks.REGION and result.owner_id == stack.id:
                x0, y0, x1, y1 = (int(each) for each in result.values["region"])
                return x0, y0, x1, y1
        return None

    # --- dialogs -------------------------------------------------------------------------------------------------

    def open_kymograph(self, line: ProfileLine | None = None) -> None:
        from tandem_widgets.dialogs.kymograph import KymographDialog

        stack, desk = self.stack, self._pane.desk
        if stack is None:
            return
        lines = [known for known in desk.session.profiles if known.owner_id == stack.id]
        if line is None and not lines:
            raise UserError("There is no line to cut along.", "Draw one with the Profile tool (L).")
        KymographDialog(self._pane, desk, stack, line or lines[-1]).show()

    def open_kinetics(self, particle: Particle | None = None) -> None:
        from tandem_widgets.dialogs.kinetics.dialog import KineticsDialog

        if self.stack is not None:
            KineticsDialog(self._pane, self._pane.desk, self.stack, self._followed(particle)).show()

    def open_sizes(self, particle: Particle | None = None) -> None:
        from tandem_widgets.dialogs.particle_table import ParticleTableDialog

        if self.stack is not None:
            ParticleTableDialog(self._pane, self._pane.desk, self.stack, self._followed(particle, 1)).show()

    def _followed(self, wanted: Particle | None, least: int = 2) -> Particle:
        """The particle asked for, the selected one or the first, as long as it has outlines in so many frames."""
        session, stack = self._pane.desk.session, self.stack
        drawn = particles_edit.of_stack(session, stack) if stack is not None else []
        followed = [particle for particle in drawn if len(particle.outlines) >= least]
        chosen = wanted or self.selected or (followed[0] if followed else None)
        if chosen is None or chosen not in followed:
            raise UserError("No particle has been followed here.", "Outline one with N first.")
        return chosen

    def open_montage(self) -> None:
        from tandem_widgets.dialogs.montage.dialog import MontageDialog

        if self.stack is not None:
            look = self._pane.canvas.levels, self._pane.canvas.table
            MontageDialog(self._pane, self._pane.desk, self.stack, look).show()

    # --- menus ---------------------------------------------------------------------------------------------------

    def _show_more(self) -> None:
        from tandem_widgets.panes.stack.menus import fill_more

        menu = QMenu(self._pane)
        fill_more(menu, self._pane, self)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _context_menu(self, at: QPoint) -> None:
        from tandem_widgets.panes.stack.menus import fill_canvas, fill_particle

        canvas = self._pane.canvas
        release = QMouseEvent(
            QEvent.Type.MouseButtonRelease, QPointF(at), QPointF(canvas.mapToGlobal(at)), Qt.MouseButton.RightButton,
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(canvas, release)  # the menu will swallow the real one: the canvas must let go
        if self.stack is None:
            return
        menu = QMenu(self._pane)
        particle = self._edit.inside(*canvas.to_image(QPointF(at)))
        if particle is not None:
            self._select(particle.id)
            fill_particle(menu, self._pane, self, particle)
        else:
            fill_canvas(menu, self._pane, self)
        menu.popup(canvas.mapToGlobal(at))
