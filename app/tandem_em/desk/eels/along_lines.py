"""Values along a line and spectra brought to one scale, for whoever draws them."""

from __future__ import annotations

from tandem_em.analysis.eels.spectra import find_interface as find_interface
from tandem_em.analysis.eels.spectra import normalised as normalised
from tandem_em.analysis.geometry.line_profile import profile as profile
