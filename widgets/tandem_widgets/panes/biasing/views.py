"""Other views of the runs as plots: against capacity, V–I, dQ/dV, overlay. Each asks a job and links its points to the cursor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk.biasing import views
from tandem_em.desk.biasing.views import OVERLAYS, RunInput, XYCurve
from tandem_widgets.panes.biasing.asking import Asking
from tandem_widgets.panes.biasing.page import Page
from tandem_widgets.panes.biasing.scene import BiasingScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.copy import copy_picture
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

MOST_READ = 3
"""So many lines are read in words at the cursor."""
WHOLE_CELL = "Values of the whole cell. Set the electrode area (Cell…) for values per cm²."
SMOOTHING = {
    "automatic": None,
    "1 mV": 1e-3,
    "2 mV": 2e-3,
    "5 mV": 5e-3,
    "10 mV": 1e-2,
    "20 mV": 2e-2,
}


class PlotPage(Page):
    """A plot with at most one control above it. `refresh` asks for new lines only when the inputs have changed."""

    def __init__(self, scene: BiasingScene, name: str) -> None:
        super().__init__()
        self._scene = scene
        self.name = name
        self.plot = XYPlot("Reading…")
        self.plot.picked.connect(self._jump)
        self.curves: list[XYCurve] = []
        self._asking = Asking(self, scene.desk, self.refresh)
        self.choice = QComboBox()
        self.left_out: set[str] = set()
        self.runs_button = self._make_runs_button()
        self._note = QLabel()
        self._note.setProperty("role", "quiet")
        self._reading = QLabel()
        self._reading.setProperty("role", "title")
        self._reading.setAccessibleName("At the cursor")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 4)
        column.setSpacing(2)
        column.addLayout(self._row())
        column.addWidget(self.plot, 1)
        Bindings(self).on(scene.session.focus.t_changed, self._show_t)

    def _row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        texts = {"overlay": "Show", "dqdv": "Smoothing"}
        label = QLabel(texts.get(self.name, ""))
        label.setProperty("role", "quiet")
        if self.name == "overlay":
            for key, (text, *_rest) in OVERLAYS.items():
                self.choice.addItem(text, key)
            self.choice.setToolTip("Quantity to compare; runs are aligned where their current begins")
        elif self.name == "dqdv":
            for text, value in SMOOTHING.items():
                self.choice.addItem(text, value)
            self.choice.setToolTip("Width (sigma) of the smoothing over voltage; peaks cannot be narrower")
        self.runs_button.setVisible(self.name == "overlay")
        self.choice.setVisible(self.choice.count() > 0)
        label.setVisible(self.choice.count() > 0)
        self.choice.currentIndexChanged.connect(lambda _index: self.refresh())
        row.setSpacing(12)
        row.addWidget(self._reading)
        row.addWidget(self._note)
        row.addStretch(1)
        row.addWidget(label)
        row.addWidget(self.choice)
        row.addWidget(self.runs_button)
        self._note.setVisible(self.choice.count() > 0)
        return row

    def _make_runs_button(self) -> QToolButton:
        """Which runs are compared; it is only about this view."""
        button = QToolButton()
        button.setProperty("role", "tool")
        button.setText("Runs ▾")
        button.setToolTip("Choose the runs to compare")
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: self._fill_runs(menu))
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _fill_runs(self, menu: QMenu) -> None:
        menu.clear()
        for run in self._scene.session.runs:
            action = menu.addAction(run.name or run.id)
            if action is not None:
                action.setCheckable(True)
                action.setChecked(run.id not in self.left_out)
                action.toggled.connect(partial(self._choose_run, run.id))

    def _choose_run(self, run_id: str, on: bool) -> None:
        self.left_out.symmetric_difference_update({run_id} if on == (run_id in self.left_out) else set())
        self.refresh()

    # --- what is shown -------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for the lines of the chosen run (or of all visible ones), unless they are here already."""
        inputs = self._inputs()
        if not inputs:
            self._asking.forget()
            self._show([], "There is no biasing run yet.")
            return
        self._asking.ask(
            (tuple(run.key for run in inputs), self.choice.currentData(), theme.active().name),
            f"Computing {self.name}",
            lambda: self._job(inputs),
            lambda curves: self._take(inputs, curves),
            self._fail,
        )

    def copy(self) -> None:
        """Puts the plot on the clipboard, as a picture and as numbers."""
        copy_picture(self.plot, self.plot.as_text())

    def _inputs(self) -> list[RunInput]:
        session = self._scene.session
        if self.name == "overlay":
            runs = [run for run in session.runs if run.visible and len(run) and run.id not in self.left_out]
        else:
            chosen = self._scene.chosen_run()
            runs = [chosen] if chosen is not None else []
        return [views.snapshot(session, run) for run in runs]

    def _job(self, inputs: list[RunInput]) -> Job[list[XYCurve]]:
        if self.name == "overlay":
            return views.overlay_curves(inputs, self.choice.currentData())
        if self.name == "dqdv":
            return views.dqdv_curves(inputs[0], self.choice.currentData())
        makers: dict[str, Callable[[RunInput], Job[list[XYCurve]]]] = {
            "capacity": views.capacity_curves, "iv": views.iv_curve,
        }  # fmt: skip
        return makers[self.name](inputs[0])

    def _take(self, inputs: list[RunInput], curves: list[XYCurve]) -> None:
        names = ", ".join(run.name for run in inputs)
        aligned = "aligned where the current begins" + (
            ", per area" if self.choice.currentData() != "voltage" else ""
        )
        hint = f"{names} has no half cycles: no current flows long enough." if not curves else ""
        without = not inputs[0].area_cm2 and self.name in ("capacity", "dqdv")
        self._say(aligned if self.name == "overlay" else WHOLE_CELL if without else "")
        self._show(curves, hint, per_area=not without)

    def _say(self, text: str) -> None:
        self._note.setText(text)
        # an empty row goes, unless it holds the control
        self._note.setVisible(bool(text) or self.choice.count() > 0)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, UserError):
            self._show([], f"{error.title} {error.advice}")
        else:
            self._scene.desk.notices.tell(error)
            self._show([], "This could not be computed. The log file has the details.")

    def _show(self, curves: list[XYCurve], hint: str, *, per_area: bool = True) -> None:
        self.curves = curves
        self.plot.hint = hint
        axes = self._axes(per_area)
        self.plot.show_lines(self._lines(curves), *axes, keep_view=True)
        self._show_t(self._scene.session.focus.t)

    def _axes(self, per_area: bool) -> tuple[Axis, Axis]:
        charge = "Ah/cm²" if per_area else "Ah"
        if self.name == "overlay":
            _text, x_title, x_unit, y_title, y_unit = OVERLAYS[self.choice.currentData()]
            return Axis(x_title, x_unit), Axis(y_title, y_unit)
        return {
            "capacity": (Axis("capacity", charge), Axis("voltage", "V")),
            "iv": (Axis("voltage", "V"), Axis("current", "A")),
            "dqdv": (Axis("voltage", "V"), Axis("dQ/dV", "Ah/V/cm²" if per_area else "Ah/V")),
        }[self.name]

    def _lines(self, curves: list[XYCurve]) -> list[PlotLine]:
        active = theme.active()
        cycles = [curve.cycle for curve in curves if curve.cycle]
        last = max(cycles, default=1)
        lines = []
        for number, curve in enumerate(curves):
            colour = curve.colour
            if self.name in ("capacity", "dqdv"):
                colour = active.voltage if curve.kind == "charge" else active.current
            elif self.name == "iv":
                colour = active.accent
            # late cycles are drawn strongest
            age = 1.0 if not curve.cycle or last == 1 else 0.35 + 0.65 * curve.cycle / last
            lines.append(
                PlotLine(str(number), curve.label, colour, curve.x, curve.y, curve.t, age, error=curve.error,
                         in_legend=self.name == "overlay" or curve.cycle in (None, 1, last))
            )  # fmt: skip
        return lines

    # --- the cursor ----------------------------------------------------------------------------------------------

    def _show_t(self, t: float) -> None:
        """A dot where the cursor's moment lies on each line that covers it, and what is read there."""
        # hidden pages would only cost time while the cursor runs
        if not self.isVisible() and self.plot.marks == []:
            return
        found = [(line, at) for line in self.plot.lines if (at := _point_at(line, t)) >= 0]
        self.plot.show_marks([(float(line.x[at]), float(line.y[at]), line.colour) for line, at in found])
        texts = [
            f"{line.label}  {self.plot.reading(float(line.x[at]), float(line.y[at]))}" for line, at in found
        ]
        self._reading.setText("     ".join(texts[:MOST_READ]))

    def showEvent(self, event: Any) -> None:
        """A hidden page does not follow the cursor: it catches up when it is shown."""
        super().showEvent(event)
        self._show_t(self._scene.session.focus.t)

    def _jump(self, key: str, index: int) -> None:
        line = next((line for line in self.plot.lines if line.key == key), None)
        if line is not None and line.t is not None:
            self._scene.go_to(float(line.t[index]))


def _point_at(line: PlotLine, t: float) -> int:
    """Number of the point that belongs to a moment; -1 where the line does not cover it."""
    if line.t is None or not len(line.t):
        return -1
    first, last = float(np.nanmin(line.t)), float(np.nanmax(line.t))
    if not first <= t <= last:
        return -1
    if line.t[0] <= line.t[-1] and bool(np.all(line.t[1:] >= line.t[:-1])):
        return int(np.searchsorted(line.t, t, side="right")) - 1
    # a line may run back in time
    return int(np.nanargmin(np.abs(line.t - t)))
