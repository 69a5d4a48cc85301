"""Menus of the stack pane: the quiet ⋯, the one on a particle, the one beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtGui import QAction, QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QApplication, QColorDialog, QInputDialog, QMenu

from tandem_em.core.notices import UserError
from tandem_em.desk.eels import outlines
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import dose
from tandem_em.desk.stacks import stack as stacks
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import IDENTITY_COLOURS
from tandem_em.model.tracks import Particle
from tandem_widgets.dialogs.dose_map import DoseMapDialog

if TYPE_CHECKING:
    from tandem_widgets.panes.stack.pane import StackPane
    from tandem_widgets.panes.stack.tools import StackTools

FILTERS = (
    ViewFilter(), ViewFilter("mean", 3), ViewFilter("mean", 5), ViewFilter("mean", 9),
    ViewFilter("gaussian", 1), ViewFilter("gaussian", 2), ViewFilter("median", 3), ViewFilter("median", 5),
)  # fmt: skip
COLOUR_NAMES = ("Red", "Blue", "Yellow", "Green", "Violet", "Orange", "Turquoise", "Pink", "Lime", "Grey")
"""What people call the colours of identity, in their order."""


def add(
    menu: QMenu,
    pane: StackPane,
    text: str,
    call: Callable[[], object],
    *,
    tip: str = "",
    checked: bool | None = None,
    on: bool = True,
) -> QAction:
    """An entry; a UserError of its call becomes a notice."""
    action = QAction(text, menu)
    action.setToolTip(tip)
    action.setEnabled(on)
    if checked is not None:
        action.setCheckable(True)
        action.setChecked(checked)

    def triggered(_checked: bool = False) -> None:
        try:
            call()
        except UserError as error:
            pane.desk.notices.tell(error)

    action.triggered.connect(triggered)
    menu.addAction(action)
    return action


def fill_more(menu: QMenu, pane: StackPane, tools: StackTools) -> None:
    menu.setToolTipsVisible(True)
    stack = pane.stack
    if stack is None:
        add(menu, pane, "No stack is open", lambda: None, on=False)
        return
    many = len(stack) > 1
    drawn = particles_edit.of_stack(pane.desk.session, stack)
    add(menu, pane, "Measure distance and angle", tools.take_measure, tip="Drag lines on the image")
    add(
        menu,
        pane,
        "Calibrate on the scale bar…",
        tools.take_scale_bar,
        tip="Draw along it and type its length",
    )
    menu.addSeparator()
    add(menu, pane, "Follow all particles", lambda: tools.following.start(drawn), on=many and bool(drawn))
    add(menu, pane, "Montage…", tools.open_montage, tip="Chosen times as a row of frames")
    add(menu, pane, "Kymograph…", tools.open_kymograph, on=many, tip="The last profile line in every frame")
    add(
        menu,
        pane,
        "Table of sizes…",
        tools.open_sizes,
        on=bool(drawn),
        tip="Area, diameter … in every frame, with limits",
    )
    add(
        menu, pane, "Kinetics…", tools.open_kinetics, on=many and bool(drawn), tip="Onset, rates and models of area against time",
    )  # fmt: skip
    menu.addSeparator()
    _fill_drift(_sub(menu, "Drift"), pane, tools, stack)
    _fill_filters(_sub(menu, "Filter on view"), pane)
    _fill_dose(_sub(menu, "Dose"), pane, stack)
    if drawn:
        shown = all(particle.visible for particle in drawn)
        label = "Hide all outlines" if shown else "Show all outlines"
        add(menu, pane, label, lambda: particles_edit.show(pane.desk, drawn, not shown))
    add(
        menu,
        pane,
        "Copy the image",
        lambda: _copy(pane),
        tip="As it is on screen, with outlines and scale bar",
    )


def _sub(menu: QMenu, title: str) -> QMenu:
    made = QMenu(title, menu)
    made.setToolTipsVisible(True)
    menu.addMenu(made)
    return made


def _fill_drift(menu: QMenu, pane: StackPane, tools: StackTools, stack: FrameStack) -> None:
    found = stack.drift_px is not None
    again = "Find again" if found else "Find the drift"
    add(menu, pane, again, lambda: tools.find_drift(), on=len(stack) > 1)
    region = tools.last_region()
    add(
        menu, pane, f"{again} on the last ROI", lambda: tools.find_drift(region),
        on=region is not None and not stacks.is_growing(stack), tip="Only what is inside the region is compared",
    )  # fmt: skip
    menu.addSeparator()
    add(
        menu,
        pane,
        "Take it off on view",
        lambda: _toggle_drift(pane, tools),
        checked=found and pane.drift_on,
        on=found,
    )
    add(menu, pane, "Remove the correction", lambda: stacks.drop_drift(pane.desk, stack), on=found)


def _toggle_drift(pane: StackPane, tools: StackTools) -> None:
    pane.use_drift(not pane.drift_on)
    tools.refresh()


def _fill_filters(menu: QMenu, pane: StackPane) -> None:
    for each in FILTERS:
        text = each.text.capitalize() or "None"
        add(menu, pane, text, partial(pane.use_filter, each), checked=pane.view_filter == each)
    menu.addSeparator()
    add(menu, pane, "Mean of…", lambda: _ask_mean(pane))


def _ask_mean(pane: StackPane) -> None:
    count, accepted = QInputDialog.getInt(pane, "Mean over time", "Frames (on view only):", 5, 2, 200)
    if accepted:
        pane.use_filter(ViewFilter("mean", count))


def _fill_dose(menu: QMenu, pane: StackPane, stack: FrameStack) -> None:
    measured = dose.of_stack(pane.desk.session, stack) is not None
    add(menu, pane, "Type the dose rate…", lambda: _ask_rate(pane, stack))
    add(
        menu, pane, "From calibrated counts…", lambda: _ask_counts(pane, stack), tip="Gain and offset of the camera"
    )  # fmt: skip
    add(
        menu, pane, "Map of the dose…", lambda: _show_dose_map(pane, stack), on=measured,
        tip="The dose of every place of the sample, the drift taken into account",
    )  # fmt: skip


def _ask(pane: StackPane, text: str, value: float, low: float, high: float, decimals: int) -> float | None:
    """A number typed into a small dialog; None when it was left."""
    found, accepted = QInputDialog.getDouble(pane, "Dose", text, value, low, high, decimals)
    return found if accepted else None


def _ask_budget(pane: StackPane, stack: FrameStack) -> float | None:
    known = dose.settings_of(pane.desk.session, stack)
    before = (known.budget_e_A2 if known else None) or 0.0
    return _ask(pane, "Budget (e⁻/Å², 0 for none):", before, 0.0, 1e9, 0)


def _ask_rate(pane: StackPane, stack: FrameStack) -> None:
    known = dose.settings_of(pane.desk.session, stack)
    rate = _ask(pane, "Dose rate (e⁻/Å²s):", (known.rate_e_A2s if known else None) or 10.0, 0.0, 1e7, 3)
    budget = _ask_budget(pane, stack) if rate is not None else None
    if rate is not None and budget is not None:
        dose.type_rate(pane.desk, stack, rate, budget or None)


def _ask_counts(pane: StackPane, stack: FrameStack) -> None:
    gain = _ask(pane, "Counts per electron:", stack.counts_per_electron or 1.0, 1e-6, 1e6, 4)
    offset = _ask(pane, "Counts without beam:", stack.counts_offset, -1e6, 1e6, 2) if gain else None
    budget = _ask_budget(pane, stack) if offset is not None else None
    if gain is not None and offset is not None and budget is not None:
        dose.from_counts(pane.desk, stack, gain, offset, budget)


def _show_dose_map(pane: StackPane, stack: FrameStack) -> None:
    DoseMapDialog(pane, pane.desk, stack, dose.map_over_sample(pane.desk, stack)).show()


def _copy(pane: StackPane) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setPixmap(pane.canvas.grab())


def fill_particle(menu: QMenu, pane: StackPane, tools: StackTools, particle: Particle) -> None:
    menu.setToolTipsVisible(True)
    desk, frame = pane.desk, pane.frame_index
    outline = particle.outlines.get(frame)
    is_movie = pane.stack is not None and len(pane.stack) > 1 and pane.stack.axis0_is_time is not False
    if is_movie:
        add(menu, pane, f"Follow {particle.name} again", lambda: tools.following.start([particle]))
    add(menu, pane, "Table of sizes…", lambda: tools.open_sizes(particle), on=bool(particle.outlines))
    if is_movie:
        add(
            menu, pane, "Kinetics…", lambda: tools.open_kinetics(particle), on=len(particle.outlines) > 1,
            tip="Onset, rates and models of its area against time",
        )  # fmt: skip
    add(
        menu, pane, "Reference at this frame\tG", lambda: particles_edit.toggle_reference(desk, [particle], frame),
        checked=frame in particle.reference_frames, on=outline is not None, tip="Its shape here stays as a dotted ghost",
    )  # fmt: skip
    if outline is not None and not outline.is_key:
        add(
            menu, pane, "Confirm as key", lambda: particles_edit.confirm(desk, particle, frame),
            tip="Makes this outline a key: what is followed later starts from it",
        )  # fmt: skip
    if outline is not None and outline.is_key and is_movie:
        add(
            menu,
            pane,
            "Remove this key",
            lambda: _delete_key(pane, tools, particle),
            on=len(particle.keys) > 1,
        )
    menu.addSeparator()
    add(menu, pane, "Rename…", lambda: _rename(pane, particle))
    _fill_colours(_sub(menu, "Colour"), pane, particle)
    add(menu, pane, "Hide", lambda: particles_edit.show(desk, [particle], False))
    menu.addSeparator()
    add(menu, pane, "Split along a line", lambda: tools.take_split(particle), on=outline is not None)
    others = [
        other
        for other in desk.session.particles
        if other is not particle and other.stack_id == particle.stack_id and frame in other.outlines
    ]
    if others and outline is not None:
        merging = _sub(menu, "Merge with")
        for other in others:
            add(merging, pane, other.name, partial(_merge, pane, tools, particle, other))
    elsewhere = [stack for stack in desk.session.stacks if stack.id != particle.stack_id]
    if elsewhere and outline is not None:
        copying = _sub(menu, "Copy to")
        for stack in elsewhere:
            add(copying, pane, stack.name, partial(particles_edit.copy_to, desk, particle, frame, stack))
    maps = [image for image in desk.session.maps if min(image.shape[:2]) > 1]
    if maps and outline is not None and pane.stack is not None:
        placing = _sub(menu, "Place on map")
        for image in maps:
            add(
                placing, pane, image.name, partial(outlines.place, desk, particle, frame, pane.stack, image),
                tip="Its mean spectrum and its lithium, beside the sites",
            )  # fmt: skip
    menu.addSeparator()
    add(menu, pane, "Delete\tDel", lambda: particles_edit.remove(desk, particle))


def _delete_key(pane: StackPane, tools: StackTools, particle: Particle) -> None:
    span = particles_edit.delete_key(pane.desk, particle, pane.frame_index)
    tools.following.start([particle], span, completing=True)


def _merge(pane: StackPane, tools: StackTools, particle: Particle, other: Particle) -> None:
    particles_edit.merge(pane.desk, particle, other, pane.frame_index)
    tools.following.start([particle], completing=True)


def _rename(pane: StackPane, particle: Particle) -> None:
    name, accepted = QInputDialog.getText(pane, "Rename", "Name:", text=particle.name)
    if accepted:
        particles_edit.rename(pane.desk, particle, name)


def _fill_colours(menu: QMenu, pane: StackPane, particle: Particle) -> None:
    for colour, name in zip(IDENTITY_COLOURS, COLOUR_NAMES, strict=True):
        swatch = QPixmap(14, 14)
        swatch.fill(QColor(colour))
        action = add(menu, pane, name, partial(particles_edit.recolour, pane.desk, particle, colour))
        action.setIcon(QIcon(swatch))
    menu.addSeparator()

    def other() -> None:
        picked = QColorDialog.getColor(QColor(particle.colour), pane)
        if picked.isValid():
            particles_edit.recolour(pane.desk, particle, picked.name())

    add(menu, pane, "Other…", other)


def fill_canvas(menu: QMenu, pane: StackPane, tools: StackTools) -> None:
    """Beside every particle."""
    stack = pane.stack
    if stack is None:
        return
    add(menu, pane, "New outline\tN", tools.outline.toggle)
    for particle in particles_edit.of_stack(pane.desk.session, stack):
        if particle.visible and pane.frame_index not in particle.outlines:
            add(menu, pane, f"Draw {particle.name} in this frame", partial(tools.take_outline, particle))
    hidden = [p for p in particles_edit.of_stack(pane.desk.session, stack) if not p.visible]
    if hidden:
        names = ", ".join(particle.name for particle in hidden)
        add(menu, pane, f"Show {names}", lambda: particles_edit.show(pane.desk, hidden, True))
    for result in pane.desk.session.results:
        if result.analysis == stacks.REGION and result.owner_id == stack.id:
            name = result.name.split(" of ")[0]
            add(menu, pane, f"Remove {name}", partial(pane.desk.remove, f"Remove {name}", result))
    for line in pane.desk.session.profiles:
        if line.owner_id == stack.id:
            add(menu, pane, f"Show profile {line.name}", partial(tools.show_profile, line))
    menu.addSeparator()
    canvas = pane.canvas
    whole = canvas.is_fitted and canvas.fill
    add(
        menu, pane, "Whole image\tDouble click" if whole else "Fit the pane\tDouble click", canvas.fit_or_fill
    )
    add(menu, pane, "Copy the image", lambda: _copy(pane))
