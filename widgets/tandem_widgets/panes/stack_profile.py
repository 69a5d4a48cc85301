"""A small window with the intensity along a line of the stack, following the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tandem_em.analysis.line_profile import profile
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.parts import theme
from tandem_widgets.parts.bind import Bindings
from tandem_widgets.parts.refresh import Refresher
from tandem_widgets.parts.spectrum_plot import Content, Curve, SpectrumPlot

if TYPE_CHECKING:
    from tandem_widgets.panes.stack import StackPane


class ProfileWindow(QWidget):
    """Shows one ProfileLine on the frame at the cursor; its width can be changed."""

    def __init__(self, pane: StackPane, line: ProfileLine) -> None:
        super().__init__(pane, Qt.WindowType.Tool)
        self._pane, self._line = pane, line
        self.setWindowTitle(f"Profile {line.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.plot = SpectrumPlot()
        self.width_box = QDoubleSpinBox()
        self.width_box.setRange(1, 2000)
        self.width_box.setDecimals(0)
        self.width_box.setSuffix(" px")
        self.width_box.setValue(line.width_px)
        self.width_box.setToolTip("Mean over this width across the line")
        self.width_box.valueChanged.connect(self._set_width)
        kymograph = QPushButton("Kymograph…")
        kymograph.setToolTip("This line in every frame, one under the other")
        kymograph.clicked.connect(lambda: pane.tools.open_kymograph(line))
        remove = QPushButton("Delete")
        remove.clicked.connect(self._remove)
        row = QHBoxLayout()
        row.setContentsMargins(10, 0, 10, 8)
        row.addWidget(QLabel("Width"))
        row.addWidget(self.width_box)
        row.addStretch(1)
        row.addWidget(remove)
        row.addWidget(kymograph)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(self.plot, 1)
        column.addLayout(row)
        self.resize(480, 260)
        corner = pane.mapToGlobal(pane.rect().bottomLeft())
        self.move(corner.x() + 40, corner.y() - 300)
        self._refresher = Refresher(self, self._show)
        self.mark = self._refresher.mark
        session = pane.desk.session
        bindings = Bindings(self)
        bindings.on(session.profiles.changed, lambda item, _names: self.mark() if item is line else None)
        bindings.on(session.profiles.removed, lambda item: self.close() if item is line else None)
        self.mark()

    def _set_width(self, width: float) -> None:
        self._pane.desk.change(
            f"Width of {self._line.name}", self._line, merge_key=f"width {self._line.id}", width_px=width
        )

    def _remove(self) -> None:
        self._pane.desk.remove(f"Delete profile {self._line.name}", self._line)

    def _show(self) -> None:
        frame, stack, line = self._pane.canvas.frame, self._pane.stack, self._line
        if frame is None or stack is None or stack.id != line.owner_id:
            return
        dx, dy = stack.drift_at(self._pane.frame_index)
        start, end = (line.start[0] + dx, line.start[1] + dy), (line.end[0] + dx, line.end[1] + dy)
        distance, mean, error = profile(frame, start, end, line.width_px)
        step = stack.pixel_nm or 1.0
        colour = line.colour or theme.active().accent
        self.plot.show_content(
            Content(
                curves=[Curve(distance * step, mean, colour, error=error if line.width_px > 1 else None)],
                x_label="distance (nm)" if stack.pixel_nm else "distance (px)",
                title=f"{line.name} · {self._pane.canvas.stamp}",
                x_range=(0.0, float(distance[-1] * step)),
                y_unit=stack.unit,
            )
        )
