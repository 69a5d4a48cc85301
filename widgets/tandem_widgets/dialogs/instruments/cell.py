"""What the set-up says beside its sources: the session, the cell and the limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.live.forms import CELL_FIELDS, LIMIT_FIELDS, SESSION_FIELDS
from tandem_em.desk.live.instruments import set_field
from tandem_widgets.dialogs.instruments.form import FieldForm

if TYPE_CHECKING:
    from tandem_em.desk.live.instruments import Setup


class SetupForm(QWidget):
    """Edits the set-up itself; `tell` takes what does not fit, `clear` is called when it fits again."""

    checked = pyqtSignal()

    def __init__(
        self, setup: Setup, tell: Callable[[BaseException], None], clear: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._tell, self._clear = tell, clear
        self._forms: list[FieldForm] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for heading, specs, part in (
            ("", SESSION_FIELDS, setup.session),
            ("Cell", CELL_FIELDS, setup.cell),
            ("Limits: the output is switched off at once if one is exceeded", LIMIT_FIELDS, setup.limits),
        ):
            if heading:
                label = QLabel(heading)
                label.setProperty("role", "title")
                column.addSpacing(8)
                column.addWidget(label)
            form = FieldForm(specs, part.model_dump())
            form.edited.connect(partial(self._edited, part))
            form.checked.connect(self.checked)
            self._forms.append(form)
            column.addWidget(form)
        column.addStretch(1)

    @property
    def problem(self) -> str:
        """The first quantity that cannot be read, in a sentence."""
        return next((form.problem for form in self._forms if form.problem), "")

    def _edited(self, part: Any, key: str, value: Any) -> None:
        try:
            set_field(part, key, value)
        except UserError as error:
            self._tell(error)
            return
        self._clear("")
