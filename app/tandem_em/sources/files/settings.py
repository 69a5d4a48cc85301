"""The tables and forms of a growing file and of a watched folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tandem_em.sources.core.forms import NAME, POLL, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable


class TextTable(SourceTable):
    """A text or TDMS file that another program is still writing."""

    kind: Literal["text"] = "text"
    path: Path
    poll_s: float = Field(default=0.1, ge=0.02, le=10)
    quiet_s: float = Field(default=1.0, ge=0.1)
    """A last row without line end is taken after this long without growth."""
    from_start: bool = True


class FolderTable(SourceTable):
    """A folder into which a camera or spectrometer program writes files."""

    kind: Literal["folder"] = "folder"
    path: Path
    pattern: str = "*"
    layout: Literal["auto", "flat", "gatan"] = "auto"
    poll_s: float = Field(default=0.25, ge=0.02, le=60)
    from_start: bool = False


TEXT_FORM = SourceForm(
    "File being written",
    "Potentiostat",
    "A text or TDMS file that another program is still writing: EC-Lab .mpt, Gamry .DTA, KickStart CSV, LabVIEW .lvm.",
    (
        NAME,
        FormField("path", "File", "file", tip="The file that is being written"),
        FormField("from_start", "From its start", "yes", tip="Also read the rows that are already in the file"),
        POLL,
        FormField("quiet_s", "Accept last row after", "quantity", "s", "A last row without a line end is accepted after this",
                  advanced=True),
    ),
)  # fmt: skip
FOLDER_FORM = SourceForm(
    "Watched folder",
    "Folder",
    "A folder into which a camera or spectrometer program writes files: images and EELS maps appear as they are saved.",
    (
        NAME,
        FormField("path", "Folder", "folder", tip="Where the files appear"),
        FormField("pattern", "Files", tip="For example *.dm4", hint="*"),
        FormField("from_start", "Include existing files", "yes"),
        FormField("layout", "Layout", "choice", advanced=True, choices=(
            ("auto", "Automatic"), ("flat", "All files in one folder"), ("gatan", "Gatan in-situ folders"))),
        POLL,
    ),
)  # fmt: skip
