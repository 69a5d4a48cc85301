"""The instruments: find them, set them up, see their first values and frames, save the set-up, begin to record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.live.forms import simulator_titles, source_forms
from tandem_em.desk.live.instruments import Instruments, Probe
from tandem_widgets.dialogs.instruments.cell import SetupForm
from tandem_widgets.dialogs.instruments.form import FieldForm
from tandem_widgets.dialogs.instruments.preview import ProbeView, state_colour
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.image import render

LOOK_MS = 100
CELL_ENTRY = "Cell and limits"
ROOMY = "QListWidget::item { padding: 6px 4px; }"
FILTER = "Set-up (*.toml)"
HINT = (
    "<b>Which instruments are there?</b><br><br>"
    "Find looks for source-meters and cameras that answer. Add chooses one by hand. "
    "No instrument at hand? Try the simulated ones: they speak the same language as the real ones."
)


class InstrumentsDialog(QDialog):
    """Works on the window's instruments; `record_wanted` begins a recording with them."""

    record_wanted = pyqtSignal()

    def __init__(self, parent: QWidget, desk: Desk, instruments: Instruments) -> None:
        super().__init__(parent)
        self.setWindowTitle("Instruments")
        self._desk = desk
        self._instruments = instruments
        self._forms = source_forms()
        self._shown = ""
        self._busy: set[str] = set()
        self._starting = 0
        self.starting = QLabel("Starting the simulator…")
        self.starting.setProperty("role", "quiet")
        self.starting.hide()
        self.list = QListWidget()
        self.list.setAccessibleName("Instruments")
        self.list.setMinimumWidth(230)
        self.list.setStyleSheet(ROOMY)
        self.list.currentItemChanged.connect(lambda _now, _before: self._show_chosen())
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        self.probe = ProbeView()
        self._title, self._about, self._mark = QLabel(), QLabel(), QLabel()
        self._title.setProperty("role", "heading")
        self._about.setProperty("role", "quiet")
        self._about.setWordWrap(True)
        self._form_area = QVBoxLayout()
        self._form: QWidget | None = None
        self.test = QPushButton("Test")
        self.test.setToolTip("Connect and show the first values or frames; nothing is recorded")
        self.test.clicked.connect(self._toggle_test)
        self._right = self._make_right()
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)
        Bindings(self).on(instruments.changed, self._fill)
        desk.start("Preparing the image", render.warm_up())
        self._fill()
        self.resize(1060, 720)

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.list, 1)
        row = QHBoxLayout()
        self.find_button = self._button("Find", "Look for instruments that answer", self._find)
        self.add = self._button("Add", "Choose a kind of instrument", None)
        self.add.setMenu(self._add_menu())
        self.remove = self._button("Remove", "Remove this instrument from the set-up", self._remove)
        for button in (self.find_button, self.add, self.remove):
            row.addWidget(button)
        left.addLayout(row)
        panes = QHBoxLayout()
        panes.setSpacing(16)
        panes.addLayout(left)
        panes.addWidget(self._right, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self._button("Load set-up…", "Load a set-up file", self._load))
        self.save = self._button(
            "Save set-up…", "For later sessions and for tandem record --setup", self._save
        )
        bottom.addWidget(self.save)
        bottom.addStretch(1)
        bottom.addWidget(self.starting)
        bottom.addWidget(self._button("Close", "Ends the tests and keeps the set-up", self.close))
        self.record = self._button("Record", "Record these instruments into a new session (R)", self._record)
        self.record.setProperty("role", "primary")
        bottom.addWidget(self.record)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(panes, 1)
        column.addWidget(self.trouble)
        column.addLayout(bottom)

    def _button(self, text: str, tip: str, call: Callable[[], object] | None) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if call is not None:
            button.clicked.connect(lambda _checked=False: call())
        return button

    def _make_right(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 0, 12, 0)
        column.setSpacing(10)
        heading = QHBoxLayout()
        heading.addWidget(self._title)
        heading.addWidget(self._mark)
        heading.addStretch(1)
        heading.addWidget(self.test)
        self.test.setAutoDefault(False)
        column.addLayout(heading)
        column.addWidget(self._about)
        column.addLayout(self._form_area)
        column.addWidget(self.probe, 1)
        column.addStretch(0)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        return scroll

    def _add_menu(self) -> QMenu:
        menu = QMenu(self)
        for kind, text in self._forms.items():
            menu.addAction(text.title, partial(self._add_kind, kind))
        menu.addSeparator()
        for kind, title in simulator_titles().items():
            menu.addAction(title, partial(self.simulate, kind))
        return menu

    # --- what is shown -------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """The list after the set-up has changed; what was chosen stays chosen."""
        chosen = self._shown
        # the choice is put back below: clearing the list is none
        self.list.blockSignals(True)
        self.list.clear()
        for table in self._instruments.setup.source:
            item = QListWidgetItem(table.name)
            item.setData(Qt.ItemDataRole.UserRole, table.name)
            self.list.addItem(item)
        cell = QListWidgetItem(CELL_ENTRY)
        cell.setData(Qt.ItemDataRole.UserRole, CELL_ENTRY)
        self.list.addItem(cell)
        names = [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]  # type: ignore[union-attr]
        self.list.setCurrentRow(names.index(chosen) if chosen in names else 0)
        self.list.blockSignals(False)
        self._allow()
        if not self._shown or chosen not in names:
            self._show_chosen()
        self._look()

    @property
    def chosen(self) -> str:
        """Name of the chosen instrument; "" where none is."""
        item = self.list.currentItem()
        return "" if item is None else str(item.data(Qt.ItemDataRole.UserRole))

    def choose(self, name: str) -> None:
        """Selects an instrument by its name; nothing if it is not in the list."""
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == name:  # type: ignore[union-attr]
                self.list.setCurrentRow(row)

    def _show_chosen(self) -> None:
        name = self._shown = self.chosen
        if self._form is not None:
            self._form_area.removeWidget(self._form)
            self._form.deleteLater()
            self._form = None
        table: Any = self._instruments.table(name)
        self.remove.setEnabled(table is not None)
        self.test.setVisible(table is not None)
        self.probe.setVisible(table is not None)
        self._mark.setVisible(table is not None and table.simulated)
        self._mark.setText(f'<span style="color:{theme.active().event}">● Simulated</span>')
        if table is not None:
            text = self._forms[table.kind]
            self._title.setText(text.title)
            self._about.setText(text.about)
            form = FieldForm(text.fields, table.model_dump())
            form.edited.connect(partial(self._edited, name))
            self._form = form
        else:
            self._title.setText(CELL_ENTRY)
            empty = not self._instruments.setup.source
            self._about.setText(HINT if empty else "")
            self._form = (
                self._first_steps()
                if empty
                else SetupForm(self._instruments.setup, self._tell, self._show_trouble)
            )
        self._about.setVisible(bool(self._about.text()))
        self._title.setVisible(table is not None or bool(self._instruments.setup.source))
        if isinstance(self._form, FieldForm | SetupForm):
            self._form.checked.connect(self._checked)
        self._form_area.addWidget(self._form)
        self._show_trouble("")
        self._allow()
        self._look()

    def _first_steps(self) -> QWidget:
        body = QWidget()
        body.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 8, 0, 0)
        row.addWidget(self._button("Find instruments", "Look for instruments that answer", self._find))
        row.addWidget(
            self._button("Try simulated ones", "A source-meter with a cell, and a camera", self.try_simulated)
        )
        row.addStretch(1)
        return body

    def _look(self) -> None:
        """Show what the tests say now: the chosen one in full, the others as a dot in the list."""
        probes = self._instruments.probes
        for row in range(self.list.count()):
            item = self.list.item(row)
            name = item.data(Qt.ItemDataRole.UserRole)  # type: ignore[union-attr]
            probe = probes.get(name)
            colour = theme.active().faint if probe is None else state_colour(probe.source.status().state)
            item.setForeground(theme.colour(theme.active().text))  # type: ignore[union-attr]
            item.setText(f"{'●' if probe else '○'}  {name}" if name != CELL_ENTRY else f"◇  {name}")  # type: ignore[union-attr]
            if probe is not None:
                item.setForeground(theme.colour(colour))  # type: ignore[union-attr]
        probe = probes.get(self._shown)
        self.test.setEnabled(self._shown not in self._busy)
        self.test.setText("Stop the test" if probe else "Test")
        if self._instruments.table(self._shown) is not None:
            self.probe.show_look(None if probe is None else probe.look())

    def _show_trouble(self, text: str) -> None:
        self.trouble.setText(f'<span style="color:{theme.active().bad}">{text}</span>' if text else "")
        self.trouble.setVisible(bool(text))

    @property
    def _is_open(self) -> bool:
        """Jobs may answer when the dialog is gone already."""
        # answers from jobs may come after the window is closed
        return not sip.isdeleted(self) and self.isVisible()

    def _tell(self, error: BaseException) -> None:
        if isinstance(error, UserError) and self._is_open:
            self._show_trouble(f"{error.title} {error.advice}")
        else:
            self._desk.notices.tell(error)

    # --- gestures ------------------------------------------------------------------------------------------------

    def _edited(self, name: str, key: str, value: Any) -> None:
        """A field was changed; a running test goes on with the old settings until it is started again."""
        table: Any = self._instruments.table(name)
        # leaving a field tells its value, changed or not
        if table is None or getattr(table, key) == value or (value is None and key == "path"):
            return
        try:
            # before the edit: it fills the list, which looks for the shown name
            self._shown = value if key == "name" else self._shown
            self._instruments.edit(name, **{key: value})
        except UserError as error:
            self._shown = name
            self._tell(error)
            return
        self._show_trouble("")
        if key == "name":
            self._rename_probe(name, value)
            self._show_chosen()
        # a running test goes on with what was typed
        elif name in self._instruments.probes:
            self._start_test(name)

    def _rename_probe(self, name: str, new: str) -> None:
        probe = self._instruments.probes.pop(name, None)
        if probe is not None:
            self._instruments.probes[new] = probe

    def _add_kind(self, kind: str) -> None:
        table = self._instruments.add_kind(kind, self._forms[kind].name)
        self.choose(table.name)

    def simulate(self, kind: str, then: Callable[[], None] | None = None) -> None:
        """Start a simulated instrument, add it and test it."""

        self._starting += 1
        self._show_starting()

        def started(table: Any) -> None:
            self._starting -= 1
            added = self._instruments.add(table)
            if self._is_open:
                self._show_starting()
                self.choose(added.name)
                self._start_test(added.name)
                if then is not None:
                    then()

        def failed(error: BaseException) -> None:
            self._starting -= 1
            self._show_starting()
            self._tell(error)

        self._desk.start("Starting the simulator", self._instruments.simulate(kind), started, on_error=failed)

    def _show_starting(self) -> None:
        """Record waits for simulators that are on their way."""
        if self._is_open:
            self._allow()
            self.starting.setVisible(bool(self._starting))

    def _allow(self) -> None:
        """What can be done with the set-up; nothing while one of its fields cannot be read."""
        ready = bool(self._instruments.setup.source) and not self._problem()
        self.record.setEnabled(ready and not self._starting)
        self.save.setEnabled(ready)

    def _problem(self) -> str:
        return self._form.problem if isinstance(self._form, FieldForm | SetupForm) else ""

    def _checked(self) -> None:
        self._show_trouble(self._problem())
        self._allow()

    def try_simulated(self) -> None:
        """Sets up a simulated source-meter and then a simulated camera, to try the program without any."""
        # one after the other, so that the camera ends up chosen
        self.simulate("scpi", lambda: self.simulate("merlin"))

    def _find(self) -> None:
        self._show_looking(True)

        def found(results: list[Any]) -> None:
            names = [self._instruments.add(each.table).name for each in results]
            if not self._is_open:
                return
            self._show_looking(False)
            if names:
                self.choose(names[0])
            else:
                self._show_trouble(
                    "Nothing answered. Switch the instruments on, or add them by their address."
                )

        def failed(error: BaseException) -> None:
            self._show_looking(False)
            self._tell(error)

        self._desk.start("Looking for instruments", self._instruments.find(), found, on_error=failed)

    def _show_looking(self, on: bool) -> None:
        if self._is_open:
            self.find_button.setEnabled(not on)
            self.find_button.setText("Searching…" if on else "Find")

    def _remove(self) -> None:
        name = self.chosen
        self._instruments.remove(name)
        if name in self._instruments.probes:
            self._end_test(name)

    def _toggle_test(self) -> None:
        if self._shown in self._instruments.probes:
            self._end_test(self._shown)
        else:
            self._start_test(self._shown)

    def _end_test(self, name: str) -> None:
        self._set_busy(name)
        self._desk.start(f"Closing {name}", self._instruments.end_tests(name), lambda _none: self._free(name))

    def _start_test(self, name: str) -> None:
        self._show_trouble("")
        self._set_busy(name)

        def failed(error: BaseException) -> None:
            self._free(name)
            self._tell(error)

        def tested(_probe: Probe) -> None:
            if self._is_open:
                self._free(name)
            else:  # closed meanwhile: what is not looked at is not driven
                self._desk.start(f"Closing {name}", self._instruments.end_tests(name))

        job = self._instruments.test(name)
        self._desk.start(f"Connecting to {name}", job, tested, on_error=failed, key=f"test {name}")

    def _set_busy(self, name: str) -> None:
        self._busy.add(name)
        self._look()

    def _free(self, name: str) -> None:
        self._busy.discard(name)
        if self._is_open:
            self._look()

    def _load(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Load a set-up", "", FILTER)
        if chosen:
            self.load(Path(chosen))

    def load(self, path: Path) -> None:
        """Reads a set-up file; one that cannot be read is told and changes nothing."""
        try:
            self._instruments.read(path)
        except UserError as error:
            self._tell(error)
            return
        self._shown = ""
        self._show_chosen()

    def _save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the set-up", "setup.toml", FILTER)
        if chosen:
            self.save_as(Path(chosen))

    def save_as(self, path: Path) -> None:
        """Writes the set-up; a name without ending gets `.toml`."""
        path = path if path.suffix else path.with_suffix(".toml")
        try:
            self._instruments.write(path)
        except OSError as error:
            self._show_trouble(f"{path.name} could not be written: {error.strerror}.")
            return
        self._desk.notices.info(f"The set-up is saved as {path.name}.", "tandem record --setup uses it too.")

    def _record(self) -> None:
        self.record_wanted.emit()
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Tests end with the dialog: what is not looked at is not driven. A recording ends them itself first."""
        self._timer.stop()
        if self._instruments.probes:
            # an instrument that nobody looks at is not held open
            self._desk.start("Closing the tests", self._instruments.end_tests())
        super().closeEvent(event)
