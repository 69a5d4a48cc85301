"""The three panes as docks: stack and EELS above, biasing strip below; each can float and come home."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from tandem_widgets.parts.basic import icons
from tandem_widgets.parts.basic.pane_frame import PaneFrame

TOP_SHARE = 0.625
"""Part of the height the upper panes get; the biasing strip has the rest."""
STACK_SHARE = 0.53


class PaneDock(QDockWidget):
    """A dock without a title bar while at home (the pane has its own), with the system's frame while floating."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(title)
        # Qt's saved layout knows docks by this name
        self.setObjectName(f"dock-{name}")
        self.setTitleBarWidget(QWidget())
        self.topLevelChanged.connect(self._dress)
        self._pane: PaneFrame | None = None

    def show_pane(self, pane: PaneFrame) -> None:
        """Put a pane in the place of the one before, which is closed and deleted."""
        self.close_pane()
        old, self._pane = self._pane, pane
        button = pane.add_tool(
            "Float",
            "Float this pane, or dock it again",
            lambda _on=False: self.setFloating(not self.isFloating()),
        )
        button.setIcon(icons.icon("float"))
        self.setWidget(pane)
        if old is not None:
            old.deleteLater()

    @property
    def pane(self) -> PaneFrame | None:
        """The pane in this dock; None before the first."""
        return self._pane

    def close_pane(self) -> None:
        """End what the pane has running; it stays on screen until the next one comes."""
        if self._pane is not None:
            self._pane.close_pane()

    def _dress(self, floating: bool) -> None:
        # an empty widget hides the bar; None brings back the system's frame
        self.setTitleBarWidget(None if floating else QWidget())


class PaneDocks:
    """Lays out the three docks in a main window."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.stack = PaneDock("stack", "Image stack")
        self.eels = PaneDock("eels", "EELS maps")
        self.biasing = PaneDock("biasing", "Biasing")
        window.setDockNestingEnabled(True)
        # the biasing strip below has the whole width
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self._place()

    @property
    def all(self) -> tuple[PaneDock, PaneDock, PaneDock]:
        """The docks of stack, EELS and biasing."""
        return self.stack, self.eels, self.biasing

    @property
    def panes(self) -> list[PaneFrame]:
        """The panes that are shown now."""
        return [dock.pane for dock in self.all if dock.pane is not None]

    def pane_in_use(self) -> PaneFrame:
        """The pane under the pointer, else the one with the focus, else the first."""
        panes, focused = self.panes, QApplication.focusWidget()
        return next((each for each in panes if each.underMouse()), None) or next(
            (each for each in panes if focused is not None and each.isAncestorOf(focused)), panes[0]
        )

    def close_panes(self) -> None:
        """End what the panes have running: the window closes."""
        for dock in self.all:
            dock.close_pane()

    def restore_home(self) -> None:
        """Floating and hidden panes come back to the places of the design."""
        for dock in self.all:
            dock.setFloating(False)
            dock.show()
        self._place()

    def share_out(self) -> None:
        """Give the panes the proportions of the design for the present window size."""
        # about what header and status strip take
        width, height = self._window.width(), self._window.height() - 70
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self._window.resizeDocks(
            [self.stack, self.eels], [int(width * STACK_SHARE), int(width * (1 - STACK_SHARE))], horizontal
        )
        self._window.resizeDocks(
            [self.stack, self.biasing], [int(height * TOP_SHARE), int(height * (1 - TOP_SHARE))], vertical
        )

    def state(self) -> str:
        """The layout as text (base64) for the settings."""
        return bytes(self._window.saveState().toBase64().data()).decode()

    def restore_state(self, text: str) -> bool:
        """Take a layout from the settings; False when Qt does not accept it."""
        return self._window.restoreState(QByteArray.fromBase64(text.encode()))

    def _place(self) -> None:
        window = self._window
        window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, self.stack)
        window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, self.eels)
        window.splitDockWidget(self.stack, self.eels, Qt.Orientation.Horizontal)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.biasing)
        self.share_out()
