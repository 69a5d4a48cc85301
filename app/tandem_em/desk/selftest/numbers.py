"""Compiled kernels, and the libraries of this field beside which they are measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.desk.selftest.check import Check, require
from tandem_em.desk.selftest.sessions import small_session

EDGE = EdgeWindows("Si L", "power law", 1, (60.0, 95.0), (100.0, 120.0))


def checks() -> Iterator[Check]:
    yield Check(
        "compiled kernels (numba)",
        kernels,
        "A virus scanner may hold the compiled files: exclude TandEM's folder from it, then try again.",
    )
    yield Check("HyperSpy and eXSpy", hyperspy)


def kernels(folder: Path) -> None:
    """A polygon is filled by a compiled kernel, which the next start finds in numba's cache."""
    from tandem_em.analysis.geometry.kernels import covered
    from tandem_em.desk import compiled

    square = np.array([[0.5, 0.5], [4.5, 0.5], [4.5, 4.5], [0.5, 4.5]])
    covered_pixels = covered(square, 8, 8)
    require(int(np.asarray(covered_pixels).sum()) == 16, "A square of four pixels does not cover sixteen.")
    require(compiled.is_cached(covered), "What was compiled could not be kept for the next start.")


def hyperspy(folder: Path) -> None:
    """A map of an edge by HyperSpy and by TandEM."""
    from tandem_em.analysis.eels.hyperspy import net_counts
    from tandem_em.analysis.eels.maps import map_edge

    image = small_session().maps.first
    assert image is not None
    data = np.asarray(image.source.read(slice(None)), np.float64)
    axis = EnergyAxis(
        float(image.energy_eV[0]), float(image.energy_eV[1] - image.energy_eV[0]), data.shape[2]
    )
    theirs, ours = net_counts(data, axis, EDGE), map_edge(data, axis, EDGE).counts
    require(theirs.shape == ours.shape, f"HyperSpy's map is {theirs.shape}, TandEM's {ours.shape}.")
    require(np.allclose(theirs, ours, rtol=0.05), "HyperSpy's map and TandEM's differ.")
