"""Reading a file with whichever importer recognises it, as the registry would."""

from __future__ import annotations

from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import HEAD_BYTES, Imported, Importer, ImportOptions
from tandem_em.importers.image_catalogue import IMPORTERS
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import SpectrumImage


def importer_of(path: Path) -> Importer | None:
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    sure, best = max((each.probe(path, head), -i) for i, each in enumerate(IMPORTERS))
    return IMPORTERS[-best] if sure > 0 else None


def opened(path: Path, options: ImportOptions | None = None) -> Imported:
    importer = importer_of(path)
    if importer is None:
        raise UserError(f"{path.name} is in no known format.", "")
    return run_to_end(importer.read(path, options or ImportOptions()))


def try_opening(path: Path) -> tuple[Imported | None, str]:
    """(what came out, "") or (None, the sentence it was refused with)."""
    try:
        return opened(path), ""
    except UserError as error:
        return None, error.title


def stack_in(path: Path, options: ImportOptions | None = None) -> FrameStack:
    (item,) = opened(path, options).items
    assert isinstance(item, FrameStack)
    return item


def map_in(path: Path, options: ImportOptions | None = None) -> SpectrumImage:
    (item,) = opened(path, options).items
    assert isinstance(item, SpectrumImage)
    return item
