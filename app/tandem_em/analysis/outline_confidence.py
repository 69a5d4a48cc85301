"""How far a followed outline can be trusted, and within what limits its area lies.

The confidence is a logistic function of what is known without the truth: how much the edge stands above the noise,
whether its two sides differ all along it, and whether there is particle outside of the line or background inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tandem_em.analysis.outline_band import STEP, read_band
from tandem_em.analysis.outline_precise import Places
from tandem_em.analysis.outline_profile import EdgeFit
from tandem_em.analysis.outline_review import Review
from tandem_em.analysis.polygon import Array, Polygon, perimeter

EDGE_UNCERTAINTY = 0.12  # px, of the silhouette against the model of the edge
SAFETY = 1.8  # what the model of the edge does not know, from movies of known truth
STRAY_PX = 2.0  # by which a stray stretch may be off
USUAL_STRAY = 0.3  # when nobody has looked
SIDES = 3.0, 7.0
"""Distance from the line, px, between which its two sides are looked at."""
FAINT = 0.35
"""Of the usual difference between the sides: less is none."""
ALIKE_FRAMES = 2.0
"""Frames over which evidence is averaged: an outline that has gone astray seldom comes back at once."""
# A logistic fit to 4300 frames of generated movies of known truth (two generators, 45 movies): whether an outline is
# lost or its area more than 10 % wrong. TRUST is set so that one good frame in 22 is flagged, all levels alike.
AGAINST = np.array([3.55, 0.98, 10.1, 1.01])
TRUST = 1.85
CORRELATION = 9.0  # px along an outline over which errors are alike


@dataclass(frozen=True)
class Evidence:
    """A reviewed particle: its followed lines, the final outlines (work pixels) and the fits of its edge."""

    review: Review
    final: dict[int, Polygon]
    fits: dict[int, EdgeFit]
    places: dict[int, Places] = field(default_factory=dict)


def features(evidence: Evidence) -> Array:
    """Rows of evidence, one per frame; what speaks against an outline is positive.

    Stray share, log of noise over strength, share where the two sides hardly differ, log of how unevenly they differ.
    """
    from scipy.ndimage import gaussian_filter1d

    review = evidence.review
    rows = []
    for place, frame in enumerate(review.frames):
        found = review.found[frame]
        noisy = -math.log(max(1e-3, float(np.mean(found.expected)) / found.noise))
        rows.append([_stray(evidence, frame), noisy, *_sides(evidence, place)])
    return np.asarray(gaussian_filter1d(np.array(rows), ALIKE_FRAMES, axis=0, mode="nearest"))


def _stray(evidence: Evidence, frame: int) -> float:
    places = evidence.places.get(frame)
    return USUAL_STRAY if places is None else float(places.stray.mean())


def _sides(evidence: Evidence, place: int) -> tuple[float, float]:
    """Share of the outline where inside and outside hardly differ, and the log of how unevenly they do."""
    from tandem_em.analysis import outline_kernels as kernels

    review, frame = evidence.review, evidence.review.frames[place]
    reach = SIDES[1] + STEP
    band = read_band(review.crops, evidence.final, review.weights(place), evidence.final[frame], reach)
    inside, outside = kernels.side_means(band.values, *(round(d / STEP) for d in SIDES))
    apart = review.polarity * (outside - inside)[:, band.middle]
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return 1.0, 0.0
    usual = float(np.median(apart))
    uneven = float(np.mean(np.abs(apart - usual))) / (abs(usual) + 1e-9)
    return float(np.mean(apart < FAINT * usual)), math.log(uneven + 0.05)


def confidences(evidence: Evidence) -> list[tuple[float, float, float]]:
    """Confidence, and the lower and upper limit of the area relative to it (work px², 95 %), frame by frame."""
    score = np.clip(1 / (1 + np.exp(features(evidence) @ AGAINST - TRUST)), 0.02, 0.99)
    out = []
    for frame, sure in zip(evidence.review.frames, score):
        fit = evidence.fits.get(frame)
        found, outline = evidence.review.found[frame], evidence.final[frame]
        around = perimeter(outline)
        spacing = around / len(outline)
        alike = max(1.0, CORRELATION / spacing)
        by_chance = 1.96 * spacing * float(np.sqrt(alike * (found.spread**2).sum()))
        shift = EDGE_UNCERTAINTY + (2 * fit.error if fit is not None else 0.6)
        wide = math.hypot(
            SAFETY * math.hypot(by_chance, around * shift), around * STRAY_PX * _stray(evidence, frame)
        )
        out.append((float(sure), -wide, wide))
    return out
