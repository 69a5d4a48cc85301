"""Relative quantification: how many atoms of one element per atom of another, with the model named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.eels.cross_sections import MODEL, partial_cross_section
from tandem_em.analysis.eels.maps import EdgeMap
from tandem_em.analysis.eels.table import find_edge
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

MODEL_ERROR = 0.15
"""Relative uncertainty of a hydrogenic cross section ratio, shown beside the counting error."""


@dataclass(frozen=True)
class Quantification:
    """Atomic fractions (elements, …) among the mapped elements, their counting errors, and what they rest on."""

    elements: tuple[str, ...]
    fractions: Floats
    errors: Floats
    """From counting and background alone."""
    cross_sections_barn: tuple[float, ...]
    model: str = MODEL
    model_error: float = MODEL_ERROR
    remark: str = ""

    def ratio(self, element: str, to: str) -> tuple[Floats, Floats]:
        """Atoms of one element per atom of another, and the counting error."""
        one, other = (self.elements.index(name) for name in (element, to))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.fractions[one] / self.fractions[other]
            relative = np.hypot(
                self.errors[one] / self.fractions[one], self.errors[other] / self.fractions[other]
            )
            return np.asarray(value), np.asarray(np.abs(value) * relative)


def quantify(
    maps: Sequence[EdgeMap],
    *,
    beam_kV: float | None,
    collection_mrad: float | None,
    convergence_mrad: float | None = None,
) -> Quantification:
    """Atomic fractions from net counts and partial cross sections of the same windows (thin sample, one element each)."""
    if len(maps) < 2:
        raise UserError(
            "Quantification compares elements: map at least two edges.", "Add an edge of another element."
        )
    missing = [
        name for name, value in (("beam energy", beam_kV), ("collection angle", collection_mrad)) if not value
    ]
    if missing or beam_kV is None or collection_mrad is None:
        raise UserError(
            f"Quantification needs the {' and the '.join(missing)}.", "Enter it in the properties of the map."
        )
    elements, sections = [], []
    for found in maps:
        known = find_edge(found.edge.name)
        if known is None or known.element in elements:
            raise UserError(
                f"“{found.edge.name}” cannot be quantified here.",
                "Each map needs a known edge of its own element, such as Li K.",
            )
        elements.append(known.element)
        half = 0.5 * found.axis.step_eV
        # channels are given by their centres: half of one more at each end
        window = (found.signal_eV[0] - half, found.signal_eV[1] + half)
        sections.append(
            partial_cross_section(
                found.edge.name, window, beam_kV=beam_kV, collection_mrad=collection_mrad,
                convergence_mrad=convergence_mrad or 0.0,
            )
        )  # fmt: skip
    amounts = np.stack([found.counts / section for found, section in zip(maps, sections)])
    spread = np.stack(
        [
            (found.error if found.error is not None else np.full(found.counts.shape, np.nan)) / section
            for found, section in zip(maps, sections)
        ]
    )
    total = amounts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = np.where(total > 0, amounts / total, np.nan)
        # d f_i = ((1 - f_i) d a_i - f_i sum of the others) / total
        others = (spread**2).sum(axis=0) - spread**2
        errors = np.where(
            total > 0, np.sqrt(((1 - fractions) * spread) ** 2 + fractions**2 * others) / total, np.nan
        )
    remark = "" if convergence_mrad else "The convergence angle is unknown and was taken as 0."
    return Quantification(tuple(elements), fractions, errors, tuple(sections), remark=remark)
