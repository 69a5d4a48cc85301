"""The windows that the stack pane opens: profile, kymograph, kinetics, sizes, montage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.model.spectra import ProfileLine
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.image.canvas import ImageCanvas

if TYPE_CHECKING:
    from tandem_widgets.panes.stack.profile import ProfileWindow


class StackWindows:
    """Opens them over `parent`. One profile at a time is shown."""

    def __init__(self, scene: StackScene, canvas: ImageCanvas, parent: QWidget) -> None:
        self._scene, self._canvas, self._parent = scene, canvas, parent
        self.profile: ProfileWindow | None = None

    def close(self) -> None:
        """The pane is going."""
        if self.profile is not None:
            self.profile.close()

    def show_profile(self, line: ProfileLine) -> None:
        """Opens the profile along a line, in place of the one before."""
        from tandem_widgets.panes.stack.profile import ProfileWindow

        self.close()
        self.profile = ProfileWindow(self._parent, self._scene, line, self.open_kymograph)
        self.profile.show()

    def open_kymograph(self, line: ProfileLine | None = None) -> None:
        """Of a profile line, or of the newest one of the stack."""
        from tandem_widgets.dialogs.kymograph import KymographDialog

        stack, desk = self._scene.stack, self._scene.desk
        if stack is None:
            return
        lines = [known for known in desk.session.profiles if known.owner_id == stack.id]
        if line is None and not lines:
            raise UserError(
                "There is no profile line for a kymograph.", "Draw a line with the Profile tool (L)."
            )
        KymographDialog(self._parent, desk, stack, line or lines[-1]).show()

    def open_kinetics(self, particle: Particle | None = None) -> None:
        """Opens the kinetics of a particle; without one, of a particle that has been followed."""
        from tandem_widgets.dialogs.kinetics.dialog import KineticsDialog

        stack = self._scene.stack
        if stack is not None:
            KineticsDialog(self._parent, self._scene.desk, stack, self._followed(particle, 2)).show()

    def open_sizes(self, particle: Particle | None = None) -> None:
        """Opens the table of sizes of a particle; without one, of a particle with an outline."""
        from tandem_widgets.dialogs.particle_table import ParticleTableDialog

        stack = self._scene.stack
        if stack is not None:
            ParticleTableDialog(self._parent, self._scene.desk, stack, self._followed(particle, 1)).show()

    def _followed(self, wanted: Particle | None, least: int) -> Particle:
        """The particle asked for, the selected one or the first, as long as it has outlines in so many frames."""
        session, stack = self._scene.session, self._scene.stack
        drawn = particles_edit.of_stack(session, stack) if stack is not None else []
        followed = [particle for particle in drawn if len(particle.outlines) >= least]
        chosen = wanted or self._scene.selected or (followed[0] if followed else None)
        if chosen is None or chosen not in followed:
            raise UserError("No particle has been followed here.", "Outline a particle first (N).")
        return chosen

    def open_montage(self) -> None:
        """Opens the montage of the shown stack, with the contrast that is on screen."""
        from tandem_widgets.dialogs.montage.dialog import MontageDialog

        stack = self._scene.stack
        if stack is not None:
            look = self._canvas.levels, self._canvas.table
            MontageDialog(self._parent, self._scene.desk, stack, look).show()
