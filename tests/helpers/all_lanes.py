"""A session in which every kind of lane has something to show."""

from __future__ import annotations

import numpy as np

from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.results.of_stacks import Kinetics, Layers, RegionStatistics
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine
from tandem_em.model.tracks import Outline, Particle


def run(rng: np.random.Generator) -> BiasRun:
    """A charge and a discharge with a pause in between, one late stamp, a zero that is off, and a temperature."""
    times = np.concatenate([np.arange(0, 15, 0.1), np.arange(20, 40, 0.1)])
    times[50], times[51] = times[51], times[50]
    current = np.where(times < 15, 8e-11, -9e-11) + rng.normal(0, 1e-12, len(times)) + 2e-12
    values = {
        "voltage": ("V", 3.6 + 0.02 * times),
        "current": ("A", current),
        "temperature": ("°C", 20 + times),
    }
    columns = {name: Column(name, unit, GrowingArray(y)) for name, (unit, y) in values.items()}
    return BiasRun(
        name="log", times=GrowingArray(times), columns=columns, zero_current_A=2e-12, zero_current_error_A=1e-13,
        clock=Clock(name="log", origin="file time", offset_s=0.25, rate_ppm=40.0),
    )  # fmt: skip


def all_lanes_session() -> Session:
    rng = np.random.default_rng(5)
    session = Session("all lanes")
    log = run(rng)
    stack = FrameStack(
        name="movie", source=MemoryArray(rng.integers(0, 99, (40, 32, 32), dtype=np.uint16)), pixel_nm=0.5,
        times=np.arange(40.0), times_from="file", drift_px=rng.normal(0, 1, (40, 2)), clock=Clock(name="camera"),
    )  # fmt: skip
    for stream in (log, stack):
        session.clocks.add(stream.clock)
        session.collection_of(stream).add(stream)
    session.cells.add(
        Cell(name="cell", area_um2=10.0, capacity_uAh_cm2=80.0, safe_low_V=3.7, safe_high_V=4.1)
    )
    square = np.array([[4.0, 4], [14, 4], [14, 14], [4, 14]])
    for name, visible in (("P1", True), ("P2", True), ("hidden", False)):
        particle = Particle(name=name, stack_id=stack.id, visible=visible)
        for frame in set(range(3, 38)) - {20, 21}:
            size = 10.0 + 0.1 * frame + 0.05 * rng.normal()
            shape = 4.0 + (square - 4.0) * size / 10
            trust = 0.2 if frame in (12, 13) else 0.9  # below a half: a gap
            particle.outlines[frame] = Outline(shape, trust, False, size**2, size**2 - 5, size**2 + 6)
        session.particles.add(particle)
    session.doses.add(DoseSettings(stack_id=stack.id, rate_e_A2s=10.0, budget_e_A2=250.0))
    add_results(session, stack, rng)
    return session


def add_results(session: Session, stack: FrameStack, rng: np.random.Generator) -> None:
    line = ProfileLine(name="anode", owner_id=stack.id, start=(0, 0), end=(20, 20))
    session.profiles.add(line)
    t = stack.t.copy()
    thick = Layers(
        t_s=t, edges_px=(2 + 0 * t, 9 + 0 * t), edge_errors_px=(0 * t, 0 * t), thickness=(85 + t,),
        thickness_error=(0.5 + 0 * t,), unit="nm", line_id=line.id,
    )  # fmt: skip
    region = RegionStatistics(
        t_s=t, mean=rng.normal(50, 1, 40), sd=np.ones(40), unit="counts", region=(0, 0, 4, 4)
    )
    first = session.particles.first
    assert first is not None
    part = t[5:30]
    fit = Kinetics(
        t_s=part, area=25 + 0 * part, area_sigma=0 * part, fits={"linear": 25 + 0.1 * part}, rate=0 * part,
        rate_sigma=0 * part, unit="nm²", span_s=(5.0, 30.0), window_s=1.0, models=[{"name": "linear"}],
    )  # fmt: skip
    session.results.add(thick.to_result("layers", stack))
    session.results.add(region.to_result("R1 of movie", stack))
    session.results.add(fit.to_result("kinetics", first))
