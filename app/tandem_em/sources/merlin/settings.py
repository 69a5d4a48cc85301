"""The table and the form of a Merlin camera."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tandem_em.sources.core.addresses import one_spelling
from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable

DEFAULT_PORT = 6342


class MerlinTable(SourceTable):
    """A Merlin camera by the address of its data socket."""

    kind: Literal["merlin"] = "merlin"
    address: str = "127.0.0.1:6342"
    control: str = ""
    """`host:port` of the command socket (usually 6341); empty: only listen."""
    trigger: bool = False
    """Start an endless acquisition through the command socket."""
    frame_time_s: float | None = Field(default=None, gt=0)

    def owned_address(self) -> str:
        """The data socket, which stands for the camera."""
        return one_spelling(self.address, DEFAULT_PORT)


FORM = SourceForm(
    "Merlin camera",
    "Merlin",
    "Quantum Detectors Merlin (Medipix). Its own program streams the frames over the network.",
    (
        NAME,
        FormField("address", "Frames from", hint="127.0.0.1:6342"),
        FormField("control", "Commands to", hint="listen only", tip="host:port of the command connection, usually port 6341"),
        FormField("trigger", "Start the camera", "yes", tip="Start an endless acquisition when recording begins"),
        FormField("frame_time_s", "Frame time", "quantity", "s", "Used if the camera does not send it", advanced=True),
    ),
)  # fmt: skip
