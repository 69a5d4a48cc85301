"""The simulated sample: a LiCoO2 / LiPON / Si / Cu stack in three states of charge, as concentrations per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.simulation.eels_materials import (
    COPPER,
    ELEMENTS,
    LIPON,
    LITHIUM,
    Material,
    cobaltate,
    lithiated_silicon,
)

State = Literal["pristine", "charged", "overcharged"]
STATES: tuple[State, ...] = ("pristine", "charged", "overcharged")
FIELD_NM = 300.0


@dataclass(frozen=True)
class Chemistry:
    """What charging did: lithium left in the cathode, in the silicon, gathered at interfaces, plated."""

    cathode_li: float
    silicon_li: float
    silicon_nm: float
    accumulation_nm3: float
    mixed_nm: float
    plated_nm: float


CHEMISTRY: dict[State, Chemistry] = {
    "pristine": Chemistry(1.0, 0.0, 50.0, 0.0, 0.0, 0.0),
    "charged": Chemistry(0.55, 2.0, 82.0, 45.0, 0.0, 0.0),
    "overcharged": Chemistry(0.35, 2.6, 88.0, 55.0, 14.0, 12.0),
}
CATHODE_NM, LIPON_NM = 110.0, 70.0
ACCUMULATION_SIGMA_NM = 6.0


@dataclass(frozen=True)
class Stack:
    """The sample under the beam, all (Y, X): atoms per nm³ by element, volume share by phase, thickness in nm."""

    atoms_nm3: dict[str, Floats]
    shares: list[tuple[Material, Floats]]
    thickness_nm: Floats
    layers: list[dict[str, float | str]]
    accumulation_nm3: Floats
    """Extra lithium on the cathode side of the cathode/electrolyte interface, part of atoms_nm3."""
    pixel_nm: float


def build_stack(state: State, height: int, width: int, seed: int) -> Stack:
    """Place layers, interfaces and extra lithium. The same seed gives the same rough interfaces in all states."""
    chemistry = CHEMISTRY[state]
    pixel_nm = FIELD_NM / width
    x = (np.arange(width) + 0.5)[None, :] * pixel_nm
    depth = x - _roughness(height, seed)[:, None]
    bounds = np.cumsum([CATHODE_NM, LIPON_NM, chemistry.silicon_nm, max(chemistry.plated_nm, 0.0)])
    steps = [_step(depth, bound, pixel_nm) for bound in bounds]
    phases: list[tuple[str, Material, Floats]] = [
        ("LiCoO₂", cobaltate(chemistry.cathode_li), 1 - steps[0]),
        ("LiPON", LIPON, steps[0] - steps[1]),
        ("Si", lithiated_silicon(chemistry.silicon_li), steps[1] - steps[2]),
        ("Li", LITHIUM, steps[2] - steps[3]),
        ("Cu", COPPER, steps[3]),
    ]
    # steps of thin layers overlap: a share must not go below zero
    shares = [(material, np.clip(share, 0, None)) for _, material, share in phases]
    atoms = {
        element: np.asarray(sum(material.atoms_nm3.get(element, 0.0) * share for material, share in shares))
        for element in ELEMENTS
    }
    if chemistry.mixed_nm > 0:
        _mix_interface(atoms, depth, float(bounds[1]), chemistry.mixed_nm)
    # wholly on the cathode's side of the interface
    offset = (depth - (bounds[0] - 1.5 * ACCUMULATION_SIGMA_NM)) / ACCUMULATION_SIGMA_NM
    extra = chemistry.accumulation_nm3 * np.exp(-0.5 * offset**2)
    atoms["Li"] = atoms["Li"] + extra
    y = np.linspace(0, 1, height)[:, None]
    # a wedge with slow waves, as lamellae are milled: maps must not assume one thickness
    thickness = (31.0 + 7.0 * y) * (1 + 0.03 * np.sin(2 * np.pi * x / FIELD_NM * 1.3 + 1.0))
    return Stack(atoms, shares, thickness, _layers(phases, bounds, pixel_nm), extra, pixel_nm)


def _roughness(height: int, seed: int) -> Floats:
    """A wavy interface, nm, a few nm high."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, height)
    waves = zip(rng.uniform(0, 2 * np.pi, 4), (1.0, 2.3, 4.1, 7.0), (2.0, 1.2, 0.7, 0.4))
    return np.asarray(sum(a * np.sin(2 * np.pi * k * y + phase) for phase, k, a in waves))


def _step(depth: Floats, bound: float, pixel_nm: float) -> Floats:
    """0 before an interface, 1 after it, smeared by intermixing and by the pixel."""
    return np.asarray(0.5 * (1 + np.tanh((depth - bound) / max(1.5, 0.5 * pixel_nm))))


def _mix_interface(atoms: dict[str, Floats], depth: Floats, bound: float, width_nm: float) -> None:
    """Phosphorus and silicon trade places over an interface: the P-Si layer of an overcharged cell."""
    inside = np.exp(-0.5 * ((depth - bound) / (0.5 * width_nm)) ** 2)
    most = {"P": 9.0, "Si": 22.0}
    for element, value in most.items():
        atoms[element] = atoms[element] * (1 - inside) + value * inside


def _layers(
    phases: list[tuple[str, Material, Floats]], bounds: NDArray[np.float64], pixel_nm: float
) -> list[dict[str, float | str]]:
    edges = [0.0, *bounds.tolist(), FIELD_NM]
    return [
        {"name": name, "from_px": start / pixel_nm - 0.5, "to_px": stop / pixel_nm - 0.5}
        for (name, _, _), start, stop in zip(phases, edges[:-1], edges[1:])
        if stop - start > 0
    ]
