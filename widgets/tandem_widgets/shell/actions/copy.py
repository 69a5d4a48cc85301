"""What goes onto the clipboard: a pane as it looks, its figure for print, the line that opens the file elsewhere."""

from __future__ import annotations

from PyQt6.QtGui import QGuiApplication

from tandem_widgets.parts.plot.copy import copy_figure, copy_picture
from tandem_widgets.shell.context import WindowContext


class CopyActions:
    """Copies what the window shows."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context

    def copy_hyperspy_line(self) -> None:
        """The Python line that loads the session's file in HyperSpy; nothing without a file."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self._context.document.path is not None:
            clipboard.setText(
                f'import hyperspy.api as hs; signals = hs.load(r"{self._context.document.path}", nxdata_only=True, lazy=True)'
            )
            self._context.services.notices.info("Copied the Python code for HyperSpy.")

    def copy_pane(self) -> None:
        """The pane as it looks onto the clipboard."""
        pane = self._context.parts.docks.pane_in_use()
        copy_picture(pane)
        self._context.services.notices.info(f"Copied a screenshot of {pane.title}.")

    def copy_figure(self) -> None:
        """What the pane shows onto the clipboard, as a figure for print."""
        # imported late: a start does not pay for the figures
        from tandem_em.desk.export.preview import FigureSettings, figure_of

        pane = self._context.parts.docks.pane_in_use()
        name, choices = pane.figure_for_print()
        if not name:
            self._context.services.notices.info(
                "This view has no publication figure.", "Ctrl+Alt+C copies it as a screenshot."
            )
            return

        def made(files: dict[str, bytes]) -> None:
            copy_figure(files)
            self._context.services.notices.info(
                f"Copied the figure of {pane.title}.", "Ctrl+E has more options."
            )

        job = figure_of(self._context.desk.session, name, FigureSettings(**choices))
        self._context.desk.start(f"Copying the figure of {pane.title}", job, made, key="copy figure")
