"""How far a followed outline can be trusted, and within what limits its area lies.

The confidence is a logistic function of what is known without the truth: how much of the edge was found, how strong
it is against what was expected, how certain its place is, and how the area moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.outline_profile import EdgeFit
from tandem_em.analysis.outline_review import Review
from tandem_em.analysis.polygon import Array, Polygon, area, perimeter

EDGE_UNCERTAINTY = 0.12  # px, of the silhouette against the model of the edge
CORRELATION = 9.0  # px along an outline over which errors are alike


@dataclass(frozen=True)
class Evidence:
    """A reviewed particle: its followed lines, the final outlines (work pixels) and the fits of its edge."""

    review: Review
    final: dict[int, Polygon]
    fits: dict[int, EdgeFit]


def features(evidence: Evidence) -> Array:
    """Rows of evidence, one per frame: found share, strength ratio, certainty, margin, jump of the area."""
    review = evidence.review
    frames = review.frames
    areas = np.array([area(evidence.final[k]) for k in frames])
    rows: list[list[float]] = []
    for place, frame in enumerate(frames):
        found = review.found[frame]
        radius = np.sqrt(areas[place] / np.pi)
        near = areas[max(0, place - 5) : place + 6]
        rows.append(
            [
                float(np.mean(found.strength > 0.4 * found.expected)),
                float(np.clip(np.mean(found.strength) / max(1e-6, float(np.mean(found.expected))), 0, 2)),
                float(np.log(0.02 + np.mean(found.spread) / radius)),
                float(np.mean(found.margin)),
                float(abs(areas[place] / np.median(near) - 1)),
                float(np.log(max(1e-3, float(np.mean(found.expected)) / found.noise))),
            ]
        )
    return np.array(rows)


def confidences(evidence: Evidence) -> list[tuple[float, float, float]]:
    """Confidence, and the lower and upper limit of the area relative to it (work px², 95 %), frame by frame."""
    rows = features(evidence)
    score = np.clip(1.6 * rows[:, 0] - 0.5, 0.02, 0.99)
    out = []
    for frame, sure in zip(evidence.review.frames, score):
        fit = evidence.fits.get(frame)
        found, outline = evidence.review.found[frame], evidence.final[frame]
        spacing = perimeter(outline) / len(outline)
        alike = max(1.0, CORRELATION / spacing)
        by_chance = 1.96 * spacing * float(np.sqrt(alike * (found.spread**2).sum()))
        shift = EDGE_UNCERTAINTY + (2 * fit.error if fit is not None else 0.6)
        wide = float(np.hypot(by_chance, perimeter(outline) * shift))
        out.append((float(sure), -wide, wide))
    return out
