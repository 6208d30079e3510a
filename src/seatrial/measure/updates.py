"""How large an update should be, relative to its weights, by the optimizer's settings. Numbers only, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Gradients that are weighted by less than this share of the newest one no longer count.
_FORGOTTEN = 1e-6
_MOST_TERMS = 5000


@dataclass(frozen=True, slots=True)
class Expected:
    """Update over weights (norms). `low`: gradients of successive steps have nothing in common, `high`: they all point the
    same way. `equilibrium`: where the ratio of weights whose scale does not matter (those before a normalisation) settles
    under weight decay; nan without decay."""

    low: float
    high: float
    equilibrium: float


def expected(
    kind: str,
    settings: Mapping[str, float],
    *,
    gradient_norm: float,
    weight_norm: float,
    size: int,
    step: int,
) -> Expected | None:
    """The ratio of update to weights that an optimizer should give.

    An update is a weighted sum of the gradients so far, u = sum_k c_k g_(t-k). If all have the length |g|, then |u| is
    |g| sqrt(sum c_k^2) where they are uncorrelated and |g| sum |c_k| where they are parallel:

    - SGD: c_k = rate (1 - dampening) momentum^k, so after many steps rate |g| / sqrt(1 - momentum^2) to
      rate |g| / (1 - momentum). Nesterov's adds momentum times that to the newest gradient.
    - Adam, AdamW: c_k = rate (1 - beta1) beta1^k / (1 - beta1^t), of gradients that were divided by their root mean square,
      so that each element has the size 1 and |g| is sqrt(size). So rate sqrt(size (1 - beta1) / (1 + beta1)) to
      rate sqrt(size); with the first step both are rate sqrt(size). `eps` makes it smaller by r / (r + eps), where r is the
      root mean square of the gradient.
    - RMSprop: as Adam's with momentum^k, divided by a running mean square that begins at 0 and is not corrected for it.

    Decoupled decay adds rate * decay * |w|: at a right angle in `low`, in the same direction in `high`. Decay that is part
    of SGD's gradient adds that times sum |c_k| / rate.

    In equilibrium a step's decay takes as much length from the weights as its gradient adds at a right angle:
    sqrt(2 rate decay / (1 + momentum)) for SGD and sqrt(2 rate decay (1 - beta1) / (1 + beta1)) for AdamW (van Laarhoven,
    *L2 Regularization versus Batch and Weight Normalization*, 2017; Kosson, Messmer and Jaggi, *Rotational Equilibrium*,
    2023, table 1).

    Args:
        kind: class of the optimizer: SGD, Adam, AdamW or RMSprop.
        settings: of the param group, named as by torch, but for betas: `beta1`, `beta2`.
        gradient_norm, weight_norm: Euclidean norms of one parameter's gradient and of its weights.
        size: number of its elements that have a gradient.
        step: number of the optimizer's step, from 1.

    Returns None for other optimizers, and where there is no weight to compare with.
    """
    rate, decay = settings.get("lr", math.nan), settings.get("weight_decay", 0.0)
    if not (weight_norm > 0 and math.isfinite(weight_norm) and rate >= 0):
        return None
    found = _parts(kind, settings, gradient_norm, size, step)
    if found is None:
        return None
    length, weights, decoupled = found
    low, high = rate * length * math.hypot(*weights), rate * length * math.fsum(map(abs, weights))
    shrinking = rate * decay * weight_norm
    if kind == "SGD":
        shrinking *= math.fsum(weights)
    elif not decoupled:
        shrinking = 0.0  # it is part of the gradient, whose length does not matter
    low, high = math.hypot(low, shrinking) / weight_norm, (high + shrinking) / weight_norm
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    return Expected(low, high, _equilibrium(kind, settings, rate * decay, decoupled))


def _parts(
    kind: str, settings: Mapping[str, float], gradient_norm: float, size: int, step: int
) -> tuple[float, list[float], bool] | None:
    """The length of one gradient as the optimizer sees it, the weights of gradients from the newest on (without the rate),
    and whether its decay is decoupled."""
    if kind == "SGD":
        return gradient_norm, _of_sgd(settings, step), False
    root = gradient_norm / math.sqrt(size) if size else 0.0
    seen = root / (root + settings.get("eps", 1e-8)) if root > 0 else 0.0
    length = math.sqrt(size) * seen
    if kind in ("Adam", "AdamW"):
        beta = settings.get("beta1", 0.9)
        weights = [(1 - beta) * part / (1 - beta**step) for part in _powers(beta, step)]
        return length, weights, kind == "AdamW" or bool(settings.get("decoupled_weight_decay"))
    if kind == "RMSprop" and not settings.get("centered"):
        alpha = settings.get("alpha", 0.99)
        powers = _powers(settings.get("momentum", 0.0), step)
        return length, [part / math.sqrt(1 - alpha ** (step - at)) for at, part in enumerate(powers)], False
    return None


def _of_sgd(settings: Mapping[str, float], step: int) -> list[float]:
    momentum, dampening = settings.get("momentum", 0.0), settings.get("dampening", 0.0)
    weights = [(1 - dampening) * part for part in _powers(momentum, step)]
    if len(weights) == step:  # torch's buffer begins as the first gradient, undampened
        weights[-1] = momentum ** (step - 1)
    if not settings.get("nesterov"):
        return weights if momentum else [1.0]
    first, *older = (momentum * part for part in weights)
    return [1 + first, *older]


def _powers(base: float, step: int) -> list[float]:
    found = [1.0]
    while len(found) < min(step, _MOST_TERMS) and found[-1] * base > _FORGOTTEN:
        found.append(found[-1] * base)
    return found


def _equilibrium(kind: str, settings: Mapping[str, float], product: float, decoupled: bool) -> float:
    if not product > 0:
        return math.nan
    if kind == "SGD" and not settings.get("nesterov") and not settings.get("dampening"):
        return math.sqrt(2 * product / (1 + settings.get("momentum", 0.0)))
    if decoupled:
        beta = settings.get("beta1", 0.9)
        return math.sqrt(2 * product * (1 - beta) / (1 + beta))
    return math.nan
