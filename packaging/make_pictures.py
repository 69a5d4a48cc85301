#!/usr/bin/env python3
"""Makes the pictures of the docs from the real program. Run it in TandEM's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QListWidget

    from tandem_widgets.shell.window.main_window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"


def tandem(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "tandem_em", *map(str, arguments)], check=True)


def windows(demo: Path) -> None:
    """The window: with the demo and empty, dark and light, large and small."""
    for theme in ("dark", "light"):
        tandem("screenshot", demo, "-o", PICTURES / f"demo-{theme}.png", "--theme", theme, "--at", 35.2)
        tandem("screenshot", "-o", PICTURES / f"empty-{theme}.png", "--theme", theme, "--size", "1280x800")
    tandem("screenshot", demo, "-o", PICTURES / "demo-small.png", "--size", "1280x800", "--at", 75)


def choose(figures: QListWidget, title: str) -> None:
    rows = [figures.item(number) for number in range(figures.count())]
    figures.setCurrentItem(next(row for row in rows if row is not None and row.text() == title))


def drawn(window: MainWindow) -> None:
    """Wait until nothing is being drawn any more, however slow the machine."""
    from tandem_widgets.shell.application import settle

    for _ in range(5):
        settle(window, quiet_ms=1500)
        while window.services.runner.tasks:
            settle(window, quiet_ms=500)


def dialogs(demo: Path) -> None:
    """The windows that are opened from it."""
    from tandem_em.desk.settings import Settings
    from tandem_widgets.dialogs.clocks import ClocksDialog
    from tandem_widgets.dialogs.export.dialog import ExportDialog
    from tandem_widgets.shell.application import make_application, make_window, settle

    application = make_application()
    window, bridge = make_window(Settings())
    window.show()
    window.files.open_paths([demo])
    settle(window)
    export = ExportDialog(window, window.desk)
    export.show()
    drawn(window)
    for page, title, name in ((0, "Element maps", "export-figures"), (1, "", "export-movie")):
        export.tabs.setCurrentIndex(page)
        if page == 0:
            choose(export.figures.list, title)
        drawn(window)
        export.grab().save(str(PICTURES / f"{name}.png"))
    export.close()
    clocks = ClocksDialog(window, window.desk)
    clocks.show()
    settle(window)
    clocks.grab().save(str(PICTURES / "clocks.png"))
    clocks.close()
    window.files.close()
    window.hide()
    window.docks.close_panes()
    bridge.close()
    window.services.runner.close()
    application.processEvents()


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TANDEM_HOME"] = str(Path(folder) / "home")
        demo = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "demo.nxs"
        if not demo.exists():
            tandem("demo", "--no-window", "-o", demo)
        windows(demo)
        dialogs(demo)
    print(*sorted(PICTURES.glob("*.png")), sep="\n")


if __name__ == "__main__":
    main()
