"""What DigitalMicrograph writes beside an image: microscope, spectrometer, exposure, date, electrons per count."""

from __future__ import annotations

from typing import Any

from tandem_em.importers.core.signal import Facts, SignalType
from tandem_em.importers.core.times import iso_of, iso_of_epoch
from tandem_em.importers.core.units import number, positive
from tandem_em.importers.microscope.dm_tags import dig


def signal_of(tags: dict[str, Any]) -> SignalType:
    """EELS, EDS, other (light), or nothing said."""
    signal = dig(tags, "Meta Data", "Signal")
    if signal == "EELS" or dig(tags, "spim", "eels") is not None:
        return "EELS"
    if signal == "X-ray":
        return "EDS"
    if signal == "CL" or dig(tags, "Acquisition", "Monarc Spectrometer") is not None:
        return "other"
    return ""


def format_of(tags: dict[str, Any]) -> str:
    """`Spectrum image`, `Spectrum`, `Image` … as DigitalMicrograph calls it, empty when it does not."""
    shown_as = dig(tags, "Meta Data", "Format")
    if isinstance(shown_as, str):
        return shown_as
    return "Spectrum image" if dig(tags, "spim") is not None else ""


def facts_from_tags(image: dict[str, Any], tags: dict[str, Any]) -> Facts:
    """The facts of one image; tags of a stack made by the stack builder are looked up where it put them."""
    built = dig(tags, "source", "Tags at creation")
    tags = {**built, **tags} if isinstance(built, dict) else tags
    info = dig(tags, "Microscope Info") or {}
    facts = Facts(title=_text(dig(image, "Name")), start_iso=start_of(tags))
    voltage = positive(dig(info, "Voltage"))
    facts.beam_kV = voltage / 1e3 if voltage is not None else None
    # the magnification of a diffraction pattern is no length
    if dig(info, "Imaging Mode") != "DIFFRACTION":
        facts.magnification = positive(dig(info, "Indicated Magnification"))
    eels = dig(tags, "EELS") or {}
    conditions = dig(eels, "Experimental Conditions") or {}
    facts.convergence_mrad = positive(dig(conditions, "Convergence semi-angle (mrad)"))
    facts.collection_mrad = positive(dig(conditions, "Collection semi-angle (mrad)"))
    facts.dwell_s = _dwell(tags, dig(eels, "Acquisition") or {})
    facts.exposure_s = _exposure(tags)
    _electrons(image, facts)
    facts.instrument = _instrument(tags, info)
    return facts


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def start_of(tags: dict[str, Any]) -> str:
    """Start of the acquisition: the camera's own epoch (UTC) where it is written, else date and time of day."""
    # milliseconds since 1970
    epoch = number(dig(tags, "Acquisition", "Frame", "Sequence", "Acquisition Start Time (epoch)"))
    if epoch:
        iso = iso_of_epoch(epoch / 1e3)
        if iso:
            return iso
    for group, date, clock in (
        (dig(tags, "EELS", "Acquisition"), "Date", "Start time"),
        (dig(tags, "SI", "Acquisition"), "Date", "Start time"),
        (dig(tags, "EDS", "Acquisition"), "Date", "Start time"),
        (dig(tags, "DataBar"), "Acquisition Date", "Acquisition Time"),
    ):
        day, hour = dig(group, date), dig(group, clock)
        if isinstance(day, str) and isinstance(hour, str) and (iso := iso_of(day, hour)):
            return iso
    return ""


def _dwell(tags: dict[str, Any], eels: dict[str, Any]) -> float | None:
    whole = positive(dig(eels, "Integration time (s)"))
    if whole is not None:
        return whole
    single = positive(dig(eels, "Exposure (s)"))
    if single is not None:
        return single * (positive(dig(eels, "Number of frames")) or 1.0)
    pixel = positive(dig(tags, "SI", "Acquisition", "Pixel time (s)"))
    sample = positive(dig(tags, "DigiScan", "Sample Time"))
    return pixel if pixel is not None else (sample * 1e-6 if sample is not None else None)


def _exposure(tags: dict[str, Any]) -> float | None:
    for path in (
        ("Acquisition", "Parameters", "High Level", "Exposure (s)"),
        ("Acquisition", "Parameters", "Detector", "exposure (s)"),
        ("DataBar", "Exposure Time (s)"),
    ):
        seconds = positive(dig(tags, *path))
        if seconds is not None:
            return seconds
    return None


def _electrons(image: dict[str, Any], facts: Facts) -> None:
    brightness = dig(image, "ImageData", "Calibrations", "Brightness") or {}
    unit, scale = _text(dig(brightness, "Units")), positive(dig(brightness, "Scale"))
    if unit.lower() in ("e-", "e", "electrons", "electron") and scale is not None:
        # the file scales counts to electrons; the model keeps counts per electron
        facts.counts_per_electron = 1.0 / scale
        facts.counts_offset = number(dig(brightness, "Origin")) or 0.0


def _instrument(tags: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    wanted = {
        "microscope": dig(info, "Name") or dig(info, "Microscope"),
        "mode": dig(info, "Illumination Mode"),
        "operation": dig(info, "Operation Mode"),
        "probe_current_nA": positive(dig(info, "Probe Current (nA)")),
        "camera_length_mm": positive(dig(info, "STEM Camera Length")),
        "camera": dig(tags, "Acquisition", "Device", "Name"),
        "operator": dig(tags, "Session Info", "Operator") or dig(info, "Operator"),
        "specimen": dig(tags, "Session Info", "Specimen") or dig(info, "Specimen"),
        "spectrometer": dig(tags, "EELS Spectrometer", "Instrument name"),
        "dual_low_loss": dig(tags, "EELS", "Acquisition", "Is dual acquire low-loss"),
        "temperature_C": number(dig(info, "Specimen Temperature")),
    }
    return {
        key: value for key, value in wanted.items() if isinstance(value, (str, int, float)) and value != ""
    }
