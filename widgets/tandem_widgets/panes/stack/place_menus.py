"""Menus at a place of the frame: the one on a particle, and the one beside all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QColorDialog, QInputDialog, QMenu, QWidget

from tandem_em.desk.eels import outlines
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import IDENTITY_COLOURS
from tandem_em.model.tracks import Outline, Particle
from tandem_widgets.panes.stack.entries import Entries
from tandem_widgets.panes.stack.menus import copy_image
from tandem_widgets.panes.stack.outlining import Outlining
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.windows import StackWindows
from tandem_widgets.parts.image.canvas import ImageCanvas

COLOUR_NAMES = ("Red", "Blue", "Yellow", "Green", "Violet", "Orange", "Turquoise", "Pink", "Lime", "Grey")
"""What people call the colours of identity, in their order."""


class ParticleMenu:
    """What can be done with a particle in the shown frame."""

    def __init__(
        self, scene: StackScene, parent: QWidget, outlining: Outlining, windows: StackWindows
    ) -> None:
        self._scene, self._desk, self._parent = scene, scene.desk, parent
        self._outlining, self._windows = outlining, windows

    def fill(self, menu: QMenu, particle: Particle) -> None:
        """Adds what can be done with this particle; what needs several frames only for a movie."""
        entries, stack = Entries(menu, self._desk.notices), self._scene.stack
        outline = particle.outlines.get(self._scene.frame_index)
        is_movie = stack is not None and len(stack) > 1 and stack.axis0_is_time is not False
        self._fill_sizes(entries, particle, is_movie)
        self._fill_frame(entries, particle, outline, is_movie)
        entries.line()
        entries.add("Rename…", lambda: self._rename(particle))
        self._fill_colours(entries.below("Colour"), particle)
        entries.add("Hide", lambda: particles_edit.show(self._desk, [particle], False))
        entries.line()
        entries.add(
            "Split along a line",
            lambda: self._outlining.activate_split(particle),
            on=outline is not None,
        )
        if outline is not None:
            self._fill_others(entries, particle)
            if stack is not None:
                self._fill_maps(entries, particle, stack)
        entries.line()
        entries.add("Delete\tDel", lambda: particles_edit.remove(self._desk, particle))

    def _fill_sizes(self, entries: Entries, particle: Particle, is_movie: bool) -> None:
        if is_movie:
            following = self._outlining.following
            entries.add(f"Follow {particle.name} again", lambda: following.start([particle]))
        sizes = partial(self._windows.open_sizes, particle)
        entries.add("Size table…", sizes, on=bool(particle.outlines))
        if is_movie:
            entries.add(
                "Kinetics…", partial(self._windows.open_kinetics, particle), on=len(particle.outlines) > 1,
                tip="Onset, rates and models of its area against time",
            )  # fmt: skip

    def _fill_frame(
        self, entries: Entries, particle: Particle, outline: Outline | None, is_movie: bool
    ) -> None:
        desk, frame = self._desk, self._scene.frame_index
        entries.add(
            "Keep as reference outline\tG", lambda: particles_edit.toggle_reference(desk, [particle], frame),
            checked=frame in particle.reference_frames, on=outline is not None, tip="Stays visible as a dotted line",
        )  # fmt: skip
        if outline is not None and not outline.is_key:
            entries.add(
                "Make key frame", lambda: particles_edit.confirm(desk, particle, frame),
                tip="Accept this outline as drawn by hand; following starts from it",
            )  # fmt: skip
        if outline is not None and outline.is_key and is_movie:
            # without any key nothing could be followed
            entries.add("Remove key frame", lambda: self._delete_key(particle), on=len(particle.keys) > 1)

    def _fill_others(self, entries: Entries, particle: Particle) -> None:
        """The other particles it can be merged with, and the other stacks it can be copied to."""
        session, frame = self._desk.session, self._scene.frame_index
        others = [
            other
            for other in session.particles
            if other is not particle and other.stack_id == particle.stack_id and frame in other.outlines
        ]
        if others:
            merging = entries.below("Merge with")
            for other in others:
                merging.add(other.name, partial(self._merge, particle, other))
        elsewhere = [stack for stack in session.stacks if stack.id != particle.stack_id]
        if elsewhere:
            copying = entries.below("Copy to")
            for stack in elsewhere:
                copying.add(stack.name, partial(particles_edit.copy_to, self._desk, particle, frame, stack))

    def _fill_maps(self, entries: Entries, particle: Particle, stack: FrameStack) -> None:
        # a line scan has no area for an outline
        maps = [image for image in self._desk.session.maps if min(image.shape[:2]) > 1]
        if maps:
            placing = entries.below("Place on map")
            for image in maps:
                placing.add(
                    image.name, partial(outlines.place, self._desk, particle, self._scene.frame_index, stack, image),
                    tip="Adds its mean spectrum and net counts to those of the sites",
                )  # fmt: skip

    def _delete_key(self, particle: Particle) -> None:
        span = particles_edit.delete_key(self._desk, particle, self._scene.frame_index)
        self._outlining.following.start([particle], span, completing=True)

    def _merge(self, particle: Particle, other: Particle) -> None:
        particles_edit.merge(self._desk, particle, other, self._scene.frame_index)
        self._outlining.following.start([particle], completing=True)

    def _rename(self, particle: Particle) -> None:
        name, accepted = QInputDialog.getText(self._parent, "Rename", "Name:", text=particle.name)
        if accepted:
            particles_edit.rename(self._desk, particle, name)

    def _fill_colours(self, entries: Entries, particle: Particle) -> None:
        for colour, name in zip(IDENTITY_COLOURS, COLOUR_NAMES, strict=True):
            swatch = QPixmap(14, 14)
            swatch.fill(QColor(colour))
            action = entries.add(name, partial(particles_edit.recolour, self._desk, particle, colour))
            action.setIcon(QIcon(swatch))
        entries.line()
        entries.add("Other…", lambda: self._ask_colour(particle))

    def _ask_colour(self, particle: Particle) -> None:
        picked = QColorDialog.getColor(QColor(particle.colour), self._parent)
        if picked.isValid():
            particles_edit.recolour(self._desk, particle, picked.name())


class CanvasMenu:
    """What can be done beside every particle."""

    def __init__(
        self, scene: StackScene, canvas: ImageCanvas, outlining: Outlining, windows: StackWindows,
        new_outline: Callable[[], None],
    ) -> None:  # fmt: skip
        self._scene, self._desk, self._canvas = scene, scene.desk, canvas
        self._outlining, self._windows, self._new_outline = outlining, windows, new_outline

    def fill(self, menu: QMenu) -> None:
        """Adds what can be done with the image itself; nothing where no stack is shown."""
        stack = self._scene.stack
        if stack is None:
            return
        entries = Entries(menu, self._desk.notices)
        entries.add("New outline\tN", self._new_outline)
        self._fill_particles(entries, stack)
        self._fill_results(entries, stack)
        entries.line()
        whole = self._canvas.is_fitted and self._canvas.fill
        entries.add(
            "Whole image\tDouble click" if whole else "Fit the pane\tDouble click", self._canvas.fit_or_fill
        )
        entries.add("Copy the image", lambda: copy_image(self._canvas))

    def _fill_particles(self, entries: Entries, stack: FrameStack) -> None:
        drawn = particles_edit.of_stack(self._desk.session, stack)
        for particle in drawn:
            if particle.visible and self._scene.frame_index not in particle.outlines:
                draw = partial(self._outlining.activate, particle)
                entries.add(f"Draw {particle.name} in this frame", draw)
        hidden = [particle for particle in drawn if not particle.visible]
        if hidden:
            names = ", ".join(particle.name for particle in hidden)
            entries.add(f"Show {names}", lambda: particles_edit.show(self._desk, hidden, True))

    def _fill_results(self, entries: Entries, stack: FrameStack) -> None:
        for result in self._desk.session.results:
            if result.analysis == stacks.REGION and result.owner_id == stack.id:
                name = result.name.split(" of ")[0]
                entries.add(f"Remove {name}", partial(self._desk.remove, f"Remove {name}", result))
        for line in self._desk.session.profiles:
            if line.owner_id == stack.id:
                entries.add(f"Show profile {line.name}", partial(self._windows.show_profile, line))
