"""CPython for Windows: the official embeddable zip, or, where only package indexes are reached, the same files from a wheel."""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

WHEEL = "panda3d==1.10.16"
WHEEL_SHA256 = "37acfb92655c4226879f95c988e2ef1449a53c54486d6c1ebc00e2772429af82"
"""A game engine that brings along the official python311.dll of 3.11.9 and the extension modules of that release."""
FROM_WHEEL = re.compile(
    r"deploy_libs/(python311\.dll|vcruntime140\.dll|lib(ffi|crypto|ssl)-\w+\.dll|sqlite3\.dll|[a-z0-9_]+\.pyd)$",
    re.IGNORECASE,
)
NOT_NEEDED = {"_msi.pyd", "_tkinter.pyd", "winsound.pyd"}
PTH = "python311.zip\nDLLs\n..\\app\n..\\site-packages\nimport site\n"
STDLIB_LEFT_OUT = (
    "__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "lib2to3", "lib-dynload",
    "site-packages", "dist-packages", "pydoc_data", "venv", "__phello__",
)  # fmt: skip


def from_zip(archive: Path, sha256: str, runtime: Path) -> str:
    """A release takes this one. The hash is that of the download page of python.org."""
    check(archive, sha256)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(runtime)
    for name in ("python.exe", "pythonw.exe", "python311._pth", "python.cat"):
        (runtime / name).unlink(missing_ok=True)
    libraries = runtime / "DLLs"
    libraries.mkdir()
    for path in [*runtime.glob("*.pyd"), *runtime.glob("lib*.dll"), *runtime.glob("sqlite3.dll")]:
        path.rename(libraries / path.name)
    (runtime / "python311._pth").write_text(PTH, "ascii")
    return f"embeddable zip {archive.name}"


def from_wheel(wheels: Path, runtime: Path) -> str:
    """The same files from a wheel; the standard library from the Python that runs this (the same minor version)."""
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("Run this with CPython 3.11: its standard library goes into the tree.")
    wheels.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--platform", "win_amd64",
         "--python-version", "3.11", "--dest", wheels, WHEEL],
        check=True,
    )  # fmt: skip
    (wheel,) = wheels.glob("panda3d-*.whl")
    check(wheel, WHEEL_SHA256)
    libraries = runtime / "DLLs"
    libraries.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            base = name.rpartition("/")[2]
            if FROM_WHEEL.match(name) and base not in NOT_NEEDED:
                stays = base.lower() in ("python311.dll", "vcruntime140.dll")
                (runtime / base.lower() if stays else libraries / base).write_bytes(packed.read(name))
    make_forwarder(runtime)
    pack_stdlib(runtime / "python311.zip")
    (runtime / "python311._pth").write_text(PTH, "ascii")
    return f"{WHEEL} (libraries of CPython 3.11.9), standard library of CPython {sys.version.split()[0]}"


def check(path: Path, sha256: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path.name} has the SHA-256 {found}, not {sha256}: it is not used.")


def make_forwarder(runtime: Path) -> None:
    """python3.dll, through which modules of the stable interface reach python311.dll."""
    listing = subprocess.run(
        ["x86_64-w64-mingw32-objdump", "-p", runtime / "python311.dll"], check=True, capture_output=True, text=True
    ).stdout  # fmt: skip
    table = listing.partition("[Ordinal/Name Pointer] Table")[2]
    names = re.findall(
        r"^\s*\[\s*\d+\]\s+(?:\+base\[\s*\d+\]\s+[0-9a-f]+\s+)?([A-Za-z_]\w*)\s*$", table, re.MULTILINE
    )
    if len(names) < 1000:
        raise SystemExit(f"Only {len(names)} names were found in python311.dll.")
    with tempfile.TemporaryDirectory() as folder:
        exports, empty = Path(folder) / "python3.def", Path(folder) / "empty.c"
        lines = [f"  {name}=python311.{name}" for name in names]
        exports.write_text("LIBRARY python3\nEXPORTS\n" + "\n".join(lines) + "\n")
        empty.write_text(
            "int __stdcall DllMain(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }\n"
        )
        link = ["x86_64-w64-mingw32-gcc", "-shared", "-nostdlib", "-s", "-Wl,-e,DllMain"]
        subprocess.run([*link, empty, exports, "-o", runtime / "python3.dll"], check=True)


def pack_stdlib(archive: Path) -> None:
    """Sources (for tracebacks) and their compiled form side by side, not packed: the installer packs better."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "Lib"
        shutil.copytree(
            sysconfig.get_path("stdlib"), copy, ignore=shutil.ignore_patterns(*STDLIB_LEFT_OUT, "config-*", "_sysconfigdata*")
        )  # fmt: skip
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(
            copy, quiet=2, legacy=True, force=True, stripdir=str(copy), invalidation_mode=unchecked
        )
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
            for path in sorted(copy.rglob("*")):
                if path.suffix in (".py", ".pyc", ".txt"):
                    packed.write(path, path.relative_to(copy).as_posix())
