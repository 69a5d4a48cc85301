"""A session in which every kind of lane has something to show."""

from __future__ import annotations

import numpy as np

from tandem_em.desk.outlines import kinetics
from tandem_em.desk.stacks import layers
from tandem_em.desk.stacks.stack import REGION
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
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
    thick = {
        "t_s": t,
        "thickness_1": 85 + t,
        "thickness_1_error": 0.5 + 0 * t,
        "edge_1": 2 + 0 * t,
        "edge_2": 9 + 0 * t,
    }
    session.results.add(
        ResultSet(name="layers", analysis=layers.LAYERS, arrays=thick, units={"thickness_1": "nm"}, values={"line_id": line.id})
    )  # fmt: skip
    means = {"t_s": t, "mean": rng.normal(50, 1, 40)}
    session.results.add(
        ResultSet(name="R1 of movie", analysis=REGION, arrays=means, units={"mean": "counts"})
    )
    first = session.particles.first
    assert first is not None
    fit = {"t_s": t[5:30], "area": 25 + 0 * t[5:30], "fit linear": 25 + 0.1 * t[5:30]}
    values = {"models": [{"name": "linear"}], "area_unit": "nm²", "span_s": [5.0, 30.0], "n_frames": 25}
    session.results.add(
        ResultSet(name="kinetics", analysis=kinetics.KINETICS, arrays=fit, values=values, owner_id=first.id)
    )
