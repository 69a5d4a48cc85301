"""The demo experiment: everything simulated, marked as such, and analysed by TandEM itself like a real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tandem_em import __version__
from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace
from tandem_em.desk.demo.analysis import analyse
from tandem_em.desk.demo.truth import truth_of_map, truth_of_movie, truth_of_streams
from tandem_em.desk.document import files, recovery
from tandem_em.desk.settings import config_folder, opened_demos
from tandem_em.exporters import raw_files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, ProfileLine, Site, SpectrumImage
from tandem_em.simulation import demo_bias, demo_movie
from tandem_em.simulation.demo_bias import NANOBATTERIES, BiasLog
from tandem_em.simulation.eels_images import SimulatedMap, simulate_states
from tandem_em.simulation.movie_physics import render_frame
from tandem_em.simulation.movie_recipe import MovieRecipe

START = "2026-03-12T14:05:00+01:00"
LOG_START_S, LOG_END_S = -60.0, 210.0
MAP_STARTS_S = (-50.0, 132.0, 172.0)
MAP_SECONDS = 28.0
MAP_SHAPE = (60, 92, 1024)
MAP_ELECTRONS = 8e6
"""Reaching the spectrometer in each pixel: 250 pA for 5 ms."""
# The batteries were cycled on the day before the movie.
CYCLING_START_S = -72_000.0
# Clocks that are off by different amounts, as in a real laboratory.
BIAS_CLOCK = {"offset_s": 1.7, "rate_ppm": 40.0}
CAMERA_CLOCK = {"offset_s": 0.0, "rate_ppm": 0.0}
EELS_CLOCK = {"offset_s": -2.3, "rate_ppm": -15.0}
FRAMES = 150
LAYOUT_VERSION = 6
"""Raised when the demo changes, so that a cached one is built anew."""
MOST = 50
"""Demos that are open at the same time."""


def demo_path(frames: int = FRAMES, size: int = 512, seed: int = 7) -> Job[Path]:
    """A fresh copy of the demo for somebody to work on: whatever visitors did before is not in it."""
    pristine = yield from pristine_path(frames, size, seed)
    yield Progress(0, 0, "Copying the demo")
    folder = opened_demos()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST + 1):
        path = folder / f"demo{'' if number == 1 else f' {number}'}{files.SUFFIX}"
        # False when another window has this copy open: the next number is tried.
        if recovery.replace_by_copy(pristine, path):
            return path
    raise UserError("The demo is open in too many windows.", "Close some of them.")


def pristine_path(frames: int = FRAMES, size: int = 512, seed: int = 7) -> Job[Path]:
    """The demo's session file, built once for each choice of numbers. It is only ever copied."""
    folder = config_folder() / "demo"
    path = folder / f"demo-{__version__}-{LAYOUT_VERSION}-{frames}x{size}-{seed}.nxs"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        yield from write_demo(path, frames, size, seed)
    return path


def write_demo(path: Path, frames: int = FRAMES, size: int = 512, seed: int = 7) -> Job[Path]:
    """Build the experiment and write it; nothing is left behind when it is interrupted."""
    session = yield from build_demo(frames, size, seed)
    # Named by process: two programs may build the demo at the same time.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{files.SUFFIX}")
    try:
        opened = yield from files.create_session(temporary, session)
        # Before the file is moved: Windows moves no open file.
        opened.store.close()
        replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_files(session: Session, folder: Path) -> Job[list[Path]]:
    """The streams of the demo as the files instruments write, to try importing with."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    total = 3 * len(session.runs) + 2 * len(session.stacks) + len(session.maps)
    for run in session.runs:
        stem = run.name.replace("µ", "u").replace(" ", "-")
        yield Progress(len(written), total, f"Writing {run.name}")
        written += [
            raw_files.write_csv(folder / f"{stem}.csv", run),
            raw_files.write_mpt(folder / f"{stem}.mpt", run),
        ]
    for stack in session.stacks:
        yield Progress(len(written), total, f"Writing {stack.name}")
        written.append(raw_files.write_movie_tif(folder / f"{stack.name}.tif", stack))
        written.append(raw_files.write_movie_mrc(folder / f"{stack.name}.mrc", stack))
    for image in session.maps:
        yield Progress(len(written), total, f"Writing {image.name}")
        written.append(raw_files.write_hspy(folder / f"{image.name.replace(' ', '-')}.hspy", image))
    return written


def build_demo(frames: int = FRAMES, size: int = 512, seed: int = 7) -> Job[Session]:
    """Simulate the streams, then analyse them: drift, outlines, maps."""
    session = Session("Si cluster and LiCoO2 nanobatteries (simulated)")
    session.info.start_iso = START
    session.info.simulated = True
    session.info.sample = "Si nanoparticles on lacy carbon; LiCoO2 / LiPON / Si / Cu lamella"
    session.info.instrument = "TandEM demo simulation"
    session.info.beam_kV = 200.0
    session.info.view.update({"t": 35.2, "span": [-15.0, 125.0]})
    recipe = demo_movie.demo_recipe(frames, size, seed)
    stack = yield from _movie(session, recipe)
    _biasing(session, recipe, seed)
    _marks(session, stack)
    with ThreadPoolExecutor(1) as beside:  # outlines are followed on one core: the maps are made on another
        maps = beside.submit(lambda: run_to_end(simulate_states(MAP_SHAPE, seed=seed, counts=MAP_ELECTRONS)))
        yield from analyse(session, stack, recipe)
        yield Progress(0, 0, "Simulating the maps")
        _maps(session, maps.result())
    session.truths.add(truth_of_movie(recipe, stack.id))
    session.truths.add(truth_of_streams(session))
    return session


def _clock(session: Session, name: str, offset_s: float, rate_ppm: float, uncertainty_s: float) -> Clock:
    """A clock that is off, with the right correction stored and where that came from."""
    return session.clocks.add(
        Clock(
            name=name,
            offset_s=offset_s,
            rate_ppm=rate_ppm,
            uncertainty_s=uncertainty_s,
            origin="marked event",
            start_iso=START,
            zone="+01:00",
            reference_events=[{"what": "bias step against the jump in the image", "t": demo_movie.BIAS_ON_S}],
            simulated=True,
        )
    )


def _movie(session: Session, recipe: MovieRecipe) -> Job[FrameStack]:
    frames, height, width = recipe.shape
    pixels = np.empty((frames, height, width), np.uint16)
    for done in _in_threads(recipe, pixels):
        yield Progress(done, frames, "Simulating the movie")
    clock = _clock(session, "camera", uncertainty_s=0.02, **CAMERA_CLOCK)
    stack = FrameStack(
        name="movie-S1",
        source=MemoryArray(pixels),
        clock=clock,
        times=clock.to_device(np.array(recipe.times_s)),
        times_from="file",
        frame_numbers=_frame_numbers(np.array(recipe.times_s)),
        exposure_s=recipe.exposure_s,
        pixel_nm=recipe.pixel_nm,
        pixel_from="file",
        counts_per_electron=recipe.camera.gain,
        counts_offset=recipe.camera.offset,
        bad_frames=sorted(recipe.blanked),
        instrument={"camera": "simulated", "dose_rate_e_A2s": demo_movie.DOSE_RATE_E_A2S},
        simulated=True,
    )
    session.stacks.add(stack)
    return stack


def _in_threads(
    recipe: MovieRecipe, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]
) -> Iterator[int]:
    """Render all frames on the cores there are; yields how many are done."""
    pixels[0] = render_frame(recipe, 0)  # compiles the kernels once
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        waiting = pool.map(lambda i: pixels.__setitem__(i, render_frame(recipe, i)), range(1, len(pixels)))
        for done, _ in enumerate(waiting, start=2):
            yield done


def _frame_numbers(
    times: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The camera's counter: it goes on counting where frames were dropped."""
    step = float(np.median(np.diff(times)))
    return np.concatenate([[0], np.cumsum(np.maximum(1, np.round(np.diff(times) / step)))]).astype(np.int64)


def _biasing(session: Session, recipe: MovieRecipe, seed: int) -> None:
    source_meter = _clock(session, "source-meter", uncertainty_s=0.1, **BIAS_CLOCK)
    lamella = Cell(
        name="nanobattery",
        area_um2=10.0,
        layers=[
            {"name": "LiCoO2", "thickness_nm": 2000}, {"name": "LiPON", "thickness_nm": 1500},
            {"name": "Si", "thickness_nm": 85}, {"name": "Cu", "thickness_nm": 100},
        ],
        capacity_uAh_cm2=demo_bias.CAPACITY_uAh_CM2,
        chemistry="LiCoO2",
        safe_low_V=2.0,
        safe_high_V=4.2,
        simulated=True,
    )  # fmt: skip
    cluster = Cell(name="Si cluster", chemistry="Si", safe_low_V=-1.0, safe_high_V=1.0, simulated=True)
    session.cells.add(cluster)
    session.cells.add(lamella)
    log = demo_bias.cluster_log(recipe, start_s=LOG_START_S, end_s=LOG_END_S, seed=seed)
    session.runs.add(_run("cluster A", log, source_meter, cluster, 0.0))
    for battery in NANOBATTERIES:
        cell = lamella if battery.area_um2 == lamella.area_um2 else Cell(
            name=battery.name, area_um2=battery.area_um2, capacity_uAh_cm2=lamella.capacity_uAh_cm2,
            chemistry="LiCoO2", safe_low_V=2.0, safe_high_V=4.2, layers=lamella.layers, simulated=True,
        )  # fmt: skip
        if cell is not lamella:
            session.cells.add(cell)
        clock = _clock(session, f"cycler, {battery.name}", CYCLING_START_S, 0.0, 1.0)
        session.runs.add(
            _run(battery.name, demo_bias.cycling_log(battery, seed=seed), clock, cell, CYCLING_START_S)
        )


def _run(name: str, log: BiasLog, clock: Clock, cell: Cell, starts_at_s: float) -> BiasRun:
    device = clock.to_device(log.times_s + starts_at_s)
    return BiasRun(
        name=name,
        clock=clock,
        times=GrowingArray(device),
        columns={
            "voltage": Column("voltage", "V", GrowingArray(log.voltage_V), "Ewe"),
            "current": Column("current", "A", GrowingArray(log.current_A), "I"),
            "range": Column("range", "A", GrowingArray(log.range_A), "I range", is_step=True),
        },
        cell_id=cell.id,
        instrument={"name": "simulated source-meter", "compliance_A": 205e-12, "true_charge_C": log.charge_C},
        simulated=True,
    )


def _maps(session: Session, maps: list[SimulatedMap]) -> None:
    clock = _clock(session, "spectrometer", uncertainty_s=0.5, **EELS_CLOCK)
    for number, (start_s, simulated) in enumerate(zip(MAP_STARTS_S, maps), start=1):
        image = session.maps.add(_map(f"SI-{number} {simulated.state}", start_s, simulated, clock))
        session.truths.add(truth_of_map(image, simulated.truth))
    first, charged, _ = session.maps
    session.info.view["selected"] = {"map": charged.id}
    for name, onset, fit, signal, channel, colour in (
        ("Li K", 54.7, (41.0, 51.0), (52.5, 57.5), "red", "#ff5a5f"),
        ("P L₂,₃", 132.0, (120.0, 130.0), (132.0, 137.0), "green", "#4fd18b"),
        ("Si L₂,₃", 99.2, (88.0, 98.0), (102.0, 107.0), "blue", "#4a9eff"),
    ):
        edge = Edge(name=name, onset_eV=onset, fit=fit, signal=signal, colour=colour)
        edge.channel = channel  # type: ignore[assignment]
        session.edges.add(edge)
    height, width, _ = first.shape
    for number in range(8):
        place = (width * (number + 0.5) / 8, height / 2)
        session.sites.add(
            Site(name=f"site {number}", number=number, map_id=first.id, points=[place], radius_px=2.0)
        )
    session.profiles.add(
        ProfileLine(
            name="across the stack",
            owner_id=first.id,
            start=(0.0, height / 2),
            end=(width - 1.0, height / 2),
            width_px=20,
        )
    )


def _map(name: str, start_s: float, simulated: SimulatedMap, clock: Clock) -> SpectrumImage:
    height, width, _ = simulated.data.shape
    return SpectrumImage(
        name=name,
        source=MemoryArray(simulated.data),
        energy_eV=simulated.energy_eV,
        pixel_nm=(simulated.pixel_nm, simulated.pixel_nm),
        clock=clock,
        start=float(clock.to_device(start_s)),
        end=float(clock.to_device(start_s + MAP_SECONDS)),
        dwell_s=MAP_SECONDS / (height * width),
        adf=simulated.adf,
        beam_kV=simulated.beam_kV,
        convergence_mrad=simulated.convergence_mrad,
        collection_mrad=simulated.collection_mrad,
        counts_per_electron=1.0,
        state=simulated.state,
        layers=list(simulated.truth.layers),
        instrument={"spectrometer": "simulated"},
        simulated=True,
    )


def _marks(session: Session, stack: FrameStack) -> None:
    for text, t, category in (
        ("bias on −0.2 V", demo_movie.BIAS_ON_S, "bias"),
        ("needle retracted", demo_movie.RETRACT_S, "contact"),
    ):
        session.events.add(Event(name=text, t=t, category=category, author="demo", simulated=True))
    session.doses.add(
        DoseSettings(
            name="movie",
            stack_id=stack.id,
            rate_e_A2s=demo_movie.DOSE_RATE_E_A2S,
            budget_e_A2=1000.0,
            simulated=True,
        )
    )
