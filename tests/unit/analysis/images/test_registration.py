"""Images found in images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tandem_em.analysis.images.registration import Transform, by_correlation
from tandem_em.core.notices import UserError


def scene() -> np.ndarray:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:200, :220]
    image = np.zeros((200, 220))
    for _ in range(18):
        cy, cx, r = rng.uniform(15, 185), rng.uniform(15, 205), rng.uniform(5, 18)
        image += (y - cy) ** 2 + (x - cx) ** 2 < r * r
    return np.asarray(ndimage.gaussian_filter(image, 1.0))


def seen(image: np.ndarray, truth: Transform, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    there = truth.apply(np.stack([x.ravel(), y.ravel()], axis=1))
    return np.asarray(ndimage.map_coordinates(image, [there[:, 1], there[:, 0]], order=1).reshape(shape))


def turn(angle_deg: float, scale: float, offset: tuple[float, float]) -> Transform:
    c, s = scale * np.cos(np.radians(angle_deg)), scale * np.sin(np.radians(angle_deg))
    return Transform(((c, -s), (s, c)), offset)


def worst(found: Transform, truth: Transform, shape: tuple[int, int]) -> float:
    corners = np.array([[0, 0], [shape[1], 0], [0, shape[0]], [shape[1], shape[0]]])
    return float(np.abs(found.apply(corners) - truth.apply(corners)).max())


@pytest.mark.parametrize(
    ("scale", "offset", "shape"),
    [
        (1.0, (30.4, 21.7), (110, 120)),
        (0.5, (40.0, 30.0), (200, 210)),
        (2.0, (8.0, 12.5), (70, 80)),
        (1.0, (0.0, 0.0), (200, 220)),
    ],
)
def test_a_frame_is_found_on_a_survey_with_inverted_contrast(
    scale: float, offset: tuple[float, float], shape: tuple[int, int]
) -> None:
    image, truth = scene(), turn(0, scale, offset)
    frame = 500 - 80 * seen(image, truth, shape) + np.random.default_rng(0).normal(0, 8, shape)
    found = by_correlation(frame, image, moving_pixel_nm=scale)
    assert worst(found, truth, shape) < 0.5
    assert found.confidence > 0.5


def test_rotation_and_scale_are_refined() -> None:
    image, truth, shape = scene(), turn(5.0, 1.03, (35.0, 30.0)), (120, 120)
    found = by_correlation(seen(image, truth, shape), image, rotate_and_scale=True)
    assert worst(found, truth, shape) < 1.5
    (cosine, _), (sine, _) = found.matrix
    assert np.degrees(np.arctan2(sine, cosine)) == pytest.approx(5.0, abs=0.5)


def test_noise_is_not_trusted() -> None:
    rng = np.random.default_rng(1)
    assert by_correlation(rng.normal(size=(96, 96)), rng.normal(size=(150, 150))).confidence < 0.2
    assert by_correlation(np.zeros((64, 64)), scene()).confidence == 0.0


def test_an_image_of_a_few_pixels_is_a_sentence() -> None:
    with pytest.raises(UserError, match="8 × 8"):
        by_correlation(np.ones((4, 4)), scene())
