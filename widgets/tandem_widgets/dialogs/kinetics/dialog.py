"""Kinetics of a particle: a stretch of its area curve, models compared, residuals, and its speed beside diffusivities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.jobs import Task
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import kinetics
from tandem_em.desk.outlines.kinetics import Analysed
from tandem_em.model.frames import FrameStack
from tandem_em.model.results.of_stacks import Kinetics
from tandem_em.model.tracks import Particle
from tandem_widgets.dialogs.kinetics.tables import (
    NAMES,
    Findings,
    ModelTable,
    ReferenceTable,
    fit_text,
)
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.interval import IntervalPlot
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

CM2_PER_NM2 = 1e-14
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class KineticsDialog(QDialog):
    """One particle at a time. The one control is the stretch: dragged on the curve, or typed."""

    def __init__(self, parent: QWidget, desk: Desk, stack: FrameStack, particle: Particle) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Kinetics · {stack.name}")
        self._desk, self._open = desk, True
        self._task: Task[Analysed] | None = None
        self.analysed: Analysed | None = None
        self.curve = kinetics.NO_CURVE
        self.chooser = QComboBox()
        self.chooser.setToolTip("Particle")
        for each in desk.session.particles:
            if each.stack_id == stack.id and len(each.outlines) > 1:
                self.chooser.addItem(each.name, each.id)
        self.chooser.setCurrentIndex(max(0, self.chooser.findData(particle.id)))
        self.start, self.end = _seconds("Start of the fit range"), _seconds("End of the fit range")
        self.keep = QPushButton("Keep in session")
        self.keep.setToolTip("Store the fits with their inputs and draw the best one in the area lane")
        self.curve_plot = IntervalPlot("Fitting…")
        self.residual_plot, self.rate_plot = XYPlot(), XYPlot()
        self.findings, self.models, self.references = Findings(), ModelTable(), ReferenceTable()
        self.formula, self.source = _quiet(""), _quiet("")
        for text in (self.formula, self.source):
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note = QLabel()
        self.note.setProperty("role", "quiet")
        self.note.setWordWrap(True)
        self._lay_out()
        self._connect()
        self.resize(1180, 760)
        self._chosen()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        for widget in (self.chooser, _quiet("from"), self.start, _quiet("to"), self.end):
            top.addWidget(widget)
        top.addWidget(self.note, 1)
        top.addWidget(self.keep)
        plots, words = QVBoxLayout(), QVBoxLayout()
        for plot, share in ((self.curve_plot, 5), (self.residual_plot, 2), (self.rate_plot, 3)):
            plots.addWidget(plot, share)
        words.addWidget(self.findings)
        words.addWidget(_heading("Models, best first (AIC)"))
        words.addWidget(self.models, 3)
        words.addWidget(self.formula)
        words.addWidget(_heading("Published diffusivities"))
        words.addWidget(self.references, 4)
        words.addWidget(self.source)
        row, column = QHBoxLayout(), QVBoxLayout(self)
        row.addLayout(plots, 3)
        row.addLayout(words, 2)
        column.addLayout(top)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        self.chooser.activated.connect(lambda _index: self._chosen())
        for field in (self.start, self.end):
            field.valueChanged.connect(lambda _value: self._typed())
        self.curve_plot.interval_moved.connect(self._show_span)
        self.curve_plot.interval_chosen.connect(lambda _low, _high: self.fit())
        self.models.chosen.connect(self._paint)
        self.references.itemSelectionChanged.connect(lambda: self.source.setText(self.references.chosen_text))
        self.keep.clicked.connect(self._keep)
        self.curve_plot.picked.connect(self._go_to)
        bindings = Bindings(self)
        bindings.on(self._desk.session.particles.changed, self._changed)

    # --- particle and stretch ------------------------------------------------------------------------------------

    @property
    def particle(self) -> Particle | None:
        """The chosen particle; None if it has been deleted meanwhile."""
        return self._desk.session.particles.get(self.chooser.currentData())

    def _chosen(self) -> None:
        """Another particle: its curve, and the stretch that was kept for it or the one up to its greatest change."""
        particle = self.particle
        if particle is None or not self._read(particle):
            return
        kept = Kinetics.of(kinetics.kept_for(self._desk.session, particle))
        span = kept.span_s if kept is not None else kinetics.likely_span(self.curve)
        for field in (self.start, self.end):
            field.blockSignals(True)
            # narrowing the range moves the value: no new fit for that
            field.setRange(float(self.curve.t[0]), float(self.curve.t[-1]))
            field.blockSignals(False)
        self._show_span(*span)
        self.fit()

    def _read(self, particle: Particle) -> bool:
        """Take the curve of a particle; a sentence where it has none."""
        self.analysed, self.curve = None, kinetics.NO_CURVE
        self.keep.setEnabled(False)
        try:
            self.curve = kinetics.area_curve(self._desk.session, particle)
        except UserError as error:
            self._failed(error)
            return False
        self._paint()
        return True

    def _changed(self, particle: Particle, names: frozenset[str]) -> None:
        """Outlines were corrected or followed again: the same stretch of the new curve."""
        if particle is self.particle and "outlines" in names and self._read(particle):
            self.fit()

    def _show_span(self, low: float, high: float) -> None:
        for field, value in ((self.start, low), (self.end, high)):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self.curve_plot.show_interval(self.start.value(), self.end.value())

    def _typed(self) -> None:
        if self.start.value() < self.end.value():
            self.curve_plot.show_interval(self.start.value(), self.end.value())
            self.fit()

    def fit(self) -> None:
        """Fits all models to the chosen stretch, in the background."""
        particle = self.particle
        if particle is not None:
            span = (self.start.value(), self.end.value())
            self.note.setText("Fitting…")
            self._task = kinetics.analyse(self._desk, particle, span, self._found, self._failed)

    # --- what is shown -------------------------------------------------------------------------------------------

    def _found(self, analysed: Analysed) -> None:
        if not self._open:
            return
        self.analysed = analysed
        lost = " · ".join(self._remarks(analysed))
        self.note.setText(lost)
        self.models.show_fits(analysed)
        self.findings.show_found(analysed)
        self.references.show_speed(analysed)
        self.source.setText(self.references.chosen_text)
        self.keep.setEnabled(True)
        self._paint()

    def _remarks(self, analysed: Analysed) -> list[str]:
        texts = [f"{counted(len(analysed.curve.t), 'frame')}"]
        if analysed.curve.unit != "nm²":
            texts.append("not calibrated: areas in px², no speed in cm²/s")
        particle = self.particle
        kept = kinetics.kept_for(self._desk.session, particle) if particle is not None else None
        if kept is not None:
            stale = kinetics.is_stale(self._desk.session, kept)
            texts.append("stale: keep again" if stale else "kept in the session")
        return texts

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            self._desk.notices.tell(error)
        if self._open:
            self.analysed = None
            self.keep.setEnabled(False)
            self.note.setText(str(error))
            self.models.clear_fits()
            self.formula.setText("")
            self._paint()

    def _paint(self) -> None:
        particle, analysed, curve = self.particle, self.analysed, self.curve
        if particle is None:
            return
        time, colour = Axis("time", "s"), particle.colour
        lines = [PlotLine("area", "", colour, curve.t, curve.area, error=1.96 * curve.sigma)]
        residuals: list[PlotLine] = []
        if analysed is not None:
            lines += self._fitted(analysed)
            residuals = [self._residuals(analysed, colour)]
            self._paint_rate(analysed, colour)
        self.curve_plot.show_lines(lines, time, Axis("area", curve.unit), keep_view=True)
        self.residual_plot.show_lines(residuals, time, Axis("residual", curve.unit))

    def _fitted(self, analysed: Analysed) -> list[PlotLine]:
        """The models, the chosen one on top."""
        chosen, active = self.models.chosen_model, theme.active()
        lines = []
        # the chosen one last: it is drawn on top
        for fit in sorted(analysed.found.fits, key=lambda fit: fit.model.name == chosen):
            is_chosen = fit.model.name == chosen
            colour, label = (active.text, NAMES[chosen]) if is_chosen else (active.faint, "")
            lines.append(
                PlotLine(fit.model.name, label, colour, analysed.curve.t, fit.value_at(analysed.curve.t))
            )
            if is_chosen:
                self.formula.setText(fit_text(fit, analysed.curve.unit))
        return lines

    def _residuals(self, analysed: Analysed, colour: str) -> PlotLine:
        fit = next(fit for fit in analysed.found.fits if fit.model.name == self.models.chosen_model)
        left = analysed.curve.area - fit.value_at(analysed.curve.t)
        return PlotLine(
            "residual", "", colour, self.curve.t, self._whole(analysed, left), points=True, alpha=0.8
        )

    def _paint_rate(self, analysed: Analysed, colour: str) -> None:
        """dA/dt as a speed in a power of ten that reads well."""
        is_speed = self.curve.unit == "nm²"
        factor, unit = (CM2_PER_NM2, "cm²/s") if is_speed else (1.0, "px²/s")
        most = float(np.nanmax(np.abs(analysed.rate))) * factor if np.isfinite(analysed.rate).any() else 0.0
        # rates in cm²/s are far below one: the power goes into the title
        power = math.floor(math.log10(most)) if most > 0 else 0
        scale = factor * 10.0**-power
        line = PlotLine(
            "rate", "", colour, self.curve.t, self._whole(analysed, analysed.rate * scale),
            error=self._whole(analysed, 1.96 * analysed.rate_error * scale),
        )  # fmt: skip
        ten = f"10{str(power).translate(RAISED)} " if power else ""
        self.rate_plot.show_lines([line], Axis("time", "s"), Axis("dA/dt", f"{ten}{unit}"))

    def _whole(self, analysed: Analysed, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the stretch over the whole curve, so that the three plots share their time axis."""
        # all plots share the time axis of the whole curve
        whole = np.full(len(self.curve.t), np.nan)
        first = int(np.searchsorted(self.curve.t, analysed.curve.t[0]))
        whole[first : first + len(values)] = values
        return whole

    def _go_to(self, key: str, index: int) -> None:
        """The cursor goes to the point that was clicked, of the curve or of a model."""
        shown = self.curve if key == "area" or self.analysed is None else self.analysed.curve
        self._desk.session.focus.t = float(shown.t[index])

    def _keep(self) -> None:
        particle = self.particle
        if particle is not None and self.analysed is not None:
            kinetics.keep(self._desk, particle, self.analysed)
            self.note.setText(" · ".join(self._remarks(self.analysed)))
            self._desk.notices.info(f"Kept the kinetics of {particle.name} in the session.")

    def closeEvent(self, event: QEvent | None) -> None:
        """Closing cancels a fit that still runs."""
        self._open = False
        if self._task is not None:
            self._task.cancel()
        super().closeEvent(event)  # type: ignore[arg-type]


def _seconds(tip: str) -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setDecimals(2)
    field.setSuffix(" s")
    field.setToolTip(f"{tip} (session seconds); or drag the bound on the curve")
    # else every typed digit would start a fit
    field.setKeyboardTracking(False)
    return field


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "quiet")
    return label


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label
