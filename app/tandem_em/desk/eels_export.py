"""Spectra as a table: what the spectrum plot shows, with the energy axis, for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em import __version__
from tandem_em.jobs import Job
from tandem_em.model.spectra import SpectrumImage


def save_spectra(
    path: Path, image: SpectrumImage, spectra: list[tuple[str, NDArray[np.float64]]]
) -> Job[Path]:
    """Named spectra of one map as CSV: energy loss in eV, counts per pixel and channel."""
    from tandem_em.exporters.tables import Column, Table, write_table

    columns = [Column("energy loss", "eV", image.energy_eV)]
    columns += [Column(name, "counts", np.asarray(spectrum, np.float64)) for name, spectrum in spectra]
    notes = {
        "map": image.name,
        "made by": f"TandEM {__version__}",
        "simulated": "yes" if image.simulated else "no",
    }
    if image.energy_shift_eV is not None:
        notes["energies"] = "aligned by the zero loss of each pixel"
    return write_table(path, Table(path.stem, columns, notes))
