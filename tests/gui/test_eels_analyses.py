"""Analyses from the menu of the EELS pane: each kept with its provenance, shown in the single map, undone in one step."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tandem_em.desk import eels_places, eels_results
from tandem_em.jobs import run_to_end
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.notices import UserError
from tandem_widgets.panes.eels import EelsPane
from tandem_widgets.shell.main_window import MainWindow

HEIGHT, WIDTH, FWHM_EV = 8, 16, 1.2


def low_loss() -> SpectrumImage:
    """A zero loss and a plasmon; the right half is twice as thick and has another plasmon."""
    rng = np.random.default_rng(11)
    energy = np.arange(-10.0, 150.0, 0.2)
    sigma = FWHM_EV / 2.3548
    zero = np.exp(-0.5 * (energy / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi)) * 0.2
    spectra = np.empty((HEIGHT, WIDTH, energy.size))
    for column in range(WIDTH):
        thick, place = (0.2, 15.0) if column < WIDTH // 2 else (0.4, 24.0)
        loss = np.exp(-0.5 * ((energy - place) / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi)) * 0.2
        spectra[:, column] = 2e6 * (zero + (np.exp(thick) - 1) * loss)
    return SpectrumImage(
        name="low loss", source=MemoryArray(rng.poisson(spectra).astype(np.float32)), energy_eV=energy, pixel_nm=(1.0, 1.0)
    )  # fmt: skip


@pytest.fixture
def pane(qtbot: QtBot, window: MainWindow) -> EelsPane:
    session = Session("low loss")
    image = low_loss()
    session.clocks.add(image.clock)
    session.maps.add(image)
    window.show_session(session)
    found = window.docks.eels.widget()
    assert isinstance(found, EelsPane)
    qtbot.waitUntil(lambda: not window.workshop.runner.tasks, timeout=90_000)
    qtbot.wait(30)
    return found


def test_zero_loss_maps_are_kept_shown_and_undone(qtbot: QtBot, pane: EelsPane) -> None:
    pane.tools.find_zero_loss()
    qtbot.waitUntil(lambda: len(pane.session.results) == 1, timeout=60_000)
    result = pane.session.results.first
    assert result is not None
    assert np.nanmedian(result.arrays["FWHM"]) == pytest.approx(FWHM_EV, rel=0.03)
    thick = result.arrays["t over lambda"]
    assert np.median(thick[:, :8]) == pytest.approx(0.2, rel=0.03)
    assert np.median(thick[:, 8:]) == pytest.approx(0.4, rel=0.03)
    step = pane.session.steps.get(result.step_id)
    image = pane.session.maps.first
    assert step is not None
    assert image is not None
    assert step.inputs == {image.id: image.revision}
    qtbot.wait(60)
    assert "FWHM" in pane.images.single.caption
    pane.session.history.undo()
    qtbot.wait(60)
    assert not len(pane.session.results)
    assert "FWHM" not in pane.images.single.caption


def test_components_come_with_their_scree(qtbot: QtBot, pane: EelsPane) -> None:
    pane.tools.find_components()
    qtbot.waitUntil(lambda: len(pane.session.results) == 1, timeout=60_000)
    result = pane.session.results.first
    assert result is not None
    assert result.values["suggested"] == 2
    qtbot.wait(60)
    assert "2 above the noise" in pane.profile.content.title
    assert pane.profile.isVisible()


def test_sites_as_references_are_found_where_they_are(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.session.maps.first
    assert image is not None
    for column in (3, 12):
        eels_places.add_site(pane.desk, image, (column, 4))
    made = run_to_end(eels_results.references(image, list(pane.session.sites)))
    assert np.median(made.arrays["site 0"][:, :8]) == pytest.approx(1.0, abs=0.03)
    assert np.median(made.arrays["site 0"][:, 8:]) == pytest.approx(0.0, abs=0.03)
    with pytest.raises(UserError, match="at least two sites"):
        run_to_end(eels_results.references(image, []))
