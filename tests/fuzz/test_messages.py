"""Messages of instruments with any content: understood or refused with the errors the receivers catch."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.sources.programs.reader import parse_program
from tandem_em.storage.codec.read_json import from_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["method", "step", "current_mA", "rate_C", "until_time_s", "voltage_V", "~", "v", "dtype", "shape", "loop", "start_step", "cycle_count"]) | st.text(max_size=4),
        inner | st.sampled_from(["constant_current", "constant_voltage", "open_circuit_voltage", "loop", "ramp", "pulse", "array", "tuple"]), max_size=6
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=4000)
@given(JSON)
def test_any_program_is_read_or_refused(value: Any) -> None:
    try:
        parse_program(json.dumps(value), "any")
    except UserError:
        pass


@settings(max_examples=4000)
@given(JSON | st.text(max_size=60))
def test_any_json_of_a_session_is_read_or_a_value_error(value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    for hint in (Any, dict[int, str], tuple[float, float], list[tuple[int, ...]]):
        try:
            from_json(text, hint)
        except ValueError:
            pass
