"""Dose at the desk: from a typed rate and from counts, with the beam off for a while, over the budget, over the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.readout import read_at
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks import dose
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session

FRAMES, RATE, GAIN, OFFSET = 20, 50.0, 8.0, 100.0


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(Session("dose"), AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
    rng = np.random.default_rng(1)
    electrons = RATE * (10 * 0.1) ** 2 * 0.5
    frames = rng.poisson(electrons, (FRAMES, 32, 40)) * GAIN + OFFSET
    frames[8:12] = OFFSET
    drift = np.zeros((FRAMES, 2))
    drift[10:, 0] = 5.0
    stack = desk.session.stacks.add(
        FrameStack(
            name="movie", source=MemoryArray(frames.astype(np.uint16)), times=np.arange(FRAMES) * 0.5,
            times_from="file", pixel_nm=0.1, exposure_s=0.5, counts_offset=OFFSET, drift_px=drift,
        )
    )  # fmt: skip
    desk.session.clocks.add(stack.clock)
    return desk


def stack_of(desk: Desk) -> FrameStack:
    stack = desk.session.stacks.first
    assert stack is not None
    return stack


@pytest.mark.expects_log
def test_a_typed_rate_counts_only_while_the_beam_is_on(desk: Desk) -> None:
    dose.type_rate(desk, stack_of(desk), 20.0, 100.0)
    result = dose.of_stack(desk.session, stack_of(desk))
    assert result is not None
    assert (~result.arrays["beam_on"]).nonzero()[0].tolist() == [8, 9, 10, 11]
    lit = 20 * 0.5 * 7 + 20 * 0.5 * 7 + 2 * 20 * 0.25  # two stretches and half a step at each end of the gap
    assert result.arrays["dose_e_A2"][-1] == pytest.approx(lit)
    assert result.arrays["dose_e_A2"][9] == result.arrays["dose_e_A2"][11]
    assert read_at(desk.session, 4.9).dose == "0.0 e⁻/Å²s · Σ 75"
    assert read_at(desk.session, 9.4).dose == "20.0 e⁻/Å²s · Σ 140 ⚠"
    warning = desk.notices.items[-1]
    assert warning.level == "warning"
    assert "budget of 100" in warning.title
    assert "4 of 20 frames" in warning.advice


def test_counts_give_the_rate_of_every_frame_and_one_undo_takes_all_back(desk: Desk) -> None:
    stack = stack_of(desk)
    dose.from_counts(desk, stack, GAIN, OFFSET)
    result = dose.of_stack(desk.session, stack)
    assert result is not None
    assert result.arrays["rate_e_A2s"][:8] == pytest.approx(np.full(8, RATE), rel=0.02)
    assert (result.arrays["rate_e_A2s"][8:12] == 0).all()
    assert stack.counts_per_electron == GAIN
    assert not desk.session.is_stale(result.made_by)
    desk.session.history.undo()
    assert stack.counts_per_electron is None
    assert dose.of_stack(desk.session, stack) is None


def test_the_map_knows_the_drift_and_replaces_an_older_one(desk: Desk) -> None:
    stack = stack_of(desk)
    with pytest.raises(UserError, match="not known yet"):
        dose.map_over_sample(desk, stack)
    dose.type_rate(desk, stack, 20.0, None)
    dose.map_over_sample(desk, stack)
    result = dose.map_over_sample(desk, stack)
    assert [r for r in desk.session.results if r.analysis == dose.DOSE_MAP] == [result]
    values = result.arrays["dose_e_A2"]
    assert values.shape == (32, 45)
    assert result.values["origin_px"] == [-5.0, 0.0]
    measured = dose.of_stack(desk.session, stack)
    assert measured is not None
    assert values[:, 5:40].max() == pytest.approx(measured.arrays["dose_e_A2"][-1], rel=1e-5)
    assert values[:, :5].max() < values[:, 5:40].max()


def test_counts_need_a_pixel_size_and_a_gain(desk: Desk) -> None:
    with pytest.raises(UserError, match="positive"):
        dose.from_counts(desk, stack_of(desk), 0.0, 0.0)
    desk.change("Forget", stack_of(desk), pixel_nm=None)
    with pytest.raises(UserError, match="pixel size"):
        dose.from_counts(desk, stack_of(desk), 1.0, 0.0)
