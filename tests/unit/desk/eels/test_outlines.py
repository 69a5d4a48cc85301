"""An outline on a map: found on the survey image, or about the middle; its spectrum is that of the pixels inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.analysis.eels.spectra import polygon_mask
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import outlines
from tandem_em.desk.eels import places as eels_places
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.eels.maps import default_edges
from tandem_em.desk.outlines.following import key_outline
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_em.model.tracks import Particle

ENERGY = np.arange(40.0, 70.0, 0.5)
LI = 400.0


def discs(shape: tuple[int, int], pixel_nm: float, left_nm: float, top_nm: float) -> np.ndarray:
    """Some discs of a sample (nm) as seen from a corner: 1 inside, 0 outside."""
    y, x = np.mgrid[: shape[0], : shape[1]] * pixel_nm + np.array([top_nm, left_nm])[:, None, None]
    places = ((60, 60, 20), (110, 70, 14), (75, 115, 17), (125, 120, 11), (30, 110, 9))
    return np.any([np.hypot(x - a, y - b) < r for a, b, r in places], axis=0).astype(float)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Session("s"), AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))


def movie(desk: Desk) -> tuple[FrameStack, Particle]:
    """Bright field, 1 nm per pixel; the outline is that of the largest disc."""
    rng = np.random.default_rng(1)
    frame = rng.poisson(200 - 90 * discs((160, 160), 1.0, 0, 0))[None].astype(np.uint16)
    stack = FrameStack(name="movie", source=MemoryArray(frame), times=np.zeros(1), pixel_nm=1.0)
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    particle = Particle(name="P1", stack_id=stack.id, colour="#ff5050")
    particle.outlines[0] = key_outline(np.stack([60 + 20 * np.cos(turn), 60 + 20 * np.sin(turn)], 1))
    desk.session.stacks.add(stack)
    desk.session.particles.add(particle)
    return stack, particle


def chart(desk: Desk, *, same_field: bool = True) -> SpectrumImage:
    """Dark field, 2 nm per pixel, from another corner; lithium in the discs only."""
    rng = np.random.default_rng(2)
    seen = discs((60, 60), 2.0, 20, 20)
    survey = discs((120, 120), 1.0, 20, 20) if same_field else rng.normal(size=(120, 120))
    spectra = 1e6 * ENERGY**-2.0 + LI * seen[..., None] * (ENERGY > 54.7)
    image = SpectrumImage(
        name="SI", source=MemoryArray(rng.poisson(spectra).astype(np.float32)), energy_eV=ENERGY, pixel_nm=(2.0, 2.0),
        adf=(100 + 80 * survey + rng.normal(0, 8, survey.shape)).astype(np.float32),
    )  # fmt: skip
    desk.session.maps.add(image)
    return image


def place(desk: Desk, stack: FrameStack, particle: Particle, image: SpectrumImage) -> Site:
    outlines.place(desk, particle, 0, stack, image)
    site = desk.session.sites.first
    assert site is not None
    return site


def test_an_outline_is_found_on_the_survey_image_and_its_lithium_read(desk: Desk) -> None:
    stack, particle = movie(desk)
    image = chart(desk)
    site = place(desk, stack, particle, image)
    assert (site.name, site.colour, site.particle_id, site.map_id) == ("P1", "#ff5050", particle.id, image.id)
    assert site.extra["placed_by"] == outlines.CORRELATED
    assert eels_places.centre_of(site) == pytest.approx((19.75, 19.75), abs=0.7)
    mask = eels_places.mask_of(site, image.shape)
    assert mask.sum() == pytest.approx(np.pi * 10**2, rel=0.1)
    spectrum = LiveMap(desk, image).spectrum_of(mask)
    assert spectrum is not None
    edge = next(edge for edge in default_edges() if edge.name == "Li K")
    counts, error = outlines.content(image, spectrum, int(mask.sum()), edge)
    channels = ((edge.signal[0] <= ENERGY) & (edge.signal[1] > ENERGY) & (ENERGY > 54.7)).sum()
    assert counts == pytest.approx(LI * channels, rel=0.12)
    assert 0 < error < 0.1 * counts


def test_where_the_pictures_do_not_match_it_lies_in_the_middle_and_is_moved_by_hand(desk: Desk) -> None:
    stack, particle = movie(desk)
    image = chart(desk, same_field=False)
    site = place(desk, stack, particle, image)
    assert site.extra["placed_by"] == outlines.CENTRED
    assert "had the same centre" in desk.notices.items[-1].title
    before = np.array(site.points)
    eels_places.move_site(desk, site, image, (20.0, 25.0))
    assert eels_places.centre_of(site) == pytest.approx((20.0, 25.0))
    assert np.ptp(np.array(site.points), axis=0) == pytest.approx(np.ptp(before, axis=0))
    desk.end_gesture()
    desk.session.history.undo()
    assert np.array(site.points) == pytest.approx(before)
    desk.session.history.undo()
    assert not len(desk.session.sites)


def test_the_pixels_of_an_outline_are_those_of_the_whole_map() -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for x, y in ((12.3, 8.6), (0.4, 17.0), (29.5, 2.0)):
        corners = [(x + 6 * np.cos(a), y + 4 * np.sin(a)) for a in turn]
        site = Site(name="P1", shape="polygon", points=corners)
        assert np.array_equal(eels_places.mask_of(site, (20, 30)), polygon_mask((20, 30), corners))


def test_without_a_calibration_nothing_is_guessed(desk: Desk) -> None:
    stack, particle = movie(desk)
    image = chart(desk)
    image.pixel_nm = None
    with pytest.raises(UserError, match="SI has no pixel size"):
        outlines.place(desk, particle, 0, stack, image)
