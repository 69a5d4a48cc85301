"""Layers: a film that grows from 85 to 140 nm is measured within 2 %, through noise, drift and blanked frames."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.images.layers import follow_layers, kymograph
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError

FRAMES, PIXEL_NM = 50, 1.0
THICKNESS = np.concatenate([np.full(8, 85.0), 85 + 55 * (1 - np.exp(-np.arange(FRAMES - 8) / 9))]) / PIXEL_NM


def stack(noise: float = 0.1, drift: np.ndarray | None = None) -> np.ndarray:
    """Collector | anode | electrolyte in transmission; the anode grows to the right."""
    from scipy.ndimage import gaussian_filter
    from scipy.special import expit

    x = np.mgrid[0:60, 0:260][1].astype(float)
    rng = np.random.default_rng(4)
    frames = []
    for k in range(FRAMES):
        across = x - (0.0 if drift is None else drift[k, 0])
        clean = 1 - 0.5 * expit((50 - across) * 4) - 0.25 * expit((50 + THICKNESS[k] - across) * 4)
        clean = gaussian_filter(clean, 1.2) * (1.0 if k < 30 else 0.8)
        frames.append(200 * (clean + rng.normal(0, noise, clean.shape)))
    return np.array(frames)


def found(frames: np.ndarray, drift: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    job = follow_layers(lambda k: frames[k], FRAMES, [[10, 30], [250, 30]], [41.0, 123.0], 0, 24, drift)
    return run_to_end(job).thickness()


def test_a_growing_layer_is_within_two_per_cent_in_every_frame() -> None:
    thickness, errors = found(stack())
    np.testing.assert_allclose(thickness, THICKNESS, rtol=0.02)
    off = np.abs(thickness - THICKNESS)
    assert (off < 3 * errors + 0.3).mean() > 0.9
    assert np.median(off) < 0.4


def test_drift_is_taken_out() -> None:
    drift = np.cumsum(np.random.default_rng(3).normal(0, 0.5, (FRAMES, 2)), axis=0)
    drift -= drift[0]
    thickness, _ = found(stack(drift=drift), drift)
    np.testing.assert_allclose(thickness, THICKNESS, rtol=0.02)


def test_a_blank_frame_is_a_gap() -> None:
    frames = stack()
    frames[20:22] = 3.0
    thickness, _ = found(frames)
    assert np.isnan(thickness[20:22]).all()
    assert np.isfinite(thickness[[19, 22]]).all()
    np.testing.assert_allclose(thickness[22:], THICKNESS[22:], rtol=0.02)


def test_following_may_start_in_the_last_frame() -> None:
    frames = stack()
    edges = [40.0, 40 + THICKNESS[-1]]
    track = run_to_end(
        follow_layers(lambda k: frames[k], FRAMES, [[10, 30], [250, 30]], edges, FRAMES - 1, 24)
    )
    np.testing.assert_allclose(track.thickness()[0], THICKNESS, rtol=0.02)


def test_kymograph_along_a_polyline_has_a_row_per_frame_and_a_column_per_pixel() -> None:
    frames = stack(noise=0.0)[:3]
    rows = run_to_end(kymograph(lambda k: frames[k], 3, [[10, 10], [40, 10], [40, 40]], 3))
    assert rows.shape == (3, 61)
    np.testing.assert_allclose(rows[0, :28], frames[0][10, 10:38], rtol=0.02)
    outside = run_to_end(kymograph(lambda k: frames[k], 1, [[-20, 10], [20, 10]], 1))
    assert np.isnan(outside[0, :15]).all()


def test_wrong_lines_get_a_sentence() -> None:
    frames = stack()[:2]
    with pytest.raises(UserError, match="on the line"):
        run_to_end(follow_layers(lambda k: frames[k], 2, [[10, 30], [50, 30]], [80.0], 0))
    with pytest.raises(UserError, match="too short"):
        run_to_end(kymograph(lambda k: frames[k], 2, [[10, 30], [11, 30]]))
