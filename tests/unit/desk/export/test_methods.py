"""The methods paragraph says what was done with which numbers, and nothing that was not."""

from __future__ import annotations

import numpy as np

from tandem_em.desk.export.methods import methods
from tandem_em.desk.export.report import _when
from tandem_em.desk.inventory import line_of
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session


def small() -> Session:
    session = Session("small")
    cell = session.cells.add(Cell(name="A", area_um2=10.0, capacity_uAh_cm2=80.0))
    clock = session.clocks.add(Clock(name="meter", offset_s=1.7, uncertainty_s=0.1, origin="marked event"))
    session.runs.add(
        BiasRun(
            name="log", clock=clock, times=GrowingArray(np.arange(2700.0)), cell_id=cell.id,
            columns={"current": Column("current", "A", GrowingArray(np.full(2700, 1e-11)))},
        )
    )  # fmt: skip
    stack = session.stacks.add(
        FrameStack(
            name="movie",
            source=MemoryArray(np.zeros((3, 8, 8), np.uint8)),
            times=np.arange(3.0),
            times_from="file",
        )
    )
    session.doses.add(DoseSettings(stack_id=stack.id, rate_e_A2s=10.0))
    return session


def test_clock_dose_and_cell_are_said_in_words() -> None:
    said = " ".join(methods(small()))
    assert "The clock of log is known from a marked event (offset +1.700 s, rate +0 ppm, ± 0.10 s)." in said
    assert "The dose of movie follows from a given dose rate of 10 e⁻/Å²s, over the whole movie." in said
    assert "Cell of log: electrode area 10.00 µm², full capacity 80.00 µAh/cm²." in said
    assert "no zero subtracted" in said


def test_numbers_and_moments_are_written_for_people() -> None:
    run = small().runs.first
    assert run is not None
    assert line_of(run).startswith("2\u202f700 samples")
    assert _when("2026-03-12T14:05:00+01:00") == "2026-03-12 14:05 UTC+01:00"
    assert _when("") == ""
