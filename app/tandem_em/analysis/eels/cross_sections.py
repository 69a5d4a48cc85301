"""Hydrogenic inner-shell cross sections of K and L shells, after Egerton's SIGMAK and SIGMAL.

R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (Springer, 2011), section 3.6 and
appendix B. Model name to be given with every quantity: `MODEL`. M and N shells have no hydrogenic description.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tandem_em.analysis.eels.table import KnownEdge, find_edge
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

MODEL = "hydrogenic generalised oscillator strength (Egerton, SIGMAK/SIGMAL)"
RYDBERG_eV = 13.606
REST_keV = 511.06
NODES = 48

L_SCREENING = dict(
    zip(
        range(11, 37),
        (0.82, 0.52, 0.52, 0.42, 0.30, 0.29, 0.22, 0.30, 0.22, 0.16, 0.12, 0.13, 0.13,
         0.14, 0.16, 0.18, 0.19, 0.22, 0.14, 0.11, 0.12, 0.12, 0.12, 0.10, 0.10, 0.10),
    )
)  # fmt: skip
"""Egerton's exponent that bends the L edge near its threshold, by atomic number; 0.1 beyond the table."""


def electron_speed(beam_kV: float) -> tuple[float, float]:
    """Relativistic factor and T = m v²/2 in eV."""
    gamma = 1 + beam_kV / REST_keV
    return gamma, REST_keV * 1e3 * (1 - 1 / gamma**2) / 2


def _continuum(kh2: Floats, q: Floats, rise: float) -> Floats:
    """The factor exp(...)/(1 - exp(...)) of hydrogenic continuum states; below threshold its analytic continuation."""
    k = np.maximum(np.sqrt(np.abs(kh2)), 1e-2 if rise == 2.0 else 1e-6)
    below = kh2 < 0
    bound = np.arctan2(rise * k, q - kh2 + (1.0 if rise == 2.0 else 0.25))
    bound = np.where(bound < 0, bound + np.pi, bound)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        above = np.exp(-2 * bound / k) / (1 - np.exp(-2 * np.pi / k))
        base = q + (1.0 if rise == 2.0 else 0.25) - kh2
        under = np.exp(-np.log((base + rise * k) / (base - rise * k)) / k)
    return np.asarray(np.where(below, under, above))


def _strength_k(number: int, loss: Floats, q_a0: Floats) -> Floats:
    """Oscillator strength per eV and atom of a K shell at loss (eV) and (q a0)²."""
    charge, pair = (number - 0.5, 2) if number > 1 else (1.0, 1)
    q = q_a0 / charge**2
    kh2 = loss / (RYDBERG_eV * charge**2) - 1
    below = ((q - kh2 + 1) ** 2 + 4 * kh2) ** 3
    rational = loss * (q + kh2 / 3 + 1 / 3) / (RYDBERG_eV**2 * charge**4 * below)
    return np.asarray(128 * pair * rational * _continuum(kh2, q, 2.0))


def _strength_l(number: int, onset_3: float, onset_1: float, loss: Floats, q_a0: Floats) -> Floats:
    """Oscillator strength per eV and atom of a whole L shell (2p alone below the L1 threshold)."""
    charge = number - 0.35 * 7 - 1.7
    q = q_a0 / charge**2
    k = loss / (RYDBERG_eV * charge**2) - 0.25
    p_states = (
        2.25 * q**4 - (0.75 + 3 * k) * q**3 + (0.59375 - 0.75 * k - 0.5 * k**2) * q**2
        + (0.11146 + 0.85417 * k + 1.8833 * k**2 + k**3) * q
        + 0.0035807 + k / 21.333 + k**2 / 4.5714 + k**3 / 2.4 + k**4 / 4
    )  # fmt: skip
    both = (
        q**3 - (5 / 3 * k + 11 / 12) * q**2 + (k**2 / 3 + 1.5 * k + 65 / 48) * q
        + k**3 / 3 + 0.75 * k**2 + 23 / 48 * k + 5 / 64
    )  # fmt: skip
    centre = (q - k + 0.25) ** 2 + k
    rational = np.where(loss <= onset_1, p_states / centre**5, both / centre**4)
    bend = (np.maximum(loss + 0.1 - onset_3, 1e-3) / (1.8 * number**2)) ** L_SCREENING.get(number, 0.1)
    return np.asarray(bend * 32 * rational * _continuum(k, q, 1.0) * loss / (RYDBERG_eV**2 * charge**4))


def differential(edge: KnownEdge, loss_eV: ArrayLike, *, beam_kV: float, collection_mrad: float) -> Floats:
    """Cross section per eV and atom (barn/eV) at losses, collected up to an angle; 0 below the onset."""
    loss = np.asarray(loss_eV, dtype=np.float64)
    gamma, speed = electron_speed(beam_kV)
    from_edge = np.maximum(loss, edge.onset_eV)
    low = from_edge**2 / (4 * RYDBERG_eV * speed) + from_edge**3 / (8 * gamma**3 * RYDBERG_eV * speed**2)
    momentum = speed / (RYDBERG_eV * (1 - 2 * speed / (REST_keV * 1e3)))
    after = momentum - from_edge / RYDBERG_eV * (gamma - from_edge / (2e3 * REST_keV))
    high = low + 4 * np.sqrt(momentum * after) * np.sin(collection_mrad / 2000) ** 2
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * np.log(high / low)
    # in log q: the strength spreads over decades of momentum transfer
    q = np.exp(np.log(low)[..., None] + half[..., None] * (1 + nodes))
    strength = _strength(edge, from_edge[..., None], q)
    integral = half * (strength @ weights)
    value = 3.5166e8 * RYDBERG_eV**2 / speed / from_edge * integral
    return np.asarray(np.where(loss >= edge.onset_eV, value, 0.0))


def _strength(edge: KnownEdge, loss: Floats, q: Floats) -> Floats:
    if edge.shell == "K":
        return _strength_k(edge.atomic_number, loss, q)
    if edge.shell in ("L2,3", "L3", "L2") and edge.atomic_number >= 11:
        first = find_edge(f"{edge.element} L1")
        # without an L1 edge in the table the formula below it holds throughout
        return _strength_l(edge.atomic_number, edge.onset_eV, first.onset_eV if first else 1e9, loss, q)
    raise UserError(
        f"There is no cross section for {edge.name}: the {MODEL} covers K and L2,3 edges only.",
        "Use a K or L2,3 edge of that element, or compare maps without quantifying them.",
    )


def effective_angle(
    loss_eV: float, *, beam_kV: float, convergence_mrad: float, collection_mrad: float
) -> float:
    """Collection angle (mrad) of a parallel beam that would collect as much as this cone of illumination.

    The Lorentzian of the loss is averaged over incident directions filling the cone evenly.
    """
    if convergence_mrad <= 0:
        return collection_mrad
    gamma, speed = electron_speed(beam_kV)
    width = loss_eV / (2 * gamma * speed) * 1e3
    # rings of equal area in the illuminating cone
    tilts = convergence_mrad * np.sqrt((np.arange(40) + 0.5) / 40)
    reach = convergence_mrad + collection_mrad
    # in small steps near the axis, where the scattering peaks
    theta = np.concatenate([[0.0], np.geomspace(min(width, reach) * 1e-3, reach, 600)])
    middle, step = 0.5 * (theta[1:] + theta[:-1]), np.diff(theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (middle**2 + tilts[:, None] ** 2 - collection_mrad**2) / (2 * middle * tilts[:, None])
    arc = 2 * np.arccos(np.clip(cosine, -1, 1))
    collected = float((arc * (middle / (middle**2 + width**2) * step)).sum(axis=1).mean())
    return float(width * np.sqrt(np.expm1(collected / np.pi)))


def partial_cross_section(
    name: str,
    window_eV: tuple[float, float],
    *,
    beam_kV: float,
    collection_mrad: float,
    convergence_mrad: float = 0.0,
) -> float:
    """Barn per atom collected inside an energy window of an edge."""
    edge = find_edge(name)
    if edge is None:
        raise UserError(
            f"The edge table does not know “{name}”.", "Write it as element and shell, such as Li K."
        )
    low, high = max(window_eV[0], edge.onset_eV), window_eV[1]
    if high <= low:
        raise UserError(
            f"The signal window of {edge.name} ends at {high:g} eV, before the edge at {edge.onset_eV:g} eV.",
            "Move the window over the edge.",
        )
    angle = effective_angle(
        edge.onset_eV, beam_kV=beam_kV, convergence_mrad=convergence_mrad, collection_mrad=collection_mrad
    )
    nodes, weights = np.polynomial.legendre.leggauss(24)
    losses = low + 0.5 * (high - low) * (1 + nodes)
    values = differential(edge, losses, beam_kV=beam_kV, collection_mrad=angle)
    return float(0.5 * (high - low) * (values @ weights))
