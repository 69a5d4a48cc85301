"""x in LixSi from the spectrum of a site: right within its error, replaced when read again, stale when the site moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tandem_em.analysis.eels.cross_sections import partial_cross_section
from tandem_em.core.jobs import Runner
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import lithium_of_sites, places
from tandem_em.desk.eels.maps import default_edges
from tandem_em.desk.lanes.lithium import of_maps
from tandem_em.desk.lanes.series import Points
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import Site, SpectrumImage

ENERGY = np.arange(38.0, 160.0, 0.5)
LI_PER_SI = 2.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    runner = Runner()
    desk = Desk(Session("s"), runner, Notices(), Settings(tmp_path / "preferences.json"))
    for edge in default_edges():
        desk.session.edges.add(edge)
    yield desk
    runner.close()


def chart(desk: Desk, *, start: float | None = 100.0, silicon: float = 1.0) -> SpectrumImage:
    """A map whose left half is LixSi, as far as its windows count: net counts in proportion to cross sections."""
    spectrum = 5e9 * ENERGY**-3.0
    for name, atoms in (("Li K", LI_PER_SI), ("Si L2,3", silicon)):
        edge = next(e for e in default_edges() if e.name.replace("₂,₃", "2,3") == name)
        inside = (edge.signal[0] <= ENERGY) & (edge.signal[1] > ENERGY)
        window = (edge.signal[0] - 0.25, edge.signal[1] - 0.25)
        section = partial_cross_section(
            edge.name, window, beam_kV=200.0, collection_mrad=10.0, convergence_mrad=1.0
        )
        spectrum = spectrum + inside * (atoms * section / inside.sum() * 20.0)
    image = SpectrumImage(
        name="SI", source=MemoryArray(np.tile(spectrum.astype(np.float32), (8, 12, 1))), energy_eV=ENERGY,
        beam_kV=200.0, collection_mrad=10.0, convergence_mrad=1.0, start=start, end=None if start is None else start + 60,
    )  # fmt: skip
    desk.session.clocks.add(image.clock)
    desk.session.maps.add(image)
    return image


def read(desk: Desk, site: Site, image: SpectrumImage) -> None:
    task = lithium_of_sites.read(desk, site, image)
    while task.state in ("waiting", "running"):
        pass


def test_x_is_read_from_a_site_and_stands_in_the_ledger(desk: Desk) -> None:
    image = chart(desk)
    site = places.add_site(desk, image, (3.0, 4.0))
    assert site is not None
    read(desk, site, image)
    [reading] = lithium_of_sites.readings(desk.session)
    assert reading.x == pytest.approx(LI_PER_SI, rel=0.1)
    assert 0.1 * reading.x < reading.error < 0.4 * reading.x  # cross sections are not known better
    assert (reading.start, reading.end, reading.is_stale) == (100.0, 160.0, False)
    assert "x = " in desk.notices.items[-1].title
    [series] = of_maps(desk.session)
    assert isinstance(series.samples, Points)
    assert (series.name, series.samples.y[0]) == (reading.name, reading.x)
    read(desk, site, image)
    assert len(list(lithium_of_sites.readings(desk.session))) == 1
    places.move_site(desk, site, image, (6.0, 4.0))
    assert next(iter(lithium_of_sites.readings(desk.session))).is_stale
    desk.end_gesture()
    for _ in range(3):
        desk.session.history.undo()
    assert not list(lithium_of_sites.readings(desk.session))


def test_a_map_without_a_time_has_no_place_in_the_ledger(desk: Desk) -> None:
    image = chart(desk, start=None)
    site = places.add_site(desk, image, (3.0, 4.0))
    assert site is not None
    with pytest.raises(UserError, match="acquisition time of SI"):
        lithium_of_sites.read(desk, site, image)


@pytest.mark.expects_log
def test_where_there_is_no_silicon_no_ratio_to_it_is_told(desk: Desk) -> None:
    image = chart(desk, silicon=0.0)
    site = places.add_site(desk, image, (3.0, 4.0))
    assert site is not None
    read(desk, site, image)
    assert not list(lithium_of_sites.readings(desk.session))
    assert "contains no silicon" in desk.notices.items[-1].title
