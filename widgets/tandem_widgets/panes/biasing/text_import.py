"""Any table of text: the guess is shown on the data, every option shows at once what it does, the answer is remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6 import sip
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from tandem_em.core.notices import UserError
from tandem_em.desk.biasing import text_import
from tandem_em.desk.biasing.text_import import TextGuess, TextSettings, Tried
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.text_preview import PreviewTable, preview_lines
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.xy_plot import XYPlot

TRY_AFTER_MS = 120


class TextImportDialog(QDialog):
    """Opens with the guess (or what was remembered) for `path`; OK imports the file into the desk's session."""

    def __init__(
        self, parent: QWidget | None, desk: Desk, path: Path, instead: BiasRun | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Import {path.name}")
        self.resize(1000, 640)
        self._desk = desk
        self.path = path
        self.instead = instead
        """The run that is read anew."""
        self.guess: TextGuess | None = None
        self.settings = TextSettings()
        self.tried: Tried | None = None
        self._filling = False
        self._build()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._try)
        desk.start(
            f"Reading {path.name}",
            text_import.guessing(path, desk.settings),
            self._take_guess,
            on_error=self._show_error,
            key="text guess",
        )

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.said = QLabel("Reading the file…")
        self.said.setWordWrap(True)
        self.separator = _combo(text_import.SEPARATORS, "Character between the columns")
        self.decimal = _combo({"point  1.5": ".", "comma  1,5": ","}, "Decimal mark of the numbers")
        self.encoding = _combo(
            {name: name for name in text_import.ENCODINGS},
            "Character encoding; change it if µ or Ω look wrong",
        )
        self.header_row = _spin("Line with the headings; 0 if there are none")
        self.first_row = _spin("Line of the first sample")
        self.date_order = _combo(text_import.DATE_ORDERS, "Order of day, month and year in the dates")
        self.zone = QLineEdit()
        self.zone.setPlaceholderText("of this computer")
        self.zone.setToolTip("Time zone of the dates in the file: Europe/Oslo or +02:00")
        form = QFormLayout()
        for text, widget in (
            ("Separator", self.separator), ("Decimal mark", self.decimal), ("Encoding", self.encoding),
            ("Headings in line", self.header_row), ("Data from line", self.first_row),
            ("Date order", self.date_order), ("Time zone", self.zone),
        ):  # fmt: skip
            form.addRow(text, widget)
        self.copy = QPushButton("Copy as TOML")
        self.copy.setToolTip("The same settings for  tandem import --as text.toml")
        self.copy.clicked.connect(self._copy_toml)
        form.addRow("", self.copy)
        side = QWidget()
        side.setLayout(form)
        self.table = PreviewTable()
        self.table.role_chosen.connect(self._choose_role)
        self.table.unit_chosen.connect(self._choose_unit)
        self.plot = XYPlot("Choose a time column and a voltage or current column to see the curves.")
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.table)
        right.addWidget(self.plot)
        right.setSizes([330, 220])
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(side)
        split.addWidget(right)
        split.setSizes([260, 740])
        split.setStretchFactor(1, 1)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        if ok is not None:
            ok.setText("Import")
            ok.setEnabled(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        column.addWidget(self.said)
        column.addWidget(split, 1)
        column.addWidget(self.buttons)
        for combo in (self.separator, self.decimal, self.encoding, self.date_order):
            combo.currentIndexChanged.connect(lambda _index: self._layout_changed())
        for spin in (self.header_row, self.first_row):
            spin.valueChanged.connect(lambda _value: self._layout_changed())

    # --- the guess and changes to it -----------------------------------------------------------------------------

    def _take_guess(self, guess: TextGuess) -> None:
        if sip.isdeleted(self):  # closed before the answer came
            return
        self.guess = guess
        self.use(guess.settings)

    def use(self, settings: TextSettings) -> None:
        """Show these settings and what they give."""
        self.settings = settings
        self._filling = True
        for combo, value in (
            (self.separator, settings.separator), (self.decimal, settings.decimal), (self.encoding, settings.encoding),
            (self.date_order, settings.date_order),
        ):  # fmt: skip
            if combo.findData(value) < 0:
                combo.addItem(value, value)
            combo.setCurrentIndex(combo.findData(value))
        self.header_row.setValue(settings.header_row + 1)
        self.first_row.setValue(settings.first_row + 1)
        self._filling = False
        self._try()

    def _layout_changed(self) -> None:
        """Another separator, mark, encoding or row: the columns are guessed anew; a date order is only that."""
        # set by the program, not by a person
        if self._filling:
            return
        changed = replace(
            self.settings,
            separator=self.separator.currentData(),
            decimal=self.decimal.currentData(),
            encoding=self.encoding.currentData(),
            header_row=self.header_row.value() - 1,
            first_row=max(self.first_row.value() - 1, 0),
            date_order=self.date_order.currentData(),
            date_order_sure=True,
        )
        if changed.decimal == changed.separator:
            self._show_error(
                UserError("The decimal mark and the separator are the same.", "Change one of them.")
            )
            return
        # a new order of dates alone needs no other columns: what was chosen for them stays
        only_order = replace(
            changed, date_order=self.settings.date_order, date_order_sure=self.settings.date_order_sure
        )
        try:
            guessed = changed if only_order == self.settings else text_import.with_layout(self.path, changed)
            self.settings = replace(guessed, date_order=changed.date_order, date_order_sure=True)
        except (UserError, OSError, LookupError, UnicodeError) as error:
            self._show_error(error)
            return
        self._later.start(TRY_AFTER_MS)

    def _choose_role(self, number: int, role: str) -> None:
        self.settings.columns[number] = text_import.with_role(self.settings.columns[number], role)
        self._later.start(TRY_AFTER_MS)

    def _choose_unit(self, number: int, unit: str) -> None:
        try:
            self.settings.columns[number] = text_import.with_unit(self.settings.columns[number], unit)
        except UserError as error:
            self._show_error(error)
            return
        self._later.start(TRY_AFTER_MS)

    # --- what it gives -------------------------------------------------------------------------------------------

    def _try(self) -> None:
        # a copy for the thread: the dialog goes on changing its own
        settings = replace(self.settings, columns=list(self.settings.columns))
        self._desk.start(
            f"Reading {self.path.name}",
            text_import.trying(self.path, settings),
            self._show_tried,
            on_error=self._show_error,
            key="text try",
        )

    def _show_tried(self, tried: Tried) -> None:
        if sip.isdeleted(self):
            return
        self.tried = tried
        self.table.show_rows(self.settings.columns, tried.rows)
        lines = preview_lines(tried.run)
        self.plot.show_lines(
            lines, Axis("time", "s"), Axis(*((lines[0].label, lines[0].unit) if lines else ("",)))
        )
        self._enable(tried.run is not None)
        self.said.setText(self._summary(tried))

    def _summary(self, tried: Tried) -> str:
        if tried.error:
            return f"⚠ {tried.error}"
        known = (
            "Read with the settings you chose before for a table like this."
            if self.guess and self.guess.remembered
            else ""
        )
        guesses = self.settings.guesses
        # a guess that is told as such is not told twice
        problems = [text for text in tried.problems if not any(guess in text for guess in guesses)]
        doubts = [known, *guesses, *problems]
        return "\n".join(doubt for doubt in doubts[:4] if doubt) or "All columns were recognised."

    def _show_error(self, error: BaseException) -> None:
        if sip.isdeleted(self):
            return
        self._enable(False)
        text = f"{error.title} {error.advice}" if isinstance(error, UserError) else str(error)
        self.said.setText(f"⚠ {text}")

    def _enable(self, on: bool) -> None:
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        if ok is not None:
            ok.setEnabled(on)

    def _copy_toml(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text_import.as_toml(self.settings))

    # --- importing -----------------------------------------------------------------------------------------------

    def done(self, result: int) -> None:
        """Closes; a preview that is still waiting is not made any more."""
        self._later.stop()
        super().done(result)

    def accept(self) -> None:
        """Remember the settings, and read the whole file in a job."""
        desk, session, instead = self._desk, self._desk.session, self.instead
        if self.guess is not None:
            text_import.remember(desk.settings, self.guess, self.settings)
        desk.start(
            f"Importing {self.path.name}",
            text_import.importing(self.path, self.settings, self.zone.text().strip()),
            lambda found: text_import.add_imported(desk, session, found, instead),
        )
        super().accept()


def _combo(choices: dict[str, str], tip: str) -> QComboBox:
    combo = QComboBox()
    for text, value in choices.items():
        combo.addItem(text, value)
    combo.setToolTip(tip)
    return combo


def _spin(tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(0, 100_000)
    spin.setToolTip(tip)
    spin.setKeyboardTracking(False)
    return spin
