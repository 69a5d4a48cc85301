"""A small window with the intensity along a line of the stack, following the cursor; its edges can be marked and followed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.stacks import layers
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.refresh import Refresher
from tandem_widgets.parts.plot.spectrum_plot import Band, Content, Curve, SpectrumPlot


class ProfileWindow(QWidget):
    """Shows one ProfileLine on the frame at the cursor. Edges are marked by number and dragged, then followed in time."""

    def __init__(
        self, parent: QWidget, scene: StackScene, line: ProfileLine, open_kymograph: Callable[[ProfileLine], None]
    ) -> None:  # fmt: skip
        super().__init__(parent, Qt.WindowType.Tool)
        self._scene, self._desk, self._line = scene, scene.desk, line
        self.edges_px: list[float] = []
        """Marked by hand and not followed yet; empty: those of the kept result are shown."""
        self._values: NDArray[Any] = np.zeros(0)
        self.setWindowTitle(f"Profile {line.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.plot = SpectrumPlot()
        self.plot.band_dragged.connect(self._dragged)
        self._make_boxes()
        self.follow_button = _button(
            "Follow", "Follow the marked edges through all frames: thickness over time with its error"
        )
        self.follow_button.clicked.connect(self.follow)
        kymograph = _button("Kymograph…", "This line in all frames, one below the other")
        kymograph.clicked.connect(lambda: open_kymograph(line))
        remove = _button("Delete", "Delete this line")
        remove.clicked.connect(self._remove)
        self._arrange(remove, kymograph)
        self.resize(560, 280)
        corner = parent.mapToGlobal(parent.rect().bottomLeft())
        self.move(corner.x() + 40, corner.y() - 320)
        self._refresher = Refresher(self, self._show)
        self.mark = self._refresher.mark
        self._bind()
        self.mark()

    def _make_boxes(self) -> None:
        self.width_box = QDoubleSpinBox()
        self.width_box.setRange(1, 2000)
        self.width_box.setDecimals(0)
        self.width_box.setSuffix(" px")
        self.width_box.setValue(self._line.width_px)
        self.width_box.setToolTip("Mean over this width across the line")
        self.width_box.valueChanged.connect(self._set_width)
        self.edges_box = QSpinBox()
        self.edges_box.setRange(0, 9)
        self.edges_box.setSpecialValueText("none")
        self.edges_box.setToolTip(
            "Number of edges to mark (the steepest steps of this profile). Drag them to correct them."
        )
        self.edges_box.valueChanged.connect(self._mark_edges)

    def _arrange(self, remove: QPushButton, kymograph: QPushButton) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(10, 0, 10, 8)
        for widget in (QLabel("Width"), self.width_box, QLabel("Edges"), self.edges_box, self.follow_button):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(remove)
        row.addWidget(kymograph)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(self.plot, 1)
        column.addLayout(row)

    def _bind(self) -> None:
        session, line = self._desk.session, self._line
        bindings = Bindings(self)
        bindings.on(self._scene.frame_shown, lambda _index: self.mark() if self.isVisible() else None)
        bindings.on(session.profiles.changed, lambda item, _names: self.mark() if item is line else None)
        bindings.on(session.profiles.removed, lambda item: self.close() if item is line else None)
        bindings.on(session.results.added, self._result_came)
        bindings.on(session.results.removed, lambda _result: self.mark())

    def _set_width(self, width: float) -> None:
        self._desk.change(
            f"Width of {self._line.name}", self._line, merge_key=f"width {self._line.id}", width_px=width
        )

    def _remove(self) -> None:
        self._desk.remove(f"Delete profile {self._line.name}", self._line)

    # --- edges ---------------------------------------------------------------------------------------------------

    def _mark_edges(self, count: int) -> None:
        self.edges_px = layers.propose_edges(self._values, count) if len(self._values) else []
        self.mark()

    def _dragged(self, key: str, _kind: str, low: float, high: float) -> None:
        edges, step, number = self._edges(), self._step, int(key)
        last = float(len(self._values) - 1)
        edges[number] = min(max(low / step, 0.0), last)
        edges[number + 1] = min(max(high / step, 0.0), last)
        self.edges_px = edges
        self.mark()

    def follow(self) -> None:
        """Follow what is marked; nothing marked yet: the two steepest steps."""
        stack = self._scene.stack
        if stack is None:
            return
        if not self._edges():
            self.edges_box.setValue(2)
        edges = sorted(place for place in self._edges() if np.isfinite(place))
        try:
            layers.follow(self._desk, stack, self._line, edges, self._scene.frame_index)
        except UserError as error:
            self._desk.notices.tell(error)

    def _result_came(self, result: ResultSet) -> None:
        if result is layers.of_line(self._desk.session, self._line):
            # from here on the edges follow the result, frame by frame
            self.edges_px = []
        self.mark()

    def _edges(self) -> list[float]:
        """Edges in this frame (px along the line): as marked by hand, else as followed."""
        if self.edges_px:
            return list(self.edges_px)
        kept = layers.of_line(self._desk.session, self._line)
        return [] if kept is None else layers.edges_at(kept, self._scene.frame_index)

    # --- showing -------------------------------------------------------------------------------------------------

    @property
    def _step(self) -> float:
        """What one px along the line is on the axis."""
        return (self._scene.stack.pixel_nm if self._scene.stack is not None else None) or 1.0

    def _show(self) -> None:
        frame, stack, line = self._scene.pixels, self._scene.stack, self._line
        if frame is None or stack is None or stack.id != line.owner_id:
            return
        self._values, error = layers.profile(stack, line, frame, self._scene.frame_index)
        distance, step = np.arange(len(self._values)) * self._step, self._step
        colour = line.colour or theme.active().accent
        unit = "nm" if stack.pixel_nm else "px"
        bands = [
            Band(
                str(number),
                "signal",
                low * step,
                high * step,
                colour,
                f"{(high - low) * step:.3g} {unit}",
                True,
            )
            for number, (low, high) in enumerate(pairwise(self._edges()))
            if np.isfinite(low) and np.isfinite(high)
        ]
        self.plot.show_content(
            Content(
                # one pixel across has no scatter
                curves=[Curve(distance, self._values, colour, error=error if line.width_px > 1 else None)],
                bands=bands,
                x_label=f"Distance ({unit})",
                title=f"{line.name} · {self._scene.stamp}",
                title_above=bool(bands),
                x_range=(0.0, float(distance[-1])),
                y_unit=stack.unit,
            )
        )


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
