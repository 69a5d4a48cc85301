"""How far a followed outline can be trusted, and within what limits its area lies.

The confidence is a logistic function of what is known without the truth: whether there is background inside of the
line, or particle outside, all around it or against the model of its edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon, perimeter
from tandem_em.analysis.outlines.band import STEP, read_band
from tandem_em.analysis.outlines.precise import Places
from tandem_em.analysis.outlines.profile import EdgeFit
from tandem_em.analysis.outlines.review import Review
from tandem_em.core.numeric import Floats

EDGE_UNCERTAINTY = 0.12  # px, of the silhouette against the model of the edge
LOBED_UNCERTAINTY = 0.3  # px, of a cluster's: its notches are rounded and its particles differ
SAFETY = 1.8  # what the model of the edge does not know, from movies of known truth
STRAY_PX = 2.0  # by which a stray stretch may be off
USUAL_STRAY = 0.3  # when nobody has looked
SIDES = 3.0, 7.0
"""Distance from the line, px, between which its two sides are looked at."""
OPEN = 0.8
"""So bright, as a share of the places outside, is background that nothing lies in front of."""
ALIKE_FRAMES = 2.0
"""Frames over which evidence is averaged: an outline that has gone astray seldom comes back at once."""
# Whether an outline is lost or its area more than 10 % wrong, in 144 movies of known truth (12 000 frames of two
# generators): the stray share alone tells most of it; the sides speak when there is no particle inside at all.
AGAINST = np.array([80.0, 1.0, 16.0])
TRUST = 6.9  # flags one good frame in 40 over all levels, nearly all of them at 5 electrons per pixel
BY_NOISE = 0.3  # of an outline may look bright inside in a noisy frame
CORRELATION = 9.0  # px along an outline over which errors are alike


@dataclass(frozen=True)
class Evidence:
    """A reviewed particle: its followed lines, the final outlines (work pixels) and the fits of its edge."""

    review: Review
    final: dict[int, Polygon]
    fits: dict[int, EdgeFit]
    places: dict[int, Places] = field(default_factory=dict)


def features(evidence: Evidence) -> Floats:
    """Rows of evidence, one per frame; what speaks against an outline is positive.

    Share of the outline that is bright inside beyond what noise does, share that is dark outside (a neighbour may be:
    it weighs less), stray share.
    """
    from scipy.ndimage import gaussian_filter1d

    review = evidence.review
    rows = []
    for place, frame in enumerate(review.frames):
        bright, dark = _sides(evidence, place)
        rows.append([max(0.0, bright - BY_NOISE), dark, _stray(evidence, frame)])
    return np.asarray(gaussian_filter1d(np.array(rows), ALIKE_FRAMES, axis=0, mode="nearest"))


def _stray(evidence: Evidence, frame: int) -> float:
    places = evidence.places.get(frame)
    return USUAL_STRAY if places is None else float(places.stray.mean())


def _sides(evidence: Evidence, place: int) -> tuple[float, float]:
    """Shares of the outline that look like background inside, and like particle outside."""
    from tandem_em.analysis.outlines import kernels

    review, frame = evidence.review, evidence.review.frames[place]
    reach = SIDES[1] + STEP
    band = read_band(review.crops, evidence.final, review.weights(place), evidence.final[frame], reach)
    sides = kernels.side_means(review.polarity * band.values, *(round(d / STEP) for d in SIDES))
    inside, outside = (side[:, band.middle] for side in sides)
    inside, outside = inside[np.isfinite(inside)], outside[np.isfinite(outside)]
    # nothing to be seen on one side: it speaks fully against the outline
    if not len(inside) or not len(outside):
        return 1.0, 1.0
    half = 0.5 * (float(np.median(inside)) + float(np.quantile(outside, OPEN)))
    return float(np.mean(inside > half)), float(np.mean(outside < half))


def confidences(evidence: Evidence) -> list[tuple[float, float, float]]:
    """Confidence, and the lower and upper limit of the area relative to it (work px², 95 %), frame by frame."""
    score = np.clip(1 / (1 + np.exp(features(evidence) @ AGAINST - TRUST)), 0.02, 0.99)
    out = []
    for frame, sure in zip(evidence.review.frames, score):
        fit = evidence.fits.get(frame)
        found, outline = evidence.review.found[frame], evidence.final[frame]
        around = perimeter(outline)
        spacing = around / len(outline)
        # neighbouring vertices err together: fewer independent ones than there are
        alike = max(1.0, CORRELATION / spacing)
        by_chance = 1.96 * spacing * float(np.sqrt(alike * (found.spread**2).sum()))
        model = LOBED_UNCERTAINTY if evidence.review.lobed else EDGE_UNCERTAINTY
        # without a profile, the whole way from edge to silhouette is unknown
        shift = model + (2 * fit.error if fit is not None else 0.6)
        wide = math.hypot(
            SAFETY * math.hypot(by_chance, around * shift), around * STRAY_PX * _stray(evidence, frame)
        )
        out.append((float(sure), -wide, wide))
    return out
