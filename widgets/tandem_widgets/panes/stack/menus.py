"""The quiet ⋯ menu of the stack pane: measuring, windows, drift, filters on view, dose."""

from __future__ import annotations

from functools import partial

from PyQt6.QtWidgets import QApplication, QInputDialog, QMenu, QWidget

from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import dose
from tandem_em.desk.stacks import stack as stacks
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.dialogs.dose_map import DoseMapDialog
from tandem_widgets.panes.stack.entries import Entries
from tandem_widgets.panes.stack.following import Following
from tandem_widgets.panes.stack.measuring import Measuring
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.windows import StackWindows
from tandem_widgets.parts.image.canvas import ImageCanvas

FILTERS = (
    ViewFilter(), ViewFilter("mean", 3), ViewFilter("mean", 5), ViewFilter("mean", 9),
    ViewFilter("gaussian", 1), ViewFilter("gaussian", 2), ViewFilter("median", 3), ViewFilter("median", 5),
)  # fmt: skip


class MoreMenu:
    """Fills the menu for the shown stack; small dialogs open over `parent`."""

    def __init__(
        self, scene: StackScene, canvas: ImageCanvas, parent: QWidget, measuring: Measuring, windows: StackWindows,
        following: Following,
    ) -> None:  # fmt: skip
        self._scene, self._desk, self._canvas, self._parent = scene, scene.desk, canvas, parent
        self._measuring, self._windows, self._following = measuring, windows, following

    def fill(self, menu: QMenu) -> None:
        """Adds what can be done with the shown stack; what is not possible now is grey or left out."""
        entries, stack = Entries(menu, self._desk.notices), self._scene.stack
        if stack is None:
            entries.add("No stack is open", lambda: None, on=False)
            return
        drawn = particles_edit.of_stack(self._desk.session, stack)
        self._fill_lengths(entries)
        entries.line()
        self._fill_windows(entries, len(stack) > 1, drawn)
        entries.line()
        self._fill_drift(entries.below("Drift"), stack)
        self._fill_filters(entries.below("Display filter"))
        self._fill_dose(entries.below("Dose"), stack)
        if drawn:
            shown = all(particle.visible for particle in drawn)
            label = "Hide all outlines" if shown else "Show all outlines"
            entries.add(label, lambda: particles_edit.show(self._desk, drawn, not shown))
        entries.add(
            "Copy image",
            lambda: copy_image(self._canvas),
            tip="As shown, with outlines and scale bar",
        )

    def _fill_lengths(self, entries: Entries) -> None:
        entries.add(
            "Measure distance and angle", self._measuring.activate_measure, tip="Drag lines on the image"
        )
        entries.add(
            "Calibrate on the scale bar…",
            self._measuring.activate_scale_bar,
            tip="Draw along it and enter its length",
        )

    def _fill_windows(self, entries: Entries, many: bool, drawn: list[Particle]) -> None:
        windows = self._windows
        entries.add("Follow all particles", lambda: self._following.start(drawn), on=many and bool(drawn))
        entries.add("Montage…", windows.open_montage, tip="Frames at selected times in a row")
        entries.add(
            "Kymograph…",
            windows.open_kymograph,
            on=many,
            tip="The last profile line in all frames, one below the other",
        )
        entries.add(
            "Size table…",
            windows.open_sizes,
            on=bool(drawn),
            tip="Area, diameter and more in each frame, with 95 % limits",
        )
        entries.add(
            "Kinetics…",
            windows.open_kinetics,
            on=many and bool(drawn),
            tip="Onset, rates and models of area against time",
        )

    # --- drift and filters ---------------------------------------------------------------------------------------

    def _fill_drift(self, entries: Entries, stack: FrameStack) -> None:
        drift, region = self._scene.drift, self._scene.drift.last_region()
        again = "Measure again" if drift.is_known else "Measure drift"
        entries.add(again, lambda: drift.find(), on=len(stack) > 1)
        entries.add(
            f"{again} in the last ROI", lambda: drift.find(region),
            on=region is not None and not stacks.is_growing(stack), tip="Only the inside of the ROI is compared",
        )  # fmt: skip
        entries.line()
        entries.add(
            "Correct drift in the view",
            lambda: drift.use(not drift.on),
            checked=drift.is_known and drift.on,
            on=drift.is_known,
        )
        entries.add("Delete measured drift", lambda: stacks.drop_drift(self._desk, stack), on=drift.is_known)

    def _fill_filters(self, entries: Entries) -> None:
        for each in FILTERS:
            text = each.text.capitalize() or "None"
            use = partial(self._scene.use_filter, each)
            entries.add(text, use, checked=self._scene.view_filter == each)
        entries.line()
        entries.add("Mean of frames…", self._ask_mean)

    def _ask_mean(self) -> None:
        count, accepted = QInputDialog.getInt(
            self._parent, "Mean over time", "Number of frames (display only):", 5, 2, 200
        )
        if accepted:
            self._scene.use_filter(ViewFilter("mean", count))

    # --- dose ----------------------------------------------------------------------------------------------------

    def _fill_dose(self, entries: Entries, stack: FrameStack) -> None:
        measured = dose.of_stack(self._desk.session, stack) is not None
        entries.add("Enter dose rate…", lambda: self._ask_rate(stack))
        entries.add(
            "Dose from calibrated counts…",
            lambda: self._ask_counts(stack),
            tip="Gain and offset of the camera",
        )
        entries.add(
            "Dose map…", lambda: self._show_dose_map(stack), on=measured,
            tip="Dose of each part of the sample, drift included",
        )  # fmt: skip

    def _ask(self, text: str, value: float, low: float, high: float, decimals: int) -> float | None:
        """A number typed into a small dialog; None when it was left."""
        found, accepted = QInputDialog.getDouble(self._parent, "Dose", text, value, low, high, decimals)
        return found if accepted else None

    def _ask_budget(self, stack: FrameStack) -> float | None:
        known = dose.settings_of(self._desk.session, stack)
        before = (known.budget_e_A2 if known else None) or 0.0
        return self._ask("Budget (e⁻/Å², 0 for none):", before, 0.0, 1e9, 0)

    def _ask_rate(self, stack: FrameStack) -> None:
        known = dose.settings_of(self._desk.session, stack)
        rate = self._ask("Dose rate (e⁻/Å²s):", (known.rate_e_A2s if known else None) or 10.0, 0.0, 1e7, 3)
        budget = self._ask_budget(stack) if rate is not None else None
        if rate is not None and budget is not None:
            dose.type_rate(self._desk, stack, rate, budget or None)

    def _ask_counts(self, stack: FrameStack) -> None:
        gain = self._ask("Counts per electron:", stack.counts_per_electron or 1.0, 1e-6, 1e6, 4)
        offset = (
            self._ask("Counts without beam (offset):", stack.counts_offset, -1e6, 1e6, 2) if gain else None
        )
        budget = self._ask_budget(stack) if offset is not None else None
        if gain is not None and offset is not None and budget is not None:
            dose.from_counts(self._desk, stack, gain, offset, budget)

    def _show_dose_map(self, stack: FrameStack) -> None:
        DoseMapDialog(self._parent, self._desk, stack, dose.map_over_sample(self._desk, stack)).show()


def copy_image(canvas: ImageCanvas) -> None:
    """Puts the canvas on the clipboard as it is on screen, outlines and scale bar included."""
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setPixmap(canvas.grab())
