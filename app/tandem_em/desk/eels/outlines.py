"""A particle's outline on a spectrum image: a polygon site of the same name and colour, found by correlation or moved by hand.

The map and its survey image show the same field; the outline is scaled by the pixel sizes of stack and map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.core.jobs import Task, call_as_job
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import places
from tandem_em.desk.eels.maps import windows_of
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_em.model.tracks import Particle, Polygon

SURE = 0.5
"""Below this confidence of the correlation the pictures are not taken to show the same place."""
CORNERS = 120
CORRELATED = "placed by matching the frame to the survey image"
CENTRED = "placed as if frame and map had the same centre, because the frame does not match the survey image"


@dataclass(frozen=True)
class Placing:
    """An outline in map pixels, and how it got there."""

    polygon: Polygon
    how: str
    confidence: float = 0.0


def place(
    desk: Desk, particle: Particle, frame: int, stack: FrameStack, image: SpectrumImage
) -> Task[Placing]:
    """Put the outline of a frame on a map, in a job; one undoable step, and a sentence that says how sure its place is."""
    polygon = particles_shape.evened(particle.outlines[frame].polygon, CORNERS)
    scale = _scale(stack, image)

    def found(placing: Placing) -> None:
        # Only now: where it lies is known when the pictures have been compared.
        if not places.is_on(image, _middle(placing.polygon)):
            error = UserError(
                f"{particle.name} lies outside the field of {image.name}.", "Choose another map."
            )
            desk.notices.tell(error)
            return
        site = Site(
            name=particle.name, number=places.free_number(desk.session), map_id=image.id, shape="polygon",
            points=[(float(x), float(y)) for x, y in placing.polygon], colour=particle.colour,
            particle_id=particle.id, simulated=image.simulated or stack.simulated,
            extra={"frame": frame, "placed_by": placing.how, "confidence": placing.confidence},
        )  # fmt: skip
        desk.add(f"Place {particle.name} on {image.name}", site)
        desk.session.focus.select("map", image.id)
        desk.notices.info(
            f"{particle.name} on {image.name}: {placing.how}.",
            "With the Sites tool, drag it by its name to move it.",
        )

    job = call_as_job(lambda: placed(stack, frame, polygon, image, scale), "Comparing the images")
    return desk.start(f"Placing {particle.name}", job, found, key=f"place {particle.id} {image.id}")


def _scale(stack: FrameStack, image: SpectrumImage) -> NDArray[np.float64]:
    """Map pixels of a pixel of the stack, along x and y."""
    unknown = [each.name for each in (stack, image) if not each.pixel_nm]
    if unknown or stack.pixel_nm is None or image.pixel_nm is None:
        raise UserError(
            f"{' and '.join(unknown)} {'have' if len(unknown) > 1 else 'has'} no pixel size.",
            "An outline is carried over in nanometres: calibrate it first.",
        )
    return stack.pixel_nm / np.asarray(image.pixel_nm, np.float64)


def placed(
    stack: FrameStack, frame: int, polygon: Polygon, image: SpectrumImage, scale: NDArray[np.float64]
) -> Placing:
    """By correlation of the frame with the survey image where that is sure, else about the centre of both fields."""
    # A survey image of fewer pixels gives the correlation nothing to hold on to.
    if image.adf is not None and min(image.adf.shape) >= 8:
        found = _correlated(stack.frame(frame), polygon, image, float(scale[0]))
        if found.confidence >= SURE:
            return found
    height, width, _ = image.shape
    _, rows, columns = stack.shape
    # Pixel 0 has its centre at 0: the middle of n pixels is at (n - 1) / 2.
    centre = (np.array([columns, rows]) - 1) / 2
    return Placing((polygon - centre) * scale + (np.array([width, height]) - 1) / 2, CENTRED)


def _correlated(picture: NDArray[Any], polygon: Polygon, image: SpectrumImage, scale: float) -> Placing:
    from tandem_em.analysis.images.registration import by_correlation

    assert image.adf is not None
    height, width, _ = image.shape
    finer = np.array([image.adf.shape[1] / width, image.adf.shape[0] / height])
    transform = by_correlation(
        picture, image.adf, moving_pixel_nm=scale * float(finer[0]), fixed_pixel_nm=1.0
    )
    # The survey image may be finer than the map; halves, for pixel centres are whole numbers.
    on_map = (transform.apply(polygon) + 0.5) / finer - 0.5
    return Placing(on_map, CORRELATED, float(transform.confidence))


def _middle(polygon: Polygon) -> tuple[float, float]:
    x, y = polygon.mean(axis=0)
    return float(x), float(y)


def content(
    image: SpectrumImage, spectrum: NDArray[np.float64], pixels: int, edge: Any
) -> tuple[float, float]:
    """Net counts per pixel under an edge in the mean spectrum of a site, and its error (counting and background)."""
    gain = image.counts_per_electron or 1.0
    found = map_edge(
        # Counts of all pixels together: errors follow from sums, not from means.
        (spectrum * pixels)[None, None],
        image.energy_eV,
        windows_of(edge),
        detail="error",
        counts_per_electron=gain,
    )
    return float(found.counts.flat[0]) / pixels, float(np.asarray(found.error).flat[0]) / pixels
