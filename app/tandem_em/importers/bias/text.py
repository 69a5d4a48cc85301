"""Importers of text logs: BioLogic .mpt, Gamry .DTA, Ivium .idf, LabVIEW .lvm, Protochips, and any delimited text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tandem_em.core.jobs import Job
from tandem_em.formats.text import dta, idf, lvm, mpt, protochips
from tandem_em.formats.text.feed import find_encoding, is_text
from tandem_em.formats.text.parser import DelimitedParser, LogParser
from tandem_em.formats.text.settings import TextSettings
from tandem_em.importers.bias.text_reader import guessing_job, read_log
from tandem_em.importers.core.base import Imported, ImportOptions, Kind

FIRST_LINES = 8192
"""Bytes in which a text says what it is."""


@dataclass
class KnownText:
    """An importer for a text format that announces itself in its first line."""

    name: str
    label: str
    suffixes: Sequence[str]
    magic: re.Pattern[bytes]
    parser: type[LogParser]
    kind: Kind = "bias"

    def probe(self, path: Path, head: bytes) -> float:
        """1 when the first line is that of the format, in any encoding."""
        return 1.0 if self.magic.match(as_utf8(head[:FIRST_LINES])) else 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """The tables of the log, read by the format's own parser."""
        return (yield from read_log(path, self.parser(), options))


class DelimitedText:
    """Any table in a text. Surest about files with a suffix that says so."""

    name = "text"
    label = "Delimited text (guessed, or as the settings say)"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".csv", ".txt", ".tsv", ".ssv", ".dat", ".bdf", ".asc", ".log", ".041")

    def probe(self, path: Path, head: bytes) -> float:
        """0.8 for EC-Lab headings, 0.4 or 0.15 for lines with separators, 0 for what is no text."""
        if not is_text(head):
            return 0.0
        text = as_utf8(head[:FIRST_LINES]).lstrip()
        # EMSA spectra, PDF and headers of Merlin are text as well, and no tables
        if text.startswith((b"#FORMAT", b"%PDF", b"HDR,")):
            return 0.0
        if text[:1] in (b"{", b"<"):
            return 0.02
        if mpt.HEADING.search(text.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip()):
            return 0.8
        lines = [line for line in text.splitlines() if line.strip()]
        separated = sum(any(mark in line for mark in b"\t;,|") or len(line.split()) > 1 for line in lines)
        if not lines or separated < 0.5 * len(lines):
            return 0.03
        return 0.4 if path.suffix.lower() in self.suffixes else 0.15

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """As the settings say; guessed where they name no columns."""
        if options.text is None or "columns" not in options.text:
            return (yield from guessing_job(path, options))
        settings = TextSettings.from_dict(options.text, f"The settings for {path.name}")
        return (yield from read_log(path, DelimitedParser(settings), options))


def as_utf8(head: bytes) -> bytes:
    """The head of a text in UTF-8, whatever it came in."""
    encoding = find_encoding(head)
    return head if encoding in ("utf-8", "cp1252") else head.decode(encoding, "replace").encode("utf-8")


MPT = KnownText("mpt", "BioLogic EC-Lab text", (".mpt",), mpt.MAGIC, mpt.MptParser)
DTA = KnownText("dta", "Gamry DTA", (".dta",), dta.MAGIC, dta.DtaParser)
IDF = KnownText("idf", "Ivium data file", (".idf",), idf.MAGIC, idf.IdfParser)
LVM = KnownText("lvm", "LabVIEW measurement", (".lvm",), lvm.MAGIC, lvm.LvmParser)
PROTOCHIPS = KnownText(
    "protochips", "Protochips log", (".csv",), protochips.MAGIC, protochips.ProtochipsParser
)
TEXT = DelimitedText()
