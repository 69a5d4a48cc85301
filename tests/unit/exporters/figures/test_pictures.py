"""Figures hold what they were given: panels, curves in their units, images on one scale, marks where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.draw import FIGURES, as_bytes, draw, names
from tandem_em.exporters.figures.style import FigureSettings, styled

SETTINGS = FigureSettings()
ENERGY = np.arange(40.0, 130.0, 0.5)


@pytest.fixture(autouse=True)
def _styled() -> Iterator[None]:
    with styled(SETTINGS):
        yield


def half(name: str, kind: str, capacity_Ah: float, voltage: float = 3.0) -> data.Curve:
    x = np.linspace(0, capacity_Ah, 20)
    return data.Curve(name, "#4a9eff", x, np.linspace(voltage, voltage + 1, 20), unit="Ah", kind=kind)


def cycles(name: str, charge: list[float], efficiency: list[float]) -> data.Cycles:
    number = np.arange(1, len(charge) + 1)
    values = np.array(charge)
    return data.Cycles(
        name,
        "#4a9eff",
        "pAh",
        number,
        values,
        values * efficiency,
        np.array(efficiency),
        np.full(len(charge), 0.01),
    )


def spectra(name: str, sites: int = 0) -> data.SpectrumSet:
    mean = 1e7 * ENERGY**-2.2
    fit = data.Fit("Li K", "#ff5050", ENERGY[20:60], mean[20:60], (45.0, 54.0), (55.0, 70.0))
    curves = [data.Curve(f"site {n}", "#4a9eff", ENERGY, mean * (n + 1)) for n in range(sites)]
    return data.SpectrumSet(name, ENERGY, mean, [fit], curves)


def maps(name: str, top: float, **more: Any) -> data.MapSet:
    counts = np.linspace(0, top, 60).reshape(6, 10)
    given = [
        data.ElementMap("Li K", "#ff5050", "red", counts, None),
        data.ElementMap("O K", "#50ff50", "", counts, None),
    ]
    return data.MapSet(name, name, (2.0, 2.0), None, given, np.zeros((6, 10, 3)), **more)


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_every_figure_without_data_is_not_offered() -> None:
    assert names(data.Picture("empty")) == []
    assert next(iter(FIGURES)) == "lanes"


def test_each_run_has_a_panel_in_its_own_unit() -> None:
    found = data.Picture(
        "t",
        capacity=[
            half("small", "charge", 2e-12),
            half("small", "discharge", 2e-12),
            half("large", "charge", 3e-6),
        ],
    )
    small, large = draw("capacity", found, SETTINGS).axes[:2]
    assert (small.get_xlabel(), large.get_xlabel()) == ("Capacity (pAh)", "Capacity (µAh)")
    assert small.get_title() == "small, 2 half cycles"
    assert [line.get_linestyle() for line in small.lines] == ["-", "--"]
    assert small.lines[0].get_xdata()[-1] == pytest.approx(2.0)
    assert large.lines[0].get_xdata()[-1] == pytest.approx(3.0)
    assert small.get_legend() is not None
    assert large.get_legend() is None


def test_discharge_goes_downwards_in_the_incremental_capacity() -> None:
    x = np.linspace(3, 4, 20)
    curves = [data.Curve("a", "#4a9eff", x, sign * np.ones(20) * 1e-9, unit="Ah/V", kind=kind) for sign, kind in ((1, "charge"), (-1, "discharge"))]  # fmt: skip
    (axes,) = draw("dqdv", data.Picture("t", dqdv=curves), SETTINGS).axes
    assert axes.get_ylabel() == "dQ/dV (nAh/V)"
    assert [line.get_ydata()[0] for line in axes.lines[:2]] == pytest.approx([1.0, -1.0])


def test_current_against_voltage() -> None:
    curve = data.Curve("a", "#4a9eff", np.linspace(-0.2, 0.2, 9), np.linspace(-5e-11, 5e-11, 9), unit="A")
    (axes,) = draw("crossing", data.Picture("t", crossing=[curve]), SETTINGS).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) in [
        ("Voltage (V)", "Current (pA)"),
        ("Voltage (mV)", "Current (pA)"),
    ]
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(50.0)


@pytest.mark.parametrize("width_mm", [85.0, 174.0])
def test_the_sum_of_the_cycles_stands_in_a_table(width_mm: float) -> None:
    runs = [cycles("cell A", [10.0, 9.5, 9.0], [0.95, 0.96, 0.97]), cycles("cell B", [np.nan], [np.nan])]
    left, right, table = draw(
        "cycles", data.Picture("t", cycles=runs), FigureSettings(width_mm=width_mm)
    ).axes
    assert left.get_ylabel() == "Capacity (pAh)"
    assert left.get_ylim()[0] == 0
    assert right.get_ylabel() == "Coulombic efficiency (%)"
    words = texts(table)
    assert "90.0" in words, "kept (%)"
    assert "5.00" in words, "loss per cycle (%)"
    assert "96.0" in words, "mean efficiency (%)"
    assert words.count("cell A") == words.count("cell B") == 1


def test_sums_of_cycles_that_are_not_known() -> None:
    assert np.isnan(cycles("a", [np.nan, np.nan], [1.0, 1.0]).sums()).all()
    first, last, kept, loss, _ = cycles("a", [5.0], [np.nan]).sums()
    assert (first, last, kept) == (5.0, 5.0, 100.0)
    assert np.isnan(loss)


def test_maps_of_states_have_one_scale_for_each_edge() -> None:
    adf = np.random.default_rng(1).normal(size=(12, 20))
    found = data.Picture(
        "t",
        maps=[
            maps("pristine", 10.0, adf=adf, sites=[("site 1", "#ff0000", (4.0, 2.0), 1.0)]),
            maps("charged", 50.0),
        ],
    )
    figure = draw("maps", found, SETTINGS)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["ADF", "Li K", "O K"]
    lithium = [
        axes.get_images()[0]
        for axes in figure.axes
        if axes.get_images() and axes.get_images()[0].get_array().ndim == 2
    ]
    limits = {image.get_clim() for image in lithium if image.get_array().shape == (6, 10)}
    assert len(limits) == 1
    assert any("1" in texts(axes) for axes in figure.axes), "the site on the survey image"
    assert any("charged" in texts(axes) for axes in figure.axes)
    assert sum("nm" in text for axes in figure.axes for text in texts(axes)) == 1, "one scale bar"


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    image = np.random.default_rng(1).normal(size=(32, 64))
    figure = draw("montage", data.Picture("t", shots=[data.Shot(1.0, image, [], "movie", 0.5)]), SETTINGS)
    (axes,) = figure.axes
    (bar,) = axes.lines
    length = np.ptp(bar.get_xdata()) * 0.5
    assert texts(axes) == [f"{length:g} nm"]
    uncalibrated = draw(
        "montage", data.Picture("t", shots=[data.Shot(1.0, image, [], "movie", None)]), SETTINGS
    )
    assert uncalibrated.axes[0].lines[:] == []


def test_outlines_of_a_shot_are_closed_lines_in_their_colour() -> None:
    image = np.random.default_rng(1).normal(size=(32, 32))
    square = np.array([[2.0, 2], [12, 2], [12, 12], [2, 12]])
    shots = [data.Shot(1.0, image, [("#ff0000", square)], "movie"), data.Shot(2.0, image, [], "movie")]
    first, second = draw("montage", data.Picture("t", shots=shots), SETTINGS).axes
    (line,) = first.lines
    assert line.get_color() == "#ff0000"
    assert line.get_xydata()[0].tolist() == line.get_xydata()[-1].tolist()
    assert not second.lines
    assert first.get_images()[0].get_clim() == second.get_images()[0].get_clim()


def test_spectra_show_their_windows_and_fits() -> None:
    one, other = draw(
        "spectra", data.Picture("t", spectra=[spectra("pristine"), spectra("charged")]), SETTINGS
    ).axes[:2]
    assert (one.get_title(), other.get_title()) == ("pristine", "charged")
    assert one.get_yscale() == "log"
    assert one.get_xlim() == pytest.approx((41.0, 78.0)), "around the windows"
    assert "Li K" in texts(one)
    assert len(one.patches) == 2


def test_sites_are_stacked_in_their_order_with_their_names() -> None:
    (axes,) = draw("sites", data.Picture("t", spectra=[spectra("SI", 3), spectra("none")]), SETTINGS).axes
    heights = [line.get_ydata()[0] for line in axes.lines]
    assert heights == sorted(heights, reverse=True)
    assert heights == pytest.approx([0.7, 0.35, 0.0], abs=0.02), "whatever their counts"
    assert {"site 0", "site 1", "site 2"} <= set(texts(axes))


def test_profiles_of_states_have_their_bands() -> None:
    x = np.linspace(0, 20, 30)
    sets = [
        data.ProfileSet(
            "across", state, "nm", [data.Curve("Li K", "#ff5050", x, np.sin(x) + 2, np.sin(x) + 1.5, np.sin(x) + 2.5)],
            [("anode", 2.0, 8.0)],
        )
        for state in ("pristine", "charged")
    ]  # fmt: skip
    figure = draw("profiles", data.Picture("t", profiles=sets), SETTINGS)
    svg = as_bytes("profiles", data.Picture("t", profiles=sets), SETTINGS, "svg").decode()
    assert "pristine" in svg
    assert "charged" in svg
    assert any("nm" in axes.get_xlabel() for axes in figure.axes) or "nm" in svg


def test_simulated_data_say_so_on_every_figure() -> None:
    found = data.Picture(
        "t",
        simulated=True,
        capacity=[half("a", "charge", 1e-9)],
        spectra=[spectra("SI", 1)],
        cycles=[cycles("a", [1.0, 2.0], [1.0, 1.0])],
    )
    for name in names(found):
        assert "simulated" in as_bytes(name, found, SETTINGS, "svg").decode(), name
    found.simulated = False
    assert "simulated" not in as_bytes("capacity", found, SETTINGS, "svg").decode()
