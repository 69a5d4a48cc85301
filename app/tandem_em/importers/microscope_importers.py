"""Every importer of images, movies and spectra; only probes are here, the readers load when one is needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tandem_em.importers.base import Importer
from tandem_em.importers.microscope_guard import FileImporter, Reader

MRC = (".mrc", ".mrcs", ".rec", ".st", ".ali", ".map")


def _reader(module: str, name: str = "read") -> Reader:
    function: Reader = getattr(import_module(f"tandem_em.importers.{module}"), name)
    return function


def _suffix(path: Path, *suffixes: str) -> bool:
    return path.suffix.lower() in suffixes


def _dm(path: Path, head: bytes) -> float:
    version = int.from_bytes(head[:4], "big")
    if version in (3, 4) and _suffix(path, ".dm3", ".dm4"):
        return 1.0
    return 0.7 if _suffix(path, ".dm3", ".dm4") else 0.0


def _msa(path: Path, head: bytes) -> float:
    start = head[:400].upper()
    if b"EMSA" in start or start.lstrip(b"\xef\xbb\xbf \r\n").startswith((b"#FORMAT", b"# FORMAT")):
        return 1.0
    return 0.3 if _suffix(path, ".msa", ".emsa") else 0.0


def _mrc(path: Path, head: bytes) -> float:
    from tandem_em.importers.microscope_mrc import looks_like

    if not looks_like(head):
        return 0.4 if _suffix(path, *MRC) else 0.0
    if head[208:211] == b"MAP":
        return 0.95
    return 0.9 if _suffix(path, *MRC) else 0.0


IMPORTERS: list[Importer] = [
    FileImporter("dm", "DigitalMicrograph", "stack", (".dm3", ".dm4"), _dm, lambda: _reader("microscope_dm")),
    FileImporter(
        "msa", "EMSA/MAS spectrum", "spectrum", (".msa", ".emsa"), _msa, lambda: _reader("microscope_msa")
    ),
    FileImporter("mrc", "MRC", "stack", MRC, _mrc, lambda: _reader("microscope_mrc")),
]
