"""Sites and the profile line on spectrum images: every change is one undo step."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk.desk import Desk
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine, Site, SpectrumImage

Point = tuple[float, float]


def is_on(image: SpectrumImage, place: Point) -> bool:
    """Whether a place (px) lies on the map."""
    height, width, _ = image.shape
    # Pixel centres are whole numbers, so the first pixel begins half a pixel earlier.
    return -0.5 <= place[0] <= width - 0.5 and -0.5 <= place[1] <= height - 0.5


def free_number(session: Session) -> int:
    """The lowest number that no site has."""
    taken = {site.number for site in session.sites}
    return next(n for n in range(len(taken) + 1) if n not in taken)


def centre_of(site: Site) -> Point:
    """Of a disc or the corners of a polygon (px)."""
    x, y = np.mean(site.points, axis=0)
    return float(x), float(y)


def mask_of(site: Site, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels of a map (height, width) that belong to a site."""
    from tandem_em.analysis.eels.spectra import disc_mask, polygon_mask

    height, width = shape[0], shape[1]
    if site.shape != "polygon":
        return disc_mask((height, width), site.points[0], site.radius_px)
    corners = np.asarray(site.points)  # only the box around them is looked at: maps are large
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, (x0 + 1, y0 + 1), (width, height))
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = polygon_mask((int(y1 - y0), int(x1 - x0)), corners - (x0, y0))
    return mask


def add_site(desk: Desk, image: SpectrumImage, place: Point) -> Site | None:
    """A site with the lowest free number; nothing outside the map."""
    if not is_on(image, place):
        return None
    number = free_number(desk.session)
    site = Site(
        name=f"site {number}", number=number, map_id=image.id, points=[place], radius_px=2.0, simulated=image.simulated
    )  # fmt: skip
    desk.add(f"Add site {number}", site)
    return site


def move_site(desk: Desk, site: Site, image: SpectrumImage, place: Point) -> None:
    """While it is dragged; end with `desk.end_gesture()`. It stays on the map."""
    height, width, _ = image.shape
    inside = min(max(place[0], 0.0), width - 1.0), min(max(place[1], 0.0), height - 1.0)
    x, y = centre_of(site)
    moved = [(px + inside[0] - x, py + inside[1] - y) for px, py in site.points]
    desk.change(f"Move {site.name}", site, merge_key=f"site {site.id}", points=moved)


def site_at(session: Session, place: Point, reach_px: float) -> Site | None:
    """The site nearest to a place (px), within reach."""
    near = [
        (math.dist(centre_of(site), place), site) for site in session.sites if site.points and site.visible
    ]
    best = min(near, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] <= reach_px else None


def profile_line(session: Session) -> ProfileLine | None:
    """The line across the maps: the first that is not drawn on a stack."""
    return next((line for line in session.profiles if session.stacks.get(line.owner_id) is None), None)


def line_along(image: SpectrumImage) -> ProfileLine | None:
    """A line scan or a time series has its own line, from the first spectrum to the last; None for a map."""
    height, width, _ = image.shape
    if min(height, width) > 1 or max(height, width) < 2:
        return None
    return ProfileLine(name="along the scan", owner_id=image.id, end=(width - 1.0, height - 1.0))


def draw_line(desk: Desk, image: SpectrumImage, start: Point, end: Point) -> None:
    """The line across the maps goes here; its width stays."""
    line = profile_line(desk.session)
    if line is not None:
        desk.change("Draw profile line", line, start=start, end=end)
        return
    width_px = max(1.0, round(0.2 * min(image.shape[:2])))
    made = ProfileLine(
        name="across the map", owner_id=image.id, start=start, end=end, width_px=width_px, simulated=image.simulated
    )  # fmt: skip
    desk.add("Draw profile line", made)
