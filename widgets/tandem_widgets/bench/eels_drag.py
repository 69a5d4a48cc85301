"""Dragging a window of an edge in the real window: from the move of the mouse until the new map has been painted."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QApplication, QWidget

from tandem_em.core.benchmark import Figure
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.shell.application import make_application, make_window

if TYPE_CHECKING:
    from tandem_widgets.panes.eels.pane import EelsPane
    from tandem_widgets.shell.window.main_window import MainWindow

SHAPES = ((256, 256, 2048), (128, 128, 1024))
DRAGS = 200
FIRST_eV = -5.0
READY_S = 120.0


def run(quick: bool = False) -> list[Figure]:
    """Two hundred moves for the larger and the smaller map; the worst is told beside the median."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    figures: list[Figure] = []
    for shape in ((64, 64, 512),) if quick else SHAPES:
        figures += _dragged(shape, 20 if quick else DRAGS)
    return figures


def spectra(shape: tuple[int, int, int]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A power law with counting noise, half as much again from left to right, and its energy axis."""
    energy = np.asarray(FIRST_eV + 205.0 / shape[2] * np.arange(shape[2]), np.float64)
    rng = np.random.default_rng(1)
    mean = (5e7 * np.maximum(energy, 1.0) ** -3.0).astype(np.float32)
    data = rng.standard_normal(shape, dtype=np.float32)
    data *= np.sqrt(mean)
    data += mean * np.linspace(0.5, 1.5, shape[1], dtype=np.float32)[:, None]
    return data, energy


def _dragged(shape: tuple[int, int, int], moves: int) -> list[Figure]:
    application = make_application()
    with tempfile.TemporaryDirectory() as folder:
        window, bridge = make_window(Settings(Path(folder) / "preferences.json"))
        window.resize(1600, 1000)
        session = Session("drag")
        data, energy = spectra(shape)
        image = SpectrumImage(
            name="map", source=MemoryArray(data), energy_eV=energy, pixel_nm=(1.0, 1.0), simulated=True
        )
        session.clocks.add(image.clock)
        session.maps.add(image)
        window.show()
        application.processEvents()
        window.show_session(session)
        pane: Any = window.docks.eels.widget()
        try:
            blocked = _until_ready(window, pane)
            times = {part: _moves(pane, part, moves) for part in ("signal", "fit")}
        finally:
            window.files.close()
            window.hide()
            window.docks.close_panes()
            bridge.close()
            window.services.runner.close()
            window.deleteLater()
            application.processEvents()
    name = "×".join(str(side) for side in shape)
    figures = []
    for part, (walls, cpu) in times.items():
        median, worst = statistics.median(walls), max(walls)
        figures.append(
            Figure(
                f"{part} window dragged: mouse move to new map on screen, {name}", median, "ms",
                goal="median < 16 ms, worst of 200 < 33 ms", met=median < 16 and worst < 33,
                remark=f"worst {worst:.1f} of {len(walls)}, CPU {cpu:.1f} each; the whole window drawn, offscreen",
            )
        )  # fmt: skip
    figures.append(
        Figure(
            f"longest the window stands still while sums are prepared, {name}", blocked, "ms",
            goal="< 50 ms", met=blocked < 50,
        )
    )  # fmt: skip
    return figures


def _until_ready(window: MainWindow, pane: EelsPane) -> float:
    """Wait for the sums; the longest turn of the event loop in the meantime (ms)."""
    assert pane.image is not None
    live = pane.live(pane.image)
    longest, deadline = 0.0, time.monotonic() + READY_S
    while not (live.is_ready and not window.services.runner.tasks):
        began = time.perf_counter()
        QApplication.processEvents()
        longest = max(longest, (time.perf_counter() - began) * 1e3)
        time.sleep(0.001)
        if time.monotonic() > deadline:
            raise TimeoutError("the sums were not prepared in time")
    return longest


def _moves(pane: EelsPane, part: str, number: int) -> tuple[list[float], float]:
    """Press on the first edge's window and move forth and back; ms from each move to the painted map, and median CPU ms."""
    plot = pane.spectrum
    band = next(b for b in plot.content.bands if b.kind == part)
    start = QPointF(float(plot.x_to_px((band.low + band.high) / 2)), plot.height() / 2)
    _mouse(plot, "press", start)
    walls, cpus = [], []
    for step in range(number + 5):
        phase = step % 80
        place = QPointF(start.x() + 1.5 * (40 - abs(phase - 40)) + 0.5, start.y())
        before = pane.images.single.painted
        asked = pane.refreshes
        began, cpu = time.perf_counter(), time.process_time()
        _mouse(plot, "move", place)
        while pane.images.single.painted == before or pane.refreshes == asked:
            QApplication.processEvents()
        if step >= 5:
            walls.append((time.perf_counter() - began) * 1e3)
            cpus.append((time.process_time() - cpu) * 1e3)
        pause = began + 1 / 60 - time.perf_counter()  # a hand moves the pointer sixty times a second
        while pause > 0:
            QApplication.processEvents()
            time.sleep(min(0.002, pause))
            pause = began + 1 / 60 - time.perf_counter()
    _mouse(plot, "release", start)
    return walls, statistics.median(cpus)


def _mouse(widget: QWidget, kind: str, place: QPointF) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    types = {
        "press": QEvent.Type.MouseButtonPress,
        "move": QEvent.Type.MouseMove,
        "release": QEvent.Type.MouseButtonRelease,
    }
    event = QMouseEvent(
        types[kind], place, widget.mapToGlobal(place), none if kind == "move" else left,
        none if kind == "release" else left, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
