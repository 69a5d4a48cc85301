"""The biasing program: a list of steps, the curve they will make, and the button that runs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.notices import UserError
from tandem_em.core.texts import duration
from tandem_em.desk.desk import Desk
from tandem_em.desk.live import guardian
from tandem_em.desk.live.guardian import ProgramCurve
from tandem_em.model.curves import Cell
from tandem_widgets.dialogs.instruments.form import FieldForm
from tandem_widgets.dialogs.instruments.program_steps import (
    STEPS,
    Step,
    changed_step,
    new_step,
    values_of,
)
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

PREVIEW_MS = 250
FILTER = "Biasing program (*.json)"


class ProgramDialog(QDialog):
    """Edits a list of steps; `run_wanted(text)` hands the program file to whoever drives the cell."""

    run_wanted = pyqtSignal(str)

    def __init__(self, parent: QWidget, desk: Desk, steps: list[Step], cell: Cell | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Biasing program")
        self._desk = desk
        self._cell = cell
        self.steps = steps
        """Shared with whoever opened the dialog: the program is there the next time."""
        self.start_V: float | None = None
        self.can_run = False
        self.list = QListWidget()
        self.list.setAccessibleName("Steps")
        self.list.setMinimumWidth(270)
        self.list.setStyleSheet("QListWidget::item { padding: 5px 4px; }")
        self.list.currentRowChanged.connect(lambda _row: self._show_step())
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self._form: FieldForm | None = None
        self._form_area = QVBoxLayout()
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.voltage = XYPlot("Preview of the voltage")
        self.current = XYPlot("Preview of the current")
        self.run = QPushButton("Run")
        self.run.setProperty("role", "primary")
        self.run.setAutoDefault(False)
        self.run.clicked.connect(self._run)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PREVIEW_MS)
        self._timer.timeout.connect(self.draw)
        self._build()
        self._fill(0)
        self.resize(1060, 720)

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        row = QHBoxLayout()
        add = self._button("Add step", "Insert after the selected step", None)
        menu = QMenu(add)
        for kind, about in STEPS.items():
            action = menu.addAction(about.title, partial(self.add_step, kind))
            if action is not None:
                action.setToolTip(about.tip)
        menu.setToolTipsVisible(True)
        add.setMenu(menu)
        row.addWidget(add)
        for text, tip, call in (
            ("▲", "Move up", partial(self._move, -1)),
            ("▼", "Move down", partial(self._move, +1)),
            ("Remove", "Remove this step", self._remove),
        ):
            row.addWidget(self._button(text, tip, call))
        left.addLayout(row)
        right = QVBoxLayout()
        right.addWidget(self._title)
        right.addLayout(self._form_area)
        right.addSpacing(6)
        right.addWidget(self.voltage, 1)
        right.addWidget(self.current, 1)
        right.addWidget(self.summary)
        panes = QHBoxLayout()
        panes.setSpacing(16)
        panes.addLayout(left)
        panes.addLayout(right, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self._button("Load…", "Load a program file", self._load))
        bottom.addWidget(self._button("Save…", "Save as a program file, also for tandem record", self._save))
        bottom.addStretch(1)
        bottom.addWidget(self._button("Close", "Close and keep the program", self.close))
        bottom.addWidget(self.run)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(panes, 1)
        column.addLayout(bottom)

    def _button(self, text: str, tip: str, call: Callable[[], object] | None) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if call is not None:
            button.clicked.connect(lambda _checked=False: call())
        return button

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_meter(self, can_run: bool, start_V: float | None, why_not: str) -> None:
        """Whether a cell is there to run on, and the voltage it has now."""
        self.can_run, self.start_V = can_run, start_V
        self.run.setEnabled(can_run)
        self.run.setToolTip("Start the program on the source-meter" if can_run else why_not)
        self.draw()

    def _fill(self, row: int) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([f"{number}   {text}" for number, text in enumerate(self._labels(), 1)])
        self.list.setCurrentRow(min(row, len(self.steps) - 1))
        self.list.blockSignals(False)
        self._show_step()
        self._timer.start()

    def _labels(self) -> list[str]:
        try:
            return guardian.step_labels(guardian.check_program(self.steps, self._cell))
        except UserError:
            return [
                STEPS[step["step"]].title if step["step"] in STEPS else step["step"] for step in self.steps
            ]

    def _show_step(self) -> None:
        if self._form is not None:
            self._form_area.removeWidget(self._form)
            self._form.deleteLater()
            self._form = None
        row = self.list.currentRow()
        step = self.steps[row] if 0 <= row < len(self.steps) else None
        text = STEPS.get(step["step"]) if step is not None else None
        self._title.setText("" if text is None else f"Step {row + 1}: {text.title}")
        if step is not None and text is not None:
            self._form = FieldForm(text.fields, values_of(step))
            self._form.edited.connect(self._edited)
            self._form.checked.connect(self._checked)
            self._form_area.addWidget(self._form)

    def draw(self) -> None:
        """Draw the curve of the program as it is now, or say what is wrong with it."""
        if self._form is not None and self._form.problem:
            self._show_trouble(UserError(self._form.problem, ""))
            return
        try:
            program = guardian.check_program(self.steps, self._cell)
        except UserError as error:
            self._show_trouble(error)
            return
        self.run.setEnabled(self.can_run)
        self._desk.start(
            "Drawing the program",
            guardian.preview(program, self._cell, self.start_V),
            self._show_curve,
            key="program preview",
        )

    def _show_trouble(self, error: UserError) -> None:
        self.run.setEnabled(False)
        colour = theme.active().bad if self.steps else theme.active().faint  # not to have begun is no mistake
        self.summary.setText(f'<span style="color:{colour}">{error.title} {error.advice}</span>')
        for plot in (self.voltage, self.current):
            plot.show_lines([], Axis(""), Axis(""))

    def _show_curve(self, curve: ProgramCurve) -> None:
        if sip.isdeleted(self):
            return
        look = theme.active()
        for plot, values, title, unit, colour in (
            (self.voltage, curve.voltage, "Voltage", "V", look.voltage),
            (self.current, curve.current, "Current", "A", look.current),
        ):
            line = PlotLine(title, "", colour, curve.times, values, in_legend=False)
            plot.show_lines([line], Axis("time", "s"), Axis(title, unit))
        lasts = ""
        if curve.complete:
            at_once = "Ends at once: its end condition is already met at the start."
            lasts = f"Takes about {duration(curve.duration_s)}." if curve.duration_s >= 1 else at_once
            lasts = f"<b>{lasts}</b> "
        self.summary.setText(lasts + " ".join(curve.notes))

    # --- gestures ------------------------------------------------------------------------------------------------

    def _edited(self, key: str, value: Any) -> None:
        row = self.list.currentRow()
        self.steps[row] = changed_step(self.steps[row], key, value)
        for number, text in enumerate(self._labels()):
            item = self.list.item(number)
            if item is not None:
                item.setText(f"{number + 1}   {text}")
        # another quantity has other fields
        if key == "quantity":
            self._show_step()
        self._timer.start()

    def _checked(self) -> None:
        """Nothing runs while a field cannot be read."""
        if self._form is not None and self._form.problem:
            self.draw()
        else:
            self._timer.start()

    def add_step(self, kind: str) -> None:
        """Inserts a step of this kind with usual values below the chosen one."""
        row = self.list.currentRow() + 1
        self.steps.insert(row, new_step(kind))
        self._fill(row)

    def _move(self, way: int) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self.steps) and 0 <= row + way < len(self.steps):
            self.steps[row], self.steps[row + way] = self.steps[row + way], self.steps[row]
            self._fill(row + way)

    def _remove(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self.steps):
            del self.steps[row]
            self._fill(row)

    def _load(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Load a program", "", FILTER)
        if chosen:
            self.load(Path(chosen))

    def load(self, path: Path) -> None:
        """Replaces all steps by those of a program file; if it cannot be read, says so and keeps them."""
        try:
            # in place: the list belongs to whoever opened the dialog
            self.steps[:] = guardian.read_steps(path, self._cell)
        except UserError as error:
            self._show_trouble(error)
            return
        self._fill(0)

    def _save(self) -> None:
        if self._form is not None and self._form.problem:
            self.draw()
            return
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the program", "program.json", FILTER)
        if not chosen:
            return
        path = Path(chosen)
        try:
            path.with_suffix(path.suffix or ".json").write_text(guardian.program_text(self.steps), "utf-8")
        except OSError as error:
            self.summary.setText(f"{path.name} could not be written: {error.strerror}.")

    def _run(self) -> None:
        self.run_wanted.emit(guardian.program_text(self.steps))
        self.close()
