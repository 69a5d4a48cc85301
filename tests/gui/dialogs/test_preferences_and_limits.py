"""Preferences and limits are edited as a copy: nothing holds before OK, and nonsense never does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtWidgets import QDialogButtonBox, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.sources.core.tables import LimitsTable
from tandem_widgets.dialogs.instruments.limits import LimitsDialog
from tandem_widgets.dialogs.preferences import PreferencesDialog


def press(dialog: QWidget, which: QDialogButtonBox.StandardButton) -> None:
    box = dialog.findChild(QDialogButtonBox)
    assert box is not None
    found = box.button(which)
    assert found is not None
    found.click()


def changed(dialog: PreferencesDialog) -> None:
    dialog.theme.setCurrentText("light")
    dialog.author.setText("  Ada ")
    dialog.autosave.setValue(5)
    dialog.embed.setValue(2.5)
    dialog.scheduler.setText(" tcp://host:8786 ")


def test_ok_writes_what_was_chosen(desk: Desk, parent: QWidget, tmp_path: Path) -> None:
    dialog = PreferencesDialog(parent, desk.settings)
    changed(dialog)
    assert desk.settings.values.author == "", "not before OK"
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    for values in (desk.settings.values, Settings(tmp_path / "preferences.json").values):
        assert (values.theme, values.author, values.autosave_s) == ("light", "Ada", 5.0)
        assert (values.embed_limit_GB, values.scheduler) == (2.5, "tcp://host:8786")
    again = PreferencesDialog(parent, desk.settings)
    assert (again.theme.currentText(), again.author.text(), again.autosave.value()) == ("light", "Ada", 5.0)


def test_cancel_changes_nothing(desk: Desk, parent: QWidget) -> None:
    before = desk.settings.values
    dialog = PreferencesDialog(parent, desk.settings)
    changed(dialog)
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert desk.settings.values == before


@pytest.fixture
def limits(desk: Desk, parent: QWidget) -> LimitsDialog:
    return LimitsDialog(parent, LimitsTable(low_V=2.5, high_V=4.2), is_live=True)


def taken(dialog: LimitsDialog) -> list[Any]:
    found: list[Any] = []
    dialog.applied.connect(found.append)
    return found


def test_limits_are_handed_over_by_apply_alone(limits: LimitsDialog) -> None:
    given = taken(limits)
    limits._edited("high_V", 4.0)
    assert given == []
    press(limits, QDialogButtonBox.StandardButton.Apply)
    assert [(each.low_V, each.high_V) for each in given] == [(2.5, 4.0)]


def test_the_limits_in_use_are_not_touched_by_a_dialog_that_is_left(desk: Desk, parent: QWidget) -> None:
    own = LimitsTable(high_V=4.2)
    dialog = LimitsDialog(parent, own, is_live=False)
    given = taken(dialog)
    dialog._edited("high_V", 9.0)
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert (own.high_V, given) == (4.2, [])


@pytest.mark.parametrize(("key", "value"), [("low_V", 4.2), ("low_V", 5.0), ("high_V", 2.0)])
def test_a_window_that_holds_nothing_is_not_applied(limits: LimitsDialog, key: str, value: float) -> None:
    given = taken(limits)
    limits._edited(key, value)
    press(limits, QDialogButtonBox.StandardButton.Apply)
    assert given == []
    assert "above the highest" in limits.trouble.text()


@pytest.mark.parametrize("value", [0.0, -1e-9])
def test_a_limit_that_can_never_hold_is_said_at_once(limits: LimitsDialog, value: float) -> None:
    limits._edited("current_A", value)
    assert limits.trouble.text() != ""
    limits._edited("current_A", 1e-9)
    assert limits.trouble.text() == ""
