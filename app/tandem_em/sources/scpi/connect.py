"""From an address to the right meter class: ask who it is, compare with what the user said."""

from __future__ import annotations

import re

from tandem_em.core.notices import UserError
from tandem_em.sources.scpi.link import Link
from tandem_em.sources.scpi.meter import Meter, MeterSettings
from tandem_em.sources.scpi.model_2400 import Keithley2400
from tandem_em.sources.scpi.model_2450 import Keithley2450

METERS: tuple[type[Meter], ...] = (Keithley2400, Keithley2450)


def meter_class(model: str) -> type[Meter]:
    """The class for a model as a user writes it ("keithley 2400", "2450")."""
    for meter in METERS:
        if any(known in model for known in meter.models):
            return meter
    known = ", ".join(name for meter in METERS for name in meter.models)
    raise UserError(
        f'The source-meter model "{model}" is not supported.', f"Supported Keithley models: {known}."
    )


def connect_meter(link: Link, model: str, settings: MeterSettings, timeout_s: float | None = None) -> Meter:
    """Open the link, ask *IDN? (within `timeout_s`), and return the meter that fits; the output is not touched."""
    wanted = meter_class(model)
    link.open()
    meter = wanted(link, settings)
    idn = meter.identify(timeout_s)
    found = re.search(r"MODEL\s*([0-9A-Z]+)", idn.upper())
    if found and not any(found[1].startswith(name) for name in wanted.models):
        others = [cls for cls in METERS if any(found[1].startswith(name) for name in cls.models)]
        advice = f'Write model = "keithley {found[1]}".' if others else "Check the address."
        raise UserError(f'{link.address} is "{idn}", not a {model}.', advice)
    return meter
