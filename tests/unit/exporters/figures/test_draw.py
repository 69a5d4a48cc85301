"""Figures hold together: names only beside curves in view, long labels in two lines, doses from zero, times in hours."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.curves import time_unit
from tandem_em.exporters.figures.draw import as_bytes, draw, names
from tandem_em.exporters.figures.style import FigureSettings, lettered, styled

SETTINGS = FigureSettings()


def curve(name: str, start: float, end: float, height: float = 1.0) -> data.Curve:
    x = np.linspace(start, end, 50)
    return data.Curve(name, "#ff5a5f", x, height * np.sin(x))


def picture(*lanes: data.Lane, span: tuple[float, float] = (0.0, 30.0)) -> data.Picture:
    return data.Picture("test", lanes=list(lanes), span=span)


def test_a_run_of_another_year_is_not_named_beside_the_axes() -> None:
    far = data.Lane("Voltage", "V", [curve("here", 0, 30), curve("years ago", -1e8, -1e8 + 60, 500.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that collapses warns
        svg = as_bytes("lanes", picture(far), SETTINGS, "svg").decode()
    assert "years ago" not in svg
    both = data.Lane("Voltage", "V", [curve("here", 0, 30), curve("there", 5, 30, 0.5)])
    svg = as_bytes("lanes", picture(both), SETTINGS, "svg").decode()
    assert "here" in svg
    assert "there" in svg


@pytest.mark.parametrize("width", [85.0, 174.0])
def test_every_lane_of_the_pane_fits_in_any_column(width: float) -> None:
    lanes = [
        data.Lane("Current density", "A/cm²", [curve("a", 0, 30, 2e-3)], ((5e-4, "limit"),), "Density", "density"),
        data.Lane("Dose rate", "e⁻/Å²s", [data.Curve("dose", "#b98cff", np.array([0.0, 30]), np.full(2, 10.0))], kind="dose_rate", from_zero=True),
    ]  # fmt: skip
    settings = FigureSettings(width_mm=width)
    with styled(settings), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw("lanes", picture(*lanes), settings)
        figure.canvas.draw()
        upper, lower = figure.axes
        assert upper.get_ylabel() == "Current density\n(mA/cm²)"
        assert lower.get_ylim()[0] < 0 < 10 < lower.get_ylim()[1]
        boxes = [axes.yaxis.label.get_window_extent() for axes in (upper, lower)]
        assert not boxes[0].overlaps(boxes[1])
        assert all(box.x0 >= 0 for box in boxes)


def test_chosen_limits_hold_and_hours_are_hours() -> None:
    lane = data.Lane("Voltage", "V", [curve("a", 0, 36_000)], y=(-2.0, 3.0))
    with styled(SETTINGS):
        (axes,) = draw("lanes", picture(lane, span=(0.0, 36_000.0)), SETTINGS).axes
        assert axes.get_ylim() == (-2.0, 3.0)
        assert axes.get_xlabel() == "Time (h)"
        assert axes.get_xlim() == (0.0, 10.0)
    assert time_unit(picture(lane, span=(0.0, 119.0))) == (1.0, "s")


def test_a_spectrum_without_edges_is_drawn_all_the_same() -> None:
    energy = np.linspace(300, 900, 100)
    found = data.Picture("t", spectra=[data.SpectrumSet("O K", energy, 1e9 * energy**-3, [], [])])
    assert names(found) == ["spectra"]
    assert as_bytes("spectra", found, SETTINGS, "png").startswith(b"\x89PNG")


def test_letters_read_well() -> None:
    assert lettered("Si L2,3") == lettered("Si L₂,₃") == "Si L$_{2{,}3}$"
    assert lettered("Li K") == "Li K"
    assert lettered("run 2,3") == "run 2,3"


def shots(*moments: float) -> data.Picture:
    image = np.random.default_rng(1).normal(100, 5, (32, 32))
    return data.Picture("t", shots=[data.Shot(t, image, [], "movie", 0.5) for t in moments])


def test_a_montage_of_one_frame_takes_one_column_and_one_of_five_takes_two() -> None:
    with styled(SETTINGS):
        for moments, mm in (((1.0,), 85), ((1.0, 2.0, 3.0, 4.0, 5.0), 174)):
            assert draw("montage", shots(*moments), SETTINGS).get_figwidth() == pytest.approx(mm / 25.4)


def test_frames_of_another_year_are_counted_from_the_first() -> None:
    with styled(SETTINGS):
        titles = [axes.get_title() for axes in draw("montage", shots(2e8, 2e8 + 7), SETTINGS).axes]
        assert titles == ["+0 s", "+7 s"]
        titles = [axes.get_title() for axes in draw("montage", shots(-3.0, 16.0), SETTINGS).axes]
        assert titles == ["−3 s", "16 s"]


def test_the_areas_under_a_montage_fill_their_axis_however_long_the_session_is() -> None:
    found = shots(0.0, 50.0, 100.0)
    found.lanes, found.span = [data.Lane("Area", "nm²", [curve("P1", 0, 100)], kind="area")], (0.0, 72_000.0)
    with styled(SETTINGS):
        axes = draw("montage", found, SETTINGS).axes[-1]
        assert axes.get_xlabel() == "Time (s)"
        assert axes.get_xlim() == pytest.approx((0.0, 110.0))
