"""What the guard says of windows alone: edges beside and under them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tandem_em.analysis.eels.table import edges_between, find_edge
from tandem_em.analysis.eels.windows import EdgeWindows

CATHODE_METALS = ("Mn", "Fe", "Co", "Ni")
BESIDE_eV = 15.0
"""An edge this far above the signal window is still mentioned: its foot and its fine structure reach down."""


@dataclass(frozen=True)
class GuardWarning:
    """One doubt about one map. `code` is stable (for files), `title` a sentence, `reason` why it matters."""

    code: str
    level: Literal["note", "warning"]
    edge: str
    title: str
    reason: str
    numbers: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as the session file and the notes keep them."""
        return {name: getattr(self, name) for name in ("code", "level", "edge", "title", "reason", "numbers")}


def suspect_elements(elements: Iterable[str] | None, others: Sequence[EdgeWindows], own: str) -> set[str]:
    """Elements whose edges are looked at: those named, those mapped beside, else the cathode metals; never the own."""
    known = {found.element for other in others if (found := find_edge(other.name)) is not None}
    given = set(elements) if elements is not None else set(CATHODE_METALS)
    return (known | given) - {own}


def neighbour_edges(
    edge: EdgeWindows, elements: Iterable[str] | None, others: Sequence[EdgeWindows], fwhm_eV: float
) -> list[GuardWarning]:
    """Other edges that begin between the end of the fit window and a little beyond the signal window."""
    own = find_edge(edge.name)
    suspects = suspect_elements(elements, others, own.element if own else "")
    warnings = []
    low = edge.fit[1] if edge.background != "none" else edge.signal[0] - BESIDE_eV
    # an edge that begins just below the fit window is bent there: the background window has its own rule
    for other in edges_between(min(low, edge.signal[0] - 8.0), edge.signal[1] + BESIDE_eV, suspects):
        inside = other.onset_eV < edge.signal[1]
        near = inside or other.onset_eV - edge.signal[1] <= 2 * fwhm_eV
        apart = other.onset_eV - (own.onset_eV if own else edge.signal[0])
        place = (
            f"begins {abs(apart):.1f} eV {'above' if apart > 0 else 'below'} {edge.name}"
            if own
            else f"begins at {other.onset_eV:g} eV"
        )
        reason = (
            f"{other.name} starts at {other.onset_eV:g} eV, the signal window is {edge.signal[0]:g}–{edge.signal[1]:g} eV: "
            + (
                "its counts are in the map."
                if inside
                else "its foot and fine structure may reach into the map."
            )
        )
        warnings.append(
            GuardWarning(
                "edge-overlap", "warning" if near else "note", edge.name,
                f"{edge.name} may contain {other.element}: {other.name} {place}.", reason,
                {"onset_eV": other.onset_eV, "signal_low_eV": edge.signal[0], "signal_high_eV": edge.signal[1]},
            )
        )  # fmt: skip
    return warnings


def fit_window_edges(
    edge: EdgeWindows, elements: Iterable[str] | None, others: Sequence[EdgeWindows], fwhm_eV: float
) -> list[GuardWarning]:
    """The background window must be free of edges, its own included."""
    if edge.background == "none":
        return []
    own = find_edge(edge.name)
    suspects = suspect_elements(elements, others, own.element if own else "")
    warnings = []
    for other in edges_between(edge.fit[0] - fwhm_eV, edge.fit[1] + fwhm_eV, suspects):
        warnings.append(
            GuardWarning(
                "fit-window-edge", "warning", edge.name,
                f"The background window of {edge.name} touches {other.name} at {other.onset_eV:g} eV.",
                f"A background fitted over {edge.fit[0]:g}–{edge.fit[1]:g} eV cannot follow a step inside it.",
                {"onset_eV": other.onset_eV, "fit_low_eV": edge.fit[0], "fit_high_eV": edge.fit[1]},
            )
        )  # fmt: skip
    if own is not None and edge.fit[1] > own.onset_eV - 0.5 * fwhm_eV:
        warnings.append(
            GuardWarning(
                "fit-window-own-edge", "warning", edge.name,
                f"The background window of {edge.name} reaches into the edge itself at {own.onset_eV:g} eV.",
                f"It ends at {edge.fit[1]:g} eV; it should end at least half the energy resolution below the onset.",
                {"onset_eV": own.onset_eV, "fit_high_eV": edge.fit[1], "fwhm_eV": fwhm_eV},
            )
        )  # fmt: skip
    if edge.fit[1] > edge.signal[0] and edge.fit[0] < edge.signal[1]:
        warnings.append(
            GuardWarning(
                "windows-overlap", "warning", edge.name,
                f"The background and signal windows of {edge.name} overlap.",
                f"Counts between {edge.signal[0]:g} and {edge.fit[1]:g} eV are used for both the background and the signal.",
                {"fit_high_eV": edge.fit[1], "signal_low_eV": edge.signal[0]},
            )
        )  # fmt: skip
    return warnings
