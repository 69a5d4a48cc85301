"""The table and the form of a DECTRIS camera."""

from __future__ import annotations

from typing import Literal

from tandem_em.sources.core.addresses import one_spelling
from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable

# The detectors' own: ZeroMQ stream 1 and stream 2.
DEFAULT_PORT = {"auto": 9999, 1: 9999, 2: 31001}


class DectrisTable(SourceTable):
    """A DECTRIS camera by the address of its ZeroMQ stream."""

    kind: Literal["dectris"] = "dectris"
    address: str = "127.0.0.1:9999"
    version: Literal["auto", 1, 2] = "auto"
    channel: str = ""
    """Which threshold channel of a version 2 stream; empty: the first."""

    def owned_address(self) -> str:
        """Two who pull from one camera get every other frame each."""
        return one_spelling(self.address, DEFAULT_PORT[self.version])


FORM = SourceForm(
    "DECTRIS camera",
    "DECTRIS",
    "DECTRIS ELA, ARINA, QUADRO or SINGLA: frames from its stream.",
    (
        NAME,
        FormField("address", "Frames from", hint="127.0.0.1:9999"),
        FormField("version", "Stream", "choice", choices=(("auto", "Automatic"), (1, "Version 1"), (2, "Version 2"))),
        FormField("channel", "Threshold", hint="first", advanced=True),
    ),
)  # fmt: skip
