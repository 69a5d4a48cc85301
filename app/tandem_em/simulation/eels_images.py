"""Simulated spectrum images with their truth: zero loss, plural scattering, edges, drift and counting noise.

    found = simulate_map("charged", (60, 80, 1024), seed=1)
    found.data          float32 (Y, X, E) counts
    found.truth         what went in: concentrations, thickness, t/lambda, FWHM, energy shift, net counts of edges

Each pixel is the incident beam, convolved with exp(single scattering), shifted by the energy drift and counted: in
Fourier space all of that is a product, and a shift below a channel is exact.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Progress
from tandem_em.core.numeric import Floats
from tandem_em.simulation.eels_materials import ATOMIC_NUMBER, BARN_NM2, SHELLS, valence_losses
from tandem_em.simulation.eels_stack import STATES, Stack, State, build_stack

FIRST_eV, LAST_eV = -15.0, 190.0
FWHM_eV = 1.1
BLOCK_PIXELS = 2048
SIGNAL_eV = {"Li K": (52.5, 57.5), "Si L2,3": (102.0, 107.0), "P L2,3": (132.0, 137.0)}
"""Windows whose true net counts are kept."""


@dataclass(frozen=True)
class EelsTruth:
    """What a simulated map was made of, (Y, X) unless said otherwise."""

    atoms_nm3: dict[str, Floats]
    accumulation_nm3: Floats
    thickness_nm: Floats
    t_over_lambda: Floats
    fwhm_eV: Floats
    energy_shift_eV: Floats
    layers: list[dict[str, float | str]]
    net_counts: dict[str, Floats] = field(default_factory=dict)
    """Expected counts of an edge in its default signal window: spectra with the edge less spectra without it."""


@dataclass(frozen=True)
class SimulatedMap:
    """One simulated spectrum image, marked as such by its type."""

    state: State
    data: NDArray[np.float32]
    energy_eV: Floats
    adf: NDArray[np.float32]
    pixel_nm: float
    truth: EelsTruth
    beam_kV: float = 200.0
    convergence_mrad: float = 10.0
    collection_mrad: float = 20.0


def simulate_map(
    state: State, shape: tuple[int, int, int] = (60, 80, 1024), *, seed: int = 1, counts: float = 2e6
) -> SimulatedMap:
    """One state of the stack as a spectrum image (Y, X, E); `counts` electrons reach the detector per pixel."""
    job = simulate_in_blocks(state, shape, seed=seed, counts=counts)
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


def simulate_states(
    shape: tuple[int, int, int] = (60, 80, 1024), *, seed: int = 1, counts: float = 2e6
) -> Generator[Progress, None, list[SimulatedMap]]:
    """Pristine, charged and overcharged on one sample."""
    maps: list[SimulatedMap] = []
    for index, state in enumerate(STATES):
        for progress in (job := _Kept(simulate_in_blocks(state, shape, seed=seed, counts=counts))):
            yield Progress(index + (progress.fraction or 0.0), len(STATES), f"simulating the {state} map")
        maps.append(job.value)
    return maps


class _Kept:
    """Iterates a job and keeps what it returned."""

    value: SimulatedMap

    def __init__(self, job: Generator[Progress, None, SimulatedMap]) -> None:
        self._job = job

    def __iter__(self) -> Generator[Progress, None, None]:
        self.value = yield from self._job


def simulate_in_blocks(
    state: State, shape: tuple[int, int, int], *, seed: int = 1, counts: float = 2e6
) -> Generator[Progress, None, SimulatedMap]:
    """The work of `simulate_map`, reporting progress."""
    height, width, channels = shape
    stack = build_stack(state, height, width, seed)
    # the states share the sample (build_stack), not their noise
    rng = np.random.default_rng([seed, STATES.index(state)])
    beam = _Beam(channels)
    shift, fwhm = _drift(height, width, rng), _focus(height, width)
    shares, edges = _amounts(stack)
    valence = np.stack([valence_losses(material, beam.loss_eV) for material, _ in stack.shares]) * beam.step
    shells = np.stack([shell.cross_section(beam.loss_eV) * BARN_NM2 for shell in SHELLS]) * beam.step
    spectra = np.empty((height * width, channels), np.float32)
    net = {name: np.empty(height * width) for name in SIGNAL_eV}
    # beam current and dwell time vary by a per cent
    dose = counts * (1 + 0.01 * rng.standard_normal(height * width))
    total = np.empty(height * width)
    for begin in range(0, height * width, BLOCK_PIXELS):
        yield Progress(begin, height * width, f"simulating the {state} map")
        part = slice(begin, min(begin + BLOCK_PIXELS, height * width))
        scattering = shares[part] @ beam.transform(valence) + edges[part] @ beam.transform(shells)
        inelastic = shares[part] @ valence.sum(axis=1) + edges[part] @ shells.sum(axis=1)
        total[part] = inelastic
        incident = beam.zero_loss(fwhm.ravel()[part], shift.ravel()[part]) * dose[part, None]
        # Poisson law of plural scattering; the second term keeps the number of electrons
        beamed = incident * np.exp(scattering - inelastic[:, None])
        expected = beam.spectra(beamed)
        # the inverse transform leaves tiny negative counts, which Poisson does not take
        spectra[part] = rng.poisson(np.maximum(expected, 0.0))
        for name, counts_of_edge in net.items():
            counts_of_edge[part] = _net_counts(name, beam, beamed, expected, edges[part], shells)
    truth = EelsTruth(
        stack.atoms_nm3, stack.accumulation_nm3, stack.thickness_nm, total.reshape(height, width), fwhm, shift,
        stack.layers, {name: values.reshape(height, width) for name, values in net.items()},
    )  # fmt: skip
    adf = _adf(stack, rng)
    return SimulatedMap(state, spectra.reshape(shape), beam.energy_eV, adf, stack.pixel_nm, truth)


class _Beam:
    """The energy axis in Fourier space, padded so that plural scattering does not come round again."""

    def __init__(self, channels: int) -> None:
        self.step = (LAST_eV - FIRST_eV) / channels
        # a whole number of channels below zero, so that a channel lies at 0 eV
        self.first = -round(-FIRST_eV / self.step) * self.step
        self.channels = channels
        self.energy_eV: Floats = np.asarray(self.first + self.step * np.arange(channels), np.float64)
        # twice the axis: what scatters beyond its end must not reappear at its start
        self._length = 1 << int(np.ceil(np.log2(2 * channels)))
        self.loss_eV: Floats = np.asarray(self.step * np.arange(self._length // 2), np.float64)
        self._frequency = np.fft.rfftfreq(self._length, self.step)

    def transform(self, losses: Floats) -> NDArray[np.complex128]:
        return np.fft.rfft(losses, self._length, axis=-1)

    def zero_loss(self, fwhm_eV: Floats, shift_eV: Floats) -> NDArray[np.complex128]:
        """Gaussian beam of unit area at its energy shift, averaged over each channel."""
        nu = self._frequency
        sigma = fwhm_eV[:, None] / np.sqrt(8 * np.log(2))
        blur = np.exp(-2 * (np.pi * sigma * nu) ** 2) * np.sinc(nu * self.step)
        return np.asarray(blur * np.exp(-2j * np.pi * nu * (shift_eV[:, None] - self.first)))

    def spectra(self, transformed: NDArray[np.complex128]) -> Floats:
        return np.asarray(np.fft.irfft(transformed, self._length, axis=-1)[:, : self.channels])


def _net_counts(
    name: str, beam: _Beam, beamed: NDArray[np.complex128], expected: Floats, edges: Floats, shells: Floats
) -> Floats:
    """Counts that vanish from the signal window when one edge is taken away."""
    index = [shell.name for shell in SHELLS].index(name)
    edge = edges[:, index : index + 1]
    # in the full spectrum, so that plural scattering of the edge counts as in a measurement
    without = beam.spectra(beamed * np.exp(-edge * beam.transform(shells[index])))
    low, high = (round((energy - beam.first) / beam.step) for energy in SIGNAL_eV[name])
    return np.asarray((expected - without)[:, low:high].sum(axis=1))


def _amounts(stack: Stack) -> tuple[Floats, Floats]:
    """Per pixel: scattering strength of each phase (t/lambda) and atoms per nm² of each shell's element."""
    thickness = stack.thickness_nm.ravel()
    shares = np.stack(
        [share.ravel() * thickness / material.mean_free_path_nm for material, share in stack.shares], axis=1
    )
    edges = np.stack([stack.atoms_nm3[shell.element].ravel() * thickness for shell in SHELLS], axis=1)
    return shares, edges


def _drift(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Energy drift along the scan (eV): a slow wander, mains hum between lines, a little jitter."""
    order = np.arange(height * width, dtype=np.float64).reshape(height, width) / (height * width)
    slow = 0.5 * np.sin(2 * np.pi * 0.7 * order) + 0.15 * np.sin(2 * np.pi * 5.3 * order + 0.6)
    return np.asarray(slow + 0.03 * rng.standard_normal((height, width)))


def _focus(height: int, width: int) -> Floats:
    """Energy resolution over the field (eV): 1.1 with a few per cent of aberration towards the corners."""
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    return np.asarray(FWHM_eV * (1 + 0.02 * (x**2 + y**2 - 0.6)))


def _adf(stack: Stack, rng: np.random.Generator) -> NDArray[np.float32]:
    """Annular dark field: mass thickness with atomic number to the 1.7, scaled and counted."""
    z = sum(ATOMIC_NUMBER[element] ** 1.7 * atoms for element, atoms in stack.atoms_nm3.items())
    signal = np.asarray(z * stack.thickness_nm)
    return np.asarray(rng.poisson(4000.0 * signal / signal.max()), dtype=np.float32)
