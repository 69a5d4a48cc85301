"""The table of edges: colour, onset, windows, method and RGB channel, all editable; every change is one undo step."""

from __future__ import annotations

import re
from typing import get_args

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableWidget, QTableWidgetItem

from tandem_em.core.texts import read_quantity
from tandem_em.desk.eels.maps import default_edges, known_edges
from tandem_em.model.spectra import BACKGROUND_TITLES, BackgroundModel, Edge
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.parts.basic.bind import Bindings

AT_ONCE = 20
"""Edges in one menu; more go into menus by energy."""
HEADINGS = ("Edge", "Onset", "Background", "Signal", "Model", "RGB")


def window_text(window: tuple[float, float]) -> str:
    """An energy window (eV) to a tenth of an eV."""
    return f"{window[0]:.1f} – {window[1]:.1f}"


def read_window(text: str) -> tuple[float, float] | None:
    """`41 - 51`, `41.0–51.0 eV`, `41 51`: two numbers, the lower first; None when it is not that."""
    numbers = [float(n.replace(",", ".")) for n in re.findall(r"\d+(?:[.,]\d+)?", text)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 and numbers[0] < numbers[1] else None


def method_text(edge: Edge) -> str:
    """Title of an edge's background model, with the order of a polynomial."""
    title = BACKGROUND_TITLES.get(edge.background, edge.background)
    return f"{title}, {edge.order}" if "polynomial" in edge.background else title


class EdgeTable(QTableWidget):
    """Shows session.edges."""

    def __init__(self, scene: EelsScene) -> None:
        super().__init__(0, len(HEADINGS))
        self._scene, self._desk = scene, scene.desk
        self._filling = False
        self.setHorizontalHeaderLabels(list(HEADINGS))
        header = self.horizontalHeader()
        assert header is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        rows = self.verticalHeader()
        assert rows is not None
        rows.hide()
        rows.setDefaultSectionSize(20)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.itemChanged.connect(self._edited)
        self.itemSelectionChanged.connect(self._select)
        bindings, session = Bindings(self), scene.session
        for signal in (session.edges.added, session.edges.removed):
            bindings.on(signal, lambda _edge: self.fill())
        bindings.on(session.edges.changed, lambda _edge, _names: self.fill())
        bindings.on(
            session.focus.selection_changed,
            lambda kind: self._show_selection() if kind == "edge" else None,
        )
        self.fill()

    def fill(self) -> None:
        """Write what has changed; while a window is dragged that is one cell."""
        self._filling = True
        edges = list(self._desk.session.edges)
        if self.rowCount() != len(edges):
            self.setRowCount(len(edges))
            header = self.horizontalHeader()
            # as high as its rows: the pane has no room for empty ones
            self.setFixedHeight((header.height() if header else 24) + 20 * max(1, len(edges)) + 4)
        for row, edge in enumerate(edges):
            texts = (
                edge.name, f"{edge.onset_eV:.1f} eV", window_text(edge.fit) if edge.background != "none" else "–",
                window_text(edge.signal), method_text(edge), edge.channel or "–",
            )  # fmt: skip
            for column, text in enumerate(texts):
                self._write(row, column, text)
            self._colour(row, edge.colour)
        self._filling = False
        self._show_selection()

    def _write(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem(text)
            # model and channel are chosen in the menu
            if column >= 4:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.setItem(row, column, item)
        # an unchanged item is left alone: writing it would repaint the table at every drag
        elif item.text() != text:
            item.setText(text)

    def _colour(self, row: int, colour: str) -> None:
        item = self.item(row, 0)
        if item is not None and item.data(Qt.ItemDataRole.UserRole) != colour:
            item.setData(Qt.ItemDataRole.UserRole, colour)
            item.setIcon(swatch(colour))

    def _show_selection(self) -> None:
        chosen = self._desk.session.focus.selected("edge")
        for row, edge in enumerate(self._desk.session.edges):
            if edge.id == chosen and self.currentRow() != row:
                self._filling = True
                self.selectRow(row)
                self._filling = False

    def _select(self) -> None:
        edge = self._edge(self.currentRow())
        if edge is not None and not self._filling:
            self._desk.session.focus.select("edge", edge.id)

    def _edge(self, row: int) -> Edge | None:
        edges = list(self._desk.session.edges)
        return edges[row] if 0 <= row < len(edges) else None

    def _set_onset(self, edge: Edge, text: str) -> None:
        try:
            self._desk.change("Onset", edge, onset_eV=read_quantity(text, "eV"))
        except ValueError as error:
            self._desk.notices.warning(str(error))

    def _edited(self, item: QTableWidgetItem) -> None:
        edge = self._edge(item.row())
        if self._filling or edge is None:
            return
        text = item.text().strip()
        if item.column() == 0 and text:
            self._desk.change("Rename edge", edge, name=text)
        elif item.column() == 1:
            self._set_onset(edge, text)
        elif item.column() in (2, 3):
            window = read_window(text)
            if window is None:
                self._desk.notices.warning(
                    f"“{text}” is not an energy window.", "Enter two energies in eV, such as 41 – 51."
                )
            elif item.column() == 2:
                self._desk.change(f"Background of {edge.name}", edge, fit=window)
            else:
                self._desk.change(f"Signal of {edge.name}", edge, signal=window)
        self.fill()

    def _menu(self, place: QPoint) -> None:
        edge = self._edge(self.rowAt(place.y()))
        menu = QMenu(self)
        if edge is not None:
            models = menu.addMenu("Background model")
            for model in get_args(BackgroundModel):
                if models is not None:
                    models.addAction(
                        BACKGROUND_TITLES.get(model, model),
                        lambda model=model: self._desk.change("Background model", edge, background=model),
                    )
            if "polynomial" in edge.background:
                orders = menu.addMenu("Order")
                for order in (1, 2, 3, 4):
                    if orders is not None:
                        orders.addAction(
                            str(order), lambda order=order: self._desk.change("Order", edge, order=order)
                        )
            channels = menu.addMenu("Colour channel")
            for channel in ("red", "green", "blue", ""):
                if channels is not None:
                    channels.addAction(
                        channel or "none",
                        lambda c=channel: self._desk.change("Colour channel", edge, channel=c),
                    )
            menu.addAction("Remove", lambda: self._desk.remove(f"Remove {edge.name}", edge))
            menu.addSeparator()
        menu.addAction("Add Li K, P L, Si L", lambda: self._desk.add("Add edges", *default_edges()))
        self._fill_known(menu.addMenu("Add from edge table"))
        menu.addAction("Add custom edge", self._add)
        viewport = self.viewport()
        if viewport is not None:
            menu.popup(viewport.mapToGlobal(place))

    def _fill_known(self, menu: QMenu | None) -> None:
        """Edges that lie on the energy axis, by onset; many of them in stretches of energy."""
        assert menu is not None
        known = known_edges(*self._scene.energies)
        there = {edge.name for edge in self._desk.session.edges}
        target, first = menu, 0
        for number, edge in enumerate(known):
            # a menu longer than the screen cannot be used
            if len(known) > AT_ONCE and number % AT_ONCE == 0:
                first = number
                last = known[min(first + AT_ONCE, len(known)) - 1]
                below = menu.addMenu(f"{edge.onset_eV:.0f} – {last.onset_eV:.0f} eV")
                target = below if below is not None else menu
            action = target.addAction(
                f"{edge.name}   {edge.onset_eV:g} eV", lambda e=edge: self._desk.add(f"Add {e.name}", e)
            )
            if action is not None:
                action.setEnabled(edge.name not in there)
        menu.setEnabled(bool(known))

    def _add(self) -> None:
        """An edge in the middle of the axis, to be dragged and renamed."""
        name = self._desk.session.edges.free_name("edge ")
        low, high = self._scene.energies
        onset, width = low + 0.5 * (high - low), max(0.03 * (high - low), 1.0)
        edge = Edge(
            name=name, onset_eV=round(onset, 1), fit=(round(onset - 2.5 * width, 1), round(onset - 0.5 * width, 1)),
            signal=(round(onset, 1), round(onset + width, 1)),
        )  # fmt: skip
        self._desk.add("Add edge", edge)


def swatch(colour: str) -> QIcon:
    """A small square of one colour for a list or menu."""
    pixmap = QPixmap(10, 10)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
