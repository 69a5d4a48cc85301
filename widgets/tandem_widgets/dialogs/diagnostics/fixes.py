"""What each button of the session doctor says and does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6.QtWidgets import QFileDialog, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk import recompute
from tandem_em.desk.biasing import runs
from tandem_em.desk.clocks import align
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics import diagnose, reimport
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.dialogs.eels_properties import edit_properties

Button = tuple[str, Callable[[], Any]]


@dataclass(frozen=True)
class FixContext:
    """What a fix works on, and whom it asks to go where it cannot."""

    parent: QWidget
    desk: Desk
    folder: Path | None
    """Where the session lies."""
    relink: Callable[[str], object]
    """Of a source whose linked file has to be found again."""
    clock: Callable[[str], object]
    calibrate: Callable[[str], object]


def buttons(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    """What mends it first, then going there, then taking note of it."""
    maker = FIXES.get(finding.fix)
    made = maker(context, finding) if maker is not None else []
    if not made:
        made = _show(context, finding)
    # an error stays until it is put right; fixes bring their own way of accepting
    if finding.severity != "error" and finding.fix not in FIXES:
        made.append(("Mark as reviewed", partial(diagnose.accept, context.desk, finding)))
    return made


def _show(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    session, item = context.desk.session, context.desk.session.find(finding.where)
    if item is None or isinstance(item, SourceFile | Clock):
        return []

    def go() -> None:
        session.focus.select(item.kind, item.id)
        if finding.at is not None:
            session.focus.t = finding.at

    return [("Show", go)]


def _again(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    def do() -> None:
        work = recompute.of(context.desk.session, finding.where)
        if work is not None:
            recompute.recompute(context.desk, work)

    return [("Recompute", do)]


def _reimport(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    source = context.desk.session.sources.get(finding.where)
    if source is None:
        return []
    return [
        ("Import again", lambda: reimport.again(context.desk, source, Path(finding.detail))),
        ("Mark as reviewed", partial(diagnose.accept, context.desk, finding)),
    ]


def _reread(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    """From where the file is; asked for where it is no longer there."""
    item = context.desk.session.find(finding.where)
    source = context.desk.session.sources.get(getattr(item, "source_id", ""))
    if source is None:
        return []

    def do() -> None:
        path = reimport.path_of(source, context.folder)
        if not path.is_file():
            chosen, _ = QFileDialog.getOpenFileName(context.parent, f"Where is {source.name} now?", "")
            path = Path(chosen) if chosen else path
            if not chosen:
                return
        reimport.again(context.desk, source, path)

    return [("Import again", do)]


def _unit(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    run = context.desk.session.runs.get(finding.where)
    if not isinstance(run, BiasRun) or finding.detail not in run.columns:
        return []
    unit = run.columns[finding.detail].unit

    def read_as(factor: float, text: str) -> Callable[[], None]:
        return lambda: runs.read_as(context.desk, run, finding.detail, factor, text)

    small = [
        (f"Read as {sign}{unit}", read_as(factor, f"{sign}{unit}"))
        for sign, factor in (("m", 1e-3), ("µ", 1e-6))
    ]
    return [*small, *_reread(context, finding)]


def _stamps(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    stack = context.desk.session.stacks.get(finding.where)
    if stack is None:
        return []
    return [("Space times evenly", _guarded(context, partial(stacks.restamp, context.desk, stack)))]


def _times(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    stack = context.desk.session.stacks.get(finding.where)
    if stack is None:
        return []

    def do() -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            context.parent,
            f"Frame times of {stack.name}",
            "",
            "Tables (*.csv *.txt *.log *.tsv *.dat);;All files (*)",
        )
        if chosen:
            stacks.take_times(context.desk, stack, Path(chosen))

    return [
        ("Read times from a log…", _guarded(context, do)),
        ("Mark as reviewed", partial(diagnose.accept, context.desk, finding)),
    ]


def _clock(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    return [("Clocks…", partial(context.clock, finding.where))]


def _zone(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    clock = context.desk.session.find(finding.where)
    if not isinstance(clock, Clock):
        return []
    return [
        ("Time zone is right", partial(align.accept_zone, context.desk, clock)),
        *_clock(context, finding),
    ]


def _axis(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    stack = context.desk.session.find(finding.where)
    if not isinstance(stack, FrameStack):
        return []
    answer = partial(stacks.answer_axis, context.desk, stack)
    return [("Movie over time", partial(answer, True)), ("Separate images", partial(answer, False))]


def _relink(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    return [("Find the file…", partial(context.relink, finding.where))]


def _calibrate(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    return [("Calibrate…", partial(context.calibrate, finding.where))]


def _properties(context: FixContext, finding: diagnose.Finding) -> list[Button]:
    image = context.desk.session.find(finding.where)
    if not isinstance(image, SpectrumImage):
        return []
    return [("Properties…", lambda: edit_properties(context.parent, context.desk, image, finding.what))]


def _guarded(context: FixContext, do: Callable[[], None]) -> Callable[[], None]:
    """A sentence where it cannot be done."""

    def guarded() -> None:
        try:
            do()
        except UserError as error:
            context.desk.notices.tell(error)

    return guarded


FIXES: dict[str, Callable[[FixContext, diagnose.Finding], list[Button]]] = {
    "again": _again, "reimport": _reimport, "reread": _reread, "unit": _unit, "stamps": _stamps, "times": _times,
    "clock": _clock, "zone": _zone, "axis": _axis, "relink": _relink, "calibrate": _calibrate, "properties": _properties,
}  # fmt: skip
