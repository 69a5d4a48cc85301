"""What the tests of biasing logs share: where the real files are, how to read one, and the raw text beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.importers.bias_catalogue import IMPORTERS
from tandem_em.importers.core.base import HEAD_BYTES, Imported, ImportOptions
from tandem_em.model.curves import BiasRun

BIAS = DATA / "bias"
UTC = ImportOptions(zone="UTC")


def importer_of(path: Path) -> str:
    """The name of the importer that is surest about a file."""
    head = path.read_bytes()[:HEAD_BYTES] if path.is_file() else b""
    return max(IMPORTERS, key=lambda importer: importer.probe(path, head)).name


def read(path: Path, options: ImportOptions = UTC) -> Imported:
    name = importer_of(path)
    return run_to_end(next(i for i in IMPORTERS if i.name == name).read(path, options))


def first_run(path: Path, options: ImportOptions = UTC) -> BiasRun:
    run = read(path, options).items[0]
    assert isinstance(run, BiasRun)
    return run


def raw_table(path: Path, encoding: str = "latin-1") -> tuple[list[str], NDArray[np.float64]]:
    """Headings and numbers of an EC-Lab text, read in the plainest way."""
    lines = path.read_bytes().decode(encoding).splitlines()
    count = next(int(line.split(":")[1]) for line in lines if line.startswith("Nb header lines"))
    names = lines[count - 1].strip().split("\t")
    rows = [line.replace(",", ".").split("\t")[: len(names)] for line in lines[count:] if line.strip()]
    return names, np.array(rows, dtype=np.float64)
