"""Neware's packed records: the layouts of .nda files and of the .ndc parts inside .ndax files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

_MILLIAMPERES: dict[float, tuple[int, ...]] = {
    10.0: (-100000000,),
    1e-1: (1000, 6000, 10000, 12000, 20000, 30000, 40000, 50000, 60000, 100000, 200000),
    1e-2: (-200000, -100000, -60000, -50000, -40000, -30000, -20000, -12000, -10000, -6000, -5000, -3000, -2000, -1000,
           100, 200, 250, 500),
    1e-3: (-500, -100, 10, 20, 25, 50),
    1e-4: (-50, -25, -20, -10, 1, 2, 5),
    1e-5: (-5, -2, -1),
    0.0: (0,),
}  # fmt: skip
RANGE_TO_MILLIAMPERES = {code: scale for scale, codes in _MILLIAMPERES.items() for code in codes}
"""What one count of current is worth (mA) in each range of the instrument."""


class UnknownRangeError(ValueError):
    """A current range whose scale is not known."""


@dataclass
class Records:
    """Samples of a Neware file, in SI. `stamp`: seconds since 1970; `stamp_is_local`: of the wall clock, else UTC."""

    index: NDArray[np.int64]
    step: NDArray[np.int64]
    cycle: NDArray[np.int64]
    status: NDArray[np.int64]
    step_time: Floats
    voltage: Floats
    current: Floats
    charge: Floats
    discharge: Floats
    charge_energy: Floats
    discharge_energy: Floats
    stamp: Floats
    stamp_is_local: bool = True
    stamp_resolution_s: float = 1.0
    temperatures: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)

    def taken(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Records:
        """The same records in another order, or fewer of them."""
        arrays = {name: getattr(self, name)[which] for name in ARRAYS}
        temperatures = {name: values[which] for name, values in self.temperatures.items()}
        return Records(
            **arrays,
            stamp_is_local=self.stamp_is_local,
            stamp_resolution_s=self.stamp_resolution_s,
            temperatures=temperatures,
        )


ARRAYS = ("index", "step", "cycle", "status", "step_time", "voltage", "current", "charge", "discharge", "charge_energy",
          "discharge_energy", "stamp")  # fmt: skip

_TAIL: list[Any] = [("qc", "<i8"), ("qd", "<i8"), ("ec", "<i8"), ("ed", "<i8"), ("Y", "<u2"), ("M", "u1"), ("D", "u1"),
                    ("h", "u1"), ("m", "u1"), ("s", "u1")]  # fmt: skip


def packed(offsets: dict[str, tuple[str, int]], size: int) -> np.dtype[Any]:
    """A record type from field name → (type, byte offset)."""
    names = list(offsets)
    return np.dtype({
        "names": names, "formats": [offsets[n][0] for n in names], "offsets": [offsets[n][1] for n in names], "itemsize": size,
    })  # fmt: skip


def _with_tail(offsets: dict[str, tuple[str, int]], start: int) -> dict[str, tuple[str, int]]:
    place = start
    for name, kind in _TAIL:
        offsets[name] = (kind, place)
        place += np.dtype(kind).itemsize
    return offsets


NDA29 = packed(
    _with_tail({"mark": ("<u2", 0), "index": ("<u4", 2), "cycle": ("<u4", 6), "step": ("<u2", 10), "status": ("u1", 12),
                "time": ("<u8", 14), "V": ("<i4", 22), "I": ("<i4", 26), "range": ("<i4", 78), "end": ("<u4", 82)}, 38), 86,
)  # fmt: skip
NDC = packed(
    _with_tail({"mark": ("u1", 0), "index": ("<u4", 8), "cycle": ("<u4", 12), "step": ("u1", 16), "status": ("u1", 17),
                "time": ("<u8", 23), "V": ("<i4", 31), "I": ("<i4", 35), "range": ("<i4", 82)}, 43), 87,
)  # fmt: skip
NDC_WITH_GAP = packed({name: (kind.str, place) for name, (kind, place, *_) in (NDC.fields or {}).items()}, 94)
BTS9 = packed({"step": ("u1", 9), "status": ("u1", 10), "index": ("<u4", 16), "time": ("<u8", 28), "V": ("<f4", 36),
               "I": ("<f4", 40), "qc": ("<f4", 52), "ec": ("<f4", 56), "qd": ("<f4", 60), "ed": ("<f4", 64),
               "stamp": ("<u8", 68)}, 88)  # fmt: skip
BTS91 = {"mark": ("u1", 0), "step": ("u1", 2), "status": ("u1", 3), "index": ("<u4", 8), "time": ("<u4", 12),
         "time_ns": ("<u4", 16), "I": ("<f4", 20), "V": ("<f4", 24), "q": ("<f4", 28), "e": ("<f4", 32),
         "cycle": ("<u4", 36), "date": ("<u4", 44), "date_ns": ("<u4", 48)}  # fmt: skip

EXTRA = {"mark": ("u1", 0), "channel": ("u1", 1), "index": ("<u4", 2), "V": ("<i4", 22), "T": ("<i2", 34)}
"""A record of an extra channel (.nda)."""


def add_extras(records: Records, rows: NDArray[Any]) -> None:
    """Thermometers from extra records, matched by sample number."""
    for channel in np.unique(rows["channel"]).tolist():
        mine = rows[rows["channel"] == channel]
        place = np.searchsorted(records.index, mine["index"])
        there = (place < len(records)) & (records.index[np.minimum(place, len(records) - 1)] == mine["index"])
        values = np.full(len(records), np.nan)
        values[place[there]] = mine["T"][there] * 0.1
        records.temperatures[f"T{channel}"] = values


STATUSES = frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 16, 17, 19, 20, 21, 22, 26, 27})
"""Kinds of steps: constant current, voltage, power, resistance, rest, pause, pulse …"""


def is_plausible(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Records that can be samples: a known kind of step, and floats that no damage has turned into nonsense."""
    good = np.isin(rows["status"], list(STATUSES)) & (rows["index"] > 0)
    for name in ("V", "I"):
        if rows[name].dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                good &= np.isfinite(rows[name]) & (np.abs(rows[name]) < 1e9)
    return np.asarray(good, np.bool_)


def from_counts(rows: NDArray[Any]) -> Records:
    """Records whose numbers are counts in a range of the instrument (.nda 29, .ndc 2 and 5)."""
    unknown = sorted(set(np.unique(rows["range"]).tolist()) - set(RANGE_TO_MILLIAMPERES))
    if unknown:
        raise UnknownRangeError(f"current range {unknown[0]}")
    codes, which = np.unique(rows["range"], return_inverse=True)
    amperes = np.array([RANGE_TO_MILLIAMPERES[int(code)] * 1e-3 for code in codes])[which]
    return Records(
        rows["index"].astype(np.int64),
        rows["step"].astype(np.int64),
        rows["cycle"].astype(np.int64) + 1,
        rows["status"].astype(np.int64),
        rows["time"] * 1e-3,
        rows["V"] * 1e-4,
        rows["I"] * amperes,
        rows["qc"] * amperes,
        rows["qd"] * amperes,
        rows["ec"] * amperes,
        rows["ed"] * amperes,
        _wall_clock(rows),
    )


def _wall_clock(rows: NDArray[Any]) -> Floats:
    """Calendar fields as seconds since 1970; NaN where they are no date."""
    good = (rows["Y"] > 1980) & (rows["Y"] < 2100) & (rows["M"] >= 1) & (rows["M"] <= 12) & (rows["D"] >= 1)
    year, month = np.where(good, rows["Y"], 1970).astype(int), np.where(good, rows["M"], 1).astype(int)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(good, rows["D"], 1).astype(int) - 1)
    seconds = days.astype("datetime64[s]").astype(np.float64)
    seconds = seconds + rows["h"] * 3600.0 + rows["m"] * 60.0 + rows["s"]
    return np.where(good, seconds, np.nan)


def from_bts9(rows: NDArray[Any]) -> Records:
    """Records of BTS 9: floats in V and mA, stamps in microseconds UTC."""
    return Records(
        rows["index"].astype(np.int64),
        rows["step"].astype(np.int64),
        np.zeros(len(rows), np.int64),
        rows["status"].astype(np.int64),
        rows["time"] * 1e-6,
        rows["V"].astype(np.float64),
        rows["I"] * np.float64(1e-3),
        rows["qc"] * np.float64(1e-3),
        rows["qd"] * np.float64(1e-3),
        rows["ec"] * np.float64(1e-3),
        rows["ed"] * np.float64(1e-3),
        rows["stamp"] * 1e-6,
        stamp_is_local=False,
        stamp_resolution_s=0.001,
    )


def from_bts91(rows: NDArray[Any]) -> Records:
    """Records of BTS 9.1: signed capacity and energy, stamps in seconds and nanoseconds UTC."""
    charge, energy = rows["q"] * np.float64(1e-3), rows["e"] * np.float64(1e-3)
    temperatures = {"T1": rows["T"].astype(np.float64)} if "T" in (rows.dtype.names or ()) else {}
    return Records(
        rows["index"].astype(np.int64),
        rows["step"].astype(np.int64),
        rows["cycle"].astype(np.int64) + 1,
        rows["status"].astype(np.int64),
        rows["time"] + 1e-9 * rows["time_ns"],
        rows["V"].astype(np.float64),
        rows["I"] * np.float64(1e-3),
        np.maximum(charge, 0),
        np.maximum(-charge, 0),
        np.maximum(energy, 0),
        np.maximum(-energy, 0),
        rows["date"] + 1e-9 * rows["date_ns"],
        stamp_is_local=False,
        stamp_resolution_s=0.001,
        temperatures=temperatures,
    )


def ordered(records: Records) -> tuple[Records, int]:
    """By sample number, each once; and how many were there twice."""
    _, first = np.unique(records.index, return_index=True)
    return records.taken(first), len(records) - len(first)


def step_numbers(step: NDArray[np.int64], step_time: Floats) -> NDArray[np.int64]:
    """Consecutive numbers of steps: a new one where the program's step changes or its time starts again."""
    if not len(step):
        return step
    changes = (np.diff(step) != 0) | (np.diff(step_time) < 0)
    return np.concatenate([[1], 1 + np.cumsum(changes)]).astype(np.int64)


def total_times(records: Records) -> tuple[Floats, int]:
    """Seconds since the start of the test, and how many pauses there were.

    Stamps finer than the samples are taken as they are. Stamps of whole seconds only place the steps, whose own times
    are finer: steps follow each other, and where the wall clock says they do not, it is believed."""
    stamp = records.stamp
    steps = np.flatnonzero(np.diff(step_numbers(records.step, records.step_time), prepend=0))
    if records.stamp_resolution_s < 0.1 and np.isfinite(stamp).all():
        times = stamp - stamp[0] + records.step_time[0]
        before = np.maximum(steps - 1, 0)
        waits = times[steps] - records.step_time[steps] - times[before]
        return times, int(np.count_nonzero(waits[1:] > 1.0))
    # both the stamp and the start of the step are off by up to their resolution
    tolerance = 2.0 * records.stamp_resolution_s + 0.5
    said = stamp - records.step_time
    said = said - (said[np.isfinite(said)][0] if np.isfinite(said).any() else 0.0)
    jumps = np.flatnonzero(np.abs(np.diff(said)) > tolerance) + 1
    starts = np.union1d(steps, jumps).astype(int)
    times = np.empty(len(records))
    offset, pauses = 0.0, 0
    for k, start in enumerate(starts):
        end = int(starts[k + 1]) if k + 1 < len(starts) else len(records)
        here = said[start:end]
        place = float(np.median(here[np.isfinite(here)])) if np.isfinite(here).any() else np.nan
        if start in jumps and start not in steps:
            offset -= float(records.step_time[start - 1])  # the step goes on after a pause
        if k and abs(place - offset) > tolerance:
            offset = place
            pauses += 1
        times[start:end] = offset + records.step_time[start:end]
        offset += float(records.step_time[end - 1])
    return times, pauses
