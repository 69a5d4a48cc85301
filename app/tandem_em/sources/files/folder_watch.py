"""A folder into which a camera or spectrometer program writes: every complete file once, with the file's own time.

A file counts when its size stayed the same over two polls *and* it can be read *and* its last row is not empty: a
preallocated file has its full size from the start and reads as zeros. Frames become frame blocks; any other file (an
EELS map, a spectrum) is announced by an event whose `data["file"]` names it, for the desk to import.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.formats.frame_names import FrameClock, place_of
from tandem_em.model.clock import Origin
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.files.folder_scan import Candidate, FolderScan
from tandem_em.sources.files.settings import FolderTable

ReadFile = Callable[[Path], Sequence[Item]]
GIVE_UP_S = 20.0
"""A file that does not change and still cannot be read is given up, and said."""
EMPTY_ROW_S = 10.0
"""A last row of zeros in a file that does not change any more is believed after this long; an empty frame never."""
SETTLED_S = 0.1
"""At the end: a file that has not changed for so long is complete."""
SETTLE_S = 3.0
"""So long the first frames of an in-situ recording wait for those of the next seconds, which show its frame rate."""
LAST_LOOK_S = 1.5
"""At the end: so long files that lie there are still read."""
TRAILING_NUMBER = re.compile(r"(\d+)(?!.*\d)")


class FolderSource(ThreadedSource):
    """Frames from the files that a camera program saves into a folder; other files are announced."""

    kind: ClassVar[str] = "folder"
    sync: ClassVar[Origin] = "file time"
    quiet_s: ClassVar[float] = 60.0
    patience_s: ClassVar[float] = 1.0

    def __init__(self, table: FolderTable, read_file: ReadFile) -> None:
        super().__init__(table.name)
        self._table = table
        self._folder = Path(table.path)
        self._read_file = read_file
        self._scan = FolderScan(self._folder, table.pattern, table.layout, table.from_start)
        self._timeline = Timeline()
        self._numbers = Numbers()
        self._count = 0
        self._last_stamp = float("-inf")
        self._recordings: dict[Path, Recording] = {}
        self._shape: tuple[int, int] | None = None
        self._dtype = ""
        self._pixel_nm: float | None = None

    def describe(self) -> SourceDescription:
        """What the last frame was like, and which folder is watched."""
        return SourceDescription(
            name=self._name,
            kind="folder",
            label=self._folder.name,
            frame_shape=self._shape,
            frame_dtype=self._dtype,
            pixel_nm=self._pixel_nm,
            sync="file time",
            simulated=self._table.simulated,
            instrument={"folder": self._folder.name, "pattern": self._table.pattern},
        )

    def _connect(self) -> None:
        if not self._folder.is_dir():
            # The whole folder is new then, whatever `from_start` says.
            self._scan.take_all()
            raise SourceLostError(f"The folder {self._folder.name} does not exist.")

    def _disconnect(self) -> None:
        """Nothing is held open. At the end what lies there still counts."""
        if self._stopping.is_set():
            self._last_look()

    def _last_look(self) -> None:
        self._scan.poll(host_now())
        # Between two looks: a file counts as complete only when both find it the same.
        time.sleep(SETTLED_S)
        deadline = host_now() + LAST_LOOK_S
        ready = self._scan.poll(host_now())
        self._note_places()
        for candidate in ready:
            # Also stops at the first file that cannot be read: the order of the frames is kept.
            if host_now() >= deadline or not self._take(candidate):
                break
        left = self._scan.waiting
        if left:
            self._say(
                f"{self._name}: {counted(left, 'file')} arrived too late to be recorded. Import from {self._folder.name}.",
                "warning",
            )

    def _pump(self) -> None:
        if not self._folder.is_dir():
            raise SourceLostError(f"The folder {self._folder.name} no longer exists.")
        ready = self._scan.poll(host_now())
        self._note_places()
        for candidate in ready:
            if self._stopping.is_set():
                return
            if not self._is_settled(candidate):
                break
            if not self._take(candidate):
                break  # the order of the frames is kept: wait for this one
        self._stopping.wait(self._table.poll_s)

    def _note_places(self) -> None:
        """Which frames of in-situ recordings lie there: complete seconds show the frame rate."""
        for path in self._scan.paths:
            place = place_of(path)
            if place is not None:
                self._recordings.setdefault(recording_of(path), Recording()).clock.note(place)

    def _is_settled(self, candidate: Candidate) -> bool:
        """Whether the time of a frame can be told; the first ones of an in-situ recording wait for the next seconds."""
        recording = self._recordings.get(recording_of(candidate.path))
        if recording is None or place_of(candidate.path) is None or recording.clock.is_settled:
            return True
        return host_now() - candidate.since > SETTLE_S

    def _stamp(self, candidate: Candidate, stack: FrameStack, index: int) -> float:
        """Seconds since 1970: by the names of an in-situ recording whose files only know whole seconds, else the file's."""
        own = own_time(stack, index, candidate)
        place = place_of(candidate.path) if len(stack) == 1 else None
        # Its fraction shows that the stamp is finer than whole seconds, and so better than the names.
        if place is None or (says_time(stack, index) and own % 1.0):
            return own
        recording = self._recordings.setdefault(recording_of(candidate.path), Recording())
        after = recording.clock.time(place, stack.exposure_s)
        if recording.began is None:
            recording.began = own - after
        return recording.began + after

    def _take(self, candidate: Candidate) -> bool:
        """True when this file is dealt with."""
        age = host_now() - candidate.since
        try:
            items = list(self._read_file(candidate.path))
        except Exception as error:  # noqa: BLE001 - readers of half-written files raise anything
            candidate.tries += 1
            if age < GIVE_UP_S:
                return False
            self._refused += 1
            title = (
                error.title
                if isinstance(error, UserError)
                else f"{candidate.path.name} cannot be read: {error}."
            )
            self._say(f"{self._name}: {title}", "warning", file=str(candidate.path))
            self._scan.is_done(candidate)
            return True
        try:
            return self._take_items(candidate, items, age)
        finally:
            for item in items:
                close = getattr(getattr(item, "source", None), "close", None)
                if close is not None:
                    close()

    def _take_items(self, candidate: Candidate, items: list[Item], age: float) -> bool:
        stacks = [item for item in items if isinstance(item, FrameStack) and len(item)]
        others = [item for item in items if not isinstance(item, FrameStack)]
        # Copied: the file is closed before the frames are read from the queue.
        frames = [
            (stack, index, np.array(stack.frame(index))) for stack in stacks for index in range(len(stack))
        ]
        if not all(is_filled(frame, age) for _, _, frame in frames):
            if age > GIVE_UP_S:
                self._refused += 1
                self._say(
                    f"{self._name}: {candidate.path.name} is empty.", "warning", file=str(candidate.path)
                )
                self._scan.is_done(candidate)
                return True
            # Nothing was put yet: the whole file is tried again.
            return False
        for stack, index, frame in frames:
            self._put_file_frame(candidate, stack, index, frame)
        if others:
            kinds = sorted({item.kind for item in others})
            self._say(
                f"New file {candidate.path.name}.",
                "note",
                file=str(candidate.path),
                kinds=kinds,
                time=candidate.changed_ns * 1e-9,
            )
        self._scan.is_done(candidate)
        return True

    def _put_file_frame(
        self, candidate: Candidate, stack: FrameStack, index: int, frame: NDArray[Any]
    ) -> None:
        # Files may be written out of order by a hair; the device timeline never runs backwards.
        stamp = max(self._stamp(candidate, stack, index), self._last_stamp)
        self._last_stamp = stamp
        now = host_now()
        device, new = self._timeline.place(stamp, now)
        number = self._number(candidate, stack)
        self._count += 1
        self._shape, self._dtype = (frame.shape[0], frame.shape[1]), str(frame.dtype)
        self._pixel_nm = stack.pixel_nm
        info = {"file": candidate.path.name, "exposure_s": stack.exposure_s, "pixel_nm": stack.pixel_nm}
        self._put_frame(
            frame,
            device,
            number,
            host_time=now,
            new_segment=new,
            info={key: value for key, value in info.items() if value is not None},
        )

    def _number(self, candidate: Candidate, stack: FrameStack) -> int:
        """The number in the name of a single frame's file (holes are counted), else the running number."""
        found = TRAILING_NUMBER.search(candidate.path.stem)
        in_gatan = candidate.path.parent.name.lower().startswith("second_")
        # In Gatan's layout the numbers begin anew each second; more than twelve digits are no count.
        if found is None or in_gatan or len(stack) > 1 or len(found[1]) > 12:
            return self._count
        missing, _again = self._numbers.take(int(found[1]))
        self._missed += missing
        return int(found[1])


def own_time(stack: FrameStack, index: int, candidate: Candidate) -> float:
    """Seconds since 1970 of a frame by its file: the stamp in it, else when it was written. Never the arrival."""
    if says_time(stack, index):
        try:
            return datetime.fromisoformat(stack.clock.start_iso).timestamp() + float(stack.times[index])
        # A date in the file that is none: the time of writing is still there.
        except ValueError:
            pass
    return candidate.changed_ns * 1e-9


def says_time(stack: FrameStack, index: int) -> bool:
    """Whether a file gives a time to this frame: a start with its date, and a finite stamp."""
    return bool(stack.clock.start_iso and index < len(stack.times) and np.isfinite(stack.times[index]))


@dataclass
class Recording:
    """An in-situ recording that is being written. `began`: seconds since 1970 of its first second."""

    clock: FrameClock = field(default_factory=FrameClock)
    began: float | None = None


def recording_of(path: Path) -> Path:
    """The folder of the recording a frame belongs to: above Hour, Minute and Second."""
    return path.parents[3] if len(path.parents) > 3 else path.parent


def is_filled(frame: NDArray[Any], age_s: float) -> bool:
    """Whether a frame was written to its end."""
    # One row is enough to ask, and the last is written last.
    if np.any(frame[-1]):
        return True
    return age_s > EMPTY_ROW_S and bool(np.any(frame))
