"""The edge table as objects: known edges with onsets and default windows, plasmon energies of common materials."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import tandem_resources
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis


@dataclass(frozen=True)
class KnownEdge:
    """One row of the table; energies in eV."""

    name: str
    element: str
    atomic_number: int
    shell: str
    onset_eV: float
    major: bool
    fit_eV: tuple[float, float]
    signal_eV: tuple[float, float]
    is_default: bool

    def windows(self) -> EdgeWindows:
        """The edge with its default windows and a power-law background."""
        return EdgeWindows(self.name, "power law", 2, self.fit_eV, self.signal_eV)


@cache
def edge_table() -> tuple[KnownEdge, ...]:
    """All known edges, by atomic number, deepest shell first."""
    rows = tandem_resources.read_json("edges.json")["edges"]
    return tuple(
        KnownEdge(
            row["name"], row["element"], row["Z"], row["shell"], row["onset_eV"], row["relevance"] == "major",
            tuple(row["fit_eV"]), tuple(row["signal_eV"]), row["default"],
        )
        for row in rows
    )  # fmt: skip


@cache
def plasmon_table() -> dict[str, float]:
    """Volume plasmon energies (eV) by material."""
    rows = tandem_resources.read_json("edges.json")["plasmons"]
    return {row["material"]: row["energy_eV"] for row in rows}


def find_edge(name: str) -> KnownEdge | None:
    """The table's row for a name such as “Li K”, “Si L2,3”, “Si L” or “SiL23”; None when it knows none."""
    # people write L2,3, L23 and L₂,₃
    wanted = _squeezed(name)
    exact = [edge for edge in edge_table() if _squeezed(edge.name) == wanted]
    if exact:
        return exact[0]
    begins = [edge for edge in edge_table() if _squeezed(edge.name).startswith(wanted) and edge.major]
    # the element's name alone is no edge
    same = [
        edge for edge in begins if wanted.startswith(edge.element.lower()) and len(wanted) > len(edge.element)
    ]
    return min(same, key=lambda edge: edge.onset_eV) if same else None


def _squeezed(name: str) -> str:
    """Without spaces and signs; small figures (L₂,₃) are figures."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).lower() if letter.isalnum())


def default_edges(axis: EnergyAxis | None = None) -> list[EdgeWindows]:
    """The edges a new map starts with; only those whose windows lie on the axis when one is given."""
    edges = [edge.windows() for edge in edge_table() if edge.is_default]
    if axis is None:
        return edges
    low, high = axis.at(-0.5), axis.at(axis.size - 0.5)
    return [edge for edge in edges if edge.fit[0] >= low and edge.signal[1] <= high]


def edges_between(low_eV: float, high_eV: float, elements: set[str] | None = None) -> list[KnownEdge]:
    """Major edges with their onset in a range, of certain elements only when they are given."""
    return [
        edge
        for edge in edge_table()
        if edge.major
        and low_eV <= edge.onset_eV <= high_eV
        and (elements is None or edge.element in elements)
    ]
