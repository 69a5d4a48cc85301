"""Layers at the desk: an anode that grows from 85 to 140 nm, kept with provenance, one step that can be undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks import layers
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import ProfileLine

FRAMES, PIXEL_NM = 40, 0.8
THICKNESS_NM = np.concatenate([np.full(6, 85.0), 85 + 55 * (1 - np.exp(-np.arange(FRAMES - 6) / 7))])


def film(blank: int = 20) -> FrameStack:
    """Collector | anode | electrolyte, counted electrons, drifting, one frame without beam; the anode grows upwards."""
    from scipy.special import expit

    rng = np.random.default_rng(11)
    drift = np.cumsum(rng.normal(0, 0.4, (FRAMES, 2)), axis=0)
    drift -= drift[0]
    y = np.mgrid[0:260, 0:90][0].astype(float)
    frames = np.empty((FRAMES, 260, 90), np.uint16)
    for k in range(FRAMES):
        up = 215 - (y - drift[k, 1])
        clean = 1 - 0.5 * expit((0 - up) * 2) - 0.25 * expit((THICKNESS_NM[k] / PIXEL_NM - up) * 2)
        frames[k] = rng.poisson(0 if k == blank else 60 * clean)
    return FrameStack(
        name="film", source=MemoryArray(frames), times=np.arange(FRAMES) * 1.5, times_from="file", pixel_nm=PIXEL_NM,
        drift_px=drift,
    )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Session("film"), AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))


def test_an_anode_that_grows_from_85_to_140_nm_is_within_two_per_cent(desk: Desk) -> None:
    stack = desk.session.stacks.add(film())
    desk.session.clocks.add(stack.clock)
    line = desk.session.profiles.add(
        ProfileLine(name="L1", owner_id=stack.id, start=(45.0, 235.0), end=(45.0, 15.0), width_px=40)
    )
    layers.follow(desk, stack, line, [18.0, 128.0], 0)
    result = layers.of_line(desk.session, line)
    assert result is not None
    ((thickness, error, unit),) = layers.thicknesses(result)
    seen = np.arange(FRAMES) != 20
    assert unit == "nm"
    np.testing.assert_allclose(thickness[seen], THICKNESS_NM[seen], rtol=0.02)
    assert np.isnan(thickness[20])
    off = np.abs(thickness - THICKNESS_NM)[seen]
    assert (off < 3 * error[seen] + 0.3).mean() > 0.9
    np.testing.assert_allclose(layers.edges_at(result, 5), [20.0, 20 + 85 / PIXEL_NM], atol=1.0)


def test_layers_are_one_step_with_provenance_and_go_stale(desk: Desk) -> None:
    stack = desk.session.stacks.add(film())
    desk.session.clocks.add(stack.clock)
    line = desk.session.profiles.add(
        ProfileLine(name="L1", owner_id=stack.id, start=(45.0, 235.0), end=(45.0, 15.0), width_px=40)
    )
    layers.follow(desk, stack, line, [18.0, 128.0], 0)
    result = layers.of_line(desk.session, line)
    assert result is not None
    step = desk.session.steps[result.made_by]
    assert step.inputs == {item.id: item.revision for item in (stack, stack.clock, line)}
    assert step.parameters["edges_px"] == [18.0, 128.0]
    assert not desk.session.is_stale(step.id)
    desk.change("Calibrate", stack, pixel_nm=0.7)
    assert desk.session.is_stale(step.id)
    desk.session.history.undo()
    desk.session.history.undo()
    assert layers.of_line(desk.session, line) is None
    assert not len(desk.session.steps)


def test_a_thickness_needs_two_edges(desk: Desk) -> None:
    stack = desk.session.stacks.add(film())
    desk.session.clocks.add(stack.clock)
    with pytest.raises(UserError, match="two edges"):
        layers.follow(desk, stack, ProfileLine(owner_id=stack.id), [3.0], 0)


def test_a_polyline_is_cut_along_its_corners() -> None:
    stack = film()
    line = ProfileLine(
        owner_id=stack.id, start=(20.0, 50.0), via=[(20.0, 20.0)], end=(60.0, 20.0), width_px=3
    )
    rows = run_to_end(layers.kymograph(stack, line))
    assert rows.shape == (FRAMES, 71)
    values, error = layers.profile(stack, line, stack.frame(3), 3)
    np.testing.assert_allclose(values, rows[3])
    assert (error > 0).mean() > 0.9
