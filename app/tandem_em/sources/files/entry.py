"""Growing files and watched folders for the registry."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.entry import Simulation, Simulator, SourceEntry, Surroundings
from tandem_em.sources.files.folder_watch import FolderSource
from tandem_em.sources.files.settings import FOLDER_FORM, TEXT_FORM, FolderTable, TextTable
from tandem_em.sources.files.tail_simulator import FileWriter, ec_lab_text
from tandem_em.sources.files.tdms_tail import TdmsTailSource
from tandem_em.sources.files.text_tail import TextTailSource


def _text(table: TextTable, _surroundings: Surroundings) -> Source:
    if table.path.suffix.lower() == ".tdms":
        return TdmsTailSource(table)
    return TextTailSource(table)


def _simulate_text(name: str, _movie: AnyArray | None, _rate_hz: float) -> Simulation:
    folder = tempfile.TemporaryDirectory(prefix="tandem-simulated-")
    path = Path(folder.name) / "cell.mpt"
    writer = FileWriter(path, ec_lab_text(20_000), pause_s=0.1, largest=500)

    def close() -> None:
        writer.close()
        folder.cleanup()

    return Simulation(TextTable(name=name, path=path, simulated=True), writer, close)


TEXT = SourceEntry(
    kind="text",
    settings=TextTable,
    form=TEXT_FORM,
    make=_text,
    simulator=Simulator("Simulated potentiostat file", _simulate_text),
)
FOLDER = SourceEntry(
    kind="folder",
    settings=FolderTable,
    form=FOLDER_FORM,
    make=lambda table, surroundings: FolderSource(table, surroundings.file_reader(table.name)),
)
