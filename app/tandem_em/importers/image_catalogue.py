"""Every importer of images, movies and spectra; only probes are here, the readers load when one is needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tandem_em.importers.core.base import Importer
from tandem_em.importers.core.errors import FileImporter, Reader
from tandem_em.importers.folders.images import images_in

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
    from tandem_em.importers.microscope.mrc import looks_like

    if not looks_like(head):
        return 0.4 if _suffix(path, *MRC) else 0.0
    if head[208:211] == b"MAP":
        return 0.95
    return 0.9 if _suffix(path, *MRC) else 0.0


def _ser(path: Path, head: bytes) -> float:
    if head[:4] == b"II\x97\x01" and head[4:6] in (b"\x10\x02", b"\x20\x02"):
        return 1.0
    if _suffix(path, ".emi"):
        return 0.9 if head[:2] == b"JF" or b"<ObjectInfo>" in head or head else 0.0
    return 0.4 if _suffix(path, ".ser") else 0.0


def _mib(path: Path, head: bytes) -> float:
    return 1.0 if head[:3] == b"MQ1" else (0.4 if _suffix(path, ".mib") else 0.0)


def _tvips(path: Path, head: bytes) -> float:
    return 0.9 if _suffix(path, ".tvips") else 0.0


def _blo(path: Path, head: bytes) -> float:
    return 1.0 if head[:6] == b"IMGBLO" else (0.4 if _suffix(path, ".blo") else 0.0)


HDF5 = (".hspy", ".emd", ".nxs", ".h5", ".hdf5", ".hdf", ".he5", ".dm5")


def _hdf5(path: Path, head: bytes) -> float:
    if head[:8] == b"\x89HDF\r\n\x1a\n" or head[512:520] == b"\x89HDF\r\n\x1a\n":
        return 0.9
    return 0.4 if _suffix(path, *HDF5) else 0.0


TIFF = (".tif", ".tiff", ".btf")
VIDEO = (".avi", ".mp4", ".mov", ".mkv", ".m4v", ".webm", ".wmv", ".mpg", ".mpeg")
PICTURE = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")


def _tiff(path: Path, head: bytes) -> float:
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return 0.95
    return 0.4 if _suffix(path, *TIFF) else 0.0


def _video(path: Path, head: bytes) -> float:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return 0.95
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") or head[:4] == b"\x1aE\xdf\xa3":
        return 0.9
    return 0.5 if _suffix(path, *VIDEO) else 0.0


def _picture(path: Path, head: bytes) -> float:
    if head[:8] == b"\x89PNG\r\n\x1a\n" or head[:3] == b"\xff\xd8\xff" or head[:4] == b"GIF8":
        return 0.95
    return 0.4 if _suffix(path, *PICTURE) else 0.0


def _gatan(path: Path, head: bytes) -> float:
    if not path.is_dir():
        return 0.0
    from tandem_em.importers.folders.gatan import looks_like

    return 0.9 if looks_like(path) else 0.0


def _folder(path: Path, head: bytes) -> float:
    if not path.is_dir():
        return 0.0
    return 0.5 if images_in(path) else 0.0


def _zspy(path: Path, head: bytes) -> float:
    if path.is_dir():
        from tandem_em.importers.microscope.zspy import looks_like

        return 0.95 if looks_like(path) else 0.0
    return 0.9 if _suffix(path, ".zspy") else 0.0


def _semper(path: Path, head: bytes) -> float:
    return 0.6 if _suffix(path, ".unf") else 0.0


def _ripple(path: Path, head: bytes) -> float:
    return 0.8 if _suffix(path, ".rpl") else 0.0


IMPORTERS: list[Importer] = [
    FileImporter("dm", "DigitalMicrograph", "stack", (".dm3", ".dm4"), _dm, lambda: _reader("microscope.dm")),
    FileImporter(
        "msa", "EMSA/MAS spectrum", "spectrum", (".msa", ".emsa"), _msa, lambda: _reader("microscope.msa")
    ),
    FileImporter("mrc", "MRC", "stack", MRC, _mrc, lambda: _reader("microscope.mrc")),
    FileImporter("tia", "TIA (FEI)", "stack", (".ser", ".emi"), _ser, lambda: _reader("microscope.ser")),
    FileImporter("mib", "Merlin", "stack", (".mib",), _mib, lambda: _reader("microscope.mib")),
    FileImporter("tvips", "TVIPS", "stack", (".tvips",), _tvips, lambda: _reader("microscope.tvips")),
    FileImporter("blo", "NanoMegas block", "stack", (".blo",), _blo, lambda: _reader("microscope.blo")),
    FileImporter("hdf5", "HDF5", "stack", HDF5, _hdf5, lambda: _reader("hdf5.generic")),
    FileImporter("tiff", "TIFF", "stack", TIFF, _tiff, lambda: _reader("movies.tiff")),
    FileImporter("video", "film", "stack", VIDEO, _video, lambda: _reader("movies.video")),
    FileImporter("picture", "picture", "stack", PICTURE, _picture, lambda: _reader("movies.images")),
    FileImporter("gatan", "Gatan in-situ recording", "stack", (), _gatan, lambda: _reader("folders.gatan")),
    FileImporter("images", "folder of images", "stack", (), _folder, lambda: _reader("folders.images")),
    FileImporter("zspy", "HyperSpy Zarr", "stack", (".zspy",), _zspy, lambda: _reader("microscope.zspy")),
    FileImporter("semper", "Semper", "stack", (".unf",), _semper, lambda: _reader("microscope.semper")),
    FileImporter(
        "ripple", "Ripple", "stack", (".rpl",), _ripple, lambda: _reader("microscope.rosetta", "read_ripple")
    ),
]
