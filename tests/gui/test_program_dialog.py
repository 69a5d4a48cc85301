"""The editor of biasing programs: every step in a form, a preview of the curve, mistakes as sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tandem_em.core.notices import UserError
from tandem_em.desk.live import guardian
from tandem_em.model.curves import Cell
from tandem_em.sources.programs.reader import parse_program
from tandem_em.sources.programs.steps import ConstantCurrent, ConstantVoltage, Pulse, Ramp
from tandem_widgets.dialogs.instruments.limits import LimitsDialog
from tandem_widgets.dialogs.instruments.program import ProgramDialog
from tandem_widgets.dialogs.instruments.program_steps import (
    STEPS,
    changed_step,
    new_step,
    values_of,
)
from tandem_widgets.shell.window.main_window import MainWindow

CELL = Cell(name="cell", area_um2=10.0, capacity_uAh_cm2=100.0)


def step_of(raw: dict[str, Any]) -> Any:
    return parse_program(guardian.program_text([raw]), "p", guardian.capacity_C(CELL)).steps[0]


def test_every_kind_of_step_is_one_the_guardian_runs() -> None:
    raw = [new_step(kind) for kind in STEPS]
    program = guardian.check_program(raw, CELL)
    assert len(program.steps) == len(STEPS)
    for step in raw:
        shown = values_of(step)
        assert all(spec.key in shown or spec.hint for spec in STEPS[step["step"]].fields)


@pytest.mark.parametrize(
    ("text", "amperes"),
    [("250 pA", 2.5e-10), ("−1 nA", -1e-9), ("C/5", 2e-12), ("0.2C", 2e-12), ("D/2", -5e-12), ("1e-9", 1e-9)],
)
def test_currents_are_typed_as_amperes_or_c_rates(text: str, amperes: float) -> None:
    step = changed_step(new_step("constant_current"), "current", text)
    made = step_of(step)
    assert isinstance(made, ConstantCurrent)
    assert made.current_A == pytest.approx(amperes, rel=1e-6)


def test_the_other_fields_arrive_in_base_units() -> None:
    hold = changed_step(new_step("constant_voltage"), "until_current", "10 pA")
    assert step_of(hold) == ConstantVoltage(3.8, pytest.approx(1e-11), 60.0)
    ramp = changed_step(new_step("ramp"), "end", "4.1 V")
    assert step_of(ramp) == Ramp("voltage", None, 4.1, 60.0)
    to_current = changed_step(changed_step(ramp, "quantity", "current"), "end", "1 nA")
    made = step_of(to_current)
    assert made.quantity == "current"
    assert made.end == pytest.approx(1e-9)
    pulse = changed_step(changed_step(new_step("pulse"), "base", "−100 pA"), "count", 4.0)
    made = step_of(pulse)
    assert isinstance(made, Pulse)
    assert made.base_A == pytest.approx(-1e-10)
    assert made.count == 4


def test_the_preview_shows_what_the_program_will_do(qtbot: QtBot, window: MainWindow) -> None:
    steps = [{"step": "open_circuit_voltage", "until_time_s": 10.0}]
    dialog = ProgramDialog(window, window.desk, steps, CELL)
    qtbot.addWidget(dialog)
    dialog.show_meter(True, 3.8, "")
    dialog.add_step("constant_current")
    dialog._edited("current", "5 pA")
    dialog._edited("until_time_s", 50.0)
    qtbot.waitUntil(lambda: "00:01:00" in dialog.summary.text(), timeout=10_000)
    line = dialog.current.lines[0]
    assert line.x[-1] == pytest.approx(60.0)
    assert np.interp(5.0, line.x, line.y) == pytest.approx(0.0, abs=1e-15)
    assert np.interp(30.0, line.x, line.y) == pytest.approx(5e-12)
    assert dialog.voltage.lines[0].y[0] == pytest.approx(3.8, abs=0.01)
    assert dialog.run.isEnabled()
    with qtbot.waitSignal(dialog.run_wanted) as asked:
        dialog.run.click()
    assert len(parse_program(asked.args[0]).steps) == 2
    assert len(steps) == 2  # it is there the next time


def test_a_mistake_is_a_sentence_and_cannot_be_run(qtbot: QtBot, window: MainWindow) -> None:
    dialog = ProgramDialog(window, window.desk, [new_step("constant_current")], None)
    qtbot.addWidget(dialog)
    dialog.show_meter(True, None, "")
    dialog._edited("current", "C/5")
    dialog.draw()
    assert "capacity is not known" in dialog.summary.text()
    assert not dialog.run.isEnabled()
    dialog._edited("current", "fast")
    dialog.draw()
    assert "C/5" in dialog.summary.text()
    dialog._edited("current", "1 nA")
    dialog.draw()
    qtbot.waitUntil(lambda: "Takes about" in dialog.summary.text(), timeout=10_000)
    assert dialog.run.isEnabled()


@pytest.mark.parametrize(
    ("kind", "key", "text", "field"),
    [
        ("ramp", "start", "3,x V", "start_voltage_V"), ("ramp", "end", "4.1 A", "end_voltage_V"),
        ("pulse", "base", "fast", "base_mA"), ("pulse", "base", "1_000", "base_mA"),
        ("constant_current", "current", "inf", "rate_C"), ("constant_current", "current", "10 pV", "rate_C"),
        ("constant_voltage", "until_current", "nan", "until_rate_C"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_never_left_out(kind: str, key: str, text: str, field: str) -> None:
    step = changed_step(new_step(kind), key, text)
    assert values_of(step)[key] == text
    with pytest.raises(UserError) as said:
        step_of(step)
    assert text in said.value.title


def test_a_field_that_cannot_be_read_holds_the_program_back(qtbot: QtBot, window: MainWindow) -> None:
    steps = [new_step("constant_current")]
    dialog = ProgramDialog(window, window.desk, steps, CELL)
    qtbot.addWidget(dialog)
    dialog.show_meter(True, 3.8, "")
    assert dialog.run.isEnabled()
    field = dialog._form.editors["until_time_s"]
    field.setText("5 m")
    field.textEdited.emit("5 m")
    field.editingFinished.emit()
    assert not dialog.run.isEnabled()
    assert "Until time: “5 m” can be minutes or milliseconds" in dialog.summary.text()
    assert steps[0]["until_time_s"] == 60.0
    field.setText("5 min")
    field.editingFinished.emit()
    assert steps[0]["until_time_s"] == 300.0
    qtbot.waitUntil(dialog.run.isEnabled, timeout=10_000)


def test_a_limit_that_cannot_be_read_is_never_taken_for_none(qtbot: QtBot, window: MainWindow) -> None:
    limits = window.recording.instruments.setup.limits.model_copy(update={"current_A": 1e-9})
    dialog = LimitsDialog(window, limits, is_live=False)
    qtbot.addWidget(dialog)
    field = dialog.form.editors["current_A"]
    field.setText("5 PA")
    field.editingFinished.emit()
    assert not dialog.apply.isEnabled()
    assert "Current at most: “5 PA” has a unit that is not known here" in dialog.trouble.text()
    field.setText("5 pA")
    field.editingFinished.emit()
    assert dialog.apply.isEnabled()
    assert dialog._limits.current_A == 5e-12


def test_limits_are_handed_over_only_when_they_make_sense(qtbot: QtBot, window: MainWindow) -> None:
    limits = window.recording.instruments.setup.limits
    dialog = LimitsDialog(window, limits, is_live=False)
    qtbot.addWidget(dialog)
    applied: list[Any] = []
    dialog.applied.connect(applied.append)
    dialog._edited("low_V", 4.0)
    dialog._edited("high_V", 3.0)
    dialog._apply()
    assert not applied
    assert "above the highest" in dialog.trouble.text()
    dialog._edited("high_V", 4.2)
    dialog._apply()
    assert applied[0].high_V == 4.2
    assert limits.high_V is None  # a copy was edited
