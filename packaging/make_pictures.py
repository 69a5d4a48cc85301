#!/usr/bin/env python3
"""Makes the pictures of the docs from the real program: empty and demo window, dark and light. Run it in TandEM's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def tandem(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "tandem_em", *map(str, arguments)], check=True)


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TANDEM_HOME"] = str(Path(folder) / "home")
        demo = Path(folder) / "demo.nxs"
        tandem("demo", "--no-window", "-o", demo)
        for theme in ("dark", "light"):
            tandem("screenshot", demo, "-o", PICTURES / f"demo-{theme}.png", "--theme", theme, "--at", 35.2)
            tandem(
                "screenshot", "-o", PICTURES / f"empty-{theme}.png", "--theme", theme, "--size", "1280x800"
            )
        tandem("screenshot", demo, "-o", PICTURES / "demo-small.png", "--size", "1280x800", "--at", 75)
    print(*sorted(PICTURES.glob("*.png")), sep="\n")


if __name__ == "__main__":
    main()
