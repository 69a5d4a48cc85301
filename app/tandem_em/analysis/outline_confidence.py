"""How far a followed outline can be trusted, and within what limits its area lies.

The confidence is a logistic function of what is known without the truth: how much of the edge was found and stands
above the noise, how certain its place is, and whether there is particle outside of the line or background inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tandem_em.analysis.outline_precise import Places
from tandem_em.analysis.outline_profile import EdgeFit
from tandem_em.analysis.outline_review import Review
from tandem_em.analysis.polygon import Array, Polygon, area, perimeter

EDGE_UNCERTAINTY = 0.12  # px, of the silhouette against the model of the edge
SAFETY = 1.8  # what the model of the edge does not know, from movies of known truth
STRAY_PX = 2.0  # by which a stray stretch may be off
USUAL_STRAY = 0.3  # when nobody has looked
# A logistic fit to frames of generated movies of known truth (two generators, medium to brutal, 12 movies, the bad
# frames weighted to a quarter): whether an outline is lost or its area more than 10 % wrong.
AGAINST = np.array([1.7, 4.2, 1.6, 2.0, 3.5])
TRUST = -5.6
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

    Share of the edge that is missing, stray share, log of the deviation relative to the radius, log of noise over
    strength, share without support.
    """
    review = evidence.review
    rows: list[list[float]] = []
    for frame in review.frames:
        found, places = review.found[frame], evidence.places.get(frame)
        radius = math.sqrt(area(evidence.final[frame]) / math.pi)
        stray, spread = USUAL_STRAY, float(np.mean(found.spread))
        if places is not None:
            stray, spread = float(places.stray.mean()), float(places.spread.mean())
        rows.append(
            [
                1 - float(np.mean(found.strength > 0.4 * found.expected)),
                stray,
                math.log(0.002 + spread / radius),
                -math.log(max(1e-3, float(np.mean(found.expected)) / found.noise)),
                1 - float(np.mean(found.support)),
            ]
        )
    return np.array(rows)


def confidences(evidence: Evidence) -> list[tuple[float, float, float]]:
    """Confidence, and the lower and upper limit of the area relative to it (work px², 95 %), frame by frame."""
    rows = features(evidence)
    score = np.clip(1 / (1 + np.exp(rows @ AGAINST - TRUST)), 0.02, 0.99)
    out = []
    for frame, sure, row in zip(evidence.review.frames, score, rows):
        fit = evidence.fits.get(frame)
        found, outline = evidence.review.found[frame], evidence.final[frame]
        around = perimeter(outline)
        spacing = around / len(outline)
        alike = max(1.0, CORRELATION / spacing)
        by_chance = 1.96 * spacing * float(np.sqrt(alike * (found.spread**2).sum()))
        shift = EDGE_UNCERTAINTY + (2 * fit.error if fit is not None else 0.6)
        wide = math.hypot(SAFETY * math.hypot(by_chance, around * shift), around * STRAY_PX * float(row[1]))
        out.append((float(sure), -wide, wide))
    return out
