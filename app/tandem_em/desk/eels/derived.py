"""Maps made from maps: single scattering by Fourier-log, reconstructions from components, energies aligned.

Each is one undoable step with its provenance. A derived map stands beside the data it came from, never in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Analysis, Outcome, Request, added, inputs_of
from tandem_em.desk.eels import spectra
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_maps import Components
from tandem_em.model.session import Session
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


def reconstruction(image: SpectrumImage, components: Components, number: int) -> Job[SpectrumImage]:
    """The map made of the first components only: less noise, and nothing that the others held."""
    factors = np.asarray(components.factors, np.float64)[:number]
    yield Progress(0, 1, f"Reconstructing {image.name}")
    maps = np.stack(components.maps[: len(factors)], axis=-1)
    kind = "component" if len(factors) == 1 else "components"
    return derived(image, maps.astype(np.float64) @ factors, f"{len(factors)} {kind}")


def find_shift(image: SpectrumImage, low_loss: SpectrumImage) -> Job[NDArray[np.float64]]:
    """Energy of the zero loss in every pixel (eV), as it is in the file."""
    from tandem_em.analysis.eels.zero_loss import find_zero_loss

    height, width, _ = low_loss.shape
    found = np.full((height, width), np.nan)
    # Not the aligned spectra: the shift replaces an earlier one.
    for y0, y1, block in spectra.in_blocks(low_loss, align=False):
        yield Progress(y0, height, f"Aligning {image.name}")
        found[y0:y1] = find_zero_loss(block, low_loss.energy_eV).position_eV
    if not np.isfinite(found).any():
        raise UserError(f"No pixel of {low_loss.name} has a zero-loss peak.", "Check its energy axis.")
    return found


class DerivedMap(Analysis):
    """A map made from a map; made again, its spectra are replaced and it stays who it is."""

    owner = SpectrumImage
    makes = SpectrumImage

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """Image and further inputs make up the request; parameters are taken as they are."""
        return Request(self, owner, [owner, *inputs], parameters)

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """A new map, or new spectra in the stale one, which keeps its name and place."""
        assert isinstance(found, SpectrumImage)
        if not replaced:
            label = f"Add {found.name}"
            return Outcome(label, added([found], request.step, label), [found])
        (image, *_), label = replaced, f"Update {replaced[0].name}"
        request.step.outputs = [image.id]
        fields = {"source": found.source, "energy_eV": found.energy_eV, "made_by": request.step.id}
        return Outcome(label, [AddItem(label, request.step), ChangeFields(label, image.id, fields)], [image])

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """The same with the data of today; None when an input was removed."""
        inputs = inputs_of(session, step)
        owner = session.maps.get(self.owner_of(session, step))
        if owner is None or len(inputs) < len(step.inputs):
            return None
        return self.ask(session, owner, [item for item in inputs if item is not owner], **step.parameters)

    def others(self, session: Session, step: Step) -> list[Item]:
        """Results (components) that the map was made from, besides its image."""
        return [item for item in inputs_of(session, step) if isinstance(item, ResultSet)]

    def owner_of(self, session: Session, step: Step) -> str:
        """Id of the map among the inputs: the output is a map as well."""
        return next((i for i in step.inputs if i in session.maps), "")


class SingleScattering(DerivedMap):
    """Spectra without plural scattering, by Fourier-log deconvolution."""

    name = "single scattering"
    menu = "Single scattering (Fourier-log)"

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the image has its zero loss, which the deconvolution divides by."""
        return isinstance(owner, SpectrumImage) and has_zero_loss(owner)

    def job(self, session: Session, request: Request) -> Job[SpectrumImage]:
        """Deconvolves all spectra; they must fit in memory."""
        assert isinstance(request.owner, SpectrumImage)
        return single_scattering(request.owner)

    def method(self, session: Session, step: Step) -> str:
        """Names the Fourier-log deconvolution."""
        return f"{self.subject(session, step)}: plural scattering taken off by Fourier-log deconvolution"


class Reconstruction(DerivedMap):
    """From the first components of a map only."""

    name = "reconstruction"
    menu = "Denoised map"

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether components of this image are kept in the session."""
        return any(r.owner_id == owner.id and Components.is_kind_of(r) for r in session.results)

    def job(self, session: Session, request: Request) -> Job[SpectrumImage]:
        """Sums the first `components` (1 when not given) of the components among the inputs."""
        assert isinstance(request.owner, SpectrumImage)
        parts = next(
            (c for i in request.inputs if isinstance(i, ResultSet) and (c := Components.of(i))), None
        )
        if parts is None:
            raise UserError(
                f"{request.owner.name} has no components to be made of.", "Find its components first."
            )
        return reconstruction(request.owner, parts, int(request.parameters.get("components", 1)))

    def method(self, session: Session, step: Step) -> str:
        """How many components were used, and of which decomposition."""
        number, kind = step.parameters.get("components", 1), step.parameters.get("analysis", "PCA")
        return f"{self.subject(session, step)}: made of its first {number} components ({kind}) only"


class AlignedEnergies(Analysis):
    """The shift of the zero loss taken off a map and its low-loss partner, on view."""

    name = "align energies"
    menu = "Align energies by the zero loss"
    owner = SpectrumImage
    makes = SpectrumImage

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the image, or its dual-EELS partner, has a zero loss to align by."""
        return isinstance(owner, SpectrumImage) and spectra.low_loss_of(session, owner) is not None

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """The low-loss map among `inputs`, else the partner; UserError without one."""
        partner = next(iter(inputs), None) or spectra.low_loss_of(session, owner)
        if partner is None:
            raise UserError(f"{owner.name} has no low loss of the same pixels.", "Pair it with one first.")
        return Request(self, owner, [partner], {})

    def job(self, session: Session, request: Request) -> Job[Floats]:
        """Finds the zero-loss energy (eV) of every pixel, as it is in the file."""
        image, low_loss = request.owner, request.inputs[0]
        assert isinstance(image, SpectrumImage)
        assert isinstance(low_loss, SpectrumImage)
        return find_shift(image, low_loss)

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """The shift is set on the map and its low loss; the spectra in the file stay as they are."""
        label = f"Align {request.owner.name}"
        # A map with its own zero loss is its own low loss: once is enough.
        both: list[Item] = list(dict.fromkeys([request.owner, *request.inputs]))
        # For the methods section only; it is no input of the alignment.
        request.step.parameters = {"spread_eV": float(np.nanstd(found))}
        request.step.outputs = [each.id for each in both]
        moved = [ChangeFields(label, each.id, {"energy_shift_eV": found}) for each in both]
        return Outcome(label, [AddItem(label, request.step), *moved], both)

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """Never: None."""
        return None  # it is asked for anew: what was aligned may have been unaligned on purpose

    def owner_of(self, session: Session, step: Step) -> str:
        """Id of the aligned map, an output: the input is the low loss."""
        return next((i for i in step.outputs if i in session.maps), "")

    def others(self, session: Session, step: Step) -> list[Item]:
        """The low-loss map that it was aligned by."""
        return inputs_of(session, step)

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """None: the spread in the step is an outcome, not a parameter."""
        return {}


SINGLE_SCATTERING = SingleScattering()
RECONSTRUCTION = Reconstruction()
ALIGN = AlignedEnergies()
