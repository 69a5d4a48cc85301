"""Analyses from the menu of the EELS pane: each kept with its provenance, shown in the single map, undone in one step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot
from settling import settle

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.eels import export, places
from tandem_em.desk.eels import results as eels_results
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_widgets.dialogs.eels_properties import PropertiesDialog
from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.panes.eels.sites import site_spectra
from tandem_widgets.shell.window.main_window import MainWindow

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
    qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=90_000)
    settle(qtbot)
    return found


def test_zero_loss_maps_are_kept_shown_and_undone(qtbot: QtBot, pane: EelsPane) -> None:
    pane.tools.analyses.find_zero_loss()
    qtbot.waitUntil(lambda: len(pane.session.results) == 1, timeout=60_000)
    result = pane.session.results.first
    assert result is not None
    assert np.nanmedian(result.arrays["FWHM"]) == pytest.approx(FWHM_EV, rel=0.03)
    thick = result.arrays["t over lambda"]
    assert np.median(thick[:, :8]) == pytest.approx(0.2, rel=0.03)
    assert np.median(thick[:, 8:]) == pytest.approx(0.4, rel=0.03)
    step = pane.session.steps.get(result.made_by)
    image = pane.session.maps.first
    assert step is not None
    assert image is not None
    assert step.inputs == {image.id: image.revision}
    settle(qtbot)
    assert "FWHM" in pane.images.single.caption
    pane.session.history.undo()
    settle(qtbot)
    assert not len(pane.session.results)
    assert "FWHM" not in pane.images.single.caption


def test_components_come_with_their_scree(qtbot: QtBot, pane: EelsPane) -> None:
    pane.tools.analyses.find_components()
    qtbot.waitUntil(lambda: len(pane.session.results) == 1, timeout=60_000)
    result = pane.session.results.first
    assert result is not None
    assert result.values["suggested"] == 2
    settle(qtbot)
    assert "2 above the noise" in pane.profile.content.title
    assert pane.profile.isVisible()


def test_sites_as_references_are_found_where_they_are(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.session.maps.first
    assert image is not None
    for column in (3, 12):
        places.add_site(pane.desk, image, (column, 4))
    made = run_to_end(eels_results.references(image, list(pane.session.sites)))
    assert np.median(made.shares["site 0"][:, :8]) == pytest.approx(1.0, abs=0.03)
    assert np.median(made.shares["site 0"][:, 8:]) == pytest.approx(0.0, abs=0.03)
    with pytest.raises(UserError, match="at least two sites"):
        run_to_end(eels_results.references(image, []))


def finished(qtbot: QtBot, pane: EelsPane) -> None:
    qtbot.waitUntil(lambda: not pane.desk.runner.tasks, timeout=90_000)
    settle(qtbot)


def test_components_show_their_spectrum_and_make_a_denoised_map(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.image
    assert image is not None
    pane.tools.analyses.find_components()
    finished(qtbot, pane)
    assert pane.spectrum.content.title == "spectrum of PCA component 1"
    result = pane.session.results.first
    assert result is not None
    pane.tools.analyses.reconstruct(result, 2)
    finished(qtbot, pane)
    made = pane.image
    assert made is not None
    assert made.name == "low loss, 2 components"
    noisy, clean = image.source.read(slice(None)), made.source.read(slice(None))
    expected = noisy[:, : WIDTH // 2].mean(axis=(0, 1))
    where = expected > 100
    off = [np.abs(data[:, : WIDTH // 2] - expected)[..., where].mean() for data in (noisy, clean)]
    assert off[1] < 0.4 * off[0]
    pane.session.history.undo()
    finished(qtbot, pane)
    assert list(pane.session.maps) == [image]


def test_single_scattering_is_a_map_of_its_own(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.image
    assert image is not None
    pane.tools.analyses.deconvolve()
    finished(qtbot, pane)
    made = pane.image
    assert made is not None
    assert made.name == "low loss, single scattering"
    # all of it over the zero loss is t/λ
    energy = made.energy_eV
    zero_loss = image.source.read((0, 2))[energy < 5].sum()
    assert made.source.read((0, 2)).sum() / zero_loss == pytest.approx(0.2, rel=0.05)
    step = pane.session.steps.get(made.made_by)
    assert step is not None
    assert step.outputs == [made.id]


def test_energies_are_aligned_on_view_and_again_as_in_the_file(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.image
    assert image is not None
    data = image.source.read(slice(None))
    data[:, 8:] = np.roll(data[:, 8:], 5, axis=-1)  # one electron volt
    pane.tools.analyses.align()
    finished(qtbot, pane)
    assert image.energy_shift_eV is not None
    assert np.median(image.energy_shift_eV[:, 8:]) == pytest.approx(1.0, abs=0.05)
    aligned = pane.live(image).data
    assert aligned is not None
    tops = image.energy_eV[np.asarray(aligned).mean(axis=0).argmax(axis=-1)]
    assert np.abs(tops).max() < 0.11
    assert "aligned" in pane.subtitle.toolTip()
    pane.session.history.undo()
    finished(qtbot, pane)
    assert image.energy_shift_eV is None
    assert np.array_equal(pane.live(image).data, data)


def test_a_stale_result_says_so_and_is_updated_in_one_step(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.image
    assert image is not None
    for column in (3, 12):
        places.add_site(pane.desk, image, (column, 4))
    pane.session.edges.add(Edge(name="loss", fit=(5.0, 9.0), signal=(10.0, 40.0)))
    pane.tools.analyses.fit_sites()
    finished(qtbot, pane)
    result = pane.session.results.first
    assert result is not None
    before = result.arrays["site 1"]
    assert "stale" not in pane.images.single.caption
    site = pane.session.sites.first
    assert site is not None
    places.move_site(pane.desk, site, image, (6.0, 2.0))
    settle(qtbot)
    assert "stale" in pane.images.single.caption
    pane.tools.analyses.update_stale()
    finished(qtbot, pane)
    assert "stale" not in pane.images.single.caption
    assert not np.array_equal(result.arrays["site 1"], before)
    pane.session.history.undo()
    assert np.array_equal(result.arrays["site 1"], before)


def test_references_from_files_of_another_axis(qtbot: QtBot, pane: EelsPane, tmp_path: Path) -> None:
    image = pane.image
    assert image is not None
    data = image.source.read(slice(None))
    paths = []
    for name, columns in (("thin", slice(0, 8)), ("thick", slice(8, 16))):
        mean = data[:, columns].mean(axis=(0, 1))
        coarse = mean[: len(mean) // 2 * 2].reshape(-1, 2).sum(axis=1)
        lines = ["#FORMAT : EMSA/MAS Spectral Data File", "#VERSION : 1.0", f"#TITLE : {name}", f"#NPOINTS : {len(coarse)}",
                 "#NCOLUMNS : 1", "#XUNITS : eV", "#YUNITS : counts", "#DATATYPE : Y", "#XPERCHAN : 0.4",
                 f"#OFFSET : {image.energy_eV[0] + 0.1}", "#SIGNALTYPE : ELS", "#SPECTRUM :",
                 *(f"{value:.6g}" for value in coarse), "#ENDOFDATA :"]  # fmt: skip
        paths.append(tmp_path / f"{name}.msa")
        paths[-1].write_text("\r\n".join(lines))
    pane.session.edges.add(Edge(name="loss", fit=(5.0, 9.0), signal=(10.0, 40.0)))
    pane.tools.analyses.fit_files(paths)
    finished(qtbot, pane)
    result = pane.session.results.first
    assert result is not None
    assert {"thin", "thin error", "thick", "residual"} <= set(result.arrays)
    assert np.median(result.arrays["thin"][:, :8]) == pytest.approx(1.0, abs=0.05)
    assert np.median(result.arrays["thick"][:, :8]) == pytest.approx(0.0, abs=0.05)


def test_quantification_names_its_model(
    qtbot: QtBot, pane: EelsPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pane.image
    assert image is not None
    asked: list[str] = []

    def answered(dialog: PropertiesDialog) -> QDialog.DialogCode:
        asked.append("optics")
        dialog.optics["beam_kV"].setText("200")
        dialog.optics["collection_mrad"].setText("20")
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(PropertiesDialog, "exec", answered)
    pane.tools.analyses.quantify()
    finished(qtbot, pane)
    assert asked == ["optics"]
    assert image.beam_kV == 200.0
    result = pane.session.results.first
    assert result is not None
    assert {"Li at%", "P at%", "Si at%"} <= set(result.arrays)
    assert "hydrogenic" in result.values["model"].lower()
    assert "No pixel has counts" in pane.desk.notices.items[-1].title  # there are none in these spectra


def test_site_spectra_are_saved_with_their_energies(qtbot: QtBot, pane: EelsPane, tmp_path: Path) -> None:
    image = pane.image
    assert image is not None
    places.add_site(pane.desk, image, (3, 4))
    spectra = [(site.name, spectrum) for site, spectrum in site_spectra(pane.live(image), pane.session.sites)]
    run_to_end(export.save_spectra(tmp_path / "sites.csv", image, spectra))
    lines = [line for line in (tmp_path / "sites.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "energy loss (eV),site 0 (counts)"
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    assert np.array_equal(table[:, 0], image.energy_eV)
    assert np.allclose(table[:, 1], spectra[0][1])


def test_state_and_time_of_a_map_are_typed(pane: EelsPane) -> None:
    image = pane.image
    assert image is not None
    dialog = PropertiesDialog(pane, image)
    assert dialog.changes() == {}
    dialog.state.setCurrentText("charged")
    dialog.start.setText("12,5")
    dialog.duration.setText("30")
    pane.desk.change("Properties", image, None, **dialog.changes())
    assert image.state == "charged"
    assert image.interval == pytest.approx((12.5, 42.5))
    assert PropertiesDialog(pane, image).changes() == {}
