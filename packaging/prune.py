"""What never runs stays out of the tree: tests, stubs, parts of Qt without a use here, command-line programs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

QT_MODULES = {
    "QtCore",
    "QtGui",
    "QtWidgets",
    "QtSvg",
    "QtTest",
    "QtOpenGL",
    "QtOpenGLWidgets",
    "QtPrintSupport",
    "sip",
}
QT_LIBRARIES = {
    "Qt6Core", "Qt6Gui", "Qt6Widgets", "Qt6Svg", "Qt6Test", "Qt6OpenGL", "Qt6OpenGLWidgets", "Qt6PrintSupport",
    "concrt140", "msvcp140", "msvcp140_1", "msvcp140_2", "msvcp140_atomic_wait", "msvcp140_codecvt_ids", "vcruntime140",
    "vcruntime140_1", "vcruntime140_threads",
}  # fmt: skip
QT_PLUGINS = {
    "platforms", "styles", "imageformats", "iconengines",
    # Linux
    "platformthemes", "platforminputcontexts", "xcbglintegrations", "egldeviceintegrations", "wayland-decoration-client",
    "wayland-graphics-integration-client", "wayland-shell-integration",
}  # fmt: skip
QT_OF_LINUX = ("DBus", "Network", "XcbQpa", "Wayland", "WlShellIntegration", "EglFS", "EglFs")
"""Beginnings of what platforms and themes of Linux ask for."""
TESTS = ("tests", "test")
FOLDERS = (
    "bin", "Scripts", "share", "include", "man", "PyQt6/bindings", "PyQt6/lupdate", "sympy/benchmarks", "pyqtgraph/examples",
    "matplotlib/mpl-data/sample_data", "traits/examples", "distributed/http/static",
)  # fmt: skip
CODECS = ("avif", "brunsli", "heif", "jetraw", "jpegxs", "sz3")
"""Of imagecodecs, which loads each when it is asked for: pictures of cameras and telephones, and those whose libraries
their makers do not give away."""
SUFFIXES = (".pyi", ".pxd", ".c", ".cpp", ".h", ".hpp", ".lib", ".a", ".pdb", ".sip", ".pyx")

SELDOM = re.compile(
    r"(site-packages|lib)/(sympy|mpmath|networkx|pygments|pandas|wcwidth|traits|distributed|tornado|numba/cuda)/"
)
"""Imported by HyperSpy or for a cluster alone: 50 MB of bytecode that the first use can make itself."""


def prune(site: Path) -> int:
    """Returns how many bytes went."""
    before = size_of(site)
    for path in [*_qt(site / "PyQt6"), *_folders(site), *_tests(site), *_rest(site)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in list(site.rglob("*")):
        if path.is_file() and path.suffix in SUFFIXES and not _is_read(path):
            path.unlink()
    return before - size_of(site)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _qt(pyqt: Path) -> Iterator[Path]:
    modules = [*pyqt.glob("*.pyd"), *pyqt.glob("*.so")]
    yield from (path for path in modules if path.name.partition(".")[0] not in QT_MODULES)
    qt = pyqt / "Qt6"
    yield from (path for path in qt.iterdir() if path.name not in ("bin", "lib", "plugins"))
    for folder in (qt / "bin", qt / "lib"):
        yield from (path for path in (folder.iterdir() if folder.is_dir() else ()) if not _is_needed(path))
    yield from (path for path in (qt / "plugins").iterdir() if path.name not in QT_PLUGINS)
    yield from (path for path in (qt / "plugins" / "imageformats").iterdir() if "qpdf" in path.name)


def _is_needed(library: Path) -> bool:
    """Qt6Core.dll, libQt6Core.so.6, libicudata.so.73"""
    name = library.name.partition(".")[0].removeprefix("lib")
    of_linux = name.startswith("icu") or name.removeprefix("Qt6").startswith(QT_OF_LINUX)
    return name in QT_LIBRARIES or (of_linux and ".so" in library.name)


def _folders(site: Path) -> Iterator[Path]:
    yield from (site / name for name in FOLDERS if (site / name).is_dir())


def _tests(site: Path) -> Iterator[Path]:
    for name in TESTS:
        for path in site.rglob(name):
            if path.is_dir():
                yield path


def _rest(site: Path) -> Iterator[Path]:
    yield from (path for name in CODECS for path in (site / "imagecodecs").glob(f"_{name}.*"))
    yield from (
        path
        for path in (site / "skimage" / "data").iterdir()
        if path.suffix in (".png", ".jpg", ".npz", ".npy")
    )


def _is_read(stub: Path) -> bool:
    """lazy_loader takes from some stubs what a package has in it."""
    source = stub.with_suffix(".py")
    return stub.suffix == ".pyi" and source.is_file() and b"attach_stub" in source.read_bytes()
