"""Element maps beside HyperSpy in one run: first map, dragged windows, full fit, agreement, memory; zero loss against truth.

HyperSpy is called on the signal cropped to what the edge needs, which is the quickest thing a person would type.
"""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.sums import Sums, prepare
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.analysis.eels.zero_loss import find_zero_loss, thickness_map
from tandem_em.core.benchmark import Figure, time_call, time_pair
from tandem_em.core.jobs import run_to_end
from tandem_em.core.threads import in_strips
from tandem_em.simulation.eels_images import simulate_map

EDGE = EdgeWindows("Li K", "power law", 2, (41.0, 51.0), (52.5, 57.5))
SHAPES = ((256, 256, 2048), (128, 128, 1024))
STEP_eV = {2048: 0.1, 1024: 0.2, 512: 0.4}
FIRST_eV = -5.0
DRAGS = 200


@dataclass(frozen=True)
class Case:
    """One spectrum image and the same one in HyperSpy."""

    data: NDArray[np.float32]
    axis: EnergyAxis
    peer: Any
    name: str


def run(quick: bool) -> list[Figure]:
    """All figures. Quick: one small image and fewer repetitions, for a smoke test."""
    figures: list[Figure] = []
    for shape in ((64, 64, 512),) if quick else SHAPES:
        case = _case(shape)
        figures += [
            *_first_map(case, 3 if quick else 9),
            *_drags(case, 20 if quick else DRAGS, quick),
            *_full_fit(case, 6 if quick else 12),
            *_agreement(case),
        ]
    return figures + _against_truth(quick)


def _case(shape: tuple[int, int, int]) -> Case:
    axis = EnergyAxis(FIRST_eV, STEP_eV[shape[2]], shape[2])
    rng = np.random.default_rng(1)
    data = rng.standard_normal(shape, dtype=np.float32)
    mean = (5e7 * np.maximum(axis.values, 1.0) ** -3.0).astype(np.float32)
    data *= np.sqrt(mean)
    # Pixels of different brightness.
    data += mean * (0.5 + rng.random((*shape[:2], 1), dtype=np.float32))
    # A power law needs counts above zero.
    np.maximum(data, 1.0, out=data)
    return Case(data, axis, _peer(data, axis), "×".join(str(side) for side in shape))


def _peer(data: NDArray[np.float32], axis: EnergyAxis) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        import hyperspy.api as hs

        # Its progress bars would be timed too.
        hs.preferences.General.show_progressbar = False
        hs.set_log_level("ERROR")
        signal = exspy.signals.EELSSpectrum(data)
    energy = signal.axes_manager[-1]
    energy.offset, energy.scale, energy.units = axis.offset_eV, axis.step_eV, "eV"
    return signal


def _peer_map(signal: Any, edge: EdgeWindows, *, fast: bool = True, crop: bool = True) -> NDArray[np.float64]:
    """Net counts as HyperSpy's users make them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = signal.isig[edge.fit[0] - 0.5 : edge.signal[1] + 0.5] if crop else signal
        rest = part.remove_background(signal_range=edge.fit, background_type="PowerLaw", fast=fast)
        found: NDArray[np.float64] = rest.isig[edge.signal[0] : edge.signal[1]].sum(-1).data
        return found


def _read_once(data: NDArray[np.float32]) -> None:
    """Touch every byte with the same threads: what memory allows."""
    # As eight-byte words: fewer steps, so that memory is the limit.
    words = data.reshape(-1).view(np.uint64)
    in_strips(words.size, lambda begin, end: words[begin:end].max())


def _first_map(case: Case, runs: int) -> list[Figure]:
    def ours() -> Any:
        return map_edge(case.data, case.axis, EDGE, detail="counts")

    first, peer = time_pair(ours, lambda: _peer_map(case.peer, EDGE), runs)
    again, reading = time_pair(ours, lambda: _read_once(case.data), runs)
    with_error = time_call(lambda: map_edge(case.data, case.axis, EDGE, detail="error"), runs)
    ratio, share = peer.wall_ms / first.wall_ms, again.wall_ms / reading.wall_ms
    return [
        Figure(
            f"first map of an edge, no preparation, {case.name}", first.wall_ms, "ms",
            "HyperSpy remove_background(fast=True), cropped", peer.wall_ms, ratio, ">= 15x", ratio >= 15,
            f"CPU {first.cpu_ms:.1f} against {peer.cpu_ms:.1f} ms",
        ),
        Figure(
            f"first map against reading the array once, {case.name}", share, "x", "reading the array, same threads",
            reading.wall_ms, None, "<= 1.2", share <= 1.2, f"{again.wall_ms:.1f} ms against {reading.wall_ms:.1f} ms",
        ),
        Figure(f"first map with its error map, {case.name}", with_error.wall_ms, "ms"),
    ]  # fmt: skip


def _moved(index: int, background: Any = "power law") -> EdgeWindows:
    """Windows as a hand moves them: fifty moves of the signal window, of the fit window, of one bound, of everything.

    Forth and back over ten eV in 0.4 eV steps, four channels of the larger image at a time.
    """
    phase, step = divmod(index % DRAGS, DRAGS // 4)
    move = 0.4 * (25 - abs(step - 25))
    fit = EDGE.fit[0] - (move if phase in (1, 3) else 0.0), EDGE.fit[1] - (move if phase in (1, 3) else 0.0)
    low, high = EDGE.signal
    signal = low + (move if phase in (0, 3) else 0.0), high + (move if phase in (0, 2, 3) else 0.0)
    return EdgeWindows("Li K", background, 2, fit, signal)


def _drags(case: Case, number: int, quick: bool) -> list[Figure]:
    preparing = time.perf_counter()
    sums = run_to_end(prepare(case.data, case.axis))
    prepared = (time.perf_counter() - preparing) * 1e3
    figures: list[Figure] = []
    peer = time_call(lambda: _peer_map(case.peer, EDGE), 3)
    for background in ("power law", "exponential", "polynomial", "power law lsq", "log polynomial"):
        walls, cpu = _drag_times(sums, background, number)
        median, worst = statistics.median(walls), max(walls)
        first = background == "power law"
        figures.append(
            Figure(
                f"dragged window to new map, {background}, {case.name}", median, "ms",
                "HyperSpy remove_background(fast=True), cropped" if first else "", peer.wall_ms if first else None,
                peer.wall_ms / median if first else None, "median <= 16 ms, worst of 200 <= 33 ms",
                median <= 16 and worst <= 33, f"worst {worst:.1f} of {len(walls)}, CPU {cpu:.1f} ms each; without drawing",
            )
        )  # fmt: skip
    share = sums.nbytes / case.data.nbytes
    figures.append(
        Figure(
            f"memory of the sums after all drags, share of the data, {case.name}", share, "x", goal="<= 0.125",
            met=share <= 0.125, remark=f"{sums.nbytes / 2**20:.1f} MiB, prepared in {prepared:.0f} ms in the background",
        )
    )  # fmt: skip
    if not quick:
        figures.append(_interactive(case, sums))
    return figures


def _drag_times(sums: Sums, background: str, number: int) -> tuple[list[float], float]:
    """Wall time of each move, and the mean CPU time of one, ms."""
    # Once before timing, so that compiling is not in it.
    sums.map(_moved(0, background))
    walls = []
    cpu = time.process_time()
    for index in range(number):
        started = time.perf_counter()
        sums.map(_moved(index, background))
        walls.append((time.perf_counter() - started) * 1e3)
    return walls, (time.process_time() - cpu) * 1e3 / number


def _interactive(case: Case, sums: Sums) -> Figure:
    """HyperSpy's own live map: a window summed, no background, drawn without a screen."""
    import matplotlib

    before = matplotlib.get_backend()
    # A backend without a screen, so that the time of the display is not in it.
    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hyperspy.api as hs
        import matplotlib.pyplot as plt

        rois, _ = hs.plot.plot_roi_map(case.peer, rois=1)
        roi = rois[0]
        roi.left, roi.right = EDGE.signal
        steps = iter(np.tile([0.3, 0.6, 0.9, 1.2], 8).tolist())

        def move() -> None:
            roi.left = EDGE.signal[0] + next(steps)

        count = iter(range(1000))
        ours, peer = time_pair(lambda: sums.map(_moved(next(count))), move, 7)
        plt.close("all")
    matplotlib.use(before)
    ratio = peer.wall_ms / ours.wall_ms
    return Figure(
        f"dragged window, with background, against HyperSpy's live map without, {case.name}", ours.wall_ms, "ms",
        "HyperSpy plot_roi_map, one bound moved", peer.wall_ms, ratio, ">= 20x", ratio >= 20,
        "ours without drawing; HyperSpy's draws into memory",
    )  # fmt: skip


def _full_fit(case: Case, side: int) -> list[Figure]:
    """The non-linear power law: HyperSpy fits a corner, its time per pixel is taken for all of them."""
    edge = EdgeWindows("Li K", "power law lsq", 2, EDGE.fit, EDGE.signal)
    corner = case.peer.inav[:side, :side]
    # Once before timing.
    _peer_map(corner.inav[:2, :2], edge, fast=False)
    started = time.perf_counter()
    wanted = _peer_map(corner, edge, fast=False)
    per_pixel = (time.perf_counter() - started) * 1e3 / side**2
    pixels = case.data.shape[0] * case.data.shape[1]
    ours = time_call(lambda: map_edge(case.data, case.axis, edge, detail="counts"), 5)
    found = map_edge(case.data, case.axis, edge, detail="counts").counts[:side, :side]
    off = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    ratio = per_pixel * pixels / ours.wall_ms
    return [
        Figure(
            f"non-linear power law, {case.name}", ours.wall_ms, "ms", "HyperSpy fast=False, extrapolated",
            per_pixel * pixels, ratio, ">= 500x", ratio >= 500,
            f"extrapolated from {side}×{side} pixels at {per_pixel:.2f} ms each",
        ),
        Figure(
            f"agreement of the non-linear power law, {case.name}", off, "of the largest count", "HyperSpy fast=False",
            goal="<= 1e-5", met=off <= 1e-5,
        ),
    ]  # fmt: skip


def _agreement(case: Case) -> list[Figure]:
    wanted = _peer_map(case.peer.inav[:64, :64], EDGE, crop=False)
    direct = map_edge(case.data, case.axis, EDGE, detail="counts").counts[:64, :64]
    dragged = run_to_end(prepare(case.data, case.axis)).map(EDGE).counts[:64, :64]
    off = max(float(np.abs(found - wanted).max() / np.abs(wanted).max()) for found in (direct, dragged))
    return [
        Figure(
            f"agreement of the two-area power law, direct and dragged, {case.name}", off, "of the largest count",
            "HyperSpy fast=True", goal="<= 1e-9", met=off <= 1e-9,
        )
    ]  # fmt: skip


def _against_truth(quick: bool) -> list[Figure]:
    """Zero-loss width and t/lambda on the simulated stack, the worst pixel."""
    image = simulate_map("charged", (12, 60, 512) if quick else (60, 80, 1024))
    peak = find_zero_loss(image.data, image.energy_eV)
    thin = thickness_map(image.data, image.energy_eV, peak)
    width = float(np.abs(peak.fwhm_eV / image.truth.fwhm_eV - 1).max())
    thickness = float(np.abs(thin.t_over_lambda / image.truth.t_over_lambda - 1).max())
    return [
        Figure(
            "zero-loss width, worst pixel off the truth", 100 * width, "%", goal="<= 3 %", met=width <= 0.03
        ),
        Figure("t/λ, worst pixel off the truth", 100 * thickness, "%", goal="<= 3 %", met=thickness <= 0.03),
    ]
