#!/usr/bin/env python3
"""Builds TandEM for Linux: a package for Debian 12 and 13 and Ubuntu 24.04, and the same tree as .tar.xz.

Run it on Debian 12 in TandEM's environment (CPython 3.11), with the packages python3.11, patchelf and dpkg-dev. Python and
every package come along, so one package is right for all three releases. Installing needs no network.
`make_deb.py -o dist` writes dist/tandem-em_VERSION_ARCH.deb and dist/tandem-em-VERSION-linux.tar.xz.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import py_compile
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

import prune
from linux_python import copy_python
from runtime_lock import ROOT, runtime_lock
from version import version

HOME = "opt/tandem-em"
QT_LIBRARIES = (
    "libegl1", "libgl1", "libxkbcommon-x11-0", "libdbus-1-3", "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0",
    "libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0", "libxcb-shape0", "libxcb-xinerama0", "libfontconfig1",
    "libglib2.0-0t64 | libglib2.0-0", "libc6 (>= 2.35)",
)  # fmt: skip
DEBIAN = ROOT / "packaging" / "debian"


def install_packages(lib: Path, scratch: Path) -> None:
    """The locked packages, each checked by its hash, and TandEM itself."""
    lock = scratch / "runtime.lock"
    lock.write_text(runtime_lock(), "utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--target",
        str(lib),
    ]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], check=True)
    wheels = scratch / "wheel"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    subprocess.run([*pip, *map(str, wheels.glob("tandem_em-*.whl"))], check=True)


def changelog() -> str:
    """What Debian asks for; what has changed stands in CHANGELOG.md."""
    control = (DEBIAN / "control").read_text("utf-8")
    maintainer = next(
        line.partition(": ")[2] for line in control.splitlines() if line.startswith("Maintainer")
    )
    when = formatdate((ROOT / "CHANGELOG.md").stat().st_mtime, localtime=True)
    return f"tandem-em ({version()}) unstable; urgency=low\n\n  * See CHANGELOG.md.\n\n -- {maintainer}  {when}\n"


def write_packed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    path.chmod(0o644)


def write_tree(stage: Path) -> None:
    """Command, menu entry, icon, file association and the control files."""
    size_kB = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file()) // 1024
    places = {
        "tandem.sh": "usr/bin/tandem", "tandem-em.desktop": "usr/share/applications/tandem-em.desktop",
        "tandem-em.xml": "usr/share/mime/packages/tandem-em.xml",
        "tandem-em.svg": "usr/share/icons/hicolor/scalable/apps/tandem-em.svg",
        "copyright": "usr/share/doc/tandem-em/copyright", "lintian-overrides": "usr/share/lintian/overrides/tandem-em",
        "postinst": "DEBIAN/postinst", "postrm": "DEBIAN/postrm",
    }  # fmt: skip
    for name, place in places.items():
        target = stage / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEBIAN / name, target)
        target.chmod(0o755 if place.startswith(("usr/bin", "DEBIAN")) else 0o644)
    write_packed(stage / "usr/share/man/man1/tandem.1.gz", (DEBIAN / "tandem.1").read_text("utf-8"))
    write_packed(stage / "usr/share/doc/tandem-em/changelog.gz", changelog())
    arch = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    control = (DEBIAN / "control").read_text("utf-8").format(
        version=version(), arch=arch, size=size_kB, libraries=", ".join(QT_LIBRARIES),
    )  # fmt: skip
    (stage / "DEBIAN" / "control").write_text(control, "utf-8")


def compile_modules(home: Path) -> None:
    """Bytecode comes along: the package needs no script that writes what dpkg does not know."""
    compileall.compile_dir(
        home,
        quiet=2,
        workers=0,
        rx=prune.SELDOM,
        stripdir=str(home.parents[1]),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def write_archive(home: Path, out: Path) -> Path:
    """The tree for any other distribution: unpack, run tandem-em-VERSION/tandem."""
    path = out / f"tandem-em-{version()}-linux.tar.xz"
    shutil.copy(DEBIAN / "portable.sh", home / "tandem")
    (home / "tandem").chmod(0o755)
    rename = f"s,^\\.,tandem-em-{version()},"
    subprocess.run(
        ["tar", "-C", home, "--owner=0", "--group=0", "--sort=name", "--transform", rename, "-I", "xz -T0 -3", "-cf", path, "."],
        check=True,
    )  # fmt: skip
    (home / "tandem").unlink()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("Run this with CPython 3.11, for which the packages are made.")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "stage"
        home = stage / HOME
        lib = home / "lib"
        lib.mkdir(parents=True)
        stage.chmod(0o755)
        print(f"CPython {copy_python(home / 'python')}")
        install_packages(lib, Path(folder))
        print(f"{prune.prune(lib) >> 20} MB pruned")
        compile_modules(home)
        print(write_archive(home, options.out))
        write_tree(stage)
        build = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", str(stage), str(options.out)]
        subprocess.run(build, check=True)


if __name__ == "__main__":
    main()
