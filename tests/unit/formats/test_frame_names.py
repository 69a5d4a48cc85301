"""Frames of in-situ recordings are where the camera took them, whatever the names leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tandem_em.formats.frame_names import FrameClock, frame_times, place_of


def places(times: np.ndarray) -> np.ndarray:
    """What the names of frames taken at these times say: the second, and a number that begins anew in each."""
    seconds = np.floor(times + 1e-9).astype(np.int64)
    firsts = np.searchsorted(seconds, seconds)
    return np.column_stack([seconds, np.arange(len(times)) - firsts])


@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("begin_s", [0.0, 0.6, 7.3, 3599.5])
@pytest.mark.parametrize("rate", [1.0, 4.0, 7.3, 12.5, 24.97, 400.0])
def test_an_even_grid_at_any_rate_with_a_first_second_that_is_not_whole(
    rate: float, begin_s: float, exposed: bool
) -> None:
    true = begin_s + np.arange(int(9.4 * rate)) / rate
    found, seen = frame_times(places(true), 1 / rate if exposed else None)
    assert seen == pytest.approx(rate, rel=1e-9 if exposed else 0.1)
    assert np.all(np.diff(found) > 0)
    assert np.ptp(np.diff(found)) < 1e-6 or not exposed
    # the phase within the first frame of a second is nowhere written
    assert np.abs(found - true).max() < (1.001 if exposed else 2.1) / rate


def test_an_hour_does_not_drift() -> None:
    true = np.arange(3600 * 13) / 12.987
    found, _ = frame_times(places(true))
    assert np.abs(found - true).max() < 1.001 / 12.987
    assert np.ptp(np.diff(found)) < 1e-4


def test_lost_frames_and_pauses_move_nothing() -> None:
    true = np.arange(48) / 4
    kept = np.delete(np.arange(48), [11, 14, 15, *range(24, 32)])
    lost = places(true)[kept]
    found, _ = frame_times(lost)
    np.testing.assert_allclose(found, true[kept], atol=1e-9)


def test_the_clock_of_a_growing_recording_agrees_with_the_import() -> None:
    for rate, begin_s, exposure in (
        (4.0, 0.0, None),
        (4.0, 2.5, None),
        (12.5, 0.6, 0.08),
        (7.3, 0.0, 1 / 7.3),
    ):
        all_places = places(begin_s + np.arange(int(8 * rate)) / rate)
        wanted, _ = frame_times(all_places, exposure)
        clock = FrameClock()
        for place in all_places[: int(3.5 * rate)]:
            clock.note((int(place[0]), int(place[1])))
        assert clock.is_settled
        found = []
        for second, number in all_places.tolist():
            clock.note((second, number))
            found.append(clock.time((second, number), exposure))
        assert np.all(np.diff(found) > 0)
        assert np.abs(np.array(found) - wanted).max() < (1e-9 if rate == 4.0 else 1.001 / rate)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("R/Hour_01/Minute_02/Second_03/R_Hour_01_Minute_02_Second_03_Frame_0004.dm4", (3723, 4)),
        ("R/Hour_01/Minute_02/Second_03/film_Frame_0004.tif", (3723, 4)),
        ("R/Hour_00/Minute_00/Second_00/Frame_12.dm4", (0, 12)),
        ("R/film_0004.tif", None),
        ("Frame_0004.tif", None),
    ],
)
def test_places_by_names_and_by_folders(path: str, place: tuple[int, int] | None) -> None:
    assert place_of(Path(path)) == place
