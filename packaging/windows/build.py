#!/usr/bin/env python3
"""Builds TandEM for Windows on Debian: an ordinary tree of Python files, an installer, a portable zip.

    apt install nsis gcc-mingw-w64-x86-64 binutils-mingw-w64-x86-64; pip install uv
    python packaging/windows/build.py -o dist            # dist/TandEM-VERSION-setup.exe, dist/TandEM-VERSION-windows.zip

Run it with CPython 3.11 in TandEM's environment. A release gives the official embeddable zip of CPython 3.11 with its
hash (--python-zip, --python-sha256); otherwise the same libraries come from a wheel. Everything downloaded is checked by
its hash. `--packing none` is quick and large.
"""

from __future__ import annotations

import argparse
import compileall
import py_compile
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import closure
import cpython
import launchers
import licences
import prune
from runtime_lock import ROOT, WINDOWS, runtime_lock
from version import four_numbers, version

HERE = Path(__file__).resolve().parent
LONGEST_PATH = 170
"""Of a file inside the tree: with the usual place of installation it stays below the 260 letters of old programs."""
_began = time.monotonic()


def say(text: str) -> None:
    print(f"* {time.monotonic() - _began:5.0f} s  {text}", flush=True)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="tandem-windows-") as folder:
        scratch = Path(options.scratch or folder)
        tree = scratch / "tree"
        if not options.keep_tree or not tree.exists():
            make_tree(tree, scratch, options)
        check(tree)
        options.out.mkdir(parents=True, exist_ok=True)
        if not options.no_zip:
            say(f"wrote {make_zip(tree, options.out)}")
        if not options.no_installer:
            say(f"wrote {make_installer(tree, scratch, options)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--scratch", type=Path, help="work here and leave everything there")
    parser.add_argument(
        "--keep-tree", action="store_true", help="pack the tree that is in the scratch folder"
    )
    parser.add_argument("--python-zip", type=Path, help="the official python-3.11.x-embed-amd64.zip")
    parser.add_argument("--python-sha256", help="its hash, from the download page of python.org")
    parser.add_argument("--packing", choices=("lzma", "zlib", "none"), default="lzma")
    parser.add_argument("--no-zip", action="store_true")
    parser.add_argument("--no-installer", action="store_true")
    options = parser.parse_args()
    if bool(options.python_zip) != bool(options.python_sha256):
        parser.error("--python-zip and --python-sha256 belong together")
    return options


def make_tree(tree: Path, scratch: Path, options: argparse.Namespace) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    runtime, site = tree / "runtime", tree / "site-packages"
    runtime.mkdir(parents=True)
    source = (
        cpython.from_zip(options.python_zip, options.python_sha256, runtime)
        if options.python_zip
        else cpython.from_wheel(scratch / "cpython", runtime)
    )
    say(f"CPython: {source}")
    install_packages(site, tree / "app", scratch)
    say("packages installed")
    say(f"{prune.prune(site) >> 20} MB pruned")
    share_runtime(site, runtime)
    launchers.compile_launchers(tree, scratch)
    licences.write(tree, licences.parts(site, licences.RUNTIME))
    shutil.copy(ROOT / "LICENSE", tree / "LICENSE.txt")
    compile_modules(tree)
    say(f"tree of {prune.size_of(tree) >> 20} MB")


def install_packages(site: Path, app: Path, scratch: Path) -> None:
    """The locked wheels for Windows, each by its hash; TandEM itself from a wheel built here."""
    lock = scratch / "windows.lock"
    lock.write_text(runtime_lock(WINDOWS), "utf-8")
    target = [
        "--python-platform",
        "x86_64-pc-windows-msvc",
        "--python-version",
        "3.11",
        "--no-deps",
        "--quiet",
    ]
    install = [uv(), "pip", "install", *target, "--only-binary", ":all:"]
    subprocess.run([*install, "--require-hashes", "--target", site, "-r", lock], check=True)
    wheels = scratch / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    subprocess.run([uv(), "build", "--quiet", "--wheel", "--out-dir", wheels, ROOT], check=True)
    subprocess.run([*install, "--target", app, *wheels.glob("tandem_em-*.whl")], check=True)
    shutil.rmtree(app / "bin", ignore_errors=True)
    for path in [site / ".lock", app / ".lock"]:
        path.unlink(missing_ok=True)


def compile_modules(tree: Path) -> None:
    """Bytecode that is believed without a look at the source: the first start is as quick as every other."""
    compileall.compile_dir(
        tree,
        quiet=2,
        workers=0,
        rx=prune.SELDOM,
        stripdir=str(tree),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv is not installed here: pip install uv")
    return found


def share_runtime(site: Path, runtime: Path) -> None:
    """The launcher loads Microsoft's runtime once for all; Qt brings the newest along."""
    for name in ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll"):
        shutil.copy(site / "PyQt6" / "Qt6" / "bin" / name, runtime / name)


def check(tree: Path) -> None:
    """Stop where the tree cannot run or must not be shipped."""
    said = closure.missing(tree)
    said += [
        f"{name} is {len(name)} letters long."
        for path in tree.rglob("*")
        if len(name := path.relative_to(tree).as_posix()) > LONGEST_PATH
    ]
    if said:
        raise SystemExit("\n".join(said))
    say("every library finds what it asks for")


def make_zip(tree: Path, out: Path) -> Path:
    """The same tree for a stick: settings lie beside it, because of the file `portable`."""
    path = out / f"TandEM-{version()}-windows.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        packed.writestr(
            "TandEM/portable", "Settings and recovery files are kept in the folder data beside this file.\r\n"
        )
        for each in sorted(tree.rglob("*")):
            if each.is_file():
                packed.write(each, Path("TandEM") / each.relative_to(tree))
    return path


def make_installer(tree: Path, scratch: Path, options: argparse.Namespace) -> Path:
    path: Path = (options.out / f"TandEM-{version()}-setup.exe").resolve()
    facts = {
        "VERSION": version(), "FOUR": four_numbers(), "TREE": tree.resolve(), "OUT": path, "PACKING": options.packing,
        "SIZE_KB": prune.size_of(tree) >> 10, "LICENSE": (tree / "LICENSE.txt").resolve(),
        "ICON": launchers.make_icon(scratch / "tandem.ico").resolve(),
    }  # fmt: skip
    defined = [f"-D{name}={value}" for name, value in facts.items()]
    subprocess.run(["makensis", "-V2", "-INPUTCHARSET", "UTF8", *defined, HERE / "installer.nsi"], check=True)
    return path


if __name__ == "__main__":
    main()
