#!/usr/bin/env python3
"""Sets TandEM up from a fresh checkout and starts it: `demo` opens the demo experiment, `test` runs the tests.

Needs Python 3.11 or newer and nothing else. Makes its own environment in .venv beside this folder, says what it does,
and can be run again at any time. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "packaging" / "requirements.lock"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

QT_LIBRARIES = {
    "libegl1": "EGL", "libgl1": "GL", "libxkbcommon-x11-0": "xkbcommon-x11", "libdbus-1-3": "dbus-1",
    "libxcb-cursor0": "xcb-cursor", "libxcb-icccm4": "xcb-icccm", "libxcb-image0": "xcb-image",
    "libxcb-keysyms1": "xcb-keysyms", "libxcb-randr0": "xcb-randr", "libxcb-render-util0": "xcb-render-util",
    "libxcb-shape0": "xcb-shape", "libxcb-xinerama0": "xcb-xinerama", "libfontconfig1": "fontconfig",
    "libglib2.0-0": "glib-2.0",
}  # fmt: skip
"""Debian package -> library that Qt loads. A desktop has them; a bare server does not."""


def say(text: str) -> None:
    print(f"* {text}", flush=True)


def run(*command: str | Path, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.call([str(part) for part in command], cwd=ROOT, stdout=output, stderr=output)


def stop(text: str) -> None:
    print(f"\nStopped: {text}", file=sys.stderr)
    raise SystemExit(1)


def check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  this file is what an older Python meets first
        stop(f"this is Python {sys.version.split()[0]}; TandEM needs 3.11 or newer.")


def install_with_apt(packages: list[str], what: str) -> None:
    """Install Debian packages where we may; otherwise print the one line that does."""
    line = f"apt-get install -y {' '.join(packages)}"
    if not packages:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:  # type: ignore[attr-defined, unused-ignore]
        say(f"Installing {what}: {' '.join(packages)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.call(["apt-get", "update", "-qq"], env=environment)
        if (
            subprocess.call(
                ["apt-get", "install", "-y", "-qq", *packages], env=environment, stdout=subprocess.DEVNULL
            )
            == 0
        ):
            return
    print(f"\n{what} missing. As an administrator, run:\n\n    sudo {line}\n", file=sys.stderr)


def install_qt_libraries() -> None:
    if not sys.platform.startswith("linux"):
        return
    missing = [
        package for package, library in QT_LIBRARIES.items() if ctypes.util.find_library(library) is None
    ]
    if missing and not shutil.which("ldconfig") and not Path("/sbin/ldconfig").exists():
        return  # cannot tell here; Qt will say what it lacks
    install_with_apt(missing, "System libraries of Qt are")


def make_environment() -> None:
    """A virtual environment of its own. Debian keeps the part that makes one in a package of its own."""
    if PYTHON.exists() and run(PYTHON, "-m", "pip", "--version", quiet=True) == 0:
        return
    say(f"Making an environment in {VENV.name}")
    if (
        run(sys.executable, "-m", "venv", "--clear", VENV) != 0
        or run(PYTHON, "-m", "pip", "--version", quiet=True) != 0
    ):
        if sys.platform.startswith("linux"):
            install_with_apt([f"python3.{sys.version_info.minor}-venv"], "The venv part of Python is")
        if run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
            stop("no environment could be made.")


def install_packages(*, tests: bool) -> None:
    """Install the locked versions (every file checked by its hash), then TandEM itself, once per state of the lock."""
    stamp = VENV / ".installed"
    wanted = hashlib.sha256(
        LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + bytes([tests])
    ).hexdigest()
    done = set(stamp.read_text().split()) if stamp.exists() else set()
    if wanted in done:
        return
    say("Installing the packages (a few minutes the first time)")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if run(*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCK) != 0:
        stop("the packages could not be installed. Is there a connection to the package index?")
    if run(*pip, "--no-deps", "--editable", ROOT) != 0:
        stop("TandEM itself could not be installed.")
    stamp.write_text(" ".join(done | {wanted}))


def open_demo(screenshot: str | None) -> int:
    if screenshot:
        say("Building the demo and taking a picture of the window")
        session = VENV / "demo.nxs"
        if run(PYTHON, "-m", "tandem_em", "demo", "--no-window", "-o", session, "--force") != 0:
            return 1
        return run(PYTHON, "-m", "tandem_em", "screenshot", session, "-o", Path(screenshot).resolve())
    say("Opening the demo experiment")
    return run(PYTHON, "-m", "tandem_em", "demo")


def run_tests(arguments: list[str]) -> int:
    say("Running the tests")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return run(PYTHON, "-m", "pytest", *arguments)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("demo", "test"))
    parser.add_argument(
        "--screenshot", metavar="PNG", help="with demo: take a picture instead of opening the window"
    )
    options, rest = parser.parse_known_args()
    check_python()
    install_qt_libraries()
    make_environment()
    install_packages(tests=options.what == "test")
    say(f"Python {sysconfig.get_python_version()} in {VENV}")
    return open_demo(options.screenshot) if options.what == "demo" else run_tests(rest)


if __name__ == "__main__":
    sys.exit(main())
