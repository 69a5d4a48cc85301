"""Prepared sums: the same map as from the spectra, for less than an eighth of their memory."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.sums import Sums, prepare, prepare_from_rows
from tandem_em.analysis.eels.windows import BACKGROUNDS, EdgeWindows
from tandem_em.core.jobs import run_to_end

ENERGY = 0.25 * np.arange(512)
RNG = np.random.default_rng(3)
DATA = RNG.poisson(3e7 * np.maximum(ENERGY, 5) ** -3.0 * (0.5 + RNG.random((9, 11, 1)))).astype(np.float32)


def edge(background: str, move: float = 0.0) -> EdgeWindows:
    return EdgeWindows("Li K", background, 2, (41.0 + move, 51.0 + move), (52.5 + move, 57.5 + move))  # type: ignore[arg-type]


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("share", [0.125, 0.5, 4.0])
def test_a_drag_gives_the_map_of_the_spectra(background: str, share: float) -> None:
    sums = run_to_end(prepare(DATA, ENERGY, share=share))
    for move in (0.0, 0.25, -3.1, 12.0, 40.0):
        wanted = map_edge(DATA, ENERGY, edge(background, move), detail="error")
        found = sums.map(edge(background, move), "error")
        scale = np.abs(wanted.counts).max()
        np.testing.assert_allclose(found.counts, wanted.counts, atol=1e-7 * scale)
        assert found.error is not None
        assert wanted.error is not None
        np.testing.assert_allclose(found.error, wanted.error, rtol=1e-6)
        assert found.exact


@pytest.mark.parametrize("kind", ["u2", "f4", "f8"])
def test_memory_is_what_was_promised_however_long_one_drags(kind: str) -> None:
    data = RNG.integers(1, 200, (24, 16, 2048)).astype(kind)
    energy = 0.1 * np.arange(2048)
    sums = run_to_end(prepare(data, energy))
    for move in np.linspace(0, 60, 80):
        sums.map(edge("power law", float(move)))
    promised = Sums.bytes_needed(data.shape, data.dtype.itemsize)
    assert sums.nbytes <= promised <= data.nbytes / 8


def test_the_last_channel_is_a_bound_too() -> None:
    for size in (512, 505, 17, 5):
        data, energy = DATA[..., :size], ENERGY[:size]
        sums = run_to_end(prepare(np.ascontiguousarray(data), energy))
        for first, last in ((0, size), (size - 1, size), (0, 1), (size // 2, size)):
            np.testing.assert_allclose(
                sums.window(first, last), data[..., first:last].sum(axis=-1, dtype=float), rtol=1e-9
            )


def test_windows_are_plain_sums() -> None:
    sums = run_to_end(prepare(DATA, ENERGY))
    np.testing.assert_allclose(
        sums.window(17, 203), DATA[..., 17:203].sum(axis=-1, dtype=np.float64), rtol=1e-12
    )


def test_broken_channels_blank_only_windows_that_hold_them() -> None:
    data = DATA.copy()
    data[2, 3, 5] = np.nan  # 1.25 eV: far below every window
    data[4, 4, 216] = np.inf  # 54 eV: in the signal window
    sums = run_to_end(prepare(data, ENERGY))
    found, wanted = sums.map(edge("power law")), map_edge(data, ENERGY, edge("power law"))
    np.testing.assert_array_equal(np.isnan(found.counts), np.isnan(wanted.counts))
    assert np.isfinite(found.counts[2, 3])
    assert np.isnan(found.counts[4, 4])


def test_data_larger_than_memory_give_a_near_answer_that_says_so() -> None:
    sums = run_to_end(prepare_from_rows(lambda a, b: DATA[a:b], DATA.shape, ENERGY))
    for background in ("power law", "polynomial"):
        found, wanted = sums.map(edge(background)), map_edge(DATA, ENERGY, edge(background))
        assert not found.exact
        assert found.counts.shape == wanted.counts.shape
        total = DATA[..., 210:230].sum(axis=-1).mean()
        assert np.abs(found.counts - wanted.counts).mean() < 0.5 * total


def test_unusual_arrays_are_prepared_too() -> None:
    turned = DATA.astype(">f4")
    sums = run_to_end(prepare(turned, ENERGY, share=4.0))
    np.testing.assert_allclose(
        sums.map(edge("power law")).counts, map_edge(DATA, ENERGY, edge("power law")).counts, rtol=1e-6
    )
    line = run_to_end(prepare(DATA[0], ENERGY))
    assert line.map(edge("power law")).counts.shape == (11,)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("at_hand", [True, False])
def test_a_pixel_without_counts_has_no_error_either(background: str, at_hand: bool) -> None:
    data = DATA.copy()
    data[2, 3, 190] = np.nan  # 47.5 eV, in the fit window
    data[4, 5, 220] = np.nan  # 55 eV, in the signal window
    made = prepare(data, ENERGY) if at_hand else prepare_from_rows(lambda a, b: data[a:b], data.shape, ENERGY)
    found = run_to_end(made).map(edge(background), "error")
    assert found.error is not None
    assert np.isnan(found.counts[4, 5])
    np.testing.assert_array_equal(np.isnan(found.counts), np.isnan(found.error))
