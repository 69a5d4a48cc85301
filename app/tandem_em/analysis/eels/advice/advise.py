"""Low-loss guard: what may be wrong with an element map, each warning with its reason and the numbers behind it.

It does not know what is in the sample. `elements` names what may be there; without it the four transition metals of
battery cathodes are assumed possible, because their M edges lie under and beside Li K.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tandem_em.analysis.eels.advice.plasmons import Plasmon
from tandem_em.analysis.eels.advice.windows import (
    GuardWarning,
    fit_window_edges,
    neighbour_edges,
    suspect_elements,
)
from tandem_em.analysis.eels.maps import EdgeMap
from tandem_em.analysis.eels.spectra import model_curve
from tandem_em.analysis.eels.table import plasmon_table
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis

THICK, VERY_THICK = 0.7, 1.0
FEW_COUNTS = 30.0


def check_map(
    edge: EdgeWindows,
    energy_eV: ArrayLike | EnergyAxis,
    *,
    spectrum: ArrayLike | None = None,
    found: EdgeMap | None = None,
    t_over_lambda: ArrayLike | None = None,
    plasmons: Sequence[Plasmon] = (),
    elements: Iterable[str] | None = None,
    others: Sequence[EdgeWindows] = (),
    fwhm_eV: float = 1.0,
    counts_per_electron: float = 1.0,
) -> list[GuardWarning]:
    """Everything there is to say about one edge of one map; gravest first. `spectrum` is the sum over the map."""
    axis = EnergyAxis.from_values(energy_eV)
    warnings = [
        *neighbour_edges(edge, elements, others, fwhm_eV),
        *fit_window_edges(edge, elements, others, fwhm_eV),
        *_plasmon_multiples(edge, plasmons or _expected_plasmons(elements, others), t_over_lambda),
        *_too_thick(edge, t_over_lambda),
    ]
    if spectrum is not None:
        warnings += _structured_residual(edge, spectrum, axis, found, counts_per_electron)
    if found is not None:
        warnings += _weak_or_cut(edge, found)
    # warnings before notes, else in the order of the checks
    return sorted(warnings, key=lambda warning: warning.level != "warning")


def _plasmon_multiples(
    edge: EdgeWindows, plasmons: Sequence[Plasmon], t_over_lambda: ArrayLike | None
) -> list[GuardWarning]:
    low = edge.signal[0] if edge.background == "none" else min(edge.fit[0], edge.signal[0])
    thickness = _median(t_over_lambda)
    warnings = []
    for plasmon in plasmons:
        # the first is the plasmon itself; beyond the fifth nothing is left
        for multiple in range(2, 6):
            energy = multiple * plasmon.energy_eV
            width = multiple * plasmon.width_eV
            if not low <= energy <= edge.signal[1] or width > 2.0 * (edge.signal[1] - low):
                continue
            thick = plasmon.t_over_lambda if plasmon.t_over_lambda is not None else thickness
            strength = (
                None if thick is None else thick ** (multiple - 1) / float(np.prod(range(2, multiple + 1)))
            )
            # too weak to be worth a warning
            if strength is not None and strength < 0.002:
                continue
            text = "" if strength is None else f", about {100 * strength:.1f} % of the plasmon itself"
            numbers = {"plasmon_eV": plasmon.energy_eV, "multiple": float(multiple), "energy_eV": energy}
            numbers |= {"share_of_map": plasmon.share} | ({} if strength is None else {"strength": strength})
            warnings.append(
                GuardWarning(
                    "plasmon-multiple", "warning", edge.name,
                    f"{edge.name} lies on a plasmon multiple: {multiple} × {plasmon.energy_eV:.1f} = {energy:.1f} eV.",
                    f"Plural scattering makes a bump there{text} in {100 * plasmon.share:.0f} % of the map; the background "
                    "model does not know it.",
                    numbers,
                )
            )  # fmt: skip
    return warnings


def _expected_plasmons(elements: Iterable[str] | None, others: Sequence[EdgeWindows]) -> list[Plasmon]:
    """Plasmons of the pure elements that are named or mapped, for spectra that do not show their own."""
    named = suspect_elements(elements if elements is not None else (), others, "")
    return [Plasmon(energy) for material, energy in plasmon_table().items() if material in named]


def _median(values: ArrayLike | None) -> float | None:
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64)
    good = array[np.isfinite(array)]
    return float(np.median(good)) if good.size else None


def _too_thick(edge: EdgeWindows, t_over_lambda: ArrayLike | None) -> list[GuardWarning]:
    median = _median(t_over_lambda)
    if median is None or t_over_lambda is None:
        return []
    values = np.asarray(t_over_lambda, dtype=np.float64)
    good = values[np.isfinite(values)]
    over = float((good > VERY_THICK).mean())
    # a thick corner alone is not worth a word
    if median <= THICK and over < 0.05:
        return []
    return [
        GuardWarning(
            "too-thick", "warning" if median > VERY_THICK or over > 0.25 else "note", edge.name,
            f"The sample is thick for {edge.name}: t/λ is {median:.2f} in the middle of the map.",
            f"{100 * over:.0f} % of the pixels exceed {VERY_THICK:g}; plural scattering moves counts out of the signal "
            "window and bends the background. Deconvolve first, or compare thin places only.",
            {"median": median, "share_over_1": over},
        )
    ]  # fmt: skip


def _structured_residual(
    edge: EdgeWindows, spectrum: ArrayLike, axis: EnergyAxis, found: EdgeMap | None, gain: float
) -> list[GuardWarning]:
    """A background that does not follow the data: neighbouring residuals of one sign, and large enough to matter.

    It matters when it is a good part of the signal, or of the error that is shown for a pixel.
    """
    if edge.background == "none":
        return []
    curve = model_curve(edge, spectrum, axis, counts_per_electron=gain)
    channels = curve.found.channels
    fitted = curve.residual[: channels.fit_stop - channels.low]
    if fitted.size < 6 or not curve.misfit >= 3.0:
        return []
    # noise averages out, structure stays
    smooth = np.convolve(fitted, np.ones(3) / 3, mode="valid")
    matters = abs(float(curve.found.counts))
    if found is not None and found.error is not None:
        # an edge that is not there has no counts: then its error is the measure
        matters = max(matters, float(np.nansum(found.error)))
    per_channel = matters / max(1, channels.signal_stop - channels.signal_start)
    share = float(np.sqrt((smooth**2).mean())) / per_channel if per_channel > 0 else float("inf")
    if share < 0.05:
        return []
    if edge.background == "power law":
        full = model_curve(
            replace(edge, background="power law lsq"), spectrum, axis, counts_per_electron=gain
        )
        if full.misfit < 3.0:
            return [_half_channel(edge, share, curve.misfit)]
    return [
        GuardWarning(
            "structured-residual", "warning" if share > 0.2 else "note", edge.name,
            f"The background of {edge.name} does not follow the data before the edge.",
            f"Its residual is structured ({curve.misfit:.1f} standard deviations from noise) and {100 * share:.0f} % of the "
            "signal or its error per channel. Try another model or a narrower fit window.",
            {"misfit_sigma": curve.misfit, "share_of_signal": share},
        )
    ]  # fmt: skip


def _half_channel(edge: EdgeWindows, share: float, misfit: float) -> GuardWarning:
    """The data are a power law, only the quick estimator misses it."""
    return GuardWarning(
        "two-area-offset", "note", edge.name,
        f"The two-area power law of {edge.name} misses the data; a least-squares power law does not.",
        f"It takes its areas half a channel off, as HyperSpy's fast mode does: {100 * share:.0f} % of the signal or its error "
        "per channel here. Choose “power law (least squares)”.",
        {"share_of_signal": share, "misfit_sigma": misfit},
    )  # fmt: skip


def _weak_or_cut(edge: EdgeWindows, found: EdgeMap) -> list[GuardWarning]:
    warnings = []
    if found.channels.clipped:
        warnings.append(
            GuardWarning(
                "window-cut", "warning", edge.name,
                f"A window of {edge.name} extends beyond the spectrum and was cut at its end.",
                f"Used: fit {found.fit_eV[0]:g}–{found.fit_eV[1]:g} eV, signal {found.signal_eV[0]:g}–{found.signal_eV[1]:g} eV.",
                {"signal_high_eV": found.signal_eV[1]},
            )
        )  # fmt: skip
    # an empty map counts as blank
    blank = float((~np.isfinite(found.counts)).mean()) if found.counts.size else 1.0
    if blank > 0.01:
        warnings.append(
            GuardWarning(
                "blank-pixels", "note", edge.name, f"{100 * blank:.0f} % of the {edge.name} map has no fit.",
                "Those pixels have no counts, negative counts or broken channels in a window; they are left blank.",
                {"share": blank},
            )
        )  # fmt: skip
    background = _median(found.background)
    if (
        background is not None
        and edge.background in ("power law", "exponential")
        and 0 < background < FEW_COUNTS
    ):
        warnings.append(
            GuardWarning(
                "few-counts", "note", edge.name, f"Few counts under {edge.name}: {background:.0f} per pixel.",
                "A background fitted to few counts is biased pixel by pixel. Bin the map, or use profiles, which sum first.",
                {"background_counts": background},
            )
        )  # fmt: skip
    return warnings
