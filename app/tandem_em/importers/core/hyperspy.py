"""What HyperSpy's metadata mean, whichever file they come from: kind of signal, microscope, exposure, date."""

from __future__ import annotations

from typing import Any

from tandem_em.importers.core.signal import Facts, SignalType
from tandem_em.importers.core.times import iso_of, zone_info
from tandem_em.importers.core.units import positive


def signal_type(metadata: dict[str, Any]) -> SignalType:
    """EELS or EDS from `Signal.signal_type` (or the place old files had it)."""
    said = str(at(metadata, "Signal.signal_type") or metadata.get("signal_type") or "").upper()
    if said.startswith("EELS"):
        return "EELS"
    return "EDS" if said.startswith("EDS") else ""


def at(tree: dict[str, Any], path: str) -> Any:
    """A value by its dotted path, None when it is not there."""
    here: Any = tree
    for key in path.split("."):
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return None if isinstance(here, dict) else here


def facts_from_hyperspy(metadata: dict[str, Any]) -> Facts:
    """Microscope, exposure and date from HyperSpy's metadata tree of any version."""
    tem = "Acquisition_instrument.TEM."
    if at(metadata, tem + "beam_energy") is None and isinstance(metadata.get("TEM"), dict):
        metadata = {"Acquisition_instrument": {"TEM": metadata["TEM"]}, "General": metadata, **metadata}

    def value(*paths: str) -> float | None:
        return next((v for path in paths if (v := positive(at(metadata, path))) is not None), None)

    eels = tem + "Detector.EELS."
    facts = Facts(
        title=str(at(metadata, "General.title") or ""),
        beam_kV=value(tem + "beam_energy"),
        convergence_mrad=value(tem + "convergence_angle"),
        collection_mrad=value(eels + "collection_angle", tem + "EELS.collection_angle"),
        dwell_s=value(
            eels + "dwell_time", eels + "exposure", tem + "dwell_time", "Acquisition_instrument.dwell_time"
        ),
        exposure_s=value(tem + "Detector.Camera.exposure", tem + "Camera.exposure", tem + "exposure_time"),
        magnification=value(tem + "magnification"),
    )
    for path in (eels + "dwell_time", tem + "dwell_time"):
        if facts.dwell_s is not None and at(metadata, path + "_units") == "ms":
            facts.dwell_s *= 1e-3
    zone = str(at(metadata, "General.time_zone") or "")
    facts.start_iso = iso_of(at(metadata, "General.date") or "", str(at(metadata, "General.time") or "")[:15])
    facts.zone = zone if zone_info(zone) is not None else ""
    wanted = {
        "microscope": tem + "microscope",
        "mode": tem + "acquisition_mode",
        "authors": "General.authors",
    }
    facts.instrument = {key: str(at(metadata, path)) for key, path in wanted.items() if at(metadata, path)}
    current = value(tem + "beam_current")
    if current is not None:
        facts.instrument["beam_current_nA"] = current
    return facts
