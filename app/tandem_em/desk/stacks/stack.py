"""What is done to whole stacks: drift, calibration, what axis 0 is, region statistics, filters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress, Task
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Request, ResultAnalysis
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines.drift import DRIFT
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import Step
from tandem_em.model.results.of_stacks import RegionStatistics
from tandem_em.model.session import Session

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of frame 0 (drift taken off); x1 and y1 are not included."""
Frame = NDArray[Any]
REGION = RegionStatistics.analysis


# --- drift ----------------------------------------------------------------------------------------------------------


def correct_drift(
    desk: Desk,
    stack: FrameStack,
    region: Region | None = None,
    on_end: Callable[[], None] | None = None,
    preview: Callable[[NDArray[np.float64]], None] | None = None,
) -> Task[Any]:
    """Find the drift in a job and keep it: one undoable step. Raw frames stay as they are.

    `preview` gets the drift as far as it is known while the job runs."""

    def kept(_items: list[Item]) -> None:
        drift = stack.drift_px
        assert drift is not None
        desk.notices.info(
            f"{stack.name} drifts by up to {_drift_text(stack, drift)}.",
            "It is corrected in the view only; the data are not changed. Lanes ▾, Drift of the stack, shows it as a curve.",
        )
        if on_end is not None:
            on_end()

    def progressed(progress: Progress) -> None:
        if preview is not None and progress.partial is not None:
            preview(progress.partial)

    return DRIFT.ask(desk.session, stack, region=region).start(desk, kept, on_progress=progressed)


def _drift_text(stack: FrameStack, drift: NDArray[np.float64]) -> str:
    far = float(np.nanmax(np.hypot(*(drift - drift[:1]).T))) if len(drift) else 0.0
    return f"{far * stack.pixel_nm:.3g} nm" if stack.pixel_nm else f"{far:.1f} px"


def drop_drift(desk: Desk, stack: FrameStack) -> None:
    """Forget the drift, so that frames are shown as recorded; undoable."""
    desk.change(f"Delete the drift of {stack.name}", stack, drift_px=None)


# --- calibration and axis 0 -----------------------------------------------------------------------------------------


def set_pixel(desk: Desk, stack: FrameStack, pixel_nm: float, pixel_from: str = "scale bar") -> None:
    """Calibrate a stack; a scale bar is remembered for its magnification."""
    if not (math.isfinite(pixel_nm) and pixel_nm > 0):
        raise UserError("The length is not valid.", "Draw along the scale bar and enter its length.")
    desk.change(f"Calibrate {stack.name}", stack, pixel_nm=float(pixel_nm), pixel_from=pixel_from)
    # Only a measured calibration is worth offering for other movies.
    if stack.magnification and pixel_from == "scale bar":
        known = dict(desk.settings.values.pixel_by_magnification)
        known[magnification_key(stack)] = float(pixel_nm)
        desk.settings.change(pixel_by_magnification=known)


def magnification_key(stack: FrameStack) -> str:
    """Camera pixels differ with binning: the width of the frame belongs to the magnification."""
    return f"{stack.magnification:g}x {stack.shape[2]}px"


def remembered_pixel(desk: Desk, stack: FrameStack) -> float | None:
    """What the scale bar said last time at this magnification, for a stack without calibration."""
    if stack.pixel_nm or not stack.magnification:
        return None
    return desk.settings.values.pixel_by_magnification.get(magnification_key(stack))


def answer_axis(desk: Desk, stack: FrameStack, is_time: bool) -> None:
    """Whether axis 0 is time. Without stamps the frames get a nominal second (or exposure) each, marked as nominal."""
    fields: dict[str, Any] = {"axis0_is_time": is_time}
    if is_time and not np.isfinite(stack.times).any():
        fields |= {"times": np.arange(len(stack)) * (stack.exposure_s or 1.0), "times_from": "nominal"}
    if not is_time:
        fields |= {"times": np.full(len(stack), np.nan), "times_from": "none"}
    desk.change(f"{stack.name}: {'frames over time' if is_time else 'separate images'}", stack, **fields)


def restamp(desk: Desk, stack: FrameStack) -> None:
    """Frames without a usable stamp (none, or not after the one before) get times evenly between their neighbours.

    The stamps of all other frames stay; the step says which were made up. Undo brings the file's stamps back."""
    times = np.asarray(stack.times, np.float64)
    # The highest stamp before each frame; fmax passes over NaN.
    highest = np.fmax.accumulate(np.concatenate([[-np.inf], times]))[:-1]
    good = np.isfinite(times) & (times > highest)
    if good.sum() < 2:
        raise UserError(f"{stack.name} has too few time stamps.", "Read its times from a log.")
    frames = np.arange(len(times))
    # By frame: stamps may be missing between two good ones.
    usual = float(np.median(np.diff(times[good]) / np.diff(frames[good])))
    made = np.interp(frames, frames[good], times[good])
    first, last = frames[good][0], frames[good][-1]
    # np.interp would give all frames beyond the ends the same time.
    made[:first] = times[first] + (frames[:first] - first) * usual
    made[last:] = times[last] + (frames[last:] - last) * usual
    label = f"Space the times of {stack.name} evenly"
    step = step_for(label, [], {"frames": frames[~good].tolist()}, [stack.id])
    desk.do(label, ChangeFields(label, stack.id, {"times": made}), AddItem(label, step))


def take_times(desk: Desk, stack: FrameStack, path: Path) -> None:
    """Frame times from a table with one row for each frame: the companion log of a movie."""
    from tandem_em.importers.core.companion import SIZE_LIMIT, table_times

    try:
        # latin-1 reads any byte: only digits and headings matter.
        text = path.read_text("latin-1") if path.stat().st_size <= SIZE_LIMIT else ""
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.", "Check the file.") from error
    read = table_times(text, len(stack))
    if read is None:
        raise UserError(
            f"{path.name} does not have a time for each of the {len(stack)} frames of {stack.name}.",
            "It needs one row per frame and a column called time (s, ms or dates).",
        )
    label = f"Times of {stack.name} from {path.name}"
    step = step_for(label, [], {"table": path.name}, [stack.id])
    fields = {"times": read[0], "times_from": "companion log"}
    desk.do(label, ChangeFields(label, stack.id, fields), AddItem(label, step))


# --- numbers out of frames ------------------------------------------------------------------------------------------


class MeasureRegion(ResultAnalysis):
    """Mean and spread of a region in every frame."""

    name = RegionStatistics.analysis
    menu = "Measure a region"
    owner = FrameStack
    makes = RegionStatistics

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`region`: x0, y0, x1, y1 in pixels of frame 0, at least one pixel; named ROI 1, 2, …"""
        x0, y0, x1, y1 = (int(each) for each in parameters["region"])
        if x1 - x0 < 1 or y1 - y0 < 1:
            raise UserError("The ROI contains no pixel.", "Drag a rectangle over the image.")
        name = f"ROI {1 + sum(r.analysis == REGION for r in session.results)} of {owner.name}"
        return Request(self, owner, [owner, owner.clock], {"region": [x0, y0, x1, y1]}, name)

    def title(self, request: Request) -> str:
        """The name of the result: there may be several regions of one stack."""
        return request.name

    def working(self, request: Request) -> str:
        """Names the region."""
        return f"Measuring {request.name}"

    def label(self, request: Request) -> str:
        """Undo text: a region is a measurement."""
        return f"Measure {request.name}"

    def key(self, request: Request) -> str:
        """By the stack: a region drawn anew replaces one that is still being measured."""
        return f"region {request.owner.id}"

    def job(self, session: Session, request: Request) -> Job[Floats]:
        """Mean and standard deviation in every frame, NaN where one cannot be read."""
        x0, y0, x1, y1 = request.parameters["region"]
        assert isinstance(request.owner, FrameStack)
        return measuring(request.owner, (x0, y0, x1, y1))

    def typed(self, session: Session, request: Request, found: Any) -> RegionStatistics:
        """The two columns over session seconds, in the unit of the stack."""
        stack, region = request.owner, request.parameters["region"]
        assert isinstance(stack, FrameStack)
        return RegionStatistics(
            t_s=stack.t[: len(found)].copy(),
            mean=found[:, 0],
            sd=found[:, 1],
            unit=stack.unit,
            region=tuple(region),
        )

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """The same rectangle under the same name; None when the stack is gone."""
        stack, region = session.stacks.get(self.owner_of(session, step)), step.parameters.get("region")
        if stack is None or not region or len(region) != 4:
            return None
        request = self.ask(session, stack, region=region)
        # Counting on would make ROI 2 of what is shown as ROI 1.
        request.name = request.step.name = request.step.what = items[0].name
        return request

    def summary(self, item: Item) -> str:
        """Mean over time and its range; empty when no frame could be read."""
        found = self.of(item)
        if found is None or not np.isfinite(found.mean).any():
            return ""
        return f"Mean {np.nanmean(found.mean):.4g} {found.unit}, from {np.nanmin(found.mean):.4g} to {np.nanmax(found.mean):.4g}."

    def method(self, session: Session, step: Step) -> str:
        """Where the region lies in the first frame, and that it follows the drift."""
        x0, y0, x1, y1 = step.parameters["region"]
        where = f"x {x0} to {x1 - 1}, y {y0} to {y1 - 1} px of frame 1"
        return f"{self.subject(session, step)}: mean and deviation in every frame ({where}; it follows the drift)"


MEASURE_REGION = MeasureRegion()


def region_statistics(desk: Desk, stack: FrameStack, region: Region) -> Task[Any]:
    """Mean and spread of a region in every frame, as a stored result with a lane."""
    request = MEASURE_REGION.ask(desk.session, stack, region=region)
    return request.start(desk, lambda items: desk.session.focus.select("result", items[0].id))


def measuring(stack: FrameStack, region: Region) -> Job[NDArray[np.float64]]:
    """Mean and standard deviation of a region (T, 2), which follows the drift to a fraction of a pixel; NaN for frames
    that cannot be read."""
    found = np.full((len(stack), 2), np.nan)
    for index in range(len(stack)):
        yield Progress(index, len(stack), "Measuring the ROI")
        found[index] = _mean_and_sd(stack, index, region)
    return found


def _mean_and_sd(stack: FrameStack, index: int, region: Region) -> tuple[float, float]:
    dx, dy = stack.drift_at(index)
    x0, y0, x1, y1 = region
    _, height, width = stack.shape
    rows, tall = _covered(y0 + dy, y1 + dy, height)
    columns, wide = _covered(x0 + dx, x1 + dx, width)
    weight = float(tall.sum() * wide.sum())
    # The region has drifted out of the picture.
    if not weight > 0:
        return math.nan, math.nan
    try:
        part = np.asarray(stack.source.read((index, rows, columns)), np.float64)
    except UserError:
        return math.nan, math.nan
    mean = float(tall @ part @ wide) / weight
    return mean, math.sqrt(float(tall @ (part - mean) ** 2 @ wide) / weight)


def _covered(low: float, high: float, size: int) -> tuple[slice, NDArray[np.float64]]:
    """Which pixels of an axis lie between two places, and how much of each."""
    first, last = min(max(0, math.floor(low)), size), max(0, min(size, math.ceil(high)))
    pixels = np.arange(first, max(first, last))
    return slice(first, max(first, last)), np.clip(
        np.minimum(pixels + 1, high) - np.maximum(pixels, low), 0, 1
    )


# --- filters on view ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ViewFilter:
    """What is done to a frame before it is shown. The data never change."""

    kind: Literal["none", "mean", "gaussian", "median"] = "none"
    size: float = 1.0
    """mean: frames; gaussian: sigma (px); median: side (px)."""

    @property
    def text(self) -> str:
        """The filter in a few words; empty for none."""
        words = {"mean": f"mean of {self.size:g} frames", "gaussian": f"gaussian σ {self.size:g} px"}
        return words.get(self.kind, f"median {self.size:g} px" if self.kind == "median" else "")


def is_growing(stack: FrameStack) -> bool:
    """Whether the movie is still being filmed: its outlines and drift follow by themselves."""
    return stack.source.is_growing


def ready(stack: FrameStack) -> int:
    """Frames that can be shown at once; while recording, those that are in the file."""
    return stack.source.ready


def reader(stack: FrameStack, view: ViewFilter) -> Callable[[int], Frame]:
    """Reads a frame as it is to be shown; called on the loader's thread."""
    if view.kind == "mean":
        return lambda index: temporal_mean(stack, index, round(view.size))
    if view.kind in ("gaussian", "median"):
        return lambda index: _smoothed(stack.frame(index), view)
    return stack.frame


def temporal_mean(stack: FrameStack, index: int, count: int) -> Frame:
    """Mean of the frames around one, moved onto it by whole pixels of drift."""
    # At the ends of the movie the window is moved inwards: as many frames everywhere.
    first = max(0, min(index - count // 2, len(stack) - count))
    here = np.array(stack.drift_at(index))
    total: NDArray[np.float32] | None = None
    used = 0
    for other in range(first, min(len(stack), first + count)):
        try:
            frame = np.asarray(stack.frame(other), np.float32)
        except UserError:
            # Neighbours may be unreadable; the frame itself must be told.
            if other == index:
                raise
            continue
        # Whole pixels: interpolating would smooth once more.
        dx, dy = np.round(np.array(stack.drift_at(other)) - here).astype(int)
        frame = np.roll(frame, (-int(dy), -int(dx)), axis=(0, 1))
        total = frame.copy() if total is None else np.add(total, frame, out=total)
        used += 1
    assert total is not None
    return total / np.float32(used)


def _smoothed(frame: Frame, view: ViewFilter) -> Frame:
    from scipy import ndimage

    if view.kind == "gaussian":
        return np.asarray(ndimage.gaussian_filter(frame.astype(np.float32), view.size))
    return np.asarray(ndimage.median_filter(frame, max(1, round(view.size))))
