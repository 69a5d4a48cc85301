"""Menus of the biasing pane: which lanes there are, and what can be done at a place in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu

from tandem_em.desk import events
from tandem_em.desk.biasing import runs as biasing
from tandem_widgets.panes.biasing import copy as biasing_copy
from tandem_widgets.panes.biasing import same_charge
from tandem_widgets.panes.biasing.scene import BiasingScene
from tandem_widgets.panes.biasing.series import SeriesStore
from tandem_widgets.parts.lanes.widget import Lanes


@dataclass(frozen=True)
class MenuContext:
    """What the menus are about: the scene, the lanes on screen, the runs made ready for them, and what the pane does."""

    scene: BiasingScene
    lanes: Lanes
    store: SeriesStore
    copy_picture: Callable[[], None]
    ask_cell: Callable[[], None]


def add(
    menu: QMenu, text: str, call: Callable[[], object], *, checked: bool | None = None, tip: str = ""
) -> QAction:
    """Appends an entry that calls `call`; it can be ticked where `checked` is not None."""
    action = QAction(text, menu)
    if checked is not None:
        action.setCheckable(True)
        action.setChecked(checked)
    if tip:
        action.setToolTip(tip)
    action.triggered.connect(lambda _checked=False: call())
    menu.addAction(action)
    return action


def fill_lanes_menu(menu: QMenu, context: MenuContext) -> None:
    """Every lane that can be shown, with a tick where it is; then the runs."""
    from tandem_em.desk.lanes.registry import LANES  # see `LaneMaker.content`

    menu.clear()
    session, desk = context.scene.session, context.scene.desk
    shown = {lane.kind for lane in context.lanes.content.lanes}
    offered = {source.kind: source for source in LANES.offered(session)}
    # shown lanes without data stay in the menu, so that they can be hidden
    others = {kind: LANES.source(kind) for kind in shown if kind not in offered}
    for kind, source in (offered | others).items():
        name = source.name
        is_shown = kind in shown
        label = f"{'Hide' if is_shown else 'Show'} {name.lower()}"

        def toggle(kind: str = kind, on: bool = not is_shown, label: str = label) -> None:
            biasing.change_lane(desk, kind, label, shown=on)

        add(menu, name, toggle, checked=is_shown)
    menu.addSeparator()
    if len(session.runs) > 1:
        runs = menu.addMenu("Runs")
        for run in session.runs if runs is not None else ():
            assert runs is not None

            def switch(run_id: str = run.id) -> None:
                found = session.runs[run_id]
                biasing.show_run(desk, found, not found.visible)

            add(runs, run.name or run.id, switch, checked=run.visible)
    add(menu, "Copy as image (Ctrl+C)", context.copy_picture)
    add(menu, "Show all time (F)", context.scene.fit_time)
    add(menu, "Reset lanes", lambda: biasing.reset_lanes(desk))


def fill_context_menu(menu: QMenu, context: MenuContext, t: float, kind: str) -> None:
    """What can be done at moment t in a lane."""
    desk = context.scene.desk
    add(menu, f"Mark an event here ({t:.2f} s)".replace("-", "−"), lambda: events.mark(desk, t=t))
    add(menu, "Move cursor here", lambda: context.scene.go_to(t))
    for other in same_charge.moments(context.scene.chosen_run(), context.store, t):
        text = f"Go to the same charge at {other:.1f} s, with reference outlines".replace("-", "−")
        add(menu, text, partial(same_charge.go, desk, t, other))
    _fill_stretch(menu, context)
    if kind:
        menu.addSeparator()
        _fill_lane(menu, context, kind)
    menu.addSeparator()
    add(menu, "Copy as image (Ctrl+C)", context.copy_picture)
    add(menu, "Copy values at the cursor", lambda: biasing_copy.copy_values(context.lanes))
    add(menu, "Copy data in view as a table", lambda: biasing_copy.copy_table(desk, context.lanes))
    menu.addSeparator()
    add(menu, "Cell…", context.ask_cell)
    add(menu, "Show all time (F)", context.scene.fit_time)


def _fill_stretch(menu: QMenu, context: MenuContext) -> None:
    stretch = context.lanes.stretch
    menu.addSeparator()
    if stretch is None:
        hint = add(menu, "Ctrl+drag selects a time range, Ctrl+click compares with the cursor", lambda: None)
        hint.setEnabled(False)
        return
    low, high = stretch.low, stretch.high
    add(menu, "Use selection (a rest) as zero current", lambda: context.scene.take_as_zero(low, high))
    add(menu, "Zoom to selection", lambda: context.lanes.set_span((low, high)))
    add(menu, "Mark selection as an event", lambda: context.scene.mark_stretch(low, high))
    add(menu, "Clear selection (Esc)", lambda: context.lanes.set_stretch(None))


def _fill_lane(menu: QMenu, context: MenuContext, kind: str) -> None:
    from tandem_em.desk.lanes.registry import LANES

    desk = context.scene.desk
    source = LANES.source(kind)
    name = source.name.lower()
    choice = next((c for c in biasing.lane_choices(desk.session) if c.kind == kind), biasing.LaneChoice(kind))
    label = f"Scale the {name} lane"
    add(
        menu,
        f"Scale {name} to all data",
        lambda: biasing.change_lane(desk, kind, label, y=None),
        checked=choice.y is None,
    )
    add(
        menu, f"Scale {name} to data in view", lambda: biasing.change_lane(desk, kind, label, y="visible"),
        checked=choice.y == "visible",
    )  # fmt: skip
    add(menu, f"Hide {name}", lambda: biasing.change_lane(desk, kind, f"Hide {name}", shown=False))
    if source.modes:
        modes = menu.addMenu(f"Show the {source.title.lower()} as")
        for mode, text in source.modes.items() if modes is not None else ():
            assert modes is not None

            def use(mode: str = mode, text: str = text) -> None:
                biasing.change_lane(desk, kind, f"Show {text.lower()}", mode=mode, y=None)

            add(modes, text, use, checked=choice.mode == mode)
    if (
        kind in ("current", "charge", "capacity")
        and (run := context.scene.chosen_run()) is not None
        and run.zero_span
    ):
        add(menu, "Remove the zero of the current", lambda: biasing.set_zero(desk, run, 0.0, 0.0, None))
