"""EMSA/MAS spectra (.msa, .emsa), ISO 22029: any separators, decimal commas, wrong point counts and odd dates tolerated."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found, SignalType
from tandem_em.importers.core.times import iso_of
from tandem_em.importers.core.units import energy_eV, number, positive
from tandem_em.model.arrays import MemoryArray

# millions of channels: no spectrum has as many
SIZE_LIMIT = 64 << 20
SIGNALS: dict[str, SignalType] = {
    "ELS": "EELS", "EELS": "EELS", "EDS": "EDS", "XEDS": "EDS", "EDX": "EDS", "WDS": "other", "AES": "other",
    "ESR": "other", "XPS": "other", "CLS": "other", "GAM": "other",
}  # fmt: skip
NUMBER = re.compile(
    r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:\s?[eEdD]\s?[-+]?\d+)?|[-+]?(?:nan|inf)\w*", re.IGNORECASE
)


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The spectrum in the file."""
    if path.stat().st_size > SIZE_LIMIT:
        raise DamagedError("it is larger than 64 MB, too large for a spectrum")
    raw = path.read_bytes()
    text = raw.decode("utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw.decode("latin-1")
    header, lines = _split(text.lstrip("\ufeff").removeprefix("ï»¿").splitlines())
    problems: list[str] = []
    pairs = header.get("DATATYPE", "Y").strip().upper().startswith("XY")
    columns = _numbers(lines, pairs, number(header.get("NCOLUMNS", "")) or 1)
    x, y = (columns[:, 0], columns[:, 1]) if pairs else (None, columns.ravel())
    if not len(y):
        raise DamagedError("it contains no data points")
    _check_count(header, len(y), path, problems)
    axis = _axis(header, x, len(y), path, problems)
    found = Found(MemoryArray(np.ascontiguousarray(y)), [axis], facts=_facts(header), problems=problems)
    found.type = SIGNALS.get(header.get("SIGNALTYPE", "").strip().upper(), "")
    if found.type == "other":
        problems.append(f"{path.name} is a spectrum of the type {header['SIGNALTYPE'].strip()}, not EELS.")
    found.energy_axis = 0
    return [found]


def _split(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Header as {KEYWORD: value} and the lines of numbers. A decorated keyword (`#BEAMKV   -kV`) loses its unit."""
    header: dict[str, str] = {}
    body: list[str] = []
    for line in lines:
        if not line.startswith("#"):
            if line.strip():
                body.append(line)
            continue
        key, _, value = line[1:].partition(":")
        name = re.split(r"[\s,]|-(?=[a-zA-Z]+\s*$)", key.strip("# \t,"), maxsplit=1)[0].upper()
        if name == "ENDOFDATA":
            break
        if name in ("TITLE", "COMMENT") and header.get(name):
            value = f"{header[name]} {value.strip()}"
        header.setdefault(name, value.strip()) if name not in ("TITLE", "COMMENT") else header.update(
            {name: value.strip()}
        )
    if "FORMAT" not in header and "SPECTRUM" not in header:
        raise DamagedError("it has no EMSA header")
    return header, body


def _numbers(lines: list[str], pairs: bool, wide: float) -> NDArray[np.float64]:
    """The numbers of the body; a comma is a decimal comma only when it cannot be a separator."""
    comma = _decimal_comma(lines, pairs)
    values: list[list[float]] = []
    for line in lines:
        if not comma:
            line = line.replace(",", " ")
        row = [_float(word) for word in NUMBER.findall(line)]
        values.append(row)
    if not pairs:
        return np.array([each for row in values for each in row], np.float64)
    if wide > 1:
        values = [row[i : i + 2] for row in values for i in range(0, len(row), 2)]
    flat = [row[:2] for row in values if len(row) >= 2]
    if values and not flat:
        raise DamagedError("it says it has x and y columns, but has one")
    return np.array(flat, np.float64).reshape(-1, 2)


def _decimal_comma(lines: list[str], pairs: bool) -> bool:
    """True for `1,5; 2,5`, `1,5 2,5` or one `1,5` per line where pairs are not expected."""
    sample = [line.strip() for line in lines[:50]]
    if any("." in line for line in sample) or not any("," in line for line in sample):
        return False
    if any(";" in line or "\t" in line for line in sample):
        return True
    if all(
        re.fullmatch(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?(?:\s+[-+]?\d+,\d+(?:[eE][-+]?\d+)?)*", s) for s in sample
    ):
        two = all(len(re.split(r"\s+", line)) == 2 for line in sample)
        return two if pairs else True
    return False


def _float(word: str) -> float:
    try:
        return float(re.sub(r"\s", "", word).replace(",", ".").replace("d", "e").replace("D", "e"))
    except ValueError:
        return float("nan")


def _check_count(header: dict[str, str], count: int, path: Path, problems: list[str]) -> None:
    promised = number(header.get("NPOINTS", "").replace(",", "."))
    if promised is not None and int(promised) != count and promised >= 0:
        cut = "it may be cut off" if count < promised else "all of them are used"
        problems.append(f"{path.name} announces {int(promised)} points and has {count}: {cut}.")


def _axis(
    header: dict[str, str], x: NDArray[np.float64] | None, count: int, path: Path, problems: list[str]
) -> Axis:
    """Energies from the header; from the x column where that says something else and is no mere channel number."""
    unit = header.get("XUNITS", "").strip()
    step = number(header.get("XPERCHAN", "").replace(",", "."))
    offset = number(header.get("OFFSET", "").replace(",", "."))
    axis = Axis(count, 1.0 if step is None else step, 0.0 if offset is None else offset, unit, "Energy")
    if energy_eV(unit) is None and energy_eV(header.get("XLABEL", "")) is not None:
        axis.units = header["XLABEL"].strip()
    if x is None or not np.isfinite(x).all() or count < 2:
        return axis
    differs = bool(np.max(np.abs(axis.at() - x)) > 0.75 * abs(axis.scale))
    counts = bool(np.all(np.diff(x) == 1) and x[0] in (0.0, 1.0))
    uncalibrated = step in (None, 0.0) or ((step, offset) == (1.0, 0.0) and not counts)
    if step is None or (differs and (uncalibrated or not counts)):
        if not np.all(np.diff(x) > 0) and not np.all(np.diff(x) < 0):
            problems.append(
                f"The x column of {path.name} is not monotonic: the calibration of the header is used."
            )
            return axis
        problems.append(
            f"The x column of {path.name} differs from the calibration in its header: the column is used."
        )
        axis.values = np.asarray(x, np.float64)
    elif differs:
        problems.append(
            f"The x column of {path.name} counts channels: the calibration in its header is used."
        )
    return axis


def _facts(header: dict[str, str]) -> Facts:
    def value(*keys: str) -> float | None:
        return next(
            (v for key in keys if (v := positive(header.get(key, "").replace(",", "."))) is not None), None
        )

    dwell = value("DWELLTIME")
    facts = Facts(
        title=header.get("TITLE", "").strip()[:120],
        start_iso=iso_of(header.get("DATE", "").strip().title(), header.get("TIME", "").strip()),
        beam_kV=value("BEAMKV"),
        convergence_mrad=value("CONVANGLE"),
        collection_mrad=value("COLLANGLE"),
        dwell_s=dwell / 1e3 if dwell is not None else value("INTEGTIME", "LIVETIME"),
        magnification=value("MAGCAM"),
        unit=header.get("YUNITS", "").strip(),
    )
    wanted = {"owner": "OWNER", "mode": "OPERMODE", "detector": "ELSDET", "comment": "COMMENT"}
    facts.instrument = {name: header[key] for name, key in wanted.items() if header.get(key)}
    thickness = value("THICKNESS")
    if thickness is not None:
        facts.instrument["thickness_nm"] = thickness
    return facts
