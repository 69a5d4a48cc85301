"""Which parser reads a text log: asked by content."""

from __future__ import annotations

from tandem_em.formats.text import dta, idf, lvm, mpt, neware_layers, protochips
from tandem_em.formats.text.feed import find_encoding
from tandem_em.formats.text.guessing_parser import GuessingParser
from tandem_em.formats.text.parser import LogParser


def parser_for(head: bytes, patient: bool = True) -> LogParser:
    """A fresh parser for a text that begins like this. `patient` False: for a file that is still growing."""
    plain = head
    if find_encoding(head) not in ("utf-8", "cp1252", "utf-8-sig"):
        plain = head.decode(find_encoding(head), "replace").encode("utf-8")
    if mpt.MAGIC.match(plain) or mpt.HEADING.search(
        plain.split(b"\n", 1)[0].decode("cp1252", "replace").rstrip()
    ):
        return mpt.MptParser()
    if dta.MAGIC.match(plain):
        return dta.DtaParser()
    if idf.MAGIC.match(plain):
        return idf.IdfParser()
    if lvm.MAGIC.match(plain):
        return lvm.LvmParser()
    if protochips.MAGIC.match(plain):
        return protochips.ProtochipsParser()
    if neware_layers.MAGIC.match(plain):
        return neware_layers.LayeredParser(patient)
    return GuessingParser(patient)
