"""What the dialogs ask about instruments, as data; which sources there are is read from the registry when it is wanted."""

from __future__ import annotations

from tandem_em.sources.core.forms import CELL_FIELDS as CELL_FIELDS
from tandem_em.sources.core.forms import LIMIT_FIELDS as LIMIT_FIELDS
from tandem_em.sources.core.forms import SESSION_FIELDS as SESSION_FIELDS
from tandem_em.sources.core.forms import FormField as FormField
from tandem_em.sources.core.forms import SourceForm as SourceForm


def source_forms() -> dict[str, SourceForm]:
    """The form of each kind of source, in the order of menus."""
    from tandem_em.sources import registry

    return {kind: entry.form for kind, entry in registry.entries().items()}


def simulator_titles() -> dict[str, str]:
    """What can be tried without an instrument, by kind."""
    from tandem_em.sources import registry

    found = {kind: entry.simulator for kind, entry in registry.entries().items()}
    return {kind: simulator.title for kind, simulator in found.items() if simulator is not None}
