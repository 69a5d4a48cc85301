"""The edge to foreign files: whatever a reader stumbles over becomes a sentence, and sizes are checked before memory is taken."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.importers.core.assemble import assemble
from tandem_em.importers.core.base import Imported, ImportOptions, Kind
from tandem_em.importers.core.signal import Found
from tandem_em.importers.core.sources import shape_bytes

log = logging.getLogger(__name__)
Reader = Callable[[Path, ImportOptions], "Sequence[Found] | Job[list[Found]]"]
"""A plain function, or a job where reading takes long enough to tell how far it is."""


class DamagedError(Exception):
    """A reader met something that cannot be in a sound file; the message says what, in a few words."""


@contextmanager
def sentences(path: Path, label: str) -> Iterator[None]:
    """Turn everything that goes wrong inside into a UserError about this file."""
    try:
        yield
    except UserError:
        raise
    except DamagedError as error:
        raise UserError(
            f"{path.name} is not a valid {label} file: {error}.", "Copy it again from the instrument."
        ) from error
    except MemoryError as error:
        raise UserError(
            f"{path.name} asks for more memory than there is.", "Its header is damaged: copy it again."
        ) from error
    except Exception as error:
        # libraries raise anything: the log keeps where, the person gets a sentence
        log.info("cannot read %s as %s", path, label, exc_info=error)
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UserError(
            f"{path.name} cannot be read as {label} ({what}).",
            "It may be cut off or damaged: copy it again from the instrument.",
        ) from error


def block_fits(
    size: int, offset: int, shape: Sequence[int], dtype: np.dtype[Any], what: str = "data"
) -> None:
    """Check that a block of numbers lies inside a file of this many bytes."""
    if offset < 0 or any(int(n) < 0 for n in shape):
        raise DamagedError(f"its {what} have an impossible size")
    need = shape_bytes(shape, dtype)
    if offset + need > size:
        raise DamagedError(f"it has {size} bytes, its {what} need {offset + need}: it was cut off")


class FileImporter:
    """An Importer made of a probe and a reader function. The reader module is imported at the first read."""

    def __init__(
        self,
        name: str,
        label: str,
        kind: Kind,
        suffixes: Sequence[str],
        probe: Callable[[Path, bytes], float],
        reader: Callable[[], Reader],
    ) -> None:
        self.name, self.label, self.kind = name, label, kind
        self.suffixes: Sequence[str] = tuple(suffixes)
        self._probe, self._reader = probe, reader

    def probe(self, path: Path, head: bytes) -> float:
        """How sure the format is; 0 where its probe fails, which goes into the log."""
        try:
            return self._probe(path, head)
        except Exception:
            log.exception("probing %s as %s", path, self.name)
            return 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """Model items of everything found; whatever goes wrong becomes a UserError about this file."""
        yield Progress(0, 0, f"Reading {path.name}")
        # libraries warn about odd files; what matters is said in sentences
        with sentences(path, self.label), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            founds = self._reader()(path, options)
            if isinstance(founds, Generator):
                founds = yield from founds
            return assemble(founds, path, options)
