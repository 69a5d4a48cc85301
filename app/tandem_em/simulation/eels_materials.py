"""What the layers of a thin-film battery look like to a fast electron: composition, mean free path, valence losses.

Compositions follow from densities: LiCoO2 5.05 g/cm³, LiPON (Li2.9PO3.3N0.46) 2.3 g/cm³, Si 2.33 g/cm³, Cu 8.96 g/cm³,
Li 0.534 g/cm³; lithiated silicon takes 12.05 cm³ per mole of Si and 8.9 cm³ per mole of Li. Inner-shell cross sections
are smooth shapes through hydrogenic values for 200 kV, 10 mrad convergence, 20 mrad collection.

The valence losses are idealised: broad enough that a power law describes the background under Li K in every layer.
Real, sharper plasmons put multiples under Li K (silicon at 3 × 16.7 eV); the low-loss guard warns about those.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tandem_em.core.numeric import Floats

BARN_NM2 = 1e-10
ELEMENTS = ("Li", "P", "Si", "Co", "Cu", "O")
ATOMIC_NUMBER = {"Li": 3, "P": 15, "Si": 14, "Co": 27, "Cu": 29, "O": 8}


@dataclass(frozen=True)
class Material:
    """One phase: atoms per nm³, inelastic mean free path (nm), plasmon-like peaks (energy eV, width eV, share)."""

    atoms_nm3: dict[str, float]
    mean_free_path_nm: float
    peaks: tuple[tuple[float, float, float], ...] = field(default=())


def lithiated_silicon(x: float) -> Material:
    """LixSi between silicon and lithium: composition from molar volumes, plasmon sliding from 16.7 to 13 eV."""
    silicon = 602.2 / (12.05 + 8.9 * x)
    plasmon = 16.7 - 3.4 * x / (x + 1.2)
    return Material({"Si": silicon, "Li": x * silicon}, 145.0 + 8.0 * x, ((plasmon, 6.0 + 0.4 * x, 1.0),))


def cobaltate(x: float) -> Material:
    """LixCoO2 with its lithium partly removed."""
    return Material(
        {"Li": 31.1 * x, "Co": 31.1, "O": 62.2},
        112.0,
        ((7.0, 5.0, 0.03), (21.0, 16.0, 0.126), (28.0, 22.0, 0.844)),
    )


LIPON = Material(
    {"Li": 36.3, "P": 12.5, "O": 41.4}, 132.0, ((12.0, 8.0, 0.08), (22.0, 16.0, 0.124), (28.0, 22.0, 0.796))
)
COPPER = Material(
    {"Cu": 84.9}, 98.0, ((7.5, 5.0, 0.06), (10.5, 6.0, 0.10), (19.5, 14.0, 0.13), (28.0, 20.0, 0.71))
)
LITHIUM = Material({"Li": 46.3}, 190.0, ((7.1, 2.2, 1.0),))


def valence_losses(material: Material, loss_eV: Floats) -> Floats:
    """Single-scattering distribution per eV of a material, of unit area over all energies.

    Drude peaks weighted with the angular integral log(1 + (beta/theta_E)²) of a 20 mrad aperture at 200 kV.
    """
    step = loss_eV[1] - loss_eV[0]
    # far beyond the map's axis, so that unit area is that of all energies
    fine = np.arange(0.5 * step, 600.0, step)
    total = np.zeros_like(fine)
    for energy, width, share in material.peaks:
        drude = fine * width * energy**2 / ((fine**2 - energy**2) ** 2 + (fine * width) ** 2)
        drude *= np.log1p((20.0 / (fine / (2 * 172.0))) ** 2)
        total += share * drude / (drude.sum() * step)
    losses = np.interp(loss_eV, fine, total, left=0.0, right=0.0)
    return np.asarray(np.where(loss_eV > 0, losses, 0.0))


@dataclass(frozen=True)
class Shell:
    """An ionisation edge: onset (eV) and its differential cross section (barn/eV) as a smooth shape."""

    name: str
    element: str
    onset_eV: float
    peak_barn: float
    rise_eV: float
    decay: float
    resonance: tuple[float, float, float] = (0.0, 1.0, 0.0)
    """A near-edge peak: distance from the onset, width (eV), height in units of the peak."""

    def cross_section(self, loss_eV: Floats) -> Floats:
        """Barn per eV and atom."""
        above = np.maximum(loss_eV - self.onset_eV, 0.0)
        # half an eV keeps the onset itself from being exactly zero
        rise = 1.0 - np.exp(-(above + 0.5) / self.rise_eV) if self.rise_eV > 0 else np.ones_like(above)
        tail = (self.onset_eV / np.maximum(loss_eV, self.onset_eV)) ** self.decay
        place, width, height = self.resonance
        near = height * np.exp(-0.5 * ((above - place) / width) ** 2)
        return np.asarray(np.where(loss_eV >= self.onset_eV, self.peak_barn * (rise * tail + near), 0.0))


SHELLS = (
    Shell("Li K", "Li", 54.7, 4170.0, 0.0, 3.35, (6.0, 2.0, 0.25)),
    Shell("P L2,3", "P", 132.0, 1250.0, 6.0, 2.6, (6.0, 1.5, 0.3)),
    Shell("Si L2,3", "Si", 99.2, 1700.0, 5.0, 2.4, (2.5, 1.2, 0.2)),
    Shell("Co M2,3", "Co", 60.0, 900.0, 3.0, 2.0, (4.0, 3.0, 1.2)),
    Shell("Cu M2,3", "Cu", 74.0, 700.0, 8.0, 1.8, (2.0, 1.0, 0.0)),
)
