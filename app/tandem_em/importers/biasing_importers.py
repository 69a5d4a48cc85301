"""All importers of biasing logs, in the order they are asked."""

from __future__ import annotations

from tandem_em.importers.base import Importer
from tandem_em.importers.biasing_mpr import MPR
from tandem_em.importers.biasing_text import DTA, LVM, MPT, PROTOCHIPS, TEXT

IMPORTERS: list[Importer] = [MPR, MPT, DTA, LVM, PROTOCHIPS, TEXT]
