"""Window, figures, movie and tables ask the same source: a lane registered here appears in all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from all_lanes import all_lanes_session
from doubled_lane import DoubledLane
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.biasing import runs
from tandem_em.desk.export import data as export_data
from tandem_em.desk.export import tables
from tandem_em.desk.lanes.registry import LANES
from tandem_em.desk.lanes.series import Interval, Limit, Points, Series
from tandem_em.desk.lanes.source import LaneSource
from tandem_em.exporters.figures import curves
from tandem_em.exporters.figures.style import FigureSettings, styled
from tandem_em.exporters.movie.lanes import LanesPainter, value_at
from tandem_em.exporters.movie.look import DARK
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Lane
from tandem_widgets.shell.window.main_window import MainWindow

X = np.arange(0.0, 40.0)
COLOUR = "#f70d1a"
"""Of nothing else."""


class Pressure(LaneSource):
    """A gauge that nobody has built in."""

    kind, title, name, unit = "pressure", "Pressure", "Column pressure", "Pa"
    from_zero = True

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        points = Points(X, 2 * X, 2 * X - 1, 2 * X + 1)
        return [Series(key="gauge", name="gauge", colour=COLOUR, samples=points, factor=10.0)]

    def limits(self, session: Session) -> list[Limit]:
        return [Limit(300.0, "leak")]


@pytest.fixture
def shown(qtbot: QtBot, window: MainWindow) -> Iterator[MainWindow]:
    with LANES.with_source(Pressure()):
        window.show_session(all_lanes_session())
        runs.change_lane(window.desk, "pressure", "Show pressure", shown=True)
        qtbot.waitUntil(lambda: any(each.kind == "pressure" for each in lanes_of(window)), timeout=10_000)
        yield window
        window.desk.session.history.undo()
        window.biasing_pane.show_session()


def lanes_of(window: MainWindow) -> list[Lane]:
    return window.biasing_pane.lanes.content.lanes


def test_a_lane_from_outside_is_in_window_figure_movie_and_table(shown: MainWindow) -> None:
    session = shown.desk.session
    lane = next(each for each in lanes_of(shown) if each.kind == "pressure")
    found = run_to_end(export_data.collect(session))
    drawn = next(each for each in found.lanes if each.kind == "pressure")
    assert (lane.title, lane.unit, lane.from_zero) == (drawn.title, drawn.unit, drawn.from_zero)
    assert [limit.value for limit in lane.limits] == [value for value, _ in drawn.limits] == [300.0]
    assert lane.curves[0].value_at(7.0) == value_at(drawn.curves[0], 7.0) == 140.0
    with styled(FigureSettings()):
        figure = curves.lanes(found, FigureSettings())
    assert figure.axes[found.lanes.index(drawn)].get_ylabel().startswith("Column pressure")
    table = next(each for each in tables.tables(session, found) if each.stem == "lane_pressure_gauge")
    columns = {column.header: np.asarray(column.values) for column in table.columns}
    np.testing.assert_array_equal(columns["column pressure (Pa)"], 20 * X)
    np.testing.assert_array_equal(columns["upper limit (Pa)"], 20 * X + 10)
    found.lanes = [drawn]
    painted = LanesPainter(found, (0.0, 39.0), DARK, (0, 0, 400, 200), 1.0)
    pixels = np.asarray(painted._bright.pixels)[..., :3].astype(int)
    wanted = [int(COLOUR[at : at + 2], 16) for at in (1, 3, 5)]
    near = min(np.abs(pixels - order).sum(axis=-1).min() for order in (wanted, wanted[::-1]))
    assert near < 60, "its line is in the movie, in its colour"


def test_a_derived_lane_from_outside_grows_with_its_run(qtbot: QtBot, window: MainWindow) -> None:
    def curve() -> Curve | None:
        return next(
            (each.curves[0] for each in lanes_of(window) if each.kind == "doubled" and each.curves), None
        )

    with LANES.with_source(DoubledLane()):
        runs.change_lane(window.desk, "doubled", "Show", shown=True)
        qtbot.waitUntil(lambda: curve() is not None, timeout=10_000)
        run = window.desk.session.runs.first
        assert run is not None
        values = curve().y  # type: ignore[union-attr]
        run.append(np.array([10.1, 10.2]), {"voltage": np.array([1.5, 2.5]), "current": np.zeros(2)})
        qtbot.waitUntil(lambda: len(curve().x) == 103, timeout=10_000)  # type: ignore[union-attr]
        grown = curve()
        assert grown is not None
        assert grown.value_at(10.15) == 3.0
        assert grown.error is not None
        assert grown.error[-1] == pytest.approx(0.1)
        np.testing.assert_array_equal(grown.y[:101], values)
        runs.change_lane(window.desk, "doubled", "Hide", shown=False)
        window.biasing_pane.show_session()


def test_the_menu_lists_a_lane_from_outside(shown: MainWindow) -> None:
    names = [source.name for source in LANES.offered(shown.desk.session)]
    assert "Column pressure" in names
    assert "Temperature" in names, "the run has one"


def test_another_theme_gives_the_curves_its_own_colours(qtbot: QtBot, shown: MainWindow) -> None:
    def colour() -> str:
        return next(lane for lane in lanes_of(shown) if lane.kind == "voltage").curves[0].colour

    before = theme.active().name
    assert colour() == theme.active().voltage
    shown.use_theme("dark" if before == "light" else "light")
    qtbot.waitUntil(lambda: colour() == theme.active().voltage, timeout=10_000)
    shown.use_theme(before)
    qtbot.waitUntil(lambda: colour() == theme.active().voltage, timeout=10_000)
