"""What each button of the session doctor says and does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QFileDialog

from tandem_em.core.notices import UserError
from tandem_em.desk import recompute
from tandem_em.desk.biasing import runs
from tandem_em.desk.clocks import align
from tandem_em.desk.diagnostics import diagnose, reimport
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.dialogs.eels_properties import edit_properties

if TYPE_CHECKING:
    from tandem_widgets.dialogs.diagnostics.dialog import DoctorDialog

Button = tuple[str, Callable[[], Any]]


def buttons(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    """What mends it first, then going there, then taking note of it."""
    maker = FIXES.get(finding.fix)
    made = maker(dialog, finding) if maker is not None else []
    if not made:
        made = _show(dialog, finding)
    if finding.severity != "error" and finding.fix not in FIXES:
        made.append(("Mark as reviewed", partial(diagnose.accept, dialog.desk, finding)))
    return made


def _show(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    session, item = dialog.desk.session, dialog.desk.session.find(finding.where)
    if item is None or isinstance(item, SourceFile | Clock):
        return []

    def go() -> None:
        session.focus.select(item.kind, item.id)
        if finding.at is not None:
            session.focus.t = finding.at

    return [("Show", go)]


def _again(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    def do() -> None:
        work = recompute.of(dialog.desk.session, finding.where)
        if work is not None:
            recompute.recompute(dialog.desk, work)

    return [("Recompute", do)]


def _reimport(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    source = dialog.desk.session.sources.get(finding.where)
    if source is None:
        return []
    return [
        ("Import again", lambda: reimport.again(dialog.desk, source, Path(finding.detail))),
        ("Mark as reviewed", partial(diagnose.accept, dialog.desk, finding)),
    ]


def _reread(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    """From where the file is; asked for where it is no longer there."""
    item = dialog.desk.session.find(finding.where)
    source = dialog.desk.session.sources.get(getattr(item, "source_id", ""))
    if source is None:
        return []

    def do() -> None:
        path = reimport.path_of(source, dialog.folder)
        if not path.is_file():
            chosen, _ = QFileDialog.getOpenFileName(dialog, f"Find {source.name}", "")
            path = Path(chosen) if chosen else path
            if not chosen:
                return
        reimport.again(dialog.desk, source, path)

    return [("Import again", do)]


def _unit(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    run = dialog.desk.session.runs.get(finding.where)
    if not isinstance(run, BiasRun) or finding.detail not in run.columns:
        return []
    unit = run.columns[finding.detail].unit

    def read_as(factor: float, text: str) -> Callable[[], None]:
        return lambda: runs.read_as(dialog.desk, run, finding.detail, factor, text)

    small = [
        (f"Read as {sign}{unit}", read_as(factor, f"{sign}{unit}"))
        for sign, factor in (("m", 1e-3), ("µ", 1e-6))
    ]
    return [*small, *_reread(dialog, finding)]


def _stamps(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    stack = dialog.desk.session.stacks.get(finding.where)
    if stack is None:
        return []
    return [("Space times evenly", _guarded(dialog, partial(stacks.restamp, dialog.desk, stack)))]


def _times(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    stack = dialog.desk.session.stacks.get(finding.where)
    if stack is None:
        return []

    def do() -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            dialog,
            f"Frame times of {stack.name}",
            "",
            "Tables (*.csv *.txt *.log *.tsv *.dat);;All files (*)",
        )
        if chosen:
            stacks.take_times(dialog.desk, stack, Path(chosen))

    return [
        ("Read times from a log…", _guarded(dialog, do)),
        ("Mark as reviewed", partial(diagnose.accept, dialog.desk, finding)),
    ]


def _clock(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    return [("Clocks…", partial(dialog.clock_wanted.emit, finding.where))]


def _zone(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    clock = dialog.desk.session.find(finding.where)
    if not isinstance(clock, Clock):
        return []
    return [("Time zone is right", partial(align.accept_zone, dialog.desk, clock)), *_clock(dialog, finding)]


def _axis(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    stack = dialog.desk.session.find(finding.where)
    if not isinstance(stack, FrameStack):
        return []
    answer = partial(stacks.answer_axis, dialog.desk, stack)
    return [("Movie over time", partial(answer, True)), ("Separate images", partial(answer, False))]


def _relink(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    return [("Find the file…", partial(dialog.relink_wanted.emit, finding.where))]


def _calibrate(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    return [("Calibrate…", partial(dialog.calibration_wanted.emit, finding.where))]


def _properties(dialog: DoctorDialog, finding: diagnose.Finding) -> list[Button]:
    image = dialog.desk.session.find(finding.where)
    if not isinstance(image, SpectrumImage):
        return []
    return [("Properties…", lambda: edit_properties(dialog, dialog.desk, image, finding.what))]


def _guarded(dialog: DoctorDialog, do: Callable[[], None]) -> Callable[[], None]:
    """A sentence where it cannot be done."""

    def guarded() -> None:
        try:
            do()
        except UserError as error:
            dialog.desk.notices.tell(error)

    return guarded


FIXES: dict[str, Callable[[DoctorDialog, diagnose.Finding], list[Button]]] = {
    "again": _again, "reimport": _reimport, "reread": _reread, "unit": _unit, "stamps": _stamps, "times": _times,
    "clock": _clock, "zone": _zone, "axis": _axis, "relink": _relink, "calibrate": _calibrate, "properties": _properties,
}  # fmt: skip
