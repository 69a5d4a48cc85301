"""What figures, report and movie draw, collected from a session whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.export import data as export
from tandem_em.exporters.figures.style import FigureSettings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine, Site, SpectrumImage
from tandem_em.model.tracks import Outline, Particle

SQUARE = np.array([[2.0, 2], [12, 2], [12, 12], [2, 12]])


class Unreadable(MemoryArray):
    """A movie of which one frame cannot be read."""

    def read(self, key: Any) -> Any:
        if key == 2:
            raise UserError("Frame 3 is cut off.", "")
        return super().read(key)


def movie(count: int = 9, pixel_nm: float | None = 0.5, **more: Any) -> FrameStack:
    frames = np.arange(count, dtype=np.uint16)[:, None, None] * np.ones((1, 16, 20), np.uint16)
    given = {"times": np.arange(count, dtype=float), "times_from": "file", "source": MemoryArray(frames)}
    return FrameStack(name="movie", pixel_nm=pixel_nm, **{**given, **more})


def session_of(*items: Any) -> Session:
    session = Session("truth")
    for item in items:
        session.collection_of(item).add(item)
    return session


def particle(stack: FrameStack, **outlines: Outline) -> Particle:
    made = Particle(name="P1", stack_id=stack.id)
    made.outlines.update({int(name[1:]): outline for name, outline in outlines.items()})
    return made


@pytest.mark.parametrize(("pixel_nm", "unit"), [(0.5, "nm"), (None, "px")])
def test_a_track_is_in_nm_where_the_stack_is_calibrated(pixel_nm: float | None, unit: str) -> None:
    stack = movie(pixel_nm=pixel_nm, drift_px=np.tile([1.0, -2.0], (9, 1)))
    one = particle(
        stack,
        f0=Outline(SQUARE, 0.9, True, 100.0, 95.0, 106.0),
        f4=Outline(SQUARE + 1.0, 0.9, False, np.nan, np.nan, np.nan),
        f5=Outline(SQUARE, 0.1, False, 100.0, 95.0, 106.0),
        f99=Outline(SQUARE, 0.9, False, 100.0, 95.0, 106.0),
    )
    found = export.track(stack, one)
    size = pixel_nm or 1.0
    assert found.unit == unit
    assert found.area[[0, 4]] == pytest.approx(np.array([100.0, 100.0]) * size**2), (
        "its own area where none was measured"
    )
    assert (found.low[0], found.high[0]) == pytest.approx((95 * size**2, 106 * size**2))
    assert found.perimeter[0] == pytest.approx(40 * size)
    assert found.centre[0] == pytest.approx(np.array([7.0 - 1.0, 7.0 + 2.0]) * size), "less the drift"
    assert np.isnan(found.area[[1, 5]]).all(), "lost, and not to be trusted"
    assert found.confidence[5] == 0.1
    assert np.flatnonzero(found.is_key).tolist() == [0]
    assert found.relative[4] == pytest.approx(1.0)


def test_a_track_that_was_never_seen_has_no_relative_area() -> None:
    stack = movie()
    found = export.track(stack, particle(stack, f1=Outline(SQUARE, 0.0, False, 100.0, 95.0, 106.0)))
    assert np.isnan(found.relative).all()


@given(st.lists(st.floats(-10, 50), min_size=1, max_size=6))
def test_the_chosen_moments_are_the_frames_shown_then(times: list[float]) -> None:
    stack = movie()
    shots = run_to_end(export.shots(session_of(stack), [], FigureSettings(times=tuple(times))))
    expected = list(dict.fromkeys(int(np.clip(np.floor(t + 1e-9), 0, 8)) for t in times))
    assert [int(shot.image[0, 0]) for shot in shots] == expected
    assert [shot.t for shot in shots] == [float(number) for number in expected]


def test_without_a_choice_five_frames_are_spread_over_the_movie_and_a_bad_one_is_left_out() -> None:
    shots = run_to_end(export.shots(session_of(movie(41)), [], FigureSettings()))
    assert [int(shot.image[0, 0]) for shot in shots] == [0, 10, 20, 30, 40]
    stack = movie(5)
    stack.source = Unreadable(stack.source.read(slice(None)))
    shots = run_to_end(export.shots(session_of(stack), [], FigureSettings()))
    assert [int(shot.image[0, 0]) for shot in shots] == [0, 1, 3, 4]
    backward = movie(4, times=np.array([3.0, 2.0, np.nan, 0.0]))
    shots = run_to_end(export.shots(session_of(backward), [], FigureSettings()))
    assert [int(shot.image[0, 0]) for shot in shots] == [3, 1, 0], "in the order of time"


def test_the_chosen_stacks_are_the_rows_and_the_selected_one_else() -> None:
    one, other = movie(3), movie(3)
    other.name = "other"
    session = session_of(one, other)
    rows = run_to_end(export.shots(session, [], FigureSettings(stack_ids=(other.id,))))
    assert {shot.row for shot in rows} == {"other"}
    session.focus.select("stack", other.id)
    assert {shot.row for shot in run_to_end(export.shots(session, [], FigureSettings()))} == {"other"}
    assert run_to_end(export.shots(Session(), [], FigureSettings())) == []


def test_outlines_are_on_the_frames_they_are_of_unless_they_are_hidden() -> None:
    stack = movie(3)
    seen = particle(stack, f1=Outline(SQUARE, 0.9, True, 100.0, 95.0, 106.0))
    hidden = particle(stack, f1=Outline(SQUARE, 0.9, True, 100.0, 95.0, 106.0))
    seen.colour, hidden.visible = "#ff0000", False
    tracks = [export.track(stack, each) for each in (seen, hidden)]
    shots = run_to_end(export.shots(session_of(stack), tracks, FigureSettings(times=(0.0, 1.0))))
    assert [[colour for colour, _ in shot.outlines] for shot in shots] == [[], ["#ff0000"]]


def cycled(name: str = "cell", cycles: int = 3, current: float = 1e-9) -> BiasRun:
    half = 100
    sign = np.repeat([1.0, -1.0] * cycles, half)
    t = np.arange(len(sign), dtype=float)
    charge = np.concatenate([[0.0], np.cumsum(sign[:-1])])
    columns = {
        "voltage": Column("voltage", "V", GrowingArray(3.0 + charge / half)),
        "current": Column("current", "A", GrowingArray(current * sign)),
    }
    return BiasRun(name=name, times=GrowingArray(t), columns=columns)


def test_cycles_are_in_the_unit_all_runs_can_be_given_in() -> None:
    session = session_of(cycled())
    found = run_to_end(export.collect(session)).cycles
    assert [each.name for each in found] == ["cell"]
    assert found[0].unit.endswith("Ah")
    scale = {"pAh": 1e12, "nAh": 1e9, "µAh": 1e6}[found[0].unit]
    assert found[0].charge[0] == pytest.approx(1e-9 * 100 / 3600 * scale, rel=0.03)
    assert np.nanmean(found[0].efficiency) == pytest.approx(1.0, abs=0.03)
    session.cells.add(Cell(area_um2=10.0, capacity_uAh_cm2=80.0))
    areal = run_to_end(export.collect(session)).cycles[0]
    assert areal.unit.endswith("Ah/cm²")
    first, last, kept, loss, efficiency = areal.sums()
    assert (kept, loss) == pytest.approx((100.0, 0.0), abs=3)
    assert first == pytest.approx(last, rel=0.03)
    assert efficiency == pytest.approx(100, abs=3)


def test_views_of_runs_are_drawn_where_they_say_something() -> None:
    found = run_to_end(export.collect(session_of(cycled())))
    assert {curve.kind for curve in found.capacity} == {"charge", "discharge"}
    assert found.dqdv
    assert found.crossing
    held = cycled(cycles=1)
    held.columns["voltage"].values = GrowingArray(np.full(len(held), 3.6))
    held.columns["current"].values = GrowingArray(np.full(len(held), 1e-10))
    held.visible = True
    nothing = run_to_end(export.collect(session_of(held)))
    assert (nothing.capacity, nothing.dqdv, nothing.crossing) == ([], [], [])
    hidden = cycled()
    hidden.visible = False
    assert run_to_end(export.collect(session_of(hidden))).capacity == []


@pytest.mark.parametrize("span", [[2.0, 5.0], (2.0, 5.0)])
def test_the_view_as_it_was_left_is_what_is_shown(span: Any) -> None:
    session = session_of(cycled())
    session.info.view["span"] = span
    assert export.shown_span(session) == (2.0, 5.0)
    for nonsense in ([5.0, 2.0], [1.0], "ab", None):
        session.info.view["span"] = nonsense
        assert export.shown_span(session) == (0.0, 599.0)


def spectrum_image(**more: Any) -> SpectrumImage:
    """A power law with a step of lithium in the right half."""
    energy = np.arange(40.0, 130.0, 0.5)
    counts = (
        1e7 * energy**-2.2 * np.ones((6, 12, 1))
        + np.where(energy >= 56, 400.0, 0.0) * (np.arange(12) >= 6)[:, None]
    )
    given = {
        "source": MemoryArray(counts.astype(np.float32)),
        "energy_eV": energy,
        "pixel_nm": (2.0, 2.0),
    }
    return SpectrumImage(name="SI", **{**given, **more})


def test_maps_spectra_and_profiles_of_a_spectrum_image() -> None:
    image = spectrum_image(start=1.0, end=4.0, state="charged")
    site = Site(name="site 1", map_id=image.id, points=[(9.0, 3.0)], radius_px=1.5)
    line = ProfileLine(name="across", owner_id=image.id, start=(0.0, 3.0), end=(11.0, 3.0), width_px=3.0)
    found = run_to_end(export.collect(session_of(image, site, line)))
    (maps,) = found.maps
    assert (maps.state, maps.interval, maps.sites) == (
        "charged",
        (1.0, 4.0),
        [("site 1", site.colour, (9.0, 3.0), 1.5)],
    )
    lithium = next(each for each in maps.maps if each.edge.startswith("Li"))
    assert np.nanmean(lithium.counts[:, 6:]) > 5 * abs(np.nanmean(lithium.counts[:, :6]))
    (spectra,) = found.spectra
    assert spectra.mean == pytest.approx(image.source.read(slice(None)).mean(axis=(0, 1)), rel=1e-5)
    assert [curve.name for curve in spectra.sites] == ["site 1"]
    (profile,) = found.profiles
    curve = next(curve for curve in profile.edges if curve.name.startswith("Li"))
    assert (profile.unit, float(curve.x[-1])) == ("nm", pytest.approx(22.0))
    assert curve.y[-3:].mean() > 5 * abs(curve.y[:3].mean())
    assert (curve.low <= curve.y).all()
    assert (curve.y <= curve.high).all()
    assert [(band.start, band.end, band.name) for band in found.bands] == [(1.0, 4.0, "charged")]


def test_a_map_without_an_edge_has_its_spectrum_and_a_broken_one_is_named() -> None:
    energy = np.arange(1000.0, 1100.0)
    other = spectrum_image(source=MemoryArray(np.ones((2, 3, 100), np.float32)), energy_eV=energy)
    found = run_to_end(export.collect(session_of(other)))
    assert found.maps == []
    assert [each.name for each in found.spectra] == ["SI"]
    broken = spectrum_image()

    class Gone(MemoryArray):
        def read(self, key: Any) -> Any:
            raise UserError("SI cannot be read.", "")

    broken.source = Gone(np.zeros(broken.shape))
    found = run_to_end(export.collect(session_of(broken, cycled())))
    assert found.left_out == [("SI", "SI cannot be read.")]
    assert found.capacity, "the rest goes out all the same"


def test_hidden_events_and_maps_are_not_marked() -> None:
    shown, hidden = Event(name="bias on", t=1.0), Event(name="off", t=2.0, visible=False)
    found = run_to_end(
        export.collect(session_of(shown, hidden, spectrum_image(start=1.0, end=2.0, visible=False)))
    )
    assert [flag.name for flag in found.flags] == ["bias on"]
    assert found.bands == []
