"""A range test's curves read: losses of several seeds over growing learning rates, smoothed and differentiated by log rate.

Smoothing is a local quadratic regression in the logarithm of the rate (W. S. Cleveland, "Robust Locally Weighted Regression and
Smoothing Scatterplots", JASA 1979; the quadratic term removes the bias that a running mean has where a curve bends, J. Fan &
I. Gijbels, "Local Polynomial Modelling", 1996, section 3.1). It knows the noise: steps at which the seeds lie far apart count
less, single spikes next to nothing, and the width of the window is the one that generalised cross-validation chooses
(P. Craven & G. Wahba, 1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# Widths of the window as shares of the range: from a few steps to nearly a line.
WIDTHS = (0.1, 0.15, 0.22, 0.33, 0.5)
# A window holds at least so many steps, or three numbers would be fitted to less.
FEWEST_IN_WINDOW = 7
FEWEST_STEPS = 12
# A range that begins within this factor of the edge shows too little of what lies below it.
NEAR_EDGE = 30.0
# Residuals beyond so many (robust) standard deviations count nothing (Cleveland 1979, section 2).
OUTLIER = 6.0
PASSES = 2
# Noise reaches this many of its median steps above the start: up to there losses are taken as they are.
ABOVE_NOISE = 25.0
ROBUST_WIDTH = 0.15
# Redrawn curves of the bootstrap, and the share of them that a band holds.
DRAWS = 200
BAND = 0.9
# A difference of so many standard errors is one: the lowest of some dozen independent points is looked for, by a width of the
# window that was chosen for this curve, so that three would not do.
SURE = 5.0


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A curve over `rates` (n,): its `value`, its `slope` per factor e of the rate, and the standard `error` of the value,
    all (n,). `matrix` (n, n) makes the values of losses, `slopes` (n, n) the slopes."""

    rates: Floats
    value: Floats
    slope: Floats
    error: Floats
    matrix: Floats
    slopes: Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """What a range test shows.

    falls    whether the loss falls at all, beyond the noise.
    onset    the rate at which it begins to: a tenth of the fall is done.
    steepest the rate at which it falls most per factor of the rate.
    lowest   the rate at which it is lowest.
    edge     the lowest rate from which on it is lost: above where it began, or not finite; inf where it never is.
    low, high  of the band of `lowest`, from redrawn curves. All nan but `edge` where the loss does not fall.
    begins_high, ends_low  whether the range begins near the edge already, or ends before it.
    """

    falls: bool
    onset: float
    steepest: float
    lowest: float
    edge: float
    low: float
    high: float
    begins_high: bool
    ends_low: bool


NOTHING = Reading(False, np.nan, np.nan, np.nan, np.inf, np.nan, np.nan, False, False)


def reading(rates: Floats, losses: Floats) -> Reading:
    """Read a range test.

    Args:
        rates: (steps,), growing by a constant factor.
        losses: (seeds, steps); a seed that broke has inf or nan from there.
    """
    kept = _kept(losses)
    edge = float(rates[kept]) if kept < len(rates) else np.inf
    if kept < FEWEST_STEPS:
        return Reading(False, np.nan, np.nan, np.nan, edge, np.nan, np.nan, kept < len(rates), kept == len(rates))
    seen = _without_cliff(losses[:, :kept])
    curve = smoothed(rates[:kept], seen)
    lowest = int(np.argmin(curve.value))
    start = float(curve.value[0])
    fall = start - float(curve.value[lowest])
    falls = fall > SURE * float(np.hypot(curve.error[0], curve.error[lowest]))
    rise = curve.value - start > np.maximum(SURE * np.hypot(curve.error, curve.error[0]), 0.5 * fall)
    after = np.flatnonzero(rise & (np.arange(kept) > (lowest if falls else 0)))
    if len(after):
        edge = min(edge, float(rates[after[0]]))
    if not falls:
        near = bool(edge < NEAR_EDGE * rates[0])
        return Reading(False, np.nan, np.nan, np.nan, edge, np.nan, np.nan, near, not np.isfinite(edge))
    onset = int(np.argmax(curve.value < start - 0.1 * fall))
    steepest = int(np.argmin(curve.slope[: lowest + 1]))
    low, high = _band(curve, seen)
    return Reading(
        True,
        float(rates[onset]),
        float(rates[steepest]),
        float(rates[lowest]),
        edge,
        low,
        high,
        begins_high=bool(edge < NEAR_EDGE * rates[0]),
        ends_low=not np.isfinite(edge),
    )


def smoothed(rates: Floats, losses: Floats) -> Smoothed:
    """The curve that several seeds have in common.

    Args:
        rates: (steps,), losses: (seeds, steps), finite; at least FEWEST_STEPS steps.
    """
    x = np.log(rates)
    apart = np.median(
        losses - np.median(losses, axis=0), axis=1, keepdims=True
    )  # of each seed from what all have in common
    middle = np.median(losses - apart, axis=0)
    trust = _trust(losses)
    weights = _without_spikes(x, middle, trust)
    fits = [_matrices(x, weights, width) for width in WIDTHS]
    matrix, slopes = min(fits, key=lambda fit: _cross_validation(middle, fit[0], weights))
    # Noise is what is left, at each step as large as its trust says; corrected for what the fit took with it.
    left = np.abs(middle - matrix @ middle) * np.sqrt(trust)
    scale = 1.4826 * float(np.median(left)) / np.sqrt(max(1 - float(np.trace(matrix)) / len(x), 0.1))
    error = np.sqrt((matrix**2) @ (scale**2 / trust))
    return Smoothed(rates, matrix @ middle, slopes @ middle, error, matrix, slopes)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _kept(losses: Floats) -> int:
    """The steps until a seed is not finite, or half of them are so far above their start that they do not return."""
    first = losses[:, :1]
    with np.errstate(invalid="ignore"):
        away = losses - first > 10 * np.maximum(first - np.fmin.accumulate(losses, axis=1), np.abs(first) + 1e-12)
    lost = ~np.isfinite(losses) | away
    # A spike is one step; what is lost stays lost.
    stays = lost & np.concatenate([lost[:, 1:], lost[:, -1:]], axis=1)
    gone = (np.mean(np.logical_or.accumulate(stays, axis=1), axis=0) >= 0.5) | ~np.isfinite(losses).all(axis=0)
    return int(np.argmax(gone)) if gone.any() else losses.shape[1]


def _without_cliff(losses: Floats) -> Floats:
    """The losses, with what lies above their start on a logarithmic scale, in units of the fall.

    A loss that breaks away grows exponentially within a few steps. As it is, the cliff rules every fit near it, and the curve
    swings below its valley just before; by how much it is above the start says nothing more than that it is.
    """
    start = np.median(losses[:, : FEWEST_IN_WINDOW // 2], axis=1, keepdims=True)
    common = np.median(losses - start, axis=0)
    window = np.lib.stride_tricks.sliding_window_view(common, FEWEST_IN_WINDOW)
    noise = float(np.median(np.abs(np.diff(common))))
    scale = max(-float(np.median(window, axis=1).min()), ABOVE_NOISE * noise, 1e-12)
    above = np.maximum(losses - start, 0.0)
    return np.minimum(losses, start) + scale * np.log1p(above / scale)


def _trust(losses: Floats) -> Floats:
    """Weights of the steps by how far the seeds lie apart there, averaged over neighbours; 1 where there is one seed."""
    seeds, steps = losses.shape
    if seeds == 1:
        return np.ones(steps)
    centred = losses - np.median(losses, axis=1, keepdims=True)
    spread = np.abs(centred - np.median(centred, axis=0)).mean(axis=0)
    spread = np.minimum(spread, OUTLIER * np.median(spread) + 1e-300)
    reach = max(3, steps // 8)
    padded = np.pad(spread, reach, mode="reflect")
    local = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    usual = float(np.median(local)) or 1.0
    return 1.0 / np.maximum(local / usual, 0.3) ** 2


def _without_spikes(x: Floats, y: Floats, trust: Floats) -> Floats:
    """The trust, less where a step lies far off the curve (bisquare weights)."""
    robust = np.ones_like(y)
    for _ in range(PASSES):
        matrix, _ = _matrices(x, trust * robust, ROBUST_WIDTH)
        residual = (y - matrix @ y) * np.sqrt(trust)
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-9 * float(np.ptp(y)) + 1e-300
        robust = np.maximum(np.clip(1 - (residual / (OUTLIER * scale)) ** 2, 0.0, 1.0) ** 2, 1e-9)
    return trust * robust


def _matrices(x: Floats, weights: Floats, width: float) -> tuple[Floats, Floats]:
    """The linear maps from losses to the values and the slopes of local quadratics, both (n, n)."""
    apart = x[None, :] - x[:, None]
    nearest = np.sort(np.abs(apart), axis=1)[:, min(FEWEST_IN_WINDOW, len(x) - 1)]
    reach = np.maximum(width * (x[-1] - x[0]), nearest * 1.01)[:, None]
    kernel = np.clip(1 - np.abs(apart / reach) ** 3, 0.0, None) ** 3 * weights[None, :]
    scaled = apart / reach
    design = np.stack([np.ones_like(scaled), scaled, scaled**2], axis=2)  # (n, n, 3)
    moments = np.einsum("ijk,ij,ijl->ikl", design, kernel, design)
    moments += 1e-12 * np.trace(moments, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    solved = np.linalg.solve(moments, np.swapaxes(design * kernel[:, :, None], 1, 2))  # (n, 3, n)
    return solved[:, 0, :], solved[:, 1, :] / reach


def _cross_validation(y: Floats, matrix: Floats, weights: Floats) -> float:
    left = 1 - float(np.trace(matrix)) / len(y)
    return float(np.average((y - matrix @ y) ** 2, weights=weights)) / max(left, 1e-3) ** 2


def _band(curve: Smoothed, losses: Floats) -> tuple[float, float]:
    """The middle BAND of the lowest points of redrawn curves: seeds drawn with replacement, residuals with random signs
    (the wild bootstrap, C. F. J. Wu, 1986)."""
    draw = np.random.default_rng(0)
    centred = losses - losses.mean(axis=1, keepdims=True) + float(losses.mean())
    limits = np.median(np.abs(centred - curve.value), axis=0) * OUTLIER + 1e-12
    residuals = np.clip(centred - curve.value, -limits, limits)
    seeds, steps = losses.shape
    picked = draw.integers(0, seeds, (DRAWS, seeds))
    signs = draw.choice(np.array([-1.0, 1.0]), (DRAWS, seeds, steps))
    redrawn = curve.value + (residuals[picked] * signs).mean(axis=1) * np.sqrt(seeds / max(seeds - 1, 1))
    lowest = (redrawn @ curve.matrix.T).argmin(axis=1)
    low, high = np.quantile(np.log(curve.rates[lowest]), [(1 - BAND) / 2, (1 + BAND) / 2])
    return float(np.exp(low)), float(np.exp(high))
