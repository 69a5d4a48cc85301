"""Filming: frames per second of a movie of three panes at 1280 × 720, and of a large stack alone."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from tandem_em.core.benchmark import Figure
from tandem_em.core.jobs import run_to_end
from tandem_em.exporters.figures import data
from tandem_em.exporters.movie.film import write_movie
from tandem_em.exporters.movie.look import MovieSettings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack


def scene(frames: int, side: int) -> tuple[data.Picture, FrameStack]:
    """A noisy stack with three followed outlines, four lanes and a map."""
    rng = np.random.default_rng(0)
    stack = FrameStack(
        name="movie", source=MemoryArray(rng.poisson(60, (frames, side, side)).astype(np.uint16)),
        times=np.arange(frames) / 25.0, times_from="file", pixel_nm=0.4,
    )  # fmt: skip
    t, turn = stack.t, np.linspace(0, 2 * np.pi, 90)
    blank, number = np.full(frames, 1.0), np.arange(frames)
    tracks = []
    for place, colour in ((0.3, "#ff5a5f"), (0.5, "#4a9eff"), (0.7, "#ffbf47")):
        shape = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.1 * side + place * side
        tracks.append(data.Track(
            "P", colour, number, t, blank, blank, blank, blank, np.zeros((frames, 2)), blank, np.zeros(frames, bool),
            polygons=dict.fromkeys(range(frames), shape),
        ))  # fmt: skip
    x = np.linspace(0, float(t[-1]), 4000)
    lanes = [
        data.Lane(name, "V", [data.Curve(name, "#ffbf47", x, rng.normal(size=4000))])
        for name in ("A", "B", "C", "D")
    ]
    counts = rng.normal(size=(60, 92))
    element = data.ElementMap("Li K", "#ff5a5f", "red", counts, None)
    maps = [data.MapSet("SI", "charged", None, (0.0, float(t[-1])), [element], None)]
    return data.Picture("bench", True, lanes, (0.0, float(t[-1])), tracks=tracks, maps=maps), stack


def _rate(found: data.Picture, stack: FrameStack, settings: MovieSettings) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run_to_end(write_movie(Path(folder) / "m.mp4", found, stack, settings, lambda t: [f"t = {t:.2f} s"]))
        return len(stack) / (time.perf_counter() - began)


def run(quick: bool = False) -> list[Figure]:
    """Frames a second of the film: with all panes, of one twice as long, and of the stack alone."""
    panes = _rate(*scene(40 if quick else 150, 512), MovieSettings(every_frame=True))
    # Twice as long must not be slower for each frame: nothing may grow with the film.
    longer = _rate(*scene(80 if quick else 300, 512), MovieSettings(every_frame=True))
    alone = _rate(*scene(12 if quick else 40, 2048), MovieSettings(None, panes=("stack",), every_frame=True))
    return [
        Figure("three panes, 1280 × 720", panes, "frames/s", goal="≥ 15", met=panes >= 15),
        Figure(
            "twice as long: frames/s against the shorter",
            longer / panes,
            "",
            goal="≥ 0.8",
            met=longer / panes >= 0.8,
        ),
        Figure("stack alone, 2048², pixel by pixel", alone, "frames/s"),
    ]
