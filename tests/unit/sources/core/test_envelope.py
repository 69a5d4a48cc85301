"""The relation of two clocks from messages that can only arrive late."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S
from tandem_em.sources.core.envelope import BUCKETS, MAX_RATE_PPM, Envelope


def fed(device: np.ndarray, host: np.ndarray, **options: object) -> Envelope:
    made = Envelope(**options)  # type: ignore[arg-type]
    made.add(device, host)
    return made


@settings(max_examples=40)
@given(st.floats(-1e5, 1e5), st.integers(0, 2**16), st.floats(5, 25))
def test_the_offset_is_never_later_than_the_earliest_message(offset: float, seed: int, span: float) -> None:
    rng = np.random.default_rng(seed)
    device = np.sort(rng.uniform(0, span, 200))
    delay = rng.exponential(0.05, 200)
    fit = fed(device, device + offset + delay).fit()
    assert fit.rate_ppm == 0.0, "too short for a rate"
    assert fit.offset_s == pytest.approx(offset + delay.min(), abs=1e-6)
    assert fit.samples == 200


@settings(max_examples=30)
@given(st.floats(-200, 200), st.floats(-1e4, 1e4), st.integers(0, 2**16))
def test_offset_and_rate_of_a_long_record_are_found(rate_ppm: float, offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    device = np.arange(0, 1800, 0.1)
    delay = 0.001 + rng.exponential(0.02, len(device))
    fit = fed(device, offset + device * (1 + rate_ppm * 1e-6) + delay).fit()
    assert fit.rate_ppm == pytest.approx(rate_ppm, abs=8)
    assert fit.to_host(900.0) == pytest.approx(offset + 900 * (1 + rate_ppm * 1e-6) + 0.001, abs=0.01)
    assert fit.span_s == pytest.approx(1800, abs=8), "a bucket at either end"


@settings(max_examples=25)
@given(st.integers(0, 2**16), st.integers(1, 400))
def test_the_order_and_the_portions_of_messages_do_not_matter(seed: int, portion: int) -> None:
    rng = np.random.default_rng(seed)
    device = rng.permutation(np.linspace(0, 60, 400))
    host = device + 3.0 + rng.exponential(0.03, 400)
    whole, pieces = fed(device, host).fit(), Envelope()
    for start in range(0, 400, portion):
        pieces.add(device[start : start + portion], host[start : start + portion])
    one_by_one = Envelope()
    for pair in zip(device.tolist(), host.tolist()):
        one_by_one.add_pair(*pair)
    for other in (pieces.fit(), one_by_one.fit()):
        assert (other.offset_s, other.rate_ppm) == pytest.approx((whole.offset_s, whole.rate_ppm))
        assert other.samples == 400


def test_memory_is_bounded_however_long_it_runs() -> None:
    envelope = Envelope()
    for hour in range(50):
        device = hour * 3600 + np.arange(0, 3600, 1.0)
        envelope.add(device, device + 1.0)
    assert len(envelope._buckets) <= BUCKETS
    assert envelope.fit().offset_s == pytest.approx(1.0, abs=1e-6)


def test_nothing_is_known_before_the_first_message() -> None:
    fit = Envelope().fit()
    assert math.isnan(fit.offset_s)
    assert math.isinf(fit.uncertainty_s)
    empty = fed(np.array([np.nan, 1.0, np.inf]), np.array([1.0, np.nan, 2.0]))
    empty.add_pair(math.nan, 1.0)
    assert empty.fit().samples == 0


def test_a_drift_no_quartz_has_is_no_rate() -> None:
    device = np.arange(0, 600, 0.5)
    fit = fed(device, device * (1 + 2 * MAX_RATE_PPM * 1e-6)).fit()
    assert fit.rate_ppm == 0.0


def test_uncertainty_is_typical_for_few_messages_and_measured_for_many() -> None:
    few = fed(np.array([0.0, 1.0]), np.array([0.0, 1.0]), origin="ntp").fit()
    assert few.uncertainty_s == TYPICAL_UNCERTAINTY_S["ntp"]
    device = np.arange(0, 20, 0.1)
    many = fed(device, device + 0.5, origin="ntp", floor_s=0.004).fit()
    assert many.uncertainty_s == pytest.approx(0.0041)
    by_file = fed(device, device + 0.5, origin="file time").fit()
    assert by_file.uncertainty_s == TYPICAL_UNCERTAINTY_S["file time"]
