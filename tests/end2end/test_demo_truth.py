"""What TandEM measures on its demo agrees with what the demo was made of, within the errors it shows."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.cycling.charge import Zero, integrate
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.demo.build import build_demo
from tandem_em.model.session import Session
from tandem_em.simulation.demo_movie import BIAS_ON_S, RETRACT_S


@pytest.fixture(scope="module")
def demo() -> Session:
    return run_to_end(build_demo(frames=150, size=320, seed=7))


def of(demo: Session, name: str) -> dict[str, np.ndarray]:
    return next(truth for truth in demo.truths if truth.name == name).arrays


def test_the_charge_is_right_within_its_error(demo: Session) -> None:
    run = demo.runs.first
    assert run is not None
    zero = Zero(run.zero_current_A, run.zero_current_error_A)
    found = integrate(run.t, run.values("current"), zero)
    error = found.error_C[-1] + 2e-12 * np.sqrt(
        0.1 * (run.t[-1] - run.t[0])
    )  # zero, and counting noise of samples
    assert abs(found.total_C - run.instrument["true_charge_C"]) < 3 * error
    unzeroed = integrate(run.t, run.values("current")).total_C
    assert abs(unzeroed - run.instrument["true_charge_C"]) > 3 * error, "the zero must matter"


def test_the_stored_clocks_bring_the_streams_together(demo: Session) -> None:
    run = demo.runs.first
    assert run is not None
    on, off = run.t[np.flatnonzero(np.diff((run.values("voltage") < -0.1).astype(int)))]
    assert (on, off) == pytest.approx((BIAS_ON_S, RETRACT_S), abs=0.15)
    device = run.times.view[np.searchsorted(run.t, on)]
    assert abs(device - BIAS_ON_S) > 1, "the raw stamps must disagree, or nothing is shown"


def test_areas_agree_with_the_truth(demo: Session) -> None:
    truth = of(demo, "movie")
    pixel_nm = demo.stacks.first.pixel_nm  # type: ignore[union-attr]
    assert len(demo.particles) == 3
    for particle in demo.particles:
        frames = sorted(particle.outlines)
        assert len(frames) >= 149
        true = truth[f"area_nm2_{particle.name}"][frames]
        area = np.array([particle.outlines[frame].area_px for frame in frames]) * pixel_nm**2
        off = np.abs(area / true - 1)
        assert np.median(off) < 0.03, particle.name
        assert np.quantile(off, 0.95) < 0.06, particle.name
        outlines = [particle.outlines[frame] for frame in frames]
        low, high = (
            np.array([(outline.area_low_px, outline.area_high_px) for outline in outlines]).T * pixel_nm**2
        )
        assert np.mean((low <= true) & (true <= high)) > 0.85, (
            f"the band of {particle.name} must hold the truth"
        )


def test_outlines_of_the_truth_enclose_their_areas(demo: Session) -> None:
    truth = of(demo, "movie")
    x, y = np.moveaxis(truth["outline_px_P1"].astype(float), -1, 0)
    areas = 0.5 * np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1))
    pixel_nm = demo.stacks.first.pixel_nm  # type: ignore[union-attr]
    assert areas * pixel_nm**2 == pytest.approx(truth["area_nm2_P1"], rel=1e-3)


def test_the_drift_agrees_with_the_truth(demo: Session) -> None:
    stack = demo.stacks.first
    assert stack is not None
    seen = [frame for frame in range(len(stack)) if frame not in stack.bad_frames]
    off = (stack.drift_px - of(demo, "movie")["drift_px"])[seen]
    assert np.sqrt((off**2).sum(axis=1).mean()) < 0.3


def test_lithium_piles_up_at_the_interface_once_charged(demo: Session) -> None:
    extra = {image.state: of(demo, image.name)["accumulated_Li_nm3"].max() for image in demo.maps}
    assert extra["pristine"] == 0
    assert extra["charged"] > 10
