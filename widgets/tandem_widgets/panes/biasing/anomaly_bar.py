"""The trust strip: what should be known before the curves are believed. Checked in jobs, shown quietly, never modal."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QMenu, QToolButton

from tandem_em.desk.biasing import results as biasing_results
from tandem_em.desk.biasing import views
from tandem_em.desk.desk import Desk
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.model import Finding

if TYPE_CHECKING:
    from tandem_em.desk.biasing.views import Anomaly

BAD = ("short", "open", "window", "density")
DOUBTFUL = ("compliance", "leakage")
UNSEEN = ("noise",)
"""Kinds that are worth a line in the list, not a mark on the strip."""
LONGEST = 5_000_000
"""Longer runs are checked when somebody asks: it takes a while."""
EVERY_S = 3.0
MOST_LISTED = 18


class TrustWatch:
    """Findings of the session's runs; `on_change` is called when they change."""

    def __init__(self, desk: Desk, button: QToolButton, on_change: Callable[[], None]) -> None:
        self._desk = desk
        self._button = button
        self._on_change = on_change
        self._found: dict[str, tuple[Any, list[Anomaly]]] = {}
        self._asked: dict[str, Any] = {}
        self._last = -EVERY_S
        self._later = QTimer(button)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.check)
        self._menu = QMenu(button)
        self._menu.aboutToShow.connect(self._fill)
        button.setMenu(self._menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def check(self, *, long_ones: bool = False) -> None:
        """Check what has changed, a growing run every few seconds."""
        wait = self._last + EVERY_S - time.monotonic()
        for run in self._desk.session.runs:
            if not len(run) or (len(run) > LONGEST and not long_ones):
                continue
            snapshot = views.snapshot(self._desk.session, run)
            if self._asked.get(run.id) == snapshot.key:
                continue
            # a live run changes all the time: it is checked again every few seconds
            if run.id in self._asked and wait > 0:
                if not self._later.isActive():
                    self._later.start(int(wait * 1000) + 10)
                continue
            self._asked[run.id] = snapshot.key
            self._last = time.monotonic()
            self._desk.start(
                f"Checking {run.name}",
                views.watching(snapshot),
                partial(self._take, run.id, snapshot.key),
                key=f"watch {run.id}",
            )

    def _take(self, run_id: str, key: Any, found: list[Anomaly]) -> None:
        self._found[run_id] = key, found
        self._on_change()

    def all(self) -> list[Anomaly]:
        """Findings of the runs that are there and shown, in order of time."""
        runs = self._desk.session.runs
        shown = [
            found
            for run_id, (_key, each) in self._found.items()
            if run_id in runs and runs[run_id].visible
            for found in each
        ]
        return sorted(shown, key=lambda finding: finding.start_s)

    def marks(self) -> list[Finding] | None:
        """What the strip draws; None before anything was checked."""
        if not self._found:
            return None
        active = theme.active()
        marks = []
        for finding in self.all():
            if finding.kind not in UNSEEN:
                colour = (
                    active.bad
                    if finding.kind in BAD
                    else active.warning
                    if finding.kind in DOUBTFUL
                    else active.accent
                )
                marks.append(Finding(finding.start_s, finding.end_s, colour, finding.sentence))
        # painted in this order: the worst on top
        return sorted(marks, key=lambda mark: (mark.colour == active.bad, mark.colour == active.warning))

    def show_button(self) -> None:
        """The worst that was found, in one word."""
        found = self.all()
        bad = sum(finding.kind in BAD for finding in found)
        doubtful = sum(finding.kind in DOUBTFUL for finding in found)
        self._button.setVisible(bool(self._found))
        active = theme.active()
        text, colour = ("✓ Checked", active.good)
        if bad:
            text, colour = f"⚠ {bad}", active.bad
        elif doubtful:
            text, colour = f"⚠ {doubtful}", active.warning
        if self._button.text() != text:
            self._button.setText(text)
        self._button.setStyleSheet(f"QToolButton {{ color: {colour}; }}")  # its menu keeps the colour of text
        self._button.setToolTip(
            f"{bad} serious, {doubtful} possible anomalies in the curves"
            if bad or doubtful
            else "No anomalies found in the curves"
        )

    def _fill(self) -> None:
        self._menu.clear()
        found = self.all()
        order = sorted(found, key=lambda f: (f.kind not in BAD, f.kind not in DOUBTFUL, f.kind in UNSEEN))
        for finding in order[:MOST_LISTED]:
            self._menu.addAction(
                f"{finding.start_s:.1f} s   ".replace("-", "−") + finding.sentence,
                partial(self._jump, finding),
            )
        if len(order) > MOST_LISTED:
            self._menu.addAction(f"… and {len(order) - MOST_LISTED} more").setEnabled(False)  # type: ignore[union-attr]
        if not order:
            self._menu.addAction("No anomalies found.").setEnabled(False)  # type: ignore[union-attr]
        self._menu.addSeparator()
        serious = [finding for finding in found if finding.kind in BAD + DOUBTFUL]
        if serious:
            self._menu.addAction(
                "Add these as events", partial(biasing_results.log_findings, self._desk, serious)
            )
        if any(len(run) > LONGEST for run in self._desk.session.runs):
            self._menu.addAction("Check long runs too", lambda: self.check(long_ones=True))

    def _jump(self, finding: Anomaly) -> None:
        self._desk.session.focus.follow_live = False
        self._desk.session.focus.t = finding.start_s
