"""All importers of biasing logs, in the order they are asked."""

from __future__ import annotations

from tandem_em.importers.base import Importer
from tandem_em.importers.biasing_impulse import IMPULSE
from tandem_em.importers.biasing_mpr import MPR
from tandem_em.importers.biasing_neware import NEWARE
from tandem_em.importers.biasing_tdms import TDMS
from tandem_em.importers.biasing_text import DTA, IDF, LVM, MPT, PROTOCHIPS, TEXT
from tandem_em.importers.biasing_tomato import TOMATO

IMPORTERS: list[Importer] = [MPR, MPT, DTA, IDF, NEWARE, TDMS, LVM, PROTOCHIPS, IMPULSE, TOMATO, TEXT]
