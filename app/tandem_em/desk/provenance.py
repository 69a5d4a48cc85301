"""Provenance of a piece of work, as it is written at the desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tandem_em import __version__
from tandem_em.model.items import Item
from tandem_em.model.provenance import Step


def step_for(
    what: str,
    inputs: Iterable[Item],
    parameters: dict[str, Any],
    outputs: Iterable[str] = (),
    analysis: str = "",
) -> Step:
    """Which revisions of which items, which parameters, which version. Results that hold session times name the clock, too."""
    return Step(
        name=what,
        what=what,
        analysis=analysis,
        parameters=parameters,
        inputs={item.id: item.revision for item in inputs},
        outputs=list(outputs),
        version=__version__,
    )
