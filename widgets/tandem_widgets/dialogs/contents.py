"""What is in the session: every stream, particle and result; rename, show, remove."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tandem_em.desk.desk import Desk
from tandem_em.desk.inventory import line_of
from tandem_em.model.items import Item
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.refresh import Refresher

GROUPS = (
    ("run", "Biasing"),
    ("stack", "Image stacks"),
    ("map", "Spectrum images"),
    ("particle", "Particles"),
    ("result", "Results"),
)
COLUMN_GAP_PX = 16


class ContentsDialog(QDialog):
    """A tree by kind. Names are edited in place; every change is one undoable step."""

    def __init__(self, parent: QWidget, desk: Desk) -> None:
        super().__init__(parent)
        self.setWindowTitle("Contents")
        self.resize(680, 420)
        self._desk = desk
        self._filling = False
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Name", "Description"])
        self.tree.itemChanged.connect(self._renamed)
        # a double click on a name edits it
        self.tree.itemDoubleClicked.connect(lambda item, column: self._show() if column else None)
        show = QPushButton("Show")
        show.setToolTip("Show it in its pane")
        show.clicked.connect(self._show)
        remove = QPushButton("Remove")
        remove.setToolTip("Undo restores it. Save as… writes a file without it and frees its disk space")
        remove.clicked.connect(self._remove)
        for button in (show, remove):
            button.setAutoDefault(False)  # Enter ends the typing of a name
        row = QHBoxLayout()
        row.addWidget(remove)
        row.addStretch(1)
        row.addWidget(show)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self.tree)
        column.addLayout(row)
        self._refresher = Refresher(self, self._fill, rate_hz=5)
        Bindings(self).on(desk.session.changed, lambda _item: self._refresher.mark())
        self._fill()

    def _fill(self) -> None:
        self._filling = True
        self.tree.clear()
        for kind, heading in GROUPS:
            items = list(self._desk.session.collections[kind])
            if not items:
                continue
            group = QTreeWidgetItem(self.tree, [heading, ""])
            group.setExpanded(True)
            for item in items:
                row = QTreeWidgetItem(group, [item.name, line_of(item)])
                row.setData(0, Qt.ItemDataRole.UserRole, item.id)
                row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
        self._filling = False
        self.tree.setColumnWidth(0, self.tree.sizeHintForColumn(0) + COLUMN_GAP_PX)

    def _item(self, row: QTreeWidgetItem | None) -> Item | None:
        return (
            self._desk.session.find(row.data(0, Qt.ItemDataRole.UserRole) or "") if row is not None else None
        )

    def _renamed(self, row: QTreeWidgetItem, column: int) -> None:
        item = self._item(row)
        # only a name can be typed; filling the tree changes items as well
        if self._filling or item is None or column != 0:
            return
        name = row.text(0).strip()
        if name and name != item.name:
            self._desk.change(f"Rename {item.name}", item, name=name)

    def _show(self) -> None:
        item = self._item(self.tree.currentItem())
        if item is not None:
            self._desk.session.focus.select(item.kind, item.id)

    def _remove(self) -> None:
        item = self._item(self.tree.currentItem())
        if item is not None:
            self._desk.remove(f"Remove {item.name}", item)
