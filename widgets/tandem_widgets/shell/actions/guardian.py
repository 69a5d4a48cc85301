"""Orders for the guardian of the source-meter: the stop, the program, the limits."""

from __future__ import annotations

from typing import Any

from tandem_em.desk.live import guardian, setup
from tandem_em.model.curves import Cell
from tandem_widgets.shell.actions.record import RecordActions
from tandem_widgets.shell.context import WindowContext


class GuardianActions:
    """Acts on what is recorded in a window, or tested."""

    def __init__(self, context: WindowContext, recording: RecordActions) -> None:
        self._context = context
        self._recording = recording
        self._steps: list[dict[str, Any]] = []

    def emergency_stop(self) -> None:
        """Every output off, now; said also when there is none."""
        # of tested instruments too: an output may be on without a recording
        told = guardian.stop_all(self._recording.sources)
        if told:
            self._context.services.notices.post(
                "warning", "Emergency stop.", "The output is being switched off."
            )
        else:
            self._context.services.notices.info("Emergency stop.", "No source-meter is connected.")
        self._context.parts.guardian_bar.look()

    def show_program(self) -> Any:
        """The editor of the biasing program; it runs on the source-meter that is recorded."""
        from tandem_widgets.dialogs.instruments.program import ProgramDialog

        cell = self._cell()
        dialog = ProgramDialog(self._context.window, self._context.desk, self._steps, cell)
        meters = self._recording.meters
        voltage = setup.newest_voltage(self._context.session) if meters else None
        why_not = "Record a source-meter first" if not meters else ""
        dialog.show_meter(bool(meters), voltage, why_not)
        dialog.run_wanted.connect(self.run_program)
        self._context.open_dialog(dialog)
        return dialog

    def _cell(self) -> Cell:
        """The cell of the session, else that of the set-up."""
        return self._context.session.cells.first or setup.cell_of(self._recording.instruments.setup)

    def run_program(self, text: str) -> None:
        """Hand a program to the guardian; mistakes come back as an event."""
        if not self._recording.meters:
            self._context.services.notices.info(
                "No source-meter is recorded.", "Start the recording first (R)."
            )
            return
        cell = self._cell()
        self._recording.meters[0].run_program(text, "The program", capacity_C=guardian.capacity_C(cell))

    def show_limits(self) -> Any:
        """The soft limits, of what runs and of the set-up."""
        from tandem_widgets.dialogs.instruments.limits import LimitsDialog

        dialog = LimitsDialog(
            self._context.window, self._recording.instruments.setup.limits, bool(self._recording.meters)
        )
        dialog.applied.connect(self._use_limits)
        self._context.open_dialog(dialog)
        return dialog

    def _use_limits(self, limits: Any) -> None:
        self._recording.instruments.setup.limits = limits
        guardian.set_limits(self._recording.meters, limits)
