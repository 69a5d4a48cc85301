"""Models of area against time: constant until an onset, then saturating, root, linear, or fast and then slow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tandem_em.core.numeric import Floats


@dataclass(frozen=True)
class Model:
    """A curve f(seconds since onset, shape parameters) that starts at 0; linear in its `amplitudes`."""

    name: str
    label: str
    amplitudes: tuple[str, ...]
    shapes: tuple[str, ...]
    terms: Callable[[Floats, Floats], Floats]  # (since, shapes) -> (n, amplitudes)

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters in the order in which a fitted row holds them: start, onset, shapes, amplitudes."""
        return ("start", "onset_s", *self.shapes, *self.amplitudes)


def _columns(*columns: Floats) -> Floats:
    return np.stack(columns, axis=1)


MODELS = (
    Model("saturating", "A₀ + ΔA (1 − exp(−(t − t₀)/τ))", ("change",), ("tau_s",),
          lambda x, p: _columns(1 - np.exp(-x / p[0]))),
    Model("root", "A₀ + k √(t − t₀)", ("per_root_s",), (), lambda x, p: _columns(np.sqrt(x))),
    Model("linear", "A₀ + r (t − t₀)", ("per_s",), (), lambda x, p: _columns(x)),
    Model("two-stage", "A₀ + ΔA (1 − exp(−(t − t₀)/τ)) + r (t − t₀)", ("change", "per_s"), ("tau_s",),
          lambda x, p: _columns(1 - np.exp(-x / p[0]), x)),
)  # fmt: skip


@dataclass(frozen=True)
class KineticsFit:
    """One fitted model: parameters with 95 % intervals, AIC (small samples corrected) and weight among the models."""

    model: Model
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    covariance: Floats
    aic: float
    rms: float
    weight: float = math.nan

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters in the order of `vector`."""
        return self.model.names

    @property
    def vector(self) -> Floats:
        """Fitted values in the order of `names`."""
        return np.array([self.parameters[name] for name in self.names])

    def weighted(self, weight: float) -> KineticsFit:
        """The same fit with its Akaike weight (0..1) among the models."""
        return replace(self, weight=weight)

    def onset(self, row: Floats | None = None) -> float:
        """Onset in session seconds, of this fit or of another row of parameters."""
        return float((self.vector if row is None else row)[1])

    def value_at(self, times_s: Floats, row: Floats | None = None) -> Floats:
        """The curve at given times, with other parameters if a row of them is given."""
        return curve(self.model, self.vector if row is None else row, np.asarray(times_s, float))

    def draws(self, count: int) -> Floats:
        """Parameter rows as likely as the data allow (normal approximation), for the error of derived numbers."""
        # a fixed seed: the same curve gives the same limits
        rng = np.random.default_rng(1)
        rows = rng.multivariate_normal(self.vector, self.covariance, count, method="eigh")
        shapes = slice(2, 2 + len(self.model.shapes))
        # a normal law does not know that time constants are positive
        rows[:, shapes] = np.maximum(rows[:, shapes], 1e-3 * self.vector[shapes])
        return np.asarray(rows)


def curve(model: Model, row: Floats, t: Floats) -> Floats:
    """Area at times t for a row of parameters (start, onset, shapes, amplitudes)."""
    since = np.maximum(0.0, t - row[1])
    shapes = row[2 : 2 + len(model.shapes)]
    return np.asarray(row[0] + model.terms(since, shapes) @ row[2 + len(model.shapes) :])


@dataclass(frozen=True)
class Solved:
    """A least-squares solution: parameters, their jacobian, the weighted residuals."""

    model: Model
    row: Floats
    jacobian: Floats
    left: Floats

    @property
    def likeness(self) -> float:
        """Correlation of neighbouring residuals, 0..0.9."""
        square = float((self.left**2).sum())
        alike = float((self.left[1:] * self.left[:-1]).sum()) / square if square > 0 else 0.0
        # beyond, hardly an observation would be left
        return min(0.9, max(0.0, alike))

    @property
    def plain_aic(self) -> float:
        """Akaike's criterion without the correction for small samples."""
        count = len(self.left)
        return count * math.log(max(float((self.left**2).sum()), 1e-300) / count) + 2 * len(self.row)


def solve_model(model: Model, t: Floats, a: Floats, sigma: Floats) -> Solved | None:
    """Weighted least squares from several starts; None when it does not come to rest or has too few points."""
    from scipy.optimize import least_squares

    count = len(model.names)
    # AIC corrected for small samples needs more points than parameters
    if len(t) < count + 3:
        return None
    span = t[-1] - t[0]
    scale = float(np.ptp(a)) or 1.0
    sizes = _sizes(model, span, scale)
    low, high = _limits(model, t, span)
    best = None
    for start in _starts(model, t, a, sigma, span):
        found = least_squares(
            lambda row: (curve(model, row, t) - a) / sigma,
            np.clip(start, low + 1e-9 * sizes, high - 1e-9 * sizes),
            bounds=(low, high), x_scale=sizes, max_nfev=200,
        )  # fmt: skip
        if np.isfinite(found.cost) and (best is None or found.cost < best.cost):
            best = found
    return None if best is None else Solved(model, best.x, best.jac, best.fun)


def _sizes(model: Model, span: float, scale: float) -> Floats:
    of = {"start": scale, "onset_s": span, "tau_s": span, "change": scale, "per_s": scale / span}
    of["per_root_s"] = scale / math.sqrt(span)
    return np.array([of[name] for name in model.names])


def _limits(model: Model, t: Floats, span: float) -> tuple[Floats, Floats]:
    low, high = np.full(len(model.names), -np.inf), np.full(len(model.names), np.inf)
    # the change may have begun before the curve
    low[1], high[1] = t[0] - 0.2 * span, t[-1] - 0.02 * span
    if model.shapes:
        low[2], high[2] = max(1e-4 * span, 0.2 * float(np.median(np.diff(t)))), 5 * span
    return low, high


def _starts(model: Model, t: Floats, a: Floats, sigma: Floats, span: float) -> list[Floats]:
    """The best linear fits on a coarse grid of onsets and time constants."""
    taus = span * np.array([0.05, 0.15, 0.5, 1.5]) if model.shapes else np.array([np.nan])
    tried = []
    for onset in t[0] + span * np.linspace(0, 0.8, 17):
        for tau in taus:
            shapes = np.array([tau]) if model.shapes else np.zeros(0)
            table = (
                np.column_stack([np.ones_like(t), model.terms(np.maximum(0, t - onset), shapes)])
                / sigma[:, None]
            )
            solved, *_ = np.linalg.lstsq(table, a / sigma, rcond=None)
            left = float(((table @ solved - a / sigma) ** 2).sum())
            tried.append((left, np.concatenate([[solved[0], onset], shapes, solved[1:]])))
    tried.sort(key=lambda pair: pair[0])
    # three starts: the misfit may have several valleys along the onset
    return [row for _, row in tried[:3]]


def summary(solved: Solved, sigma: Floats, likeness: float) -> KineticsFit:
    """Parameters with intervals; residuals that are alike from frame to frame count as fewer observations."""
    from scipy.stats import t as student

    row, left = solved.row, solved.left
    count, free = len(left), len(row)
    square = float((left**2).sum())
    effective = max(free + 3.0, count * (1 - likeness) / (1 + likeness))
    variance = square / max(1.0, count - free) * count / effective
    # by the inverse of the Jacobian itself: that of its square has variances below zero where parameters hang together
    inverse = np.linalg.pinv(solved.jacobian, rcond=3e-8)
    covariance = inverse @ inverse.T * variance
    wide = float(student.ppf(0.975, max(1.0, effective - free))) * np.sqrt(np.diag(covariance))
    aic = effective * math.log(max(square, 1e-300) / count) + 2 * (free + 1)
    aic += 2 * (free + 1) * (free + 2) / max(1.0, effective - free - 2)
    names = solved.model.names
    return KineticsFit(
        solved.model,
        dict(zip(names, (float(v) for v in row))),
        {name: (float(v - w), float(v + w)) for name, v, w in zip(names, row, wide)},
        np.asarray(covariance),
        aic,
        float(np.sqrt(np.mean((left * sigma) ** 2))),
    )
