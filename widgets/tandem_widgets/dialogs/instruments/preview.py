"""What a source says while it is tested: state in words, the newest frame, the first values as curves."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from tandem_em.core.texts import counted, quantity
from tandem_em.desk.live.instruments import Look
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

STATES = {
    "idle": "Not connected",
    "connecting": "Connecting …",
    "waiting": "Connected, no data yet",
    "running": "Receiving data",
    "paused": "Connected, output off",
    "lost": "Connection lost, reconnecting",
    "stopped": "Stopped",
    "failed": "Failed",
}
GOOD, BAD = ("running",), ("lost", "failed")
QUANTITIES = {"voltage": "Voltage", "current": "Current", "temperature": "Temperature"}


def state_colour(state: str) -> str:
    """Green while data come, red when something is wrong, amber in between."""
    look = theme.active()
    return look.good if state in GOOD else look.bad if state in BAD else look.warning


class ProbeView(QWidget):
    """Shows one `Look` after another."""

    def __init__(self) -> None:
        super().__init__()
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.RichText)
        self.values = QLabel()
        self.values.setFont(theme.numbers_font(15, bold=True))
        self.said = QLabel()
        self.said.setProperty("role", "quiet")
        self.said.setWordWrap(True)
        self.canvas = ImageCanvas()
        self.canvas.setMinimumHeight(260)
        self.plots = [XYPlot("Waiting for values"), XYPlot("Waiting for values")]
        self._levels_of: tuple[int, ...] | None = None
        pictures = QHBoxLayout()
        pictures.setSpacing(10)
        for widget in (self.canvas, *self.plots):
            pictures.addWidget(widget, 1)
        for plot in self.plots:
            plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            plot.setMinimumHeight(150)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.state, self.values):
            column.addWidget(widget)
        column.addLayout(pictures, 1)
        column.addStretch(0)
        column.addWidget(self.said)
        self.show_look(None)

    def show_look(self, look: Look | None) -> None:
        """None: this source is not being tested."""
        has_frame = look is not None and look.frame is not None
        has_values = look is not None and len(look.times) > 0
        self.canvas.setVisible(has_frame)
        self.values.setVisible(has_values)
        if look is None:
            self.state.setText(
                f'<span style="color:{theme.active().faint}">●</span> Not tested yet. '
                "Test connects and shows the first values or frames; nothing is recorded."
            )
            self.said.setText("")
            for plot in self.plots:
                plot.hide()
            return
        self._show_state(look)
        self._show_frame(look)
        self._show_values(look)
        self.said.setText("\n".join(look.said[-3:]))

    def _show_state(self, look: Look) -> None:
        parts = [f"<b>{STATES.get(look.state, look.state)}</b>"]
        if look.label:
            parts.append(look.label)
        if look.received:
            what = "frames" if look.frame is not None else "samples"
            parts.append(f"{look.received} {what} · {look.rate_hz:.3g} per second")
        if look.refused:
            parts.append(f"{counted(look.refused, 'message')} rejected")
        text = " · ".join(parts) + (f"<br>{look.message}" if look.message else "")
        self.state.setText(f'<span style="color:{state_colour(look.state)}">●</span> {text}')

    def _show_frame(self, look: Look) -> None:
        if look.frame is None:
            return
        # levels of the first frame are kept: a picture that flickers with each frame cannot be judged
        if self._levels_of != look.frame.shape:
            self._levels_of = look.frame.shape
            self.canvas.levels = render.auto_levels(look.frame, 0.5)
        self.canvas.caption = f"frame {look.frame_number}" if look.frame_number >= 0 else ""
        self.canvas.show_frame(look.frame, (0.0, 0.0))

    def _show_values(self, look: Look) -> None:
        names = [name for name in look.columns if name in QUANTITIES] or [
            name for name in look.columns if name != "step"
        ]
        for plot, name in zip(self.plots, [*names[:2], "", ""]):
            plot.setVisible(bool(name))
            if not name:
                continue
            colours = {"voltage": theme.active().voltage, "current": theme.active().current}
            line = PlotLine(
                name,
                "",
                colours.get(name, theme.active().accent),
                look.times - look.times[-1],
                look.columns[name],
                in_legend=False,
            )
            title = QUANTITIES.get(name, name)
            plot.show_lines([line], Axis("Time before now", "s"), Axis(title, look.units.get(name, "")))
        self.values.setText(
            "   ".join(
                quantity(float(look.columns[name][-1]), look.units.get(name, ""), 4) for name in names[:4]
            )
        )
