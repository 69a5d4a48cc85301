"""The movie: panes, size, speed and span; one frame of it is shown for any moment."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.texts import counted, figure
from tandem_em.desk.desk import Desk
from tandem_em.desk.export import folder, preview
from tandem_em.desk.export.preview import Material, MovieSettings, Still
from tandem_widgets.dialogs.export.form import PicturePreview, usual_folder
from tandem_widgets.parts.basic.number_box import number_box

FULL = "Stack at full resolution"
PANES = (("stack", "Image stack"), ("eels", "EELS maps"), ("biasing", "Biasing"))
STEPS = 1000


class MoviePage(QWidget):
    """Choices on the left, a frame of the movie on the right."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._material: Material | None = None
        self._still: Still | None = None
        self.panes = {name: QCheckBox(title) for name, title in PANES}
        self.size_box = QComboBox()
        self.size_box.addItems([*preview.SIZES, FULL])
        self.size_box.setCurrentText("1280 × 720")
        self.every_frame = QCheckBox("One movie frame for each frame of the stack")
        self.speed = number_box(0.001, 100000, 10, " ×")
        self.speed.setToolTip("Seconds of the session shown per second of the movie")
        self.rate = QSpinBox()
        self.rate.setRange(1, 120)
        self.rate.setValue(30)
        self.rate.setSuffix(" frames/s")
        self.start, self.end = number_box(-1e7, 1e7, 0, " s"), number_box(-1e7, 1e7, 1, " s")
        self.outlines, self.stamp = QCheckBox("Outlines"), QCheckBox("Time and scale bar")
        self.light = QCheckBox("White background")
        self.preview = PicturePreview()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.length = QLabel()
        self.length.setProperty("role", "quiet")
        self.length.setWordWrap(True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(80)
        self._soon.timeout.connect(self._paint)
        self._lay_out()

    def _lay_out(self) -> None:
        form = QFormLayout()
        column = QVBoxLayout()
        for check in self.panes.values():
            check.setChecked(True)
            column.addWidget(check)
        form.addRow("Show", column)
        form.addRow("Size", self.size_box)
        form.addRow("Speed", self.speed)
        form.addRow("Rate", self.rate)
        form.addRow("From", self.start)
        form.addRow("To", self.end)
        form.addRow("", self.every_frame)
        for check in (self.outlines, self.stamp):
            check.setChecked(True)
        for check in (self.outlines, self.stamp, self.light):
            form.addRow("", check)
        self.save = QPushButton("Save movie…")
        self.save.setProperty("role", "primary")
        self.save.setAutoDefault(False)
        self.save.clicked.connect(self._ask_save)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addStretch(1)
        left.addWidget(self.length)
        left.addWidget(self.save)
        holder = QWidget()
        holder.setLayout(left)
        holder.setFixedWidth(270)
        right = QVBoxLayout()
        right.addWidget(self.preview, 1)
        right.addWidget(self.slider)
        across = QHBoxLayout(self)
        across.addWidget(holder)
        across.addLayout(right, 1)
        for check in (*self.panes.values(), self.every_frame, self.outlines, self.stamp, self.light):
            check.toggled.connect(lambda _on: self._changed())
        for box in (self.speed, self.rate, self.start, self.end):
            box.valueChanged.connect(lambda _value: self._changed())
        self.size_box.currentIndexChanged.connect(lambda _index: self._changed())
        self.slider.valueChanged.connect(lambda _value: self._soon.start())

    def take(self, material: Material) -> None:
        """Takes the collected data and renders a first frame, at the cursor."""
        self._material = material
        self.preview.say("Rendering a frame…")
        # the default movie tells which span, speed and panes there are
        job = preview.film_still(material, MovieSettings(), material.session.focus.t)
        self._desk.start("Rendering the preview", job, self._first, on_error=self._refused)

    def _first(self, still: Still) -> None:
        """The movie as it would be without a choice: fills the fields."""
        if self._material is None:
            return
        low, high = still.span
        for box, value in ((self.start, low), (self.end, high), (self.speed, max((high - low) / 20, 0.001))):
            # three fields are one change
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        for name, check in self.panes.items():
            check.setEnabled(name in still.panes)
            if name not in still.panes:
                check.setChecked(False)
        t = min(max(self._material.session.focus.t, low), high)
        self.slider.setValue(round(STEPS * (t - low) / (high - low)))
        self._show(still)
        self._soon.start()

    def settings(self) -> MovieSettings:
        """What is chosen on the page; at full size the movie shows the stack alone."""
        full = self.size_box.currentText() == FULL
        panes = tuple(name for name, _ in PANES if self.panes[name].isChecked())
        return MovieSettings(
            None if full else preview.SIZES[self.size_box.currentText()], self.rate.value(), self.speed.value(),
            (self.start.value(), self.end.value()), ("stack",) if full else panes, self.every_frame.isChecked(),  # type: ignore[arg-type]
            self.outlines.isChecked(), self.stamp.isChecked(), self.light.isChecked(),
        )  # fmt: skip

    def _changed(self) -> None:
        # each frame once: the rate alone gives the speed
        self.speed.setEnabled(not self.every_frame.isChecked())
        for check in self.panes.values():
            check.setVisible(self.size_box.currentText() != FULL)
        self._soon.start()

    def _paint(self) -> None:
        settings = self.settings()
        low, high = settings.span or (0.0, 1.0)
        ready = self._material is not None and bool(settings.panes) and high > low
        self.save.setEnabled(ready)
        if not ready or self._material is None:
            self.length.setText("Choose at least one pane, and an end after the start.")
            return
        t = low + (high - low) * self.slider.value() / STEPS
        job = preview.film_still(self._material, settings, t)
        self._desk.start(
            "Rendering the preview", job, self._show, on_error=self._refused, key=f"film preview {id(self)}"
        )

    def _show(self, still: Still) -> None:
        if self._material is None:
            return
        self._still = still
        self.preview.show_pixels(still.pixels)
        height, width = still.pixels.shape[:2]
        self.length.setText(
            f"{counted(still.frames, 'frame')}, {figure(still.seconds, 3)} s, {width} × {height} pixels"
        )

    def _refused(self, error: BaseException) -> None:
        self.save.setEnabled(False)
        self.preview.say("")
        self.length.setText(str(error))

    def _ask_save(self) -> None:
        name = self._desk.session.info.name or "movie"
        suggested = str(usual_folder(self._desk) / f"{name}.mp4")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the movie", suggested, "MP4 (*.mp4)")
        if chosen:
            path = Path(chosen)
            self.save_as(path if path.suffix else path.with_suffix(".mp4"))

    def save_as(self, path: Path) -> None:
        """Renders the movie into a file, in the background."""
        self._desk.start(
            f"Rendering {path.name}", folder.export_movie(self._desk.session, path, self.settings()),
            lambda written: self._desk.notices.info(f"Saved {written}."),
        )  # fmt: skip

    def close_page(self) -> None:
        """Lets go of the data and of a preview that is still waiting."""
        self._material = None
        self._soon.stop()
