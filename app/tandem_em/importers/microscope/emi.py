"""The XML that TIA hides in its .emi files: microscope, date, magnification of each series."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from tandem_em.importers.core.signal import Facts
from tandem_em.importers.core.units import number, positive

# it is read whole to find its XML; the images are in the .ser files
EMI_LIMIT = 256 << 20


def facts_of(emi: Path | None, number_: int) -> Facts:
    """What the .emi file says about one of its series; it hides XML between binary blocks."""
    facts = Facts()
    # the whole file is searched for its XML
    if emi is None or emi.stat().st_size > EMI_LIMIT:
        return facts
    objects = re.findall(rb"<ObjectInfo>.*?</ObjectInfo>", emi.read_bytes(), re.DOTALL)
    # a document type could make the parser expand entities without end
    if not objects or b"<!" in objects[min(number_, len(objects)) - 1]:
        return facts
    try:
        tree = ElementTree.fromstring(objects[min(number_, len(objects)) - 1].decode("utf-8", "replace"))
    except ElementTree.ParseError:
        return facts
    said = {
        str(data.findtext("Label")).strip(): str(data.findtext("Value")).strip()
        for data in tree.iterfind("ExperimentalDescription/Root/Data")
    }
    conditions = tree.find("ExperimentalConditions/MicroscopeConditions")
    voltage = positive(conditions.findtext("AcceleratingVoltage")) if conditions is not None else None
    kilovolt = positive(said.get("High tension"))
    facts.beam_kV = voltage / 1e3 if voltage is not None else kilovolt
    facts.magnification = positive(said.get("Magnification"))
    dwell = positive(tree.findtext("AcquireInfo/DwellTimePath")) or positive(
        tree.findtext("AcquireInfo/IntegrationTime")
    )
    if tree.find("AcquireInfo/CameraNamePath") is not None:
        facts.exposure_s = dwell
    else:
        facts.dwell_s = dwell
    facts.instrument = {
        key.lower(): said[label]
        for key, label in (("microscope", "Microscope"), ("mode", "Mode"), ("user", "User"))
        if said.get(label)
    }
    current = number(tree.findtext("ExperimentalConditions/MicroscopeConditions/BeamCurrent"))
    if current:
        facts.instrument["beam_current_A"] = current
    _date(tree.findtext("AcquireDate"), facts)
    return facts


def _date(text: str | None, facts: Facts) -> None:
    try:
        facts.start_iso = datetime.strptime(str(text).strip(), "%a %b %d %H:%M:%S %Y").isoformat()
    except ValueError:
        return
