"""The learning rate: a range test on forks from the recorded step, and the curvature of the loss there.

L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3 (range test). The limit of stability
of gradient descent with momentum on a quadratic is 2 (1 + momentum) / curvature (Polyak 1964; J. Cohen et al., "Gradient Descent
on Neural Networks Typically Occurs at the Edge of Stability", ICLR 2021, equation 1).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import torch

from seatrial.events import RateSwept
from seatrial.findings import Mend
from seatrial.numbers import decimal
from seatrial.step.generators import unmoved
from seatrial.step.replay import NotReplayable
from seatrial.trials.fork import Fork, Forward
from seatrial.trials.plan import Plan

SEEDS = 2
STEPS = 60
FEWEST_STEPS = 24
# The sweep goes from this factor of the script's highest rate to its inverse.
LOWEST = 1e-3
ITERATIONS = 12


def swept(plan: Plan, seconds: float, tell: Callable[[str], None]) -> Iterator[RateSwept]:
    """Sweep the learning rate within some seconds.

    Raises:
        NotReplayable: the training cannot be forked, or there is too little time.
    """
    tell("a range of learning rates")
    used = max(plan.highest_rate(at) for at in range(len(plan.groups)))
    if not used > 0:
        raise NotReplayable(f"the script's learning rate is {decimal(used)}")
    fork = Fork(plan)
    fork.train(1)
    start = time.thread_time()
    fork.train(1)
    steps = min(STEPS, int(seconds / (SEEDS * max(time.thread_time() - start, 1e-6))))
    if steps < FEWEST_STEPS:
        raise NotReplayable(f"{FEWEST_STEPS} steps would take too long")
    factors = [LOWEST ** (1 - 2 * at / (steps - 1)) for at in range(steps)]
    curves = [_sweep(plan, factors, seed) for seed in range(SEEDS)]
    losses = tuple(median(each) for each in zip(*curves, strict=True))
    curvature = largest_curvature(plan)
    yield RateSwept(
        plan.step.seen.call,
        tuple(plan.highest_rate(0) * factor for factor in factors),
        losses,
        SEEDS,
        used,
        curvature,
        limit_of_stability(plan.optimizer, plan.groups[0].settings, curvature),
    )


def _sweep(plan: Plan, factors: list[float], seed: int) -> list[float]:
    fork = Fork(plan, Mend("", steady=True, clears=True, steps=True), seed)
    losses = fork.train(len(factors), factors=factors)[: len(factors)]
    return [*losses, *[math.inf] * (len(factors) - len(losses))]


def limit_of_stability(optimizer: type[Any], settings: Mapping[str, Any], curvature: float) -> float:
    """The largest stable rate of gradient descent with momentum on a quadratic; nan for optimizers that scale gradients.

    With Nesterov's momentum it is smaller by 1 / (1 + 2 momentum) (Cohen et al. 2021, equation 1)."""
    if optimizer is not torch.optim.SGD or not curvature > 0:
        return math.nan
    momentum = float(settings.get("momentum") or 0.0)
    limit = 2 * (1 + momentum) / curvature
    return limit / (1 + 2 * momentum) if settings.get("nesterov") else limit


def largest_curvature(plan: Plan) -> float:
    """The largest eigenvalue, by size, of the Hessian of the recorded loss with respect to all parameters: power iteration on
    Hessian-vector products (Pearlmutter 1994). nan where the loss cannot be differentiated twice."""
    forward = Forward(plan)
    values = forward.start()
    learned = [
        value
        for leaf, value in zip(forward.step.leaves, values, strict=True)
        if leaf.state == "parameter" and value.requires_grad
    ]
    try:
        with unmoved(), torch.enable_grad():
            torch.manual_seed(0)
            return power_iteration(forward.loss(values, 0), learned)
    except (RuntimeError, NotImplementedError):  # an operation without a second derivative
        return math.nan


def power_iteration(loss: torch.Tensor, learned: Sequence[torch.Tensor]) -> float:
    """The largest eigenvalue, by size, of the Hessian of a loss with respect to what is learned; nan where it depends on nothing."""
    gradients = torch.autograd.grad(loss, learned, create_graph=True, allow_unused=True)
    pairs = [(g, p) for g, p in zip(gradients, learned, strict=True) if g is not None and g.requires_grad]  # pyright: ignore[reportUnnecessaryComparison]
    if not pairs:
        return math.nan
    found = math.nan
    direction = [torch.randn_like(parameter) for _, parameter in pairs]
    for _ in range(ITERATIONS):
        size = math.sqrt(sum(float(part.square().sum()) for part in direction))
        if not size > 0 or not math.isfinite(size):
            return 0.0 if size == 0 else math.nan
        direction = [part / size for part in direction]
        along = torch.stack([(g * part).sum() for (g, _), part in zip(pairs, direction, strict=True)]).sum()
        products = torch.autograd.grad(along, [p for _, p in pairs], retain_graph=True, allow_unused=True)
        next_direction = [
            torch.zeros_like(part) if product is None else product  # pyright: ignore[reportUnnecessaryComparison]
            for part, product in zip(direction, products, strict=True)
        ]
        found = sum(float((a * b).sum()) for a, b in zip(direction, next_direction, strict=True))
        direction = next_direction
    return found
