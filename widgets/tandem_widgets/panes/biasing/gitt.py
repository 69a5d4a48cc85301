"""GITT: the pulses of a run, the diffusivity of each, and what that number takes for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted, figure
from tandem_em.desk.biasing import results as biasing_results
from tandem_em.desk.biasing import runs, views
from tandem_widgets.panes.biasing.asking import Asking
from tandem_widgets.panes.biasing.page import Page
from tandem_widgets.panes.biasing.scene import BiasingScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.copy import copy_picture
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

if TYPE_CHECKING:
    from tandem_em.desk.biasing.views import Gitt


class GittPage(Page):
    """log D over the rest voltage. The one control is how far the ions go: it enters squared."""

    def __init__(self, scene: BiasingScene) -> None:
        super().__init__()
        self._scene = scene
        self._asking = Asking(self, scene.desk, self.refresh)
        self.result: Gitt | None = None
        self.length = QDoubleSpinBox()
        self.length.setRange(0.1, 1e7)
        self.length.setDecimals(1)
        self.length.setSuffix(" nm")
        self.length.setValue(self._layer_nm() or 100.0)
        self.length.setToolTip(
            "Diffusion length: the thickness of the active layer. D is proportional to its square."
        )
        # else every typed digit would start a computation
        self.length.setKeyboardTracking(False)
        self.length.valueChanged.connect(lambda _value: self.refresh())
        self.plot = XYPlot("Looking for pulses…")
        self.plot.picked.connect(self._jump)
        self.note = QLabel()
        self.note.setProperty("role", "quiet")
        self.note.setWordWrap(True)
        self.keep = QPushButton("Keep in session")
        self.keep.clicked.connect(self._keep)
        row = QHBoxLayout()
        row.addWidget(self.note, 1)
        label = QLabel("Diffusion length")
        label.setProperty("role", "quiet")
        row.addWidget(label)
        row.addWidget(self.length)
        row.addWidget(self.keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 4)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.plot, 1)

    def _layer_nm(self) -> float | None:
        """The thinnest layer of the cell that stores lithium is a first guess; it is shown and can be changed."""
        run = self._scene.chosen_run()
        cell = runs.cell_of(self._scene.session, run)
        thick = [layer.get("thickness_nm") for layer in cell.layers] if cell is not None else []
        known = [float(value) for value in thick if isinstance(value, int | float) and value > 0]
        return known[0] if known else None

    def refresh(self) -> None:
        """Looks for pulses in the background, again when the run, the length or the theme has changed."""
        run = self._scene.chosen_run()
        if run is None:
            self._show(None, "There is no biasing run yet.")
            return
        snapshot = views.snapshot(self._scene.session, run)
        length_cm = self.length.value() * 1e-7
        self._asking.ask(
            (snapshot.key, length_cm, theme.active().name),
            f"Looking for pulses in {run.name}",
            lambda: views.titrating(snapshot, length_cm),
            lambda found: self._show(found, ""),
            self._fail,
        )

    def copy(self) -> None:
        """Puts the plot on the clipboard, as a picture and as numbers."""
        copy_picture(self.plot, self.plot.as_text())

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            self._scene.desk.notices.tell(error)
        self._show(None, f"{error}")

    def _show(self, found: Gitt | None, text: str) -> None:
        self.result = found
        pulses = [p for p in found.pulses if p.diffusivity_cm2_s] if found is not None else []
        self.keep.setEnabled(bool(pulses))
        self.plot.hint = text or "No current pulse with a rest before and after it was found in this run."
        lines = []
        for sound, colour, label in (
            (True, theme.active().accent, "D"),
            (False, theme.active().faint, "D, uncertain"),
        ):
            chosen = [p for p in pulses if bool(p.doubts) != sound]
            if chosen:
                x = np.array([p.rest_after_V for p in chosen])
                y = np.log10([p.diffusivity_cm2_s or np.nan for p in chosen])
                lines.append(
                    PlotLine(label, label, colour, x, y, np.array([p.start_s for p in chosen]), points=True)
                )
        self.plot.show_lines(lines, Axis("voltage at rest", "V"), Axis("log₁₀ D (cm²/s)"), keep_view=True)
        if found is None or not pulses:
            self.note.setText("")
            return
        values = np.array([p.diffusivity_cm2_s for p in pulses], np.float64)
        doubtful = sum(bool(p.doubts) for p in pulses)
        count = counted(len(pulses), "pulse")
        self.note.setText(
            f"{count}, median D {figure(float(np.median(values)), 2)} cm²/s"
            + (f", {doubtful} uncertain (grey)" if doubtful else "")
        )
        doubts = dict.fromkeys(doubt for p in pulses for doubt in p.doubts)
        tip = ["Assumptions:", *(f"• {a}" for a in found.assumptions)]
        self.note.setToolTip(
            "\n".join(tip + (["Warnings:", *(f"• {d}" for d in list(doubts)[:8])] if doubts else []))
        )

    def _jump(self, key: str, index: int) -> None:
        line = next((line for line in self.plot.lines if line.key == key), None)
        if line is not None and line.t is not None:
            self._scene.go_to(float(line.t[index]))

    def _keep(self) -> None:
        run = self._scene.chosen_run()
        if run is not None and self.result is not None:
            biasing_results.keep_gitt(self._scene.desk, run, self.result)
            self._scene.desk.notices.info(f"Kept the GITT analysis of {run.name} in the session.")
