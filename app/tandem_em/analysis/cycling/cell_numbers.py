"""What a current means for a cell of a certain size: density, C-rate, areal capacity; and when a number cannot be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

HalfKind = Literal["charge", "discharge"]
Number = TypeVar("Number", float, NDArray[np.float64])

UNREALISTIC_A_CM2 = 0.1
"""100 mA/cm²: more than any battery's electrode sees; nanobattery work stays below a thousandth of it."""


@dataclass(frozen=True)
class Chemistry:
    """An electrode material: density (g/cm³), capacity it is used to (mAh/g) and where the numbers come from."""

    name: str
    density_g_cm3: float
    capacity_mAh_g: float
    note: str
    gives_lithium: bool = False
    """Made with the lithium that a first charge takes out of it."""

    @property
    def capacity_uAh_cm2_um(self) -> float:
        """Areal capacity of a layer 1 µm thick (µAh/cm²)."""
        return self.density_g_cm3 * self.capacity_mAh_g * 0.1


CHEMISTRIES: dict[str, Chemistry] = {
    c.name: c
    for c in (
        Chemistry(
            "LiCoO2", 4.0, 137.0, "Li1 to Li0.5, sputtered film at 80 % of the crystal's 5.05 g/cm³", True
        ),
        Chemistry("LiFePO4", 3.6, 170.0, "Li1 to Li0", True),
        Chemistry("LiMn2O4", 4.28, 120.0, "practical at 4 V", True),
        Chemistry("LiNi0.5Mn1.5O4", 4.45, 147.0, "Li1 to Li0", True),
        Chemistry("LiNi0.8Mn0.1Co0.1O2", 4.7, 200.0, "practical to 4.3 V", True),
        Chemistry("Li4Ti5O12", 3.43, 175.0, "to Li7Ti5O12"),
        Chemistry("TiO2", 3.9, 168.0, "anatase to Li0.5TiO2"),
        Chemistry("V2O5", 3.36, 147.0, "one Li"),
        Chemistry("graphite", 2.26, 372.0, "to LiC6"),
        Chemistry("Si", 2.33, 3579.0, "to Li15Si4"),
        Chemistry("Ge", 5.32, 1384.0, "to Li15Ge4"),
        Chemistry("Sn", 7.29, 960.0, "to Li17Sn4"),
        Chemistry("Al", 2.70, 993.0, "to LiAl"),
        Chemistry("Li", 0.534, 3861.0, "full capacity"),
    )
}
ALIASES = {"lco": "LiCoO2", "lfp": "LiFePO4", "lmo": "LiMn2O4", "lnmo": "LiNi0.5Mn1.5O4", "nmc811": "LiNi0.8Mn0.1Co0.1O2",
           "lto": "Li4Ti5O12", "silicon": "Si", "germanium": "Ge", "tin": "Sn", "lithium": "Li", "c": "graphite"}  # fmt: skip


def find_chemistry(name: str) -> Chemistry | None:
    """A chemistry by its formula or usual short name, whatever the case."""
    plain = "".join(name.split()).replace("₂", "2").replace("₄", "4").lower()
    wanted = ALIASES.get(plain, plain).lower()
    return next((c for key, c in CHEMISTRIES.items() if key.lower() == wanted), None)


def first_half_cycle(chemistry: str, layers: Iterable[dict[str, Any]] = ()) -> HalfKind:
    """What a cell of these materials does first: its cycle is this half cycle and the one that answers it.

    A positive electrode that brings the lithium is charged first, in a full cell as against lithium. A host without
    lithium (silicon, graphite, titanates) against lithium takes it up first, which is the discharge. Unknown: charge.
    """
    names = [chemistry, *(str(layer.get("name", "")) for layer in layers)]
    known = [found for found in map(find_chemistry, names) if found is not None and found.name != "Li"]
    return "discharge" if known and not any(found.gives_lithium for found in known) else "charge"


def areal_capacity_uAh_cm2(chemistry: str, thickness_nm: float) -> float | None:
    """Areal capacity of a layer from what it is made of and how thick it is; None for unknown materials."""
    found = find_chemistry(chemistry)
    return None if found is None else found.capacity_uAh_cm2_um * thickness_nm * 1e-3


def limiting_capacity_uAh_cm2(layers: Iterable[dict[str, Any]]) -> float | None:
    """The smallest areal capacity among the layers that store lithium; metallic lithium never limits."""
    found = []
    for layer in layers:
        name, thickness = str(layer.get("name", "")), layer.get("thickness_nm")
        if isinstance(thickness, int | float) and thickness > 0 and name.lower() not in ("li", "lithium"):
            capacity = areal_capacity_uAh_cm2(name, float(thickness))
            if capacity is not None:
                found.append(capacity)
    return min(found) if found else None


def density_uA_cm2(current_A: Number, area_um2: float) -> Number:
    """Current density (µA/cm²) from an area in µm²: 1 pA over 2.5 µm² is 40 µA/cm²."""
    return current_A * (1e6 / (area_um2 * 1e-8))


def c_rate(density_uA_cm2_: Number, capacity_uAh_cm2: float) -> Number:
    """C-rate: 100 µA/cm² is 1.25C when the full charge is 80 µAh/cm²."""
    return density_uA_cm2_ / capacity_uAh_cm2


def capacity_uAh_cm2(charge_C: Number, area_cm2: float) -> Number:
    """Areal capacity (µAh/cm²) of a charge."""
    return charge_C * (1e6 / 3600.0 / area_cm2)


@dataclass(frozen=True)
class CalculatorAnswer:
    """All that follows from a current and a cell; `warning` is a sentence when no battery sees such a density."""

    current_A: float
    density_uA_cm2: float
    c_rate: float | None
    full_charge_s: float | None
    warning: str = ""


def calculate(
    area_um2: float, capacity_uAh_cm2: float | None = None, *, current_A: float | None = None,
    density_uA_cm2: float | None = None, rate: float | None = None,
) -> CalculatorAnswer:  # fmt: skip
    """From one of current, density and C-rate the other two. A C-rate needs the areal capacity."""
    given = [value for value in (current_A, density_uA_cm2, rate) if value is not None]
    if len(given) != 1:
        raise ValueError("give one of current, density and C-rate")
    area_cm2 = area_um2 * 1e-8
    if rate is not None:
        if not capacity_uAh_cm2:
            raise ValueError("a C-rate needs the areal capacity")
        density = rate * capacity_uAh_cm2
    else:
        density = density_uA_cm2 if density_uA_cm2 is not None else (current_A or 0.0) * 1e6 / area_cm2
    current = density * 1e-6 * area_cm2
    found = density / capacity_uAh_cm2 if capacity_uAh_cm2 else None
    full = 3600.0 / abs(found) if found else None
    return CalculatorAnswer(current, density, found, full, density_warning(current, area_cm2))


def density_warning(current_A: float, area_cm2: float) -> str:
    """A sentence with the figure when a density is beyond what any battery sees; empty otherwise."""
    density = abs(current_A) / area_cm2
    if density <= UNREALISTIC_A_CM2:
        return ""
    return (
        f"{readable(abs(current_A), 'A')} over {area_cm2 * 1e8:.3g} µm² is {_power(density * 1e3)} mA/cm²: "
        f"this is not plausible for a battery (more than {UNREALISTIC_A_CM2 * 1e3:.0f} mA/cm²)."
    )


def _power(value: float) -> str:
    """100000000.0 → `1e8`."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def readable(value: float, unit: str) -> str:
    """A number with the prefix that reads best: 2.5e-12 A → 2.5 pA."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g} {unit}"
    for factor, prefix in (
        (1e-15, "f"),
        (1e-12, "p"),
        (1e-9, "n"),
        (1e-6, "µ"),
        (1e-3, "m"),
        (1.0, ""),
        (1e3, "k"),
    ):
        if abs(value) < 999.5 * factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value / 1e6:.3g} M{unit}"
