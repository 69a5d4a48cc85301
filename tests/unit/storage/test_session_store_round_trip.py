"""Every kind of item comes back from the file exactly as it was, whatever its fields hold."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_em.core.jobs import run_to_end
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.codec.fields import (
    Written,
    encode_item,
    hints_of,
    stored_fields,
    write_record,
)
from tandem_em.storage.codec.read_fields import read_fields
from tandem_em.storage.session_store import SessionStore

KINDS = {kind: collection.kind for kind, collection in Session().collections.items()}
TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "µA/cm²", "a/b", ".", "null\0inside", "\ud800", "~", "日本"]
)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
NUMBERS = FLOATS | st.integers(-(2**70), 2**70) | st.booleans()
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.uint16, np.int64, np.bool_, np.complex64, np.dtype(">f4")]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
)
ANYTHING = st.recursive(
    st.none() | NUMBERS | TEXT | st.binary(max_size=5) | ARRAYS | st.builds(np.float32, st.floats(width=32)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXT | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=6,
)


def growing() -> st.SearchStrategy[GrowingArray]:
    return hnp.arrays(np.float64, st.integers(0, 7)).map(GrowingArray)


def outlines() -> st.SearchStrategy[Outline]:
    polygons = hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)))
    return st.builds(
        Outline, polygon=polygons, confidence=FLOATS, is_key=st.booleans(), area_px=FLOATS, area_low_px=FLOATS,
        area_high_px=FLOATS,
    )  # fmt: skip


@functools.cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy from a declared type: a new field of the model is tested without a word here."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values_of(each) for each in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is tuple:
        return st.tuples(*(values_of(each) for each in arguments))
    if origin is dict:
        limits = {int: st.integers(0, 20)}
        keys = limits[int] if arguments[0] is int else values_of(arguments[0])
        return st.dictionaries(keys, values_of(arguments[1]), max_size=3)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT, float: FLOATS, int: st.integers(-(2**40), 2**40), bool: st.booleans(), type(None): st.none(),
        Any: ANYTHING, GrowingArray: growing(), Outline: outlines(), Clock: st.builds(Clock, name=TEXT),
        Column: st.builds(Column, TEXT, TEXT, growing(), TEXT, st.booleans()),
    }  # fmt: skip
    if hint in simple:
        return simple[hint]
    if origin is np.ndarray:
        dtype = typing.get_args(arguments[1])[0]
        return (
            ARRAYS
            if dtype is Any
            else hnp.arrays(dtype, hnp.array_shapes(max_dims=2, max_side=4, min_side=0))
        )
    raise AssertionError(f"no strategy for {hint}: add one")


@functools.cache
def items(cls: type[Item]) -> st.SearchStrategy[Any]:
    hints = hints_of(cls)
    fields = {
        name: values_of(hints[name]) for name in stored_fields(cls) if name not in ("id", "revision", "kind")
    }
    return st.builds(cls, **fields)


def assert_same(one: Any, other: Any, where: str = "") -> None:
    if isinstance(one, GrowingArray):
        assert isinstance(other, GrowingArray), where
        assert_same(np.asarray(one.view), np.asarray(other.view), where)
    elif isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray), where
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif dataclasses.is_dataclass(one):
        assert type(one) is type(other), where
        for name in stored_fields(type(one)):
            assert_same(getattr(one, name), getattr(other, name), f"{where}.{name}")
    elif isinstance(one, dict):
        assert list(one) == list(other) or set(one) == set(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, (list, tuple)):
        assert type(one) is type(other), where
        assert len(one) == len(other), where
        for index, (left, right) in enumerate(zip(one, other)):
            assert_same(left, right, f"{where}[{index}]")
    elif isinstance(one, (float, np.floating)) and math.isnan(one):
        assert math.isnan(other), where
        assert isinstance(other, type(one)) or isinstance(one, np.float64), where
    else:
        assert one == other, where
        assert isinstance(other, type(one)) or isinstance(one, np.generic), where


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("event", "step", "particle")])
def test_an_item_comes_back_exactly(kind: str) -> None:
    file = h5py.File(f"{kind}.h5", "w", driver="core", backing_store=False)

    @settings(
        deadline=None,
        max_examples=15,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(items(KINDS[kind]))
    def check(item: Any) -> None:
        file.clear()
        group = file.create_group("item")
        write_record(group, encode_item(item), Written())
        clock = getattr(item, "clock", None)
        values, problems = read_fields(group, type(item), {clock.id: clock} if clock is not None else {})
        assert problems == []
        assert_same(item, type(item)(**{**values, "id": item.id}))

    check()
    file.close()


def random_session(seed: int = 1) -> Session:
    rng = np.random.default_rng(seed)
    session = Session("round trip")
    session.info.start_iso = "2026-03-01T09:30:00.000+01:00"
    clock = session.clocks.add(
        Clock(name="camera", offset_s=12.5, rate_ppm=3.0, uncertainty_s=0.02, origin="ntp")
    )
    frames = rng.poisson(90, (12, 40, 30)).astype(np.uint16)
    stack = session.stacks.add(
        FrameStack(name="cluster", source=MemoryArray(frames), times=np.arange(12) * 0.5 + rng.normal(0, 0.01, 12),
                   clock=clock, pixel_nm=0.4, frame_numbers=np.arange(12), exposure_s=0.4)
    )  # fmt: skip
    second = FrameStack(
        name="cluster", source=MemoryArray(frames[:3]), times=np.array([0.0, np.nan, 2.0]), clock=clock
    )
    session.stacks.add(second)
    session.maps.add(
        SpectrumImage(name="charged", source=MemoryArray(rng.normal(9, 1, (10, 9, 64)).astype(np.float32)),
                      energy_eV=40 + 0.25 * np.arange(64), pixel_nm=(0.5, 0.6), adf=rng.normal(size=(20, 18)), start=1.0)
    )  # fmt: skip
    voltage = Column("voltage", "V", GrowingArray(rng.normal(size=500)))
    session.runs.add(
        BiasRun(name="bias", times=GrowingArray(np.arange(500) * 0.01), columns={"voltage": voltage})
    )
    for name in ("P1", "P2"):
        shapes = {
            int(f): Outline(rng.normal(20, 4, (9, 2)), 0.8, f == 2) for f in rng.choice(12, 5, replace=False)
        }
        session.particles.add(Particle(name=name, stack_id=stack.id, outlines=shapes))
    session.particles.add(Particle(name="no outline yet", stack_id=stack.id))
    for number in range(4):
        session.events.add(Event(name=f"event {number} µ", t=float(number)))
    return session


def assert_sessions_equal(one: Session, other: Session) -> None:
    for kind, collection in one.collections.items():
        assert [i.id for i in collection] == [i.id for i in other.collections[kind]], kind
        for item in collection:
            twin = other.collections[kind][item.id]
            assert twin.revision == item.revision
            assert_same(item, twin, item.name)
            if isinstance(item, (FrameStack, SpectrumImage)):
                np.testing.assert_array_equal(item.source.read(slice(None)), twin.source.read(slice(None)))


def test_a_whole_session_comes_back(tmp_path: Path) -> None:
    session = random_session()
    with SessionStore.create(tmp_path / "a.nxs", session):
        pass
    with SessionStore.open(tmp_path / "a.nxs") as store:
        again = run_to_end(store.load())
        assert store.problems == []
        assert_sessions_equal(session, again)
        stacks = list(again.stacks)
        assert stacks[0].clock is stacks[1].clock is again.clocks.first
        assert run_to_end(store.save(again)).items == 0


@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
@given(data=st.data())
def test_events_steps_and_particles_come_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    session = Session(data.draw(TEXT))
    for kind in ("event", "step", "particle", "particle"):
        session.collections[kind].add(data.draw(items(KINDS[kind])))
    path = tmp_path_factory.mktemp("few") / "a.nxs"
    with SessionStore.create(path, session):
        pass
    with SessionStore.open(path) as store:
        again = run_to_end(store.load())
        assert store.problems == []
        assert_sessions_equal(session, again)


def test_a_new_field_needs_no_code() -> None:
    """What the model's authors add tomorrow is stored today."""

    @dataclasses.dataclass(eq=False, kw_only=True)
    class Tomorrow(Event):
        kind = "tomorrow"
        drift_nm_s: float = 0.0
        trail: list[tuple[int, str]] = dataclasses.field(default_factory=list)
        image: np.ndarray[Any, Any] | None = None
        limits: dict[int, tuple[float, float]] = dataclasses.field(default_factory=dict)

    file = h5py.File("tomorrow.h5", "w", driver="core", backing_store=False)
    item = Tomorrow(drift_nm_s=2.0, trail=[(1, "a")], image=np.eye(3), limits={4: (1.0, 2.0)})
    write_record(file, encode_item(item), Written())
    values, problems = read_fields(file, Tomorrow, {})
    assert problems == []
    assert_same(item, Tomorrow(**values))
    file.close()
