"""The table and the form of a camera script that sends over ZeroMQ."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tandem_em.sources.core.addresses import one_spelling
from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable

DEFAULT_PORT = 5555


class ZmqTable(SourceTable):
    """A script that sends frames and values in the open ZeroMQ message."""

    kind: Literal["zmq"] = "zmq"
    address: str = "127.0.0.1:5555"
    socket: Literal["pull", "sub"] = "pull"
    bind: bool = True
    """True: senders connect to us; False: we connect to a sender."""
    allow_network: bool = False
    """Listen beyond this computer. Needs `keys` with an allow-list."""
    keys: Path | None = None
    """A folder with `server.key_secret` and `allowed/*.key` (CURVE)."""
    max_mebibytes: float = Field(default=256.0, gt=0, le=4096)

    def owned_address(self) -> str:
        """Any number may look at what is published; what is pulled goes to one, and a port is listened at by one."""
        is_shared = self.socket == "sub" and not self.bind
        return "" if is_shared else one_spelling(self.address, DEFAULT_PORT)


FORM = SourceForm(
    "Camera script",
    "Camera",
    "Frames and values sent by a script, for example the sender for DigitalMicrograph that comes with TandEM.",
    (
        NAME,
        FormField("address", "Address", hint="127.0.0.1:5555"),
        FormField("bind", "Who connects", "choice", choices=(
            (True, "The script connects to TandEM"), (False, "TandEM connects to the script"))),
        FormField("socket", "Mode", "choice", advanced=True, choices=(
            ("pull", "Recording (nothing is skipped)"), ("sub", "Viewing (may skip)"))),
        FormField("max_mebibytes", "Message size limit", "quantity", "", "MiB; larger messages are rejected", advanced=True),
        FormField("allow_network", "From other computers", "yes", tip="Needs keys and a list of allowed senders", advanced=True),
        FormField("keys", "Folder of keys", "folder", advanced=True),
    ),
)  # fmt: skip
