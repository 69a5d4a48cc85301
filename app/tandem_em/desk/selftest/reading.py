"""Every reader by a real file: found by its content, read to the last number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.selftest import bias_samples, image_samples
from tandem_em.desk.selftest.check import Check, require
from tandem_em.importers import registry
from tandem_em.importers.core.base import Importer, ImportOptions
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.spectra import SpectrumImage

SAMPLES = {**bias_samples.SAMPLES, **image_samples.SAMPLES}


def checks() -> Iterator[Check]:
    for importer in registry.importers():
        yield Check(f"reading {importer.label}", partial(_read, importer))


def _read(importer: Importer, folder: Path) -> None:
    path = SAMPLES[importer.name](folder)
    found = registry.find(path)
    require(found.name == importer.name, f"The file is taken for {found.label}.")
    items = run_to_end(registry.read(path, ImportOptions())).items
    require(items, "Nothing was found in the file.")
    try:
        for item in items:
            _touch(item)
    finally:
        for item in items:
            if isinstance(item, FrameStack | SpectrumImage):
                item.source.close()


def _touch(item: Item) -> None:
    """Readers leave data in the file until somebody looks: look."""
    if isinstance(item, BiasRun):
        require(len(item.times.view) > 0, "The log has no samples.")
    elif isinstance(item, FrameStack):
        require(np.ptp(item.frame(len(item) - 1)) >= 0, "The last frame is empty.")
    elif isinstance(item, SpectrumImage):
        require(np.asarray(item.source.read(slice(None))).any(), "The spectra are empty.")
