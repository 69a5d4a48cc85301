"""The biasing pane: lanes over time, and other views of the same runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QMenu, QStackedWidget, QToolButton, QWidget

from tandem_em.desk.biasing import runs, text_import
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_em.model.items import Item
from tandem_em.model.provenance import Step
from tandem_em.model.spectra import Edge, Site
from tandem_widgets.panes.biasing import copy as biasing_copy
from tandem_widgets.panes.biasing import lanes as biasing_lanes
from tandem_widgets.panes.biasing import menus
from tandem_widgets.panes.biasing.anomaly_bar import TrustWatch
from tandem_widgets.panes.biasing.lanes import LaneMaker
from tandem_widgets.panes.biasing.page import Page
from tandem_widgets.panes.biasing.scene import VIEWS, BiasingScene
from tandem_widgets.panes.biasing.series import SeriesStore
from tandem_widgets.panes.biasing.statistics import StretchStatistics
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import EmptyHint, PaneFrame, trigger
from tandem_widgets.parts.basic.refresh import Refresher
from tandem_widgets.parts.lanes.widget import Lanes

LIVE_HZ = 30.0
TEXT_FILTER = "Tables of text (*.csv *.txt *.tsv *.dat *.log *.asc *.mpt *.dta *.lvm);;All files (*)"
HINT = (
    "Drop a biasing log here, or open one (Ctrl+O): BioLogic, Gamry, Ivium, Keithley, LabVIEW, DENSsolutions, "
    "Protochips, or any table of text."
)

FIGURES_OF_VIEWS = {
    "time": "lanes", "capacity": "capacity", "iv": "crossing", "dqdv": "dqdv", "cycles": "cycles",
}  # fmt: skip


class BiasingPane(PaneFrame):
    """Shows the runs of a session, and what belongs on their time axis."""

    def __init__(self, desk: Desk) -> None:
        self._body = QStackedWidget()
        super().__init__("Biasing", self._body)
        self.desk = desk
        self.scene = BiasingScene(desk)
        self.bindings = Bindings(self)
        self.lanes = Lanes(desk.session.focus)
        self._body.addWidget(self.lanes)
        self.pages: dict[str, QWidget] = {"time": self.lanes}
        self.refresher = Refresher(self, self.show_session, LIVE_HZ)
        self.store = SeriesStore(desk, self.bindings, self.mark)
        self.maker = LaneMaker(desk.session, self.store)
        self.statistics = StretchStatistics(desk, self.lanes)
        self.view_buttons: dict[str, QToolButton] = {}
        self.menu_context = menus.MenuContext(
            self.scene, self.lanes, self.store, self.copy_picture, self.ask_cell
        )
        self._add_views()
        self._add_tools()
        self._connect_lanes()
        self.bindings.on(self.scene.view_changed, self._show_page)
        self.bindings.on(desk.session.changed, self._changed)
        self.bindings.on(desk.session.growing.changed, self.mark)
        self.bindings.on(desk.session.focus.selection_changed, lambda _kind: self.mark())
        self.show_session()

    # --- building ------------------------------------------------------------------------------------------------

    def _add_views(self) -> None:
        """The views of the same data, right after the title."""
        row = self.layout()
        title_row = row.itemAt(0).layout() if row is not None and row.itemAt(0) is not None else None  # type: ignore[union-attr]
        holder = QWidget()
        buttons = QHBoxLayout(holder)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(2)
        for name, text, tip in VIEWS:
            button = QToolButton()
            button.setProperty("role", "tool")
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(text)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setChecked(name == "time")
            button.clicked.connect(partial(self.show_view, name))
            buttons.addWidget(button)
            self.view_buttons[name] = button
        if isinstance(title_row, QHBoxLayout):
            title_row.insertWidget(1, holder)

    def _add_tools(self) -> None:
        self.trust = TrustWatch(
            self.desk, self.add_tool("✓ Checked", "Anomalies found in the curves"), self.mark
        )
        self.live_button = self.add_tool(
            "Live ▸", "Follow the newest data; a click in the lanes stops following", checkable=True
        )
        self.live_button.clicked.connect(self.scene.set_follow)
        self.live_button.hide()
        self.doubts_button = self.add_tool("Check import…", "")
        self.doubts_button.clicked.connect(self.settle_doubts)
        self.doubts_button.hide()
        self.cell_button = self.add_tool(
            "Cell…", "Area, capacity, safe window and calculators", self.ask_cell
        )
        self.lanes_button = self.add_tool("Lanes ▾", "Add, hide and arrange lanes")
        menu = QMenu(self.lanes_button)
        menu.aboutToShow.connect(lambda: menus.fill_lanes_menu(menu, self.menu_context))
        self.lanes_button.setMenu(menu)
        copying = QShortcut(QKeySequence.StandardKey.Copy, self)
        copying.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copying.activated.connect(self.copy_picture)
        self.lanes_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _connect_lanes(self) -> None:
        lanes, session = self.lanes, self.desk.session
        lanes.flag_clicked.connect(self.scene.go_to_event)
        lanes.flag_moved.connect(self.scene.move_event)
        lanes.band_clicked.connect(self.scene.go_to_map)
        lanes.note_clicked.connect(self._answer_note)
        lanes.curve_clicked.connect(self.scene.select_curve)
        lanes.y_chosen.connect(
            lambda kind, y: runs.change_lane(self.desk, kind, f"Scale the {kind} lane", f"y {kind}", y=y)
        )
        lanes.weights_chosen.connect(lambda weights: runs.weigh_lanes(self.desk, weights))
        lanes.order_chosen.connect(self._move_lane)
        lanes.gesture_ended.connect(self.desk.end_gesture)
        lanes.fit_wanted.connect(self.scene.fit_time)
        lanes.stretch_chosen.connect(self.statistics.show)
        lanes.menu_wanted.connect(self._show_menu)
        self.bindings.on(session.focus.follow_changed, lambda _on: self.mark())

    # --- what is shown -------------------------------------------------------------------------------------------

    def _changed(self, item: Item) -> None:
        if not isinstance(
            item, Step | Edge | Site
        ):  # nothing of these is seen here, and edges change at every move
            self.mark()

    def mark(self) -> None:
        """Show at the next turn what has changed. Jobs may answer when the pane is gone already."""
        if not sip.isdeleted(self.refresher):
            self.refresher.mark()

    def show_session(self) -> None:
        """Bring everything up to date with the session."""
        session = self.desk.session
        if session.is_empty:
            if not self.is_empty:
                self.set_empty(
                    EmptyHint(
                        HINT,
                        [
                            ("Import text…", self.ask_text),
                            ("Instruments…", lambda: trigger(self, "instruments")),
                        ],
                    )
                )
            self.subtitle.set_text("")
            return
        if self.is_empty:
            self.set_empty(None)
        self.subtitle.set_text(biasing_lanes.summary(session))
        self._follow()
        self._show_doubts()
        content = self.maker.content()
        self.trust.check()
        self.trust.show_button()
        content.findings = self.trust.marks()
        self.lanes.show_content(content)
        self._refresh_page()

    def _show_doubts(self) -> None:
        """What was guessed about the chosen run's text is offered to be settled."""
        doubts = text_import.doubts_of(self.desk.session, self.scene.chosen_run())
        self.doubts_button.setVisible(bool(doubts))
        self.doubts_button.setToolTip(
            "\n".join(["The columns of this table were guessed. Click to check:", *doubts])
        )

    def settle_doubts(self) -> None:
        """Read the chosen run's text anew, with the person's decisions."""
        run = self.scene.chosen_run()
        if run is not None and text_import.doubts_of(self.desk.session, run):
            self.import_text(Path(self.desk.session.sources[run.source_id].path), run)

    def _refresh_page(self) -> None:
        page = self.page
        if page is not None:
            page.refresh()

    @property
    def page(self) -> Page | None:
        """The page that is shown; None while it is the lanes."""
        page = self.pages[self.scene.view]
        return page if isinstance(page, Page) else None

    def _follow(self) -> None:
        """While samples come, the button is there that says whether the newest moment is followed."""
        growing = [run for run in self.desk.session.runs if run.id in self.store.growing and len(run)]
        self.live_button.setVisible(bool(growing))
        self.live_button.setChecked(self.desk.session.focus.follow_live)
        self.scene.follow(growing)

    def end_growing(self) -> None:
        """The recording is over: nothing is followed any more."""
        self.store.growing.clear()
        self.scene.end_growing()
        self.mark()

    def show_view(self, name: str) -> None:
        """Show the lanes or another view of the chosen run."""
        self.scene.show_view(name)

    def _show_page(self, name: str) -> None:
        """Pages are made when they are first wanted."""
        self.view_buttons[name].setChecked(True)
        if name not in self.pages:
            page = self._make_page(name)
            self.pages[name] = page
            self._body.addWidget(page)
        self._body.setCurrentWidget(self.pages[name])
        self._refresh_page()

    def _make_page(self, name: str) -> Page:
        # the first shown window shows lanes
        from tandem_widgets.panes.biasing.cycles import CyclesPage
        from tandem_widgets.panes.biasing.gitt import GittPage
        from tandem_widgets.panes.biasing.views import PlotPage

        if name == "cycles":
            return CyclesPage(self.scene)
        return GittPage(self.scene) if name == "gitt" else PlotPage(self.scene, name)

    # --- gestures ------------------------------------------------------------------------------------------------

    def _answer_note(self, kind: str) -> None:
        from tandem_em.desk.lanes.registry import LANES  # see `LaneMaker.content`

        asks = LANES.source(kind).asks
        if asks == "cell":
            self.ask_cell()
        elif asks == "text":
            self.ask_text()

    def _move_lane(self, kind: str, target: int) -> None:
        others = [lane.kind for lane in self.lanes.content.lanes if lane.kind != kind]
        runs.move_lane(self.desk, kind, others[target] if target < len(others) else None)

    def _show_menu(self, where: QPoint, t: float, kind: str) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menus.fill_context_menu(menu, self.menu_context, t, kind)
        menu.popup(where)

    def figure_for_print(self) -> tuple[str, dict[str, Any]]:
        """Figure that shows the present view ("" where there is none), and its options."""
        return FIGURES_OF_VIEWS.get(self.scene.view, ""), {}

    def copy_picture(self) -> None:
        """What is shown, as a picture and as numbers, to the clipboard."""
        page = self.page
        if page is not None:
            page.copy()
        else:
            biasing_copy.copy_lanes(self.lanes)
        self.desk.notices.info("Copied to the clipboard.")

    # --- dialogs -------------------------------------------------------------------------------------------------

    def ask_cell(self) -> None:
        """Describe the cell of the chosen run."""
        from tandem_widgets.panes.biasing.cell import CellDialog

        self.open_dialog(CellDialog(self, self.desk, self.scene.chosen_run()))

    def ask_text(self) -> None:
        """Open a table of text through the dialog that shows its guess."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Import a table of text", "", TEXT_FILTER)
        if chosen:
            self.import_text(Path(chosen))

    def import_text(self, path: Path, instead: BiasRun | None = None) -> None:
        """Opens the import of a text file; what comes of it replaces the run `instead`, if given."""
        from tandem_widgets.panes.biasing.text_import import TextImportDialog

        self.open_dialog(TextImportDialog(self, self.desk, path, instead))

    def open_dialog(self, dialog: QDialog) -> None:
        """Shows a dialog beside the program; closing it also deletes it."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
