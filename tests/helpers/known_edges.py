"""Edges of the table by their name, for tests of maps and advice."""

from __future__ import annotations

from tandem_em.analysis.eels.table import find_edge
from tandem_em.analysis.eels.windows import EdgeWindows


def windows_for(name: str) -> EdgeWindows:
    """Default windows of a known edge."""
    edge = find_edge(name)
    assert edge is not None, name
    return edge.windows()
