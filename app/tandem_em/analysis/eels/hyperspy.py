"""The same map by HyperSpy and eXSpy, to compare with; they take seconds to import, so only checks and benchmarks do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.core.numeric import AnyArray, Floats


def signal_of(data: AnyArray, axis: EnergyAxis) -> Any:
    """Spectra (…, E) as HyperSpy's EELS signal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        import hyperspy.api as hs

        hs.preferences.General.show_progressbar = False
        hs.set_log_level("ERROR")
        signal = exspy.signals.EELSSpectrum(data)
    energy = signal.axes_manager[-1]
    energy.offset, energy.scale, energy.units = axis.offset_eV, axis.step_eV, "eV"
    return signal


def net_counts(data: AnyArray, axis: EnergyAxis, edge: EdgeWindows) -> Floats:
    """Net counts under an edge above a power law, as HyperSpy's users make them."""
    signal = signal_of(data, axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rest = signal.remove_background(signal_range=edge.fit, background_type="PowerLaw", fast=True)
        found = rest.isig[edge.signal[0] : edge.signal[1]].sum(-1).data
    return np.asarray(found, np.float64)
