"""Reference spectra for MLLS: mean spectra of sites, or spectra from files brought onto the energy axis of a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.spectra import region_spectrum
from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk import importing
from tandem_em.desk.eels import places
from tandem_em.desk.eels.advice import mean_spectrum
from tandem_em.model.session import Session
from tandem_em.model.spectra import Site, SpectrumImage

References = tuple[Floats, list[str]]
"""Spectra (references, E) and their names."""


def of_sites(image: SpectrumImage, data: NDArray[Any], sites: list[Site]) -> References:
    """Mean spectra of the sites that lie on a map."""
    found, names = [], []
    for site in sites:
        if site.points and places.is_on(image, places.centre_of(site)):
            found.append(region_spectrum(data, places.mask_of(site, image.shape), mean=True))
            names.append(site.name)
    if len(found) < 2:
        raise UserError(
            f"MLLS needs at least two sites on {image.name}; there are {len(found)}.",
            "Place sites on the pure phases.",
        )
    return np.array(found), names


def of_files(image: SpectrumImage, paths: list[Path]) -> Job[References]:
    """The mean spectrum of every map, scan or spectrum in the files, brought onto the map's energy axis."""
    # A passing session: references are not to appear in the one that is open.
    imported = yield from importing.import_files(Session("references"), paths)
    found, names = [], []
    for item in imported.items:
        if isinstance(item, SpectrumImage):
            found.append(_on_axis(item, image))
            names.append(item.name)
    if not found:
        raise UserError(
            f"There is no spectrum in {', '.join(path.name for path in paths)}.",
            "Choose spectra with an energy axis, such as .msa or .dm3.",
        )
    return np.array(found), names


def _on_axis(item: SpectrumImage, image: SpectrumImage) -> Floats:
    own, wanted = item.energy_eV, image.energy_eV
    inside = (wanted >= own[0]) & (wanted <= own[-1])
    if inside.sum() < 8:
        raise UserError(
            f"{item.name} covers {own[0]:.1f} to {own[-1]:.1f} eV, {image.name} {wanted[0]:.1f} to {wanted[-1]:.1f} eV.",
            "A reference must overlap the map in energy.",
        )
    spectrum = mean_spectrum(item.source.read(slice(None)))
    # broader channels collect more: counts per eV are what compares
    steps = float(wanted[1] - wanted[0]) / float(own[1] - own[0])
    return np.asarray(np.where(inside, np.interp(wanted, own, spectrum) * steps, 0.0))


def overlap_eV(
    image: SpectrumImage, references: Floats, window_eV: tuple[float, float] | None
) -> tuple[float, float]:
    """The part of the window in which every reference is known."""
    # Outside its own range a reference was filled with 0.
    known = np.flatnonzero((references != 0).all(axis=0))
    if known.size < 8:
        raise UserError("The references do not overlap in energy.", "Choose references of the same range.")
    low, high = float(image.energy_eV[known[0]]), float(image.energy_eV[known[-1]])
    if window_eV is not None and max(low, window_eV[0]) < min(high, window_eV[1]):
        low, high = max(low, window_eV[0]), min(high, window_eV[1])
    return low, high
