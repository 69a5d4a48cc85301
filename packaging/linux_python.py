"""CPython 3.11 of Debian 12 with the libraries it needs, in a folder of its own: it runs on every glibc since 2.35."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PYTHON = Path("/usr/bin/python3.11")
STDLIB = Path("/usr/lib/python3.11")
LEFT_OUT = (
    "__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "lib2to3", "dist-packages",
    "site-packages", "pydoc_data", "config-*", "venv", "_tkinter*", "_curses*", "readline*", "nis*", "ossaudiodev*", "_dbm*",
    "_gdbm*", "sitecustomize.py",
)  # fmt: skip
OF_GLIBC = re.compile(r"^(ld-linux|libc|libm|libdl|libpthread|librt|libutil|libresolv|linux-vdso)\b")


def copy_python(home: Path) -> str:
    """bin/python3.11, lib/python3.11 and the shared libraries in lib; every one finds the others by its own place."""
    if not PYTHON.exists() or "bookworm" not in Path("/etc/os-release").read_text():
        raise SystemExit("Run this on Debian 12 with the package python3.11: its Python goes into the tree.")
    target, library = home / "bin" / PYTHON.name, home / "lib"
    target.parent.mkdir(parents=True)
    shutil.copy(PYTHON, target)
    shutil.copytree(STDLIB, library / STDLIB.name, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=False)
    modules = sorted((library / STDLIB.name / "lib-dynload").glob("*.so"))
    shared = _needed([target, *modules])
    for path in shared:
        shutil.copy(path, library / path.name)
    _search(target, "$ORIGIN/../lib")
    for module in modules:
        _search(module, "$ORIGIN/../..")
    for path in shared:
        _search(library / path.name, "$ORIGIN")
    said = subprocess.run([target, "--version"], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def _needed(programs: list[Path]) -> list[Path]:
    """Shared libraries that are not glibc's own, wherever they lie."""
    found: set[Path] = set()
    for program in programs:
        listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        for name, place in re.findall(r"(\S+) => (/\S+)", listing):
            if not OF_GLIBC.match(name):
                found.add(Path(place))
    return sorted(found)


def _search(binary: Path, where: str) -> None:
    binary.chmod(0o755)
    subprocess.run(["patchelf", "--set-rpath", where, binary], check=True)
