"""What is on the screen is the mean of what is in the frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tandem_em.core.jobs import run_to_end
from tandem_widgets.parts.image import render as image_render
from tandem_widgets.parts.image.render import View, auto_levels, colour_table, fitting, render


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    for pixels in image_render.USUAL:
        run_to_end(image_render.warm_up(pixels))


def grey_index(pixels: NDArray[np.uint32]) -> NDArray[np.int64]:
    return (pixels & 0xFF).astype(np.int64)


def test_whole_blocks_equal_the_area_mean() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (64, 96), dtype=np.uint16)
    pixels = render(frame, fitting(96, 64, 24, 16), 24, 16, (0, 255), colour_table())
    mean = frame.reshape(16, 4, 24, 4).mean(axis=(1, 3))
    assert np.abs(grey_index(pixels) - mean).max() <= 1.0


@given(
    zoom=st.floats(0.05, 0.99),
    x=st.floats(-20, 60),
    y=st.floats(-20, 60),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
)
@settings(deadline=None, max_examples=40)
def test_kernel_equals_numpy_everywhere(zoom: float, x: float, y: float, width: int, height: int) -> None:
    frame = np.random.default_rng(2).integers(0, 4000, (37, 41), dtype=np.uint16)
    view, table = View(x, y, zoom), colour_table()
    fast = render(frame, view, width, height, (0, 4000), table)
    slow = np.empty((height, width), np.uint32)
    image_render._run(None, frame, view, slow, (0, 4000), table)
    difference = np.abs(grey_index(fast) - grey_index(slow))
    assert difference.max() <= 1
    assert ((fast == 0) == (slow == 0)).all()


@pytest.mark.parametrize("zoom", [0.4, 3.0])
def test_nothing_is_compiled_while_somebody_looks(zoom: float) -> None:
    """Parts, frozen and turned frames, whole numbers as levels, odd pixel types: all use what is compiled already."""
    from tandem_widgets.parts.image import kernels as image_kernels

    kernels = (image_kernels.shrink, image_kernels.magnify)
    before = [len(kernel.signatures) for kernel in kernels]
    frame = np.random.default_rng(5).integers(0, 4000, (60, 60), dtype=np.uint16)
    frozen = frame.copy()
    frozen.flags.writeable = False
    for shown in (
        frame,
        frozen,
        frame.T,
        frame[5:50, 5:50],
        frame.astype(np.int32),
        frame.astype(np.float64),
    ):
        for x, y in ((29.5, 29.5), (10.0, 50.0)):
            pixels = render(shown, View(x, y, zoom), 20, 20, (0, 4000), colour_table())
            slow = np.empty((20, 20), np.uint32)
            image_render._run(None, shown, View(x, y, zoom), slow, (0, 4000), colour_table())
            assert np.abs(grey_index(pixels) - grey_index(slow)).max() <= 1
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_no_pixel_is_skipped_when_shrinking() -> None:
    for hot in range(0, 400, 7):
        frame = np.zeros((20, 20), np.uint16)
        frame.flat[hot] = 60000
        pixels = render(frame, fitting(20, 20, 7, 7), 7, 7, (0, 1000), colour_table())
        assert grey_index(pixels).max() > 100


def test_magnified_pixels_are_squares_and_nothing_lies_outside() -> None:
    frame = np.array([[0, 255], [255, 0]], np.uint8)
    pixels = render(frame, View(0.5, 0.5, 4.0), 12, 12, (0, 255), colour_table())
    inside = grey_index(pixels)[2:10, 2:10]
    assert (inside[:4, :4] == 0).all()
    assert (inside[:4, 4:] == 255).all()
    assert (pixels[0] == 0).all()
    assert (pixels[:, 11] == 0).all()


def test_not_a_number_is_blank() -> None:
    frame = np.array([[np.nan, 1.0]], np.float32)
    pixels = render(frame, View(0.5, 0.0, 1.0), 2, 1, (0, 1), colour_table())
    assert pixels[0, 0] == 0
    assert pixels[0, 1] != 0


def test_not_a_number_blanks_the_pixels_it_is_in_and_no_others() -> None:
    frame = np.ones((64, 64), np.float32)
    frame[10, 10] = np.nan
    pixels = render(frame, fitting(64, 64, 25, 25), 25, 25, (0, 1), colour_table())
    assert np.argwhere(pixels == 0).tolist() == [[4, 4]]


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 10), st.floats(0.2, 5))
@settings(deadline=None)
def test_zooming_keeps_the_point_under_the_pointer(sx: float, sy: float, zoom: float, factor: float) -> None:
    view = View(10, 20, zoom)
    before = view.to_image(sx, sy, 100, 80)
    after = view.zoomed(factor, sx, sy, 100, 80).to_image(sx, sy, 100, 80)
    assert after == pytest.approx(before, abs=1e-6)


def test_levels_of_flat_and_empty_frames_are_usable() -> None:
    assert auto_levels(np.full((4, 4), 7.0)) == (7.0, 8.0)
    assert auto_levels(np.full((4, 4), np.nan)) == (0.0, 1.0)
