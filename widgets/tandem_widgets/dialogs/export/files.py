"""Tables and report, or everything at once, into a folder."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QLabel, QPushButton, QVBoxLayout, QWidget

from tandem_em.core.texts import counted
from tandem_em.desk.desk import Desk
from tandem_em.desk.export import folder as export
from tandem_widgets.dialogs.export.form import ask_folder, may_replace

KINDS = {
    "tables": (
        "Tables",
        "CSV with units for every curve, particle, map, profile and cycle; provenance.json beside them",
    ),
    "report": (
        "Report",
        "One HTML page with figures, numbers, warnings and a methods paragraph; opens without a network",
    ),
    "figures": ("Figures", "All of them as PDF, SVG and PNG, at automatic widths"),
    "movie": ("Movie", "1280 × 720, about 20 s"),
}

PLACES = {"tables": "tables", "report": "report.html", "figures": "figures", "movie": "movie.mp4"}
"""Where each goes in the folder."""


class FilesPage(QWidget):
    """What is ticked is written in one go, all of it or nothing."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.checks: dict[str, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 12)
        for kind, (title, words) in KINDS.items():
            check = self.checks[kind] = QCheckBox(title)
            check.setChecked(kind in ("tables", "report"))
            check.toggled.connect(lambda _on: self._changed())
            line = QLabel(words)
            line.setProperty("role", "quiet")
            line.setWordWrap(True)
            line.setContentsMargins(24, 0, 0, 10)
            column.addWidget(check)
            column.addWidget(line)
        column.addStretch(1)
        self.save = QPushButton("Save into a folder…")
        self.save.setProperty("role", "primary")
        self.save.setAutoDefault(False)
        self.save.clicked.connect(self._ask_save)
        column.addWidget(self.save, 0, Qt.AlignmentFlag.AlignRight)

    def _changed(self) -> None:
        self.save.setEnabled(any(check.isChecked() for check in self.checks.values()))

    def _ask_save(self) -> None:
        folder = ask_folder(self, self._desk, "Choose a folder for the export")
        ticked = [PLACES[kind] for kind, check in self.checks.items() if check.isChecked()]
        if folder is not None and may_replace(self, folder, ticked):
            self.save_into(folder)

    def save_into(self, folder: Path) -> None:
        """Writes what is ticked into the folder, in the background."""
        wanted = export.Wanted(**{kind: check.isChecked() for kind, check in self.checks.items()})  # type: ignore[arg-type]
        self._desk.start(
            "Exporting", export.export(self._desk.session, folder, wanted),
            lambda paths: self._desk.notices.info(f"Saved {counted(len(paths), 'file')} in {folder}."),
        )  # fmt: skip
