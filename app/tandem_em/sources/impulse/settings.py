"""The table and the form of a DENSsolutions Impulse holder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tandem_em.sources.core.addresses import one_spelling
from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable

# Impulse publishes here by itself.
DEFAULT_PORT = 5556


class ImpulseTable(SourceTable):
    """A DENSsolutions holder by the addresses of the Impulse software."""

    kind: Literal["impulse"] = "impulse"
    address: str = "127.0.0.1:5556"
    # Empty: the units are the usual ones and no question is asked.
    control: str = ""
    topics: list[str] = Field(default_factory=lambda: ["heat", "bias", "gas", "liquid"])

    def owned_address(self) -> str:
        """Where the values are published, which stands for the holder."""
        return one_spelling(self.address, DEFAULT_PORT)


FORM = SourceForm(
    "DENSsolutions Impulse",
    "Impulse",
    "Heating and biasing holder: values published by the Impulse software.",
    (NAME, FormField("address", "Values from", hint="127.0.0.1:5556"), FormField("control", "Commands to", hint="listen only")),
)  # fmt: skip
