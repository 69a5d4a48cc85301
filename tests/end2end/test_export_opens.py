"""Everything an export writes opens in another program: pandas, poppler, a browser without a network, a decoder."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.export import folder
from tandem_em.exporters.figures.style import fonts_here
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine, Site, SpectrumImage
from tandem_em.model.tracks import Outline, Particle


def whole_session() -> Session:
    """A cycled run with an area, a followed particle, a map with a site and a line, an event; simulated, and it says so."""
    rng = np.random.default_rng(5)
    session = Session("Silicon, 3 µm & <more>")
    clock = Clock(name="camera", origin="marked event", uncertainty_s=0.1)
    cell = Cell(name="cell", area_um2=10.0)
    session.clocks.add(clock)
    session.cells.add(cell)
    t = np.arange(0, 400, 0.5)
    current = 1e-9 * np.where((t // 50) % 2 == 0, 1.0, -1.0)
    voltage = 3.6 + 0.004 * np.abs((t % 100) - 50) * -1 + 0.001 * rng.normal(size=len(t))
    columns = {
        "voltage": Column("voltage", "V", GrowingArray(voltage)),
        "current": Column("current", "A", GrowingArray(current)),
    }
    session.runs.add(
        BiasRun(
            name="log", times=GrowingArray(t), columns=columns, clock=clock, cell_id=cell.id, simulated=True
        )
    )
    frames = rng.integers(0, 4000, (12, 48, 64), dtype=np.uint16)
    stack = FrameStack(name="movie", source=MemoryArray(frames), times=np.arange(12) * 30.0, times_from="file", pixel_nm=0.5, clock=clock)  # fmt: skip
    session.stacks.add(stack)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outlines = {n: Outline(np.stack([30 + (8 + n / 4) * np.cos(turn), 24 + (8 + n / 4) * np.sin(turn)], 1), 0.9, n == 0) for n in range(12) if n != 5}  # fmt: skip
    session.particles.add(Particle(name="P1", stack_id=stack.id, outlines=outlines))
    energy = np.linspace(30, 160, 261)
    spectra = rng.poisson(2e8 * energy**-2.5 * np.ones((8, 10, 1))).astype(np.float32)
    image = SpectrumImage(name="SI-1", state="charged", source=MemoryArray(spectra), energy_eV=energy, pixel_nm=(2.0, 2.0), start=100.0, end=160.0, clock=clock)  # fmt: skip
    session.maps.add(image)
    session.sites.add(Site(name="site 1", number=1, map_id=image.id, points=[(4.0, 4.0)], radius_px=2.0))
    session.profiles.add(
        ProfileLine(name="line", owner_id=image.id, start=(0.0, 4.0), end=(9.0, 4.0), width_px=3)
    )
    session.events.add(Event(name="bias on", t=50.0, category="bias"))
    return session


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    session, out = whole_session(), tmp_path_factory.mktemp("out")
    film = folder.MovieSettings((320, 180), rate=10, speed=60.0)
    run_to_end(folder.export(session, out, folder.Wanted(film=film)))
    return session, out


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, comment="#", float_precision="round_trip")


def test_every_table_comes_back_through_pandas(exported: tuple[Session, Path]) -> None:
    session, out = exported
    tables = {path.stem: read(path) for path in (out / "tables").glob("*.csv")}
    assert {"run_log", "frames_movie", "particle_P1", "map_SI-1", "spectra_charged", "profile_line_charged", "half_cycles", "cycles", "events", "clocks"} <= set(tables)  # fmt: skip
    run = session.runs.first
    assert run is not None
    np.testing.assert_array_equal(tables["run_log"]["time (s)"], run.t)
    np.testing.assert_array_equal(tables["run_log"]["current (A)"], run.values("current"))
    area = tables["particle_P1"]["area (nm²)"]
    assert np.flatnonzero(np.isnan(area)).tolist() == [5]  # lost, not invented
    assert area[0] == pytest.approx(np.pi * 16, rel=0.01)
    assert len(tables["map_SI-1"]) == 80
    assert tables["cycles"]["charge (µAh/cm²)"][0] == pytest.approx(1e-9 * 50 / 3600 * 1e6 / 1e-7, rel=0.02)
    assert tables["events"]["name"].tolist() == ["bias on"]
    for path in (out / "tables").glob("*.csv"):
        assert path.read_text("utf-8").startswith("# written by: TandEM")


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler is not here")
def test_figures_open_in_poppler_with_text_that_can_be_edited(exported: tuple[Session, Path]) -> None:
    _, out = exported
    names = {path.stem for path in (out / "figures").glob("*.pdf")}
    assert {
        "lanes",
        "capacity",
        "dqdv",
        "crossing",
        "cycles",
        "montage",
        "maps",
        "spectra",
        "sites",
        "profiles",
    } <= names
    for path in (out / "figures").glob("*.pdf"):
        fonts = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True)
        rows = fonts.stdout.splitlines()[2:]
        assert rows
        assert not fonts.stderr
        assert all("TrueType" in row and " yes yes yes " in row for row in rows), rows
        text = subprocess.run(
            ["pdftotext", str(path), "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "simulated" in text
    lanes = subprocess.run(
        ["pdftotext", str(out / "figures" / "lanes.pdf"), "-"], capture_output=True, text=True, check=True
    )
    assert "Voltage (V)" in lanes.stdout
    assert "bias on" in lanes.stdout


def test_svg_keeps_its_letters_and_asks_for_nothing(exported: tuple[Session, Path]) -> None:
    _, out = exported
    for path in (out / "figures").glob("*.svg"):
        text = path.read_text("utf-8")
        assert "<text" in text
        assert not re.search(r'(?:href|src)="http', text)


def test_the_movie_decodes_with_the_right_count(exported: tuple[Session, Path]) -> None:
    _, out = exported
    with av.open(str(out / "movie.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.pts * frame.time_base for frame in container.decode(stream)]
    assert len(times) == 330 // 6 + 1
    assert all(float(b - a) == pytest.approx(0.1) for a, b in pairwise(times))


def test_the_report_is_whole_and_needs_no_network(exported: tuple[Session, Path]) -> None:
    _, out = exported
    page = (out / "report.html").read_text("utf-8")
    assert "Silicon, 3 µm &amp; &lt;more&gt;" in page
    assert not re.search(r"https?://", page)
    for words in (
        "Methods",
        "Simulated data",
        "biasing: log",
        "± 0.10 s",
        "power law background fitted from",
    ):
        assert words in page
    assert page.count("<figure>") == 10


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here")
def test_the_report_opens_in_a_browser_without_a_word_on_the_console(
    exported: tuple[Session, Path], tmp_path: Path
) -> None:
    _, out = exported
    log = tmp_path / "net.json"
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path}", f"--log-net-log={log}", "--dump-dom", f"file://{out / 'report.html'}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "Simulated data" in done.stdout
    assert "CONSOLE" not in done.stderr
    # the browser's own services are not the page: what a page asks for has its file as initiator
    assert not re.search(r'"initiator":"file', log.read_text("utf-8", errors="replace"))


def test_a_font_can_be_embedded() -> None:
    assert "DejaVu Sans" in fonts_here()
