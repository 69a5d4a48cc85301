"""The lanes onto the clipboard: as a picture, as the values at the cursor, as a table of what is in view."""

from __future__ import annotations

import io

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Lane
from tandem_widgets.parts.lanes.widget import Lanes
from tandem_widgets.parts.plot.copy import copy_picture, copy_text

MOST_ROWS = 300_000


def copy_lanes(lanes: Lanes) -> None:
    """The lanes as they look, with the values at the cursor as text."""
    copy_picture(lanes, values_text(lanes))


def _rows(lanes: Lanes) -> list[tuple[Lane, Curve]]:
    return [(lane, curve) for lane in lanes.content.lanes for curve in lane.curves]


def column_name(lane: Lane, curve: Curve) -> str:
    """Head of a curve's column with its unit; the curve is named only where the lane holds several."""
    unit = lane.caption or lane.unit
    name = lane.title if len(lane.curves) == 1 else f"{lane.title} {curve.label}"
    return f"{name} ({unit})" if unit else name


def values_text(lanes: Lanes) -> str:
    """Two lines for a spreadsheet: headings, and the values at the cursor in base units."""
    t = lanes.focus_model.t
    rows = _rows(lanes)
    headings = ["time (s)", *(column_name(lane, curve) for lane, curve in rows)]
    values = [repr(t), *(_number(curve.value_at(t)) for _lane, curve in rows)]
    return "\t".join(headings) + "\n" + "\t".join(values) + "\n"


def _number(value: float) -> str:
    return f"{value:.9g}" if np.isfinite(value) else ""


def copy_values(lanes: Lanes) -> None:
    """Puts the values of the lanes on the clipboard as text for a spreadsheet."""
    copy_text(values_text(lanes))


def copy_table(desk: Desk, lanes: Lanes) -> None:
    """Samples in view with their true stamps; made in a job."""
    low, high = lanes.focus_model.span
    named = [(column_name(lane, curve), curve) for lane, curve in _rows(lanes)]

    def done(text: str) -> None:
        copy_text(text)
        desk.notices.info(f"Copied {counted(text.count(chr(10)) - 1, 'row')}.")

    desk.start("Copying the table", making_table(named, low, high), done, key="copy table")


def making_table(named: list[tuple[str, Curve]], low: float, high: float) -> Job[str]:
    """Tab-separated text: one pair of columns per clock would be hard to read, so all stamps share one column."""
    parts, total = [], 0
    for name, curve in named:
        first, last = np.searchsorted(curve.x, (curve.own(low), curve.own(high)))
        parts.append((name, curve, int(first), int(last)))
        total = max(total, int(last - first))
    if total > MOST_ROWS:
        raise UserError(
            f"{total:,} samples in view are too many for the clipboard.".replace(",", " "),
            "Zoom in, or export the curves as a table.",
        )
    yield Progress(0, len(parts))
    stamps = [np.asarray(c.session(c.x[a:b]), np.float64) for _n, c, a, b in parts]
    # curves have their own samples: rows are all moments, cells without a sample stay empty
    t = np.unique(np.concatenate(stamps)) if stamps else np.zeros(0)
    columns = [t]
    for number, ((_name, curve, first, last), own) in enumerate(zip(parts, stamps)):
        values = np.full(len(t), np.nan)
        values[np.searchsorted(t, own)] = curve.shown(np.asarray(curve.y[first:last], np.float64))
        columns.append(values)
        yield Progress(number + 1, len(parts))
    text = io.StringIO()
    text.write("\t".join(["time (s)", *(name for name, *_ in parts)]) + "\n")
    np.savetxt(text, np.column_stack(columns), fmt="%.10g", delimiter="\t")
    # a spreadsheet takes an empty cell for no value, but "nan" for text
    return text.getvalue().replace("nan", "")
