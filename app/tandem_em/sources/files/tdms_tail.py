"""A LabVIEW TDMS file that is still being written: rows that all channels already have."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.formats.text.labels import quantity_of, read_label
from tandem_em.formats.text.units import parse_unit
from tandem_em.model.clock import Origin
from tandem_em.sources.core.base import SourceDescription, host_now
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.core.timeline import Timeline
from tandem_em.sources.files.settings import TextTable

# The whole index is read at each poll, so not as often as a text file is.
MIN_POLL_S = 0.25


class TdmsTailSource(ThreadedSource):
    """The first group with numeric channels; a channel that is ahead of the others is trimmed to the shortest."""

    kind: ClassVar[str] = "text"
    sync: ClassVar[Origin] = "file time"
    quiet_s: ClassVar[float] = 60.0

    def __init__(self, table: TextTable) -> None:
        super().__init__(table.name)
        self._table = table
        self._path = Path(table.path)
        self._size = -1
        self._rows = 0
        self._units: dict[str, str] = {}
        self._timeline = Timeline()
        self._only_new = not table.from_start

    def describe(self) -> SourceDescription:
        """The channels that were found with their units, and the file."""
        return SourceDescription(
            name=self._name,
            kind="text",
            label="LabVIEW TDMS",
            units=dict(self._units),
            sync="file time",
            simulated=self._table.simulated,
            instrument={"file": self._path.name},
        )

    def _connect(self) -> None:
        if not self._path.parent.is_dir():
            raise SourceLostError(f"The folder of {self._path.name} does not exist.")

    def _disconnect(self) -> None:
        pass

    def _pump(self) -> None:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            self._set_state("waiting", f"{self._path.name} does not exist yet; waiting for it.")
            size = self._size
        if size < self._size:
            self._say(f"{self._path.name} was restarted from its beginning.", "note")
            self._rows = 0
            self._timeline.restart()
            self._begin_segment()
        if size != self._size and size > 0:
            found = read_new_rows(self._path, self._rows)
            if found is not None:
                self._size = size
                self._deliver(*found)
        self._stopping.wait(max(self._table.poll_s, MIN_POLL_S))

    def _deliver(self, times: Floats, columns: dict[str, Floats], units: dict[str, str]) -> None:
        self._units = units
        self._rows += len(times)
        # With `from_start` off the rows that lie there at the first look are only counted.
        only_new, self._only_new = self._only_new, False
        if len(times) == 0 or only_new:
            return
        now = host_now()
        first, new = self._timeline.place(float(times[0]), now)
        # The timeline has to know the last row, so that the next portion is placed behind it.
        self._timeline.place(float(times[-1]), now)
        self._put_samples(times - times[0] + first, np.full(len(times), now), columns, new_segment=new)


def read_new_rows(path: Path, known: int) -> tuple[Floats, dict[str, Floats], dict[str, str]] | None:
    """Rows from number `known` on: times (s), columns in SI, units. None: the file is just being written."""
    from nptdms import TdmsFile

    logging.getLogger("nptdms").setLevel(
        logging.ERROR
    )  # a segment that is being written is nothing to warn of here
    try:
        # Opened, not read: only the rows that are new are taken from the file.
        with TdmsFile.open(path) as file:
            for group in file.groups():
                channels = [c for c in group.channels() if c.dtype.kind in "fiu" and len(c)]
                if channels:
                    # Channels are written one after another: the last rows of some may still be missing.
                    end = min(len(channel) for channel in channels)
                    return _rows(channels, known, end)
    except (ValueError, OSError, EOFError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return None


def _rows(channels: list[Any], start: int, end: int) -> tuple[Floats, dict[str, Floats], dict[str, str]]:
    times: NDArray[Any] | None = None
    columns: dict[str, Floats] = {}
    units: dict[str, str] = {}
    for channel in channels:
        spelled = str(channel.properties.get("unit_string", channel.properties.get("NI_UnitDescription", "")))
        label = read_label(str(channel.name))
        if label.unit is None and parse_unit(spelled):
            label = read_label(str(channel.name), spelled)
        values = np.asarray(channel[start:end], np.float64)
        if label.unit is not None:
            values = values * label.unit.factor + label.unit.offset
        quantity = quantity_of(label) or label.name
        if quantity == "time" and times is None:
            times = values
            continue
        columns[quantity] = values
        units[quantity] = label.unit.si if label.unit else spelled
    # No channel of time: the step of the waveform, else the row number counts as seconds.
    if times is None:
        step = next(
            (float(c.properties["wf_increment"]) for c in channels if c.properties.get("wf_increment")), 1.0
        )
        times = np.arange(start, end, dtype=np.float64) * step
    return times, columns, units
