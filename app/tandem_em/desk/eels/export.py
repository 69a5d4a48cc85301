"""Maps and spectra as files for other programs: .npy, .tif, .png with maps.json, and tables of spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em import __version__
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.eels.maps import MadeMap
from tandem_em.exporters import map_files
from tandem_em.exporters.tables import Column, Table, write_table
from tandem_em.model.spectra import SpectrumImage


def save_spectra(
    path: Path, image: SpectrumImage, spectra: list[tuple[str, NDArray[np.float64]]]
) -> Job[Path]:
    """Named spectra of one map as CSV: energy loss in eV, counts per pixel and channel."""
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


def summary(made: MadeMap, files_by_kind: dict[str, str]) -> dict[str, Any]:
    """An entry of maps.json."""
    numbers = made.found.statistics()
    return {
        "name": made.edge.name,
        "files": files_by_kind,
        "background": made.edge.background,
        "order": made.edge.order,
        "fit": list(made.edge.fit),
        "signal": list(made.edge.signal),
        **numbers,
        "mean_signal_to_noise": numbers["mean_snr"],
        "warnings": made.warnings,
        "notes": made.found.notes,
        "seconds": made.seconds,
    }


def write_maps(
    folder: Path, image: SpectrumImage, made: list[MadeMap], seconds: float
) -> Job[dict[str, Any]]:
    """Every map as files, and what maps.json says of them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose another place."
        ) from error
    entries = []
    stems: set[str] = set()
    for number, each in enumerate(made):
        yield Progress(number, len(made), f"Writing {each.edge.name}")
        stem = map_files.file_stem(each.edge.name)
        # Two edges may have names that differ only in characters no file name has.
        while stem in stems:
            stem += "_2"
        stems.add(stem)
        names = map_files.write_map(folder, stem, each.found.counts, image.pixel_nm)
        if each.found.error is not None:
            error_names = map_files.write_map(folder, f"{stem}_error", each.found.error, image.pixel_nm)
            names |= {f"error_{kind}": name for kind, name in error_names.items()}
        entries.append(summary(each, names))
    return {
        "map": image.name,
        "shape": list(image.shape),
        "energy_eV": [float(image.energy_eV[0]), float(image.energy_eV[-1])],
        "pixel_nm": list(image.pixel_nm) if image.pixel_nm else None,
        "simulated": image.simulated,
        "edges": entries,
        "seconds": seconds,
    }
