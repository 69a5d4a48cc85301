"""Orders and answers arrive as they were sent; what is none is refused with a sentence, and a stop is always obeyed."""

from __future__ import annotations

import io
import json
import math
import threading
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.guardian import process
from tandem_em.sources.guardian.soft_limits import CellLimits
from tandem_em.sources.guardian.wire import (
    ANSWERS,
    ORDERS,
    Abort,
    Answer,
    Apply,
    Beat,
    Bye,
    ClockNow,
    Configure,
    GuardConfig,
    GuardianFormatError,
    Happened,
    LinkSettings,
    NotUnderstood,
    Order,
    Pause,
    ProgramNow,
    Quit,
    Ready,
    Rearm,
    Refused,
    Resume,
    RunProgram,
    Samples,
    SetLimits,
    Skip,
    StateNow,
    Stop,
    answer_line,
    order_from,
    order_line,
    read_answer,
    read_order,
)
from tandem_em.sources.programs.runner import ProgramProgress
from tandem_em.sources.scpi.meter import MeterSettings, MeterState

numbers = st.floats(allow_nan=False)
maybe = st.none() | numbers
whole = st.integers(-(10**9), 10**9)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
modes = st.sampled_from(["current", "voltage"])
limits = st.builds(CellLimits, maybe, maybe, maybe, maybe, maybe, maybe, maybe)
settings = st.builds(MeterSettings, numbers, numbers, numbers, st.booleans(), st.booleans())
configs = st.builds(
    GuardConfig,
    name=st.text(), model=st.text(), address=st.text(), rate_hz=numbers, start=st.sampled_from(["open circuit", "as is"]),
    settings=settings, limits=limits, origin_host=numbers, stays_off=st.text(),
)  # fmt: skip
owners = st.builds(Owner, st.just(Path("owners")), st.text(), st.none() | whole)
orders: st.SearchStrategy[Order] = st.one_of(
    st.builds(Configure, configs, st.builds(LinkSettings, numbers, st.text(), whole), st.none() | owners),
    st.builds(RunProgram, st.text(), st.text(), maybe),
    st.builds(Apply, modes, numbers),
    st.builds(SetLimits, limits),
    st.builds(Stop, st.text(min_size=1)),
    st.sampled_from([Beat(), Pause(), Resume(), Skip(), Abort(), Rearm(), Quit()]),
)
rows = st.tuples(numbers, numbers, numbers, numbers, numbers)
answers: st.SearchStrategy[Answer] = st.one_of(
    st.builds(Ready, st.text(), st.builds(MeterState, st.booleans(), modes, numbers, st.text())),
    st.builds(Samples, st.lists(rows, max_size=4).map(tuple), st.booleans()),
    st.builds(Happened, st.text(), st.sampled_from(["bias", "contact", "beam", "warning", "note"]), numbers,
              st.dictionaries(st.text(max_size=4), plain, max_size=3)),
    st.builds(StateNow, st.sampled_from(["watching", "lost", "tripped", "ended"]), st.text(),
              st.none() | st.booleans(), st.booleans(), modes, numbers, numbers),
    st.builds(ProgramNow, st.builds(ProgramProgress, whole, st.text(), whole, whole, numbers, maybe, st.booleans(),
                                    st.booleans())),
    st.builds(ClockNow, numbers, numbers),
    st.builds(Refused, st.text(), st.text()),
    st.builds(Bye, st.booleans(), numbers),
)  # fmt: skip
EXAMPLES: tuple[Order, ...] = (
    Configure(GuardConfig("bias", "2400", "GPIB0::24::INSTR"), LinkSettings(), Owner(Path("owners"), "TandEM", 1)),
    RunProgram("{}", "a program", 1e-6), Apply("current", 1e-9), SetLimits(CellLimits(high_V=4.2)),
)  # fmt: skip
ANSWER_EXAMPLES: tuple[Answer, ...] = (
    Ready("KEITHLEY", MeterState(False, "current", 0.0, "HIMP")), Samples(((0.0, 1.0, 3.8, 0.0, 0.0),), True),
    Happened("Program started.", "bias", 1.0, {}), StateNow("watching", "", True, True, "current", 0.0, 0.0),
    ProgramNow(ProgramProgress(0, "rest", 0, 1, 0.5, None, False, False)), ClockNow(0.01, 0.0), Refused("In use.", ""),
    Bye(True, 1.0),
)  # fmt: skip


@given(orders)
def test_an_order_arrives_as_it_was_sent(order: Order) -> None:
    line = order_line(order)
    assert line.count(b"\n") == 1
    assert read_order(line) == order


@given(answers, st.integers(0, 10**9))
def test_an_answer_arrives_as_it_was_sent(answer: Answer, dropped: int) -> None:
    line = answer_line(answer, dropped)
    assert line.count(b"\n") == 1
    assert read_answer(line) == (answer, dropped)


def test_every_message_is_tried() -> None:
    tried = {type(each) for each in EXAMPLES} | {Beat, Pause, Resume, Skip, Abort, Rearm, Quit, Stop}
    assert tried == set(ORDERS.values())
    assert {type(each) for each in ANSWER_EXAMPLES} == set(ANSWERS.values())


def test_rows_and_set_points_may_be_no_number_but_limits_may_not() -> None:
    """An instrument that overflows says so; a limit that is NaN would never be passed."""
    heard, _ = read_answer(answer_line(Samples(((0.0, 0.0, math.inf, math.nan, math.nan),), False), 0))
    assert isinstance(heard, Samples)
    assert math.isnan(heard.rows[0][3])
    refused = read_order(order_line(SetLimits(CellLimits(high_V=math.nan))))
    assert isinstance(refused, NotUnderstood)
    assert "has nan as limits.high_V instead of a number" in refused.sentence


def places(raw: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every field of a message, also of the objects in it."""
    found = []
    for key, value in raw.items():
        found.append((*at, key))
        if isinstance(value, dict):
            found += places(value, (*at, key))
    return found


def changed(raw: dict[str, Any], place: tuple[str, ...], *value: Any) -> dict[str, Any]:
    """The message with another value there, or without it when none is given."""
    made = json.loads(json.dumps(raw))
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    del inner[place[-1]]
    if value:
        inner[place[-1]] = value[0]
    return dict(made)


@pytest.mark.parametrize("order", EXAMPLES, ids=lambda order: order.do)
def test_an_order_that_lacks_a_field_or_has_one_of_the_wrong_type_is_refused(order: Order) -> None:
    raw = json.loads(order_line(order))
    optional = {each.name for each in fields(order) if each.default is not MISSING}
    for place in places(raw):
        wrong = order_from(changed(raw, place, [["odd"]]))
        assert isinstance(wrong, NotUnderstood), place
        assert wrong.sentence.endswith(".")
        if place[-1] not in optional or len(place) > 1:
            lacking = order_from(changed(raw, place))
            assert isinstance(lacking, NotUnderstood), place
            assert place[-1] in lacking.sentence or place == ("do",)
    more = order_from({**raw, "nmae": 1})
    assert isinstance(more, NotUnderstood)
    assert "unknown field 'nmae'" in more.sentence


@pytest.mark.parametrize("answer", ANSWER_EXAMPLES, ids=lambda answer: answer.say)
def test_an_answer_that_lacks_a_field_or_has_one_of_the_wrong_type_is_refused(answer: Answer) -> None:
    raw = json.loads(answer_line(answer, 0))
    for place in places(raw):
        for wrong in (changed(raw, place), changed(raw, place, [["odd"]])):
            with pytest.raises(GuardianFormatError, match=r"\.$"):
                read_answer(json.dumps(wrong).encode())


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"do": "dance"}, "The order 'dance' is not known."),
        ({"do": ["stop"]}, "is not known"),
        ({}, "The order None is not known."),
        ([], "it is no object"),
        (7, "it is no object"),
        ({"do": "program"}, "The order 'program' was not understood: it has no json."),
        ({"do": "apply", "mode": "resistance", "level": 0}, "one of 'current', 'voltage'"),
        ({"do": "apply", "mode": "current", "level": True}, "has True as level instead of a number"),
        ({"do": "limits", "limits": {"high_V": 4.2}}, "has no limits.low_V"),
        ({"do": "limits", "limits": None}, "has None as limits instead of an object"),
    ],
)  # fmt: skip
def test_what_is_no_order_is_told_in_a_sentence(raw: Any, words: str) -> None:
    found = order_from(raw)
    assert isinstance(found, NotUnderstood)
    assert words in found.sentence


@given(st.binary(max_size=60))
@example(b"[" * 100_000)
@example(b'{"say": "samples", "rows": [[1, 2]], "segment": true, "dropped": 0}')
def test_bytes_of_any_kind_are_refused_and_never_an_error(line: bytes) -> None:
    assert isinstance(read_order(line), NotUnderstood)
    with pytest.raises(GuardianFormatError):
        read_answer(line)


@given(st.dictionaries(st.sampled_from(["why", "when", "limits"]), plain))
def test_an_order_that_makes_the_cell_safer_is_obeyed_whatever_comes_with_it(more: dict[str, Any]) -> None:
    stop = order_from({"do": "stop", **more})
    assert isinstance(stop, Stop)
    assert stop.why
    assert order_from({"do": "quit", **more}) == Quit()
    assert order_from({"do": "abort", **more}) == Abort()


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"nonsense\n", "no JSON"),
        (b'{"do": "rearm"}\n', "'rearm' came first"),
        (b'{"do": "configure", "config": {}}\n', "has no config.name"),
    ],
)
def test_a_guardian_that_was_not_configured_touches_nothing(
    first: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_link(*_args: object, **_more: object) -> None:
        raise AssertionError("the instrument was touched")

    monkeypatch.setattr(process, "open_link", open_link)
    said = io.BytesIO()
    outbox = process.Outbox(said)
    inbox = process.Inbox(io.BytesIO(order_line(Beat()) + first))
    assert process.run(inbox, outbox, threading.Event()) == 2
    outbox.close(5.0)
    answer, _ = read_answer(said.getvalue())
    assert isinstance(answer, Refused)
    assert words in answer.title
