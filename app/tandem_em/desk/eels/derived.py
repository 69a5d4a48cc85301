"""Maps made from maps: single scattering by Fourier-log, reconstructions from components, energies aligned.

Each is one undoable step with its provenance. A derived map stands beside the data it came from, never in their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import spectra
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.desk.provenance import step_for
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import SpectrumImage


def derived(image: SpectrumImage, data: NDArray[Any], what: str) -> SpectrumImage:
    """A map like `image` with other spectra; `what` goes into its name and state."""
    return SpectrumImage(
        name=f"{image.name}, {what}", source=MemoryArray(np.asarray(data, np.float32)), energy_eV=image.energy_eV,
        pixel_nm=image.pixel_nm, clock=image.clock, start=image.start, end=image.end, adf=image.adf,
        beam_kV=image.beam_kV, convergence_mrad=image.convergence_mrad, collection_mrad=image.collection_mrad,
        dwell_s=image.dwell_s, counts_per_electron=image.counts_per_electron,
        state=f"{image.state or image.name}, {what}", axis0=image.axis0, layers=list(image.layers),
        anchor_px=image.anchor_px, instrument=dict(image.instrument), simulated=image.simulated,
    )  # fmt: skip


def keep(
    desk: Desk, made: SpectrumImage, inputs: list[Item], what: str, parameters: dict[str, Any]
) -> SpectrumImage:
    """Add a derived map with the step it came from."""
    step = step_for(what, inputs, parameters, [made.id])
    made.extra["step_id"] = step.id
    label = f"Add {made.name}"
    desk.do(label, AddItem(label, step), AddItem(label, made))
    return made


def single_scattering(image: SpectrumImage) -> Job[SpectrumImage]:
    """Every spectrum freed of plural scattering by Fourier-log deconvolution."""
    from tandem_em.analysis.eels.deconvolution import fourier_log

    if not has_zero_loss(image):
        raise UserError(
            f"The zero loss is not on the energy axis of {image.name}.",
            "Fourier-log deconvolution needs spectra that begin below 0 eV.",
        )
    yield Progress(0, 0, f"Reading {image.name}")
    found = yield from fourier_log(spectra.whole(image), image.energy_eV)
    return derived(image, found, "single scattering")


def reconstruction(image: SpectrumImage, components: ResultSet, number: int) -> Job[SpectrumImage]:
    """The map made of the first components only: less noise, and nothing that the others held."""
    factors = np.asarray(components.arrays["factors"], np.float64)[:number]
    yield Progress(0, 1, f"Reconstructing {image.name}")
    maps = np.stack([components.arrays[f"component {k + 1}"] for k in range(len(factors))], axis=-1)
    kind = "component" if len(factors) == 1 else "components"
    return derived(image, maps.astype(np.float64) @ factors, f"{len(factors)} {kind}")


def find_shift(image: SpectrumImage, low_loss: SpectrumImage) -> Job[NDArray[np.float64]]:
    """Energy of the zero loss in every pixel (eV), as it is in the file."""
    from tandem_em.analysis.eels.zero_loss import find_zero_loss

    height, width, _ = low_loss.shape
    found = np.full((height, width), np.nan)
    for y0, y1, block in spectra.in_blocks(low_loss, align=False):
        yield Progress(y0, height, f"Aligning {image.name}")
        found[y0:y1] = find_zero_loss(block, low_loss.energy_eV).position_eV
    if not np.isfinite(found).any():
        raise UserError(f"No pixel of {low_loss.name} has a zero-loss peak.", "Check its energy axis.")
    return found


def align(desk: Desk, image: SpectrumImage, low_loss: SpectrumImage, shift_eV: NDArray[np.float64]) -> None:
    """Take the shift off a map and its low-loss partner on view, as one undoable step."""
    label = f"Align {image.name}"
    both = [image] if image is low_loss else [image, low_loss]
    spread = float(np.nanstd(shift_eV))
    step = step_for("align energies", [low_loss], {"spread_eV": spread}, [each.id for each in both])
    desk.do(
        label,
        AddItem(label, step),
        *(ChangeFields(label, each.id, {"energy_shift_eV": shift_eV}) for each in both),
    )
