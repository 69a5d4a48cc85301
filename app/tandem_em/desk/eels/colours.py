"""Colours of maps as the window, figures and films show them."""

from __future__ import annotations

from tandem_em.analysis.eels.colour import channel_limits as channel_limits
from tandem_em.analysis.eels.colour import lithium_colours as lithium_colours
