"""Central differences of every element of a tensor, with an error bar for each.

Step sizes follow Press et al., Numerical Recipes, section 5.7: (relative rounding)^(1/3) times the scale of the argument.
The rounding error of the function itself is estimated from a table of differences (Moré and Wild, Estimating Computational
Noise, SIAM J. Sci. Comput. 33, 2011); what a step is too long for shows in two step sizes (Richardson extrapolation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from seatrial.trials.gradients.evaluation import Evaluator

EPSILON = torch.finfo(torch.float64).eps
# Spacing of the points at which noise is measured, relative to the values: so small that a smooth function's third
# differences vanish beside rounding, and no smaller than float32's rounding, which some functions have inside.
_SPACING = 3e-8
_POINTS = 9
# Of the rounding error's standard deviation, so many count as its bound: ten thousands of differences are looked at.
_DEVIATIONS = 6.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Numerical derivatives and bounds of their errors, one a looked-at element; `step` is what each was moved by."""

    value: torch.Tensor
    error: torch.Tensor
    step: torch.Tensor


class Differences:
    """Central differences of an evaluator's function."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.noise = _noise(evaluator)
        self.relative_noise = self.noise / max(evaluator.magnitude, 1e-300)

    def steps(self, leaf: int) -> torch.Tensor:
        """A step for every element: scaled by its size, or by the tensor's where that is larger. Shape (numel,)."""
        values = self.evaluator.values[leaf].reshape(-1)
        scale = float(values.square().mean().sqrt()) or 1.0
        return max(EPSILON, self.relative_noise) ** (1 / 3) * values.abs().clamp(min=scale)

    def once(self, leaf: int, elements: torch.Tensor, steps: torch.Tensor) -> Difference:
        """With one step size: the error is that of rounding alone."""
        values = self.evaluator.values[leaf].reshape(-1)[elements]
        up, down = (values + steps) - values, (values - steps) - values
        both = self.evaluator.near(leaf, torch.cat([elements, elements]), torch.cat([up, down]))
        above, below = both.chunk(2)
        width = up - down
        return Difference((above - below) / width, _DEVIATIONS * math.sqrt(2) * self.noise / width, steps)

    def twice(self, leaf: int, elements: torch.Tensor, steps: torch.Tensor) -> Difference:
        """With steps h and 2h, extrapolated to h = 0; the error is what the two disagree by, and rounding."""
        near, far = self.once(leaf, elements, steps), self.once(leaf, elements, 2 * steps)
        value = (4 * near.value - far.value) / 3
        return Difference(value, (near.value - far.value).abs() / 3 + 2 * near.error, steps)


def _noise(evaluator: Evaluator) -> float:
    """The standard deviation of the function's rounding error near the base point."""
    generator = torch.Generator().manual_seed(7)
    found = sorted(noise for _ in range(3) if math.isfinite(noise := _noise_along(evaluator, generator)))
    return max(
        found[len(found) // 2] if found else 0.0, EPSILON / 4 * evaluator.magnitude / math.sqrt(_terms(evaluator))
    )


def _terms(evaluator: Evaluator) -> int:
    return max(1, sum(weight.numel() for weight in evaluator.weights))


def _noise_along(evaluator: Evaluator, generator: torch.Generator) -> float:
    def moved(value: torch.Tensor, along: torch.Tensor | None, steps: int) -> torch.Tensor:
        return value if along is None else value + steps * _SPACING * along

    directions = [
        value * torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if value.is_floating_point()
        else None
        for value in evaluator.values
    ]
    pairs = list(zip(evaluator.values, directions, strict=True))
    points = [evaluator.at([moved(value, along, steps) for value, along in pairs]) for steps in range(_POINTS)]
    table = torch.tensor(points, dtype=torch.float64)
    levels: list[float] = []
    for order in range(1, 6):
        table = table[1:] - table[:-1]
        share = math.factorial(order) ** 2 / math.factorial(2 * order)
        levels.append(math.sqrt(share * float(table.square().mean())))
    return sorted(levels[2:])[1]
