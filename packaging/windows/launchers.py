"""The programs of the tree, compiled from launcher.c with mingw-w64: icon, version, manifest inside."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

from version import ROOT, four_numbers, version

HERE = Path(__file__).resolve().parent
GCC = "x86_64-w64-mingw32-gcc"
WINDRES = "x86_64-w64-mingw32-windres"
SIZES = (16, 20, 24, 32, 40, 48, 64, 256)
"""Of the icon (px): what Windows asks for at 100 to 200 %."""
PROGRAMS = {
    "TandEM.exe": ("-mwindows",),
    "bin/tandem.exe": ("-mconsole", "-DCONSOLE"),
    "runtime/tandem-python.exe": ("-mwindows", "-DPLAIN"),
}
RESOURCE = """#include <windows.h>
1 ICON "{icon}"
1 RT_MANIFEST "{manifest}"
VS_VERSION_INFO VERSIONINFO
FILEVERSION {commas}
PRODUCTVERSION {commas}
FILETYPE VFT_APP
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "CompanyName", "The TandEM developers"
      VALUE "FileDescription", "{title}"
      VALUE "FileVersion", "{version}"
      VALUE "LegalCopyright", "GPL-3.0-or-later"
      VALUE "OriginalFilename", "{name}"
      VALUE "ProductName", "TandEM"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"""


def make_icon(path: Path) -> Path:
    """The icon of the Debian package in every size, as one .ico."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PIL import Image
    from PyQt6.QtCore import QBuffer
    from PyQt6.QtGui import QGuiApplication, QImage, QPainter
    from PyQt6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    drawing = QSvgRenderer(str(ROOT / "packaging" / "debian" / "tandem-em.svg"))
    pictures = []
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        pictures.append(Image.open(io.BytesIO(bytes(buffer.data()))))
    pictures[-1].save(path, append_images=pictures[:-1], sizes=[(size, size) for size in SIZES])
    del application
    return path


def compile_launchers(tree: Path, scratch: Path) -> None:
    icon = make_icon(scratch / "tandem.ico")
    for place, flags in PROGRAMS.items():
        target = tree / place
        target.parent.mkdir(parents=True, exist_ok=True)
        title = "TandEM (Python for its children)" if "-DPLAIN" in flags else "TandEM"
        resource = scratch / f"{target.stem}.rc"
        resource.write_text(
            RESOURCE.format(
                icon=icon, manifest=HERE / "launcher.manifest", commas=four_numbers().replace(".", ","),
                version=version(), name=target.name, title=title,
            )
        )  # fmt: skip
        compiled = resource.with_suffix(".o")
        subprocess.run([WINDRES, resource, compiled], check=True)
        subprocess.run(
            [GCC, "-municode", "-O2", "-s", "-Wall", "-Wextra", "-Werror", "-static", *flags, HERE / "launcher.c", compiled,
             "-o", target],
            check=True,
        )  # fmt: skip
