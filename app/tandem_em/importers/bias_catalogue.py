"""All importers of biasing logs, in the order they are asked."""

from __future__ import annotations

from tandem_em.importers.bias.impulse import IMPULSE
from tandem_em.importers.bias.mpr import MPR
from tandem_em.importers.bias.neware import NEWARE
from tandem_em.importers.bias.tdms import TDMS
from tandem_em.importers.bias.text import DTA, IDF, LVM, MPT, PROTOCHIPS, TEXT
from tandem_em.importers.bias.tomato import TOMATO
from tandem_em.importers.core.base import Importer

IMPORTERS: list[Importer] = [MPR, MPT, DTA, IDF, NEWARE, TDMS, LVM, PROTOCHIPS, IMPULSE, TOMATO, TEXT]
