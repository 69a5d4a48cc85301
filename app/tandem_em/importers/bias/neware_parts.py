"""The parts inside a Neware .ndax file: one .ndc with everything, or three (samples, time marks, steps) to be joined."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.bias.neware_records import NDC, NDC_WITH_GAP, Records, from_counts, packed

# the first page is a header; records do not cross the borders of pages
PAGE = 4096
MARK_OF_SAMPLE = 0x55
RUN_INFO = {"time": ("<i4", 0), "qc": ("<f4", 5), "qd": ("<f4", 9), "ec": ("<f4", 13), "ed": ("<f4", 17), "dt": ("<i4", 29),
            "date": ("<i4", 33), "step": ("<i4", 37), "index": ("<i4", 41), "ms": ("<i2", 45)}  # fmt: skip
STEP = {"cycle": ("<i4", 0), "step": ("<i4", 4), "status": ("i1", 24)}
# version: (volts and amperes per count, charge in C per count, size of a time mark, size of a step, bytes after them)
VERSIONS: dict[int, tuple[float, float, float, int, int, int, int]] = {
    # volt, ampere, coulomb, mark size, bytes after the marks, step size, bytes after the steps
    11: (1e-4, 1e-3, 1e-3, 47, 16, 37, 5),
    14: (1.0, 1.0, 3600.0, 55, 4, 37, 5),
    16: (1e-4, 1e-3, 1e-3, 100, 64, 100, 64),
    17: (1.0, 1.0, 3600.0, 100, 64, 100, 64),
}


class UnknownPartError(ValueError):
    """A version of .ndc whose layout is not known."""


def kind_and_version(data: bytes) -> tuple[int, int]:
    """(kind of part, version) of an .ndc; (-1, -1) when it is too short to say."""
    return (data[0], data[2]) if len(data) > 3 else (-1, -1)


def paged(data: bytes, dtype: np.dtype[Any], before: int, after: int) -> NDArray[Any]:
    """Records in pages of 4096 bytes, the first page being a header. A cut last page gives its whole records."""
    found = []
    for start in range(PAGE, len(data), PAGE):
        page = data[start + before : min(start + PAGE - after, len(data))]
        count = len(page) // dtype.itemsize
        if count:
            found.append(np.frombuffer(page, dtype, count))
    return np.concatenate(found) if found else np.empty(0, dtype)


def whole_records(data: bytes) -> Records:
    """Samples of an .ndc that holds everything (versions 2 and 5)."""
    _, version = kind_and_version(data)
    if version == 5:
        rows = paged(data, packed({**_offsets(NDC), "mark": ("u1", 7)}, 87), 125, 56)
        rows = rows[rows["mark"] == MARK_OF_SAMPLE]
        return from_counts(rows)
    identifier = data[517:525]
    places = (
        [m.start() for m in re.finditer(re.escape(identifier), data)] if identifier.strip(b"\x00") else []
    )
    good: list[int] = []
    for place in places:
        # the identifier may also occur inside a record: places closer than a record are such
        if place + 94 <= len(data) and data[place] == MARK_OF_SAMPLE and (not good or place >= good[-1] + 94):
            good.append(place)
    if not good:
        return from_counts(np.empty(0, NDC_WITH_GAP))
    return from_counts(np.concatenate([np.frombuffer(data, NDC_WITH_GAP, 1, place) for place in good]))


def _offsets(dtype: np.dtype[Any]) -> dict[str, tuple[str, int]]:
    fields: Any = dtype.fields or {}
    return {name: (fields[name][0].str, fields[name][1]) for name in dtype.names or ()}


def split_records(data: bytes, run_info: bytes, steps: bytes) -> tuple[Records, int]:
    """Samples whose times stand in a second part and whose steps stand in a third; and how many had no time of their own.

    Between two time marks the samples follow at the interval the mark before them states."""
    kind, version = kind_and_version(data)
    if kind != 1 or version not in VERSIONS:
        raise UnknownPartError(f"version {version}")
    volt, ampere, coulomb, mark_size, mark_after, step_size, step_after = VERSIONS[version]
    samples = paged(data, np.dtype([("V", "<f4"), ("I", "<f4")]), 132, 4)
    marks = paged(run_info, packed(RUN_INFO, mark_size), 132, mark_after)
    marks = marks[marks["index"] > 0]
    # the same mark may be written twice: the first one counts
    _, first = np.unique(marks["index"], return_index=True)
    marks = marks[first]
    program = paged(steps, packed(STEP, step_size), 132, step_after)
    program = program[program["step"] != 0]
    numbers = np.arange(1, len(samples) + 1)
    # rows that were reserved and never written are zeros
    real = samples["V"] != 0
    numbers, samples = numbers[real], samples[real]
    if not len(marks):
        numbers, samples = numbers[:0], samples[:0]
        marks = np.zeros(1, marks.dtype)
    which = np.searchsorted(marks["index"], numbers, side="right") - 1
    numbers, samples, which = numbers[which >= 0], samples[which >= 0], which[which >= 0]
    mark = marks[which]
    later = numbers - mark["index"]
    wait = later * mark["dt"] * 1e-3
    # the program may come back to a step: each time is a step of its own
    order = np.concatenate([[1], 1 + np.cumsum(np.diff(marks["step"]) != 0)])[which]
    current = samples["I"] * np.float64(ampere)
    own = later == 0
    charges = {
        name: np.where(own, mark[name] * np.float64(coulomb), np.nan) for name in ("qc", "qd", "ec", "ed")
    }
    found = Records(
        numbers.astype(np.int64),
        order.astype(np.int64),
        _of_step(program, "cycle", order) + 1,
        _of_step(program, "status", order),
        mark["time"] * 1e-3 + wait,
        samples["V"] * np.float64(volt),
        current,
        charges["qc"],
        charges["qd"],
        charges["ec"],
        charges["ed"],
        mark["date"] + mark["ms"] * 1e-3 + wait,
        stamp_is_local=False,
        stamp_resolution_s=0.01,
    )
    return found, int(np.count_nonzero(~own))


def _of_step(program: NDArray[Any], name: str, order: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(program):
        return np.zeros(len(order), np.int64)
    return program[name].astype(np.int64)[np.clip(order - 1, 0, len(program) - 1)]


def extra_values(data: bytes) -> NDArray[np.float64] | None:
    """One extra channel (a thermometer) of the split versions; None when its layout is not known."""
    _, version = kind_and_version(data)
    if version in (14, 17):
        return paged(data, np.dtype("<f4"), 132, 4).astype(np.float64)
    if version == 16:
        rows = paged(data, packed({"V": ("<f4", 1), "T": ("<i2", 5)}, 7), 132, 2)
        return np.asarray(rows["T"] / 10.0, np.float64)
    return None
