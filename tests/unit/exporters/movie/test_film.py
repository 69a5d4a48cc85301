"""The movie decodes frame by frame: as many as asked, at their times, the right frame of the stack at each of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.exporters.figures import data
from tandem_em.exporters.movie.film import Scene, default_span, still, write_movie
from tandem_em.exporters.movie.lanes import moments, ticks, value_at
from tandem_em.exporters.movie.look import MovieSettings, places
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack

TIMES = np.array([0.0, 1.0, 2.5, 2.6, 4.0, 7.0, 8.0, 9.0])
"""Uneven, with a gap."""


def stack(height: int = 48, width: int = 64) -> FrameStack:
    """Every frame has a grey of its own: 20, 45, 70 …"""
    frames = np.stack([np.full((height, width), 20 + 25 * n, np.uint8) for n in range(len(TIMES))])
    frames[:, :, :4], frames[:, :, -4:] = 0, 255  # the levels go from 0 to 255
    return FrameStack(name="m", source=MemoryArray(frames), times=TIMES, times_from="file", pixel_nm=0.5)


def picture() -> data.Picture:
    x = np.linspace(0, 9, 50)
    shape = np.array([(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)])
    blank = np.full(len(TIMES), 400.0)
    track = data.Track(
        "P1", "#ff5a5f", np.arange(len(TIMES)), TIMES, blank, blank - 5, blank + 5, blank, np.zeros((len(TIMES), 2)),
        blank, np.zeros(len(TIMES), bool), polygons=dict.fromkeys(range(len(TIMES)), shape),
    )  # fmt: skip
    counts = np.arange(80.0).reshape(8, 10)
    element = data.ElementMap("Li K", "#ff5a5f", "red", counts, None)
    image = data.MapSet(
        "SI-1", "charged", (2.0, 2.0), (4.0, 6.0), [element], np.full((8, 10, 3), 200, np.uint8)
    )
    return data.Picture(
        "test", True, [data.Lane("Voltage", "V", [data.Curve("log", "#ff5a5f", x, np.sin(x))])], (0.0, 9.0),
        [data.Flag(2.0, "bias on", "#9aa7b5")], [data.MapSpan(4.0, 6.0, "charged", "#4a9eff")], tracks=[track], maps=[image],
    )  # fmt: skip


def film(path: Path, settings: MovieSettings) -> tuple[list[np.ndarray], list[Fraction]]:
    run_to_end(write_movie(path, picture(), stack(), settings, lambda t: [f"t = {t:.2f} s"]))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = [(f.to_ndarray(format="rgb24"), f.pts * f.time_base) for f in container.decode(stream)]
    return [f for f, _ in frames], [t for _, t in frames]


def test_each_frame_of_the_stack_is_one_frame_of_the_movie(tmp_path: Path) -> None:
    settings = MovieSettings(None, rate=10, panes=("stack",), every_frame=True, outlines=False, stamp=False)
    frames, times = film(tmp_path / "m.mp4", settings)
    assert len(frames) == len(TIMES)
    assert times == [Fraction(n, 10) for n in range(len(TIMES))]
    assert frames[0].shape == (48, 64, 3)
    greys = [float(frame[:, 16:48].mean()) for frame in frames]
    np.testing.assert_allclose(greys, 20.0 + 25.0 * np.arange(len(TIMES)), atol=3)


def test_even_time_shows_the_newest_frame_that_is_not_later(tmp_path: Path) -> None:
    settings = MovieSettings(None, 4, speed=2.0, span=(0, 9), panes=("stack",), outlines=False, stamp=False)
    frames, times = film(tmp_path / "m.mp4", settings)
    moments = np.arange(0, 9.0001, 0.5)
    assert times == [Fraction(n, 4) for n in range(len(moments))]
    expected = np.searchsorted(TIMES, moments, side="right") - 1
    np.testing.assert_allclose([frame[:, 16:48].mean() for frame in frames], 20.0 + 25.0 * expected, atol=3)


def test_three_panes_are_in_step_and_sizes_are_even(tmp_path: Path) -> None:
    frames, times = film(tmp_path / "m.mp4", MovieSettings((641, 361), 10, span=(0, 9), speed=3.0))
    assert frames[0].shape == (360, 640, 3)
    assert len(frames) == len(times) == 31
    scene = Scene(picture(), stack(), MovieSettings((640, 360), 10, span=(0, 9), speed=3.0), lambda t: [])
    lanes = scene._painters[-1]
    for number in (5, 25):  # the cursor is the brightest column of the lanes
        part = frames[number][int(lanes._y + 40) : int(lanes._y + 60), lanes._x + int(lanes._axis[0]) :]
        column = int(part.mean(axis=(0, 2)).argmax())
        assert abs(column + int(lanes._axis[0]) - float(lanes.x_of(0.3 * number))) <= 2


def test_maps_fade_in_during_their_interval() -> None:
    settings = MovieSettings((640, 360), span=(0, 9))
    shown = [still(picture(), stack(), settings, lambda t: [], t) for t in (3.0, 5.0, 7.0)]
    scene = Scene(picture(), stack(), settings, lambda t: [])
    x, y, _w, _h = scene._rects["eels"]
    greys = [image.pixels[int(y) + 30 : int(y) + 40, int(x) + 40 : int(x) + 60, :3].mean() for image in shown]
    assert greys[0] < greys[1] < greys[2]
    assert greys[2] == pytest.approx(200, abs=2)


def test_the_movie_spans_the_stack_and_the_maps_around_it() -> None:
    found = picture()
    found.bands.append(data.MapSpan(500.0, 600.0, "much later", "#4a9eff"))
    found.bands.append(data.MapSpan(12.0, 14.0, "soon after", "#4a9eff"))
    assert default_span(found, stack(), ("stack", "eels")) == (0.0, 14.0)
    assert default_span(found, stack(), ("stack",)) == (0.0, 9.0)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_panes_stay_inside_and_apart(aspect: float) -> None:
    for panes in (("stack", "eels", "biasing"), ("stack", "biasing"), ("eels", "biasing"), ("stack", "eels")):
        rects = list(places(panes, (1280, 720), aspect, 1.0).values())  # type: ignore[arg-type]
        for x, y, w, h in rects:
            assert x >= 0
            assert y >= 30
            assert x + w <= 1280
            assert y + h <= 720
        for number, (x, y, w, h) in enumerate(rects):
            for ox, oy, ow, oh in rects[number + 1 :]:
                assert x + w <= ox or ox + ow <= x or y + h <= oy or oy + oh <= y


def test_values_are_those_of_the_samples_not_of_the_drawing() -> None:
    curve = data.Curve("a", "#ffffff", np.array([0.0, 2.0]), np.array([9.0, 9.0]), exact=(np.arange(3.0), np.array([1.0, 2, 3])))  # fmt: skip
    assert value_at(curve, 1.9) == 2.0
    assert np.isnan(value_at(curve, -0.1))
    assert np.isnan(value_at(curve, 9.0))


def test_ticks_are_round_and_inside() -> None:
    assert ticks(-0.21, 0.02, 3) == pytest.approx([-0.2, -0.1, 0.0])
    assert ticks(0, 250, 5) == [0, 50, 100, 150, 200, 250]


def test_a_long_movie_counts_in_hours() -> None:
    assert moments((0.0, 43200.0), 6) == [(7200.0 * n, f"{2 * n} h") for n in range(7)]
    assert moments((0.0, 100.0), 5)[1] == (20.0, "20 s")


def test_a_cancelled_movie_leaves_nothing(tmp_path: Path) -> None:
    job = write_movie(tmp_path / "m.mp4", picture(), stack(), MovieSettings((640, 360)), lambda t: [])
    for _ in range(9):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_film_is_said() -> None:
    empty = data.Picture("nothing")
    with pytest.raises(UserError, match="no data for a movie"):
        Scene(empty, None, MovieSettings(), lambda t: [])
    with pytest.raises(UserError, match="higher speed"):
        Scene(picture(), stack(), MovieSettings(speed=1e-6), lambda t: []).times()
