#!/usr/bin/env python3
"""Builds the Windows installer: freezes the program with PyInstaller, packs it with Inno Setup.

Run it on Windows in TandEM's environment with PyInstaller in it and Inno Setup 6 installed:
`py packaging\\windows\\make_installer.py` writes dist\\TandEM-VERSION-setup.exe.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPILERS = (r"Inno Setup 6\ISCC.exe",)


def make_icon() -> None:
    """The icon in the sizes Windows asks for, drawn like the SVG of the Debian package."""
    from PIL import Image, ImageDraw

    size = 256
    image = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(image)
    unit = size / 64
    draw.rounded_rectangle((0, 0, size, size), 13 * unit, "#14171c")
    for x, y, r, colour in ((24, 24, 12, "#ff5a5f"), (42, 28, 9, "#4a9eff")):
        box = tuple(unit * each for each in (x - r, y - r, x + r, y + r))
        draw.ellipse(box, "#3a434f", colour, round(3 * unit))
    curve = [(8, 50), (22, 50), (22, 44), (40, 44), (47, 47), (56, 48)]
    draw.line([(unit * x, unit * y) for x, y in curve], "#7fe3a4", round(3 * unit), "curve")
    draw.line([(34 * unit, 6 * unit), (34 * unit, 58 * unit)], "#ffffff", round(2 * unit))
    image.save(HERE / "tandem.ico", sizes=[(16, 16), (32, 32), (48, 48), (256, 256)])


def compiler() -> str:
    for base in filter(None, (os.environ.get("ProgramFiles(x86)"), os.environ.get("ProgramFiles"))):
        for name in COMPILERS:
            if (Path(base) / name).exists():
                return str(Path(base) / name)
    found = shutil.which("ISCC")
    if found is None:
        raise SystemExit("Inno Setup 6 is not installed here.")
    return found


def main() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    make_icon()
    build = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build")]
    subprocess.run([*build, str(HERE / "tandem.spec")], check=True)
    subprocess.run([str(ROOT / "dist" / "TandEM" / "tandem-cli.exe"), "--version"], check=True)
    subprocess.run([compiler(), f"/DVersion={version}", str(HERE / "tandem.iss")], check=True)


if __name__ == "__main__":
    main()
