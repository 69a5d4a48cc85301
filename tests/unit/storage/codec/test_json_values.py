"""Values as JSON in a session file: what goes in comes out, of the same kind, whatever was declared."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_em.model.arrays import GrowingArray
from tandem_em.storage.codec.json_values import TAG, alternatives, element_hints, hint_for, to_json
from tandem_em.storage.codec.read_json import from_json, make_dataclass


@dataclass
class Inner:
    at: tuple[float, float] = (0.0, 0.0)
    label: str = ""


@dataclass
class Outer:
    inner: Inner = field(default_factory=Inner)
    by_frame: dict[int, Inner] = field(default_factory=dict)
    several: list[Inner] = field(default_factory=list)
    values: GrowingArray = field(default_factory=GrowingArray)
    _hidden: int = 3


TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.binary(max_size=8), st.complex_numbers()
)
KEYS = st.one_of(TEXTS, st.integers(), st.tuples(st.integers(), TEXTS), st.just(TAG))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(st.integers(), max_size=4),
        st.frozensets(TEXTS, max_size=4),
    ),
    max_leaves=12,
)
KINDS = [np.uint8, np.int16, np.int64, np.float32, np.float64, np.complex64, np.bool_, ">f4", ">i8"]


def same(one: Any, other: Any) -> bool:
    """Equal and of one kind all the way down; NaN equals NaN, and zero has its sign."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return bool(one == other)


@given(VALUES)
@example({TAG: "tuple", "v": [1, 2]})
@example({"a": (1, [2.0, (3,)]), 4: {5}})
@example("half a character \ud83d")
@example([-0.0, math.inf, -math.inf, math.nan])
def test_any_value_comes_back_the_same(value: Any) -> None:
    assert same(from_json(to_json(value)), value)


@given(VALUES)
def test_what_is_written_is_strict_json_in_utf_8(value: Any) -> None:
    text = to_json(value)
    text.encode("utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads(text, parse_constant=refuse)


@given(
    st.sampled_from(KINDS).flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0)))
)
def test_arrays_keep_values_shape_and_type(array: np.ndarray) -> None:
    found = from_json(to_json(array))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()
    assert found.flags.writeable


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5), max_size=5
    )
)
def test_arrays_of_texts_come_back(texts: list[str]) -> None:
    array = np.array(texts, dtype=None if texts else "U1")
    found = from_json(to_json(array))
    assert found.tolist() == texts
    assert found.dtype.kind == "U"


@pytest.mark.parametrize("value", [np.float32(1.5), np.int16(-3), np.uint64(2**63), np.complex64(1 + 2j)])
def test_numpy_scalars_keep_their_type(value: np.generic) -> None:
    found = from_json(to_json(value))
    assert type(found) is type(value)
    assert found == value


def test_the_usual_values_are_plain_for_other_programs() -> None:
    value = {"name": "P1", "size": 3.5, "frames": [1, 2], "none": None, "yes": True}
    assert json.loads(to_json(value)) == value
    assert json.loads(to_json({3: "a"}, dict[int, str])) == {"3": "a"}
    assert json.loads(to_json((1.0, 2.0), tuple[float, float])) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({1: "a", 2: "b"}, dict[int, str]),
        ({"1": "a"}, dict[int, str]),
        ({True: "a"}, dict[int, str]),
        ((1.0, 2.0), tuple[float, float]),
        ((1, 2, 3), tuple[float, float]),
        ([1.0, 2.0], tuple[float, float]),
        ([1, 2], list[int] | tuple[int, ...]),
        ((1, 2), list[int] | tuple[int, ...]),
        ([(1.0, 2.0), (3.0, 4.0)], list[tuple[float, float]]),
        ({"a": (1, 2)}, dict[str, tuple[int, int]]),
        ([1], set[int]),
        ({1, 2}, set[int]),
        (None, tuple[float, float] | None),
        ((), tuple[float, ...]),
        ({}, dict[int, str]),
        ([[1, 2], [3]], list[list[int]]),
        ({"at": 1}, Inner | dict),
    ],
)
def test_what_the_declared_type_does_not_tell_is_tagged(value: Any, hint: Any) -> None:
    assert same(from_json(to_json(value, hint), hint), value)


def test_records_come_back_with_their_records_inside() -> None:
    value = Outer(
        Inner((1.0, 2.5), "µ"),
        {3: Inner(label="three"), 10: Inner()},
        [Inner((0.0, -1.0))],
        GrowingArray([1.0, 2.0]),
    )
    found = from_json(to_json(value, Outer), Outer)
    assert (found.inner, found.by_frame, found.several) == (value.inner, value.by_frame, value.several)
    assert isinstance(found.values, GrowingArray)
    assert found.values.view.tolist() == [1.0, 2.0]
    assert "_hidden" not in json.loads(to_json(value, Outer))


def test_fields_of_a_newer_version_are_left_out_and_missing_ones_have_their_default() -> None:
    found = from_json('{"label": "x", "of_the_future": [1]}', Inner)
    assert found == Inner(label="x")
    assert make_dataclass(Outer, {}).values.view.size == 0


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (object(), Any),
        ([object()], Any),
        ({"a": {1, 2}.__iter__()}, Any),
        (np.array([object()]), Any),
        (np.zeros(2, [("x", "f4")]), Any),
        (Inner(), Any),
        (Inner(), Outer),
    ],
)
def test_what_cannot_be_kept_is_refused_when_it_is_written(value: Any, hint: Any) -> None:
    with pytest.raises(TypeError):
        to_json(value, hint)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", '{"~": "tuple"}', '{"~": "pickle", "v": 1}', '{"~": "array", "dtype": "O", "shape": [1], "v": ""}',
        '{"~": "array", "dtype": "f8", "shape": [2], "v": "AAAA"}', '{"~": "float", "v": "much"}', '{"~": []}',
        '{"~": "set", "v": [[1]]}', '{"~": "array", "dtype": "nonsense", "shape": [1], "v": ""}',
        '{"~": "bytes", "v": "A"}', '{"~": "complex", "v": [1]}', '{"~": "float", "v": 1' + "0" * 400 + "}", "[" * 100_000,
    ],
)  # fmt: skip
def test_json_that_is_not_ours_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([TAG, "v", "dtype", "shape", "kind", "a"]), inner | st.sampled_from(["tuple", "array", "texts", "dict", "set", "bytes", "complex", "float", "scalar"]), max_size=5), max_leaves=10))  # fmt: skip
def test_foreign_json_is_read_or_refused_with_a_value_error(value: Any) -> None:
    try:
        from_json(json.dumps(value))
    except ValueError:
        pass


def test_hints_are_taken_apart() -> None:
    assert alternatives(int | None) == (int, type(None))
    assert hint_for(dict[int, str] | None, dict) == (int, str)
    assert hint_for(list, list) == ()
    assert hint_for(int, list) is None
    assert element_hints((float, ...), 3) == [float] * 3
    assert element_hints((float, int), 2) == [float, int]
    assert element_hints((float, int), 3) == [Any] * 3
