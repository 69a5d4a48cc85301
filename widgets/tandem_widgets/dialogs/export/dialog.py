"""Out of the program: figures with a live preview, the movie, tables and report."""

from __future__ import annotations

from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.export import preview
from tandem_widgets.dialogs.export.figures import FiguresPage
from tandem_widgets.dialogs.export.files import FilesPage
from tandem_widgets.dialogs.export.movie import MoviePage


class ExportDialog(QDialog):
    """Three pages on one collection of the data; the session as it is when the window opens."""

    def __init__(self, parent: QWidget, desk: Desk, page: int = 0) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.resize(1060, 680)
        self._open, self._desk = True, desk
        self.figures, self.movie, self.files = FiguresPage(desk), MoviePage(desk), FilesPage(desk)
        self.tabs = QTabWidget()
        for widget, title in (
            (self.figures, "Figures"),
            (self.movie, "Movie"),
            (self.files, "Tables and report"),
        ):
            self.tabs.addTab(widget, title)
        self.tabs.setCurrentIndex(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.addWidget(self.tabs)
        # until the data are collected
        self.tabs.setEnabled(False)
        desk.start(
            "Preparing the figures",
            preview.collecting(desk.session),
            self._take,
            on_error=self._failed,
            key=f"collect {id(self)}",
        )

    def _failed(self, error: BaseException) -> None:
        self._desk.notices.tell(error)
        if self._open:
            for page in (self.figures, self.movie):
                page.preview.say("The figures could not be prepared.")

    def _take(self, material: preview.Material) -> None:
        if not self._open:
            return
        self.tabs.setEnabled(True)
        self.figures.take(material)
        self.movie.take(material)

    def done(self, result: int) -> None:
        """Closes and lets go of the data that the pages hold."""
        self._open = False
        self.figures.close_page()
        self.movie.close_page()
        super().done(result)

    def closeEvent(self, event: QEvent | None) -> None:
        """Closed by its frame: what still arrives from a job is not shown any more."""
        self._open = False
        super().closeEvent(event)  # type: ignore[arg-type]
