"""A small session with one of everything, made of simple numbers."""

from __future__ import annotations

import numpy as np

from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

START = "2026-03-12T14:05:00+01:00"
FRAMES = 8


def small_session() -> Session:
    session = Session("check of the installation (simulated)")
    session.info.start_iso = START
    session.info.simulated = True
    clock = session.clocks.add(Clock(name="computer", start_iso=START, zone="+01:00", simulated=True))
    cell = session.cells.add(Cell(name="cell", area_um2=10.0, simulated=True))
    session.runs.add(bias_run(clock, cell))
    session.stacks.add(movie(clock))
    session.maps.add(spectrum_image(clock))
    return session


def bias_run(clock: Clock, cell: Cell | None = None) -> BiasRun:
    t = np.arange(0.0, 8.0, 0.1)
    return BiasRun(
        name="run",
        clock=clock,
        times=GrowingArray(t),
        columns={
            "voltage": Column("voltage", "V", GrowingArray(3.0 + 0.1 * t), "Ewe"),
            "current": Column("current", "A", GrowingArray(1e-9 * np.where(t < 4.0, 1.0, -1.0)), "I"),
        },
        cell_id=cell.id if cell is not None else "",
        simulated=True,
    )


def movie(clock: Clock) -> FrameStack:
    y, x = np.mgrid[:64, :96]
    pixels = np.array(
        [1000.0 + 500.0 * ((x - 48) ** 2 + (y - 32) ** 2 < (10 + n) ** 2) for n in range(FRAMES)]
    )
    return FrameStack(
        name="movie",
        source=MemoryArray(pixels.astype(np.uint16)),
        clock=clock,
        times=np.arange(float(FRAMES)),
        times_from="file",
        pixel_nm=0.5,
        pixel_from="file",
        simulated=True,
    )


def spectrum_image(clock: Clock) -> SpectrumImage:
    energy = np.arange(40.0, 140.0, 0.5)
    rows = np.arange(1.0, 5.0)[:, None, None]
    counts = rows * (1e4 * (energy / 40.0) ** -3.0 + 50.0 * (energy > 99.0)) * np.ones((4, 6, 1))
    return SpectrumImage(
        name="map",
        source=MemoryArray(counts.astype(np.float32)),
        energy_eV=energy,
        pixel_nm=(2.0, 2.0),
        clock=clock,
        start=1.0,
        end=3.0,
        dwell_s=0.05,
        beam_kV=200.0,
        convergence_mrad=10.0,
        collection_mrad=20.0,
        simulated=True,
    )
