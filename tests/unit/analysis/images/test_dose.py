"""Dose over time and over the sample."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.images import dose


def test_dose_accumulates_between_frames_and_not_while_the_beam_is_off() -> None:
    t = np.arange(6.0)
    rate = np.array([10.0, 10, 0, 0, 10, 10])
    total = dose.over_time(t, rate)
    assert total[1] == pytest.approx(10)
    assert total[3] == pytest.approx(total[2])
    assert total[-1] == pytest.approx(30)
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(dose.over_time(t[shuffled], rate[shuffled]), total[shuffled])


def test_frames_without_beam_are_recognised_with_and_without_a_known_offset() -> None:
    levels = np.array([900.0, 880, 105, 910, np.nan, 100, 870])
    expected = [True, True, False, True, True, False, True]
    assert dose.beam_is_on(levels, 0.1, 100.0).tolist() == expected
    assert dose.beam_is_on(levels, 0.1).tolist() == expected
    assert dose.beam_is_on(np.array([900.0, 850, 700]), 0.1).all()
    assert dose.beam_is_on(np.full(3, np.nan), 0.1).all()


def test_the_map_adds_each_frame_where_its_field_of_view_was() -> None:
    drift = np.array(
        [[0.0, 0.0], [0.0, 0.0], [-6.0, 4.0]]
    )  # the content moves left and down: the field right and up
    found = dose.over_sample(np.array([1.0, 2.0, 4.0]), drift, (20, 30))
    assert found.dose.shape == (24, 36)
    assert found.origin_px == (0.0, -4.0)
    assert found.dose.sum() == pytest.approx(7 * 600)

    def at(x: int, y: int) -> float:
        return float(found.dose[y + 4, x])

    assert at(0, 0) == 3.0
    assert at(10, 10) == 7.0
    assert at(33, -2) == 4.0
    assert at(33, 19) == 0.0


def test_large_frames_are_binned() -> None:
    found = dose.over_sample(np.ones(2), np.array([[0.0, 0.0], [16.0, 0.0]]), (2048, 1024))
    assert found.step_px == 4.0
    assert found.dose.shape == (512, 260)
    assert found.dose.max() == 2.0
