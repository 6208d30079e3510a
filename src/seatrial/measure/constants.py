"""The loss of the best constant prediction: one answer for all examples, whatever the loss is.

It is what a network reaches that has learned nothing of its inputs, and the measure of an untrained loss and of progress.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seatrial.measure.priors import Prior, prior

# Outputs of more elements are not worked on in double precision.
MOST_DOUBLE = 2**24
# Relative change of the loss, as its gradient foretells it for an answer changed by its own size, at which it is the least.
STATIONARY = 1e-7
# Answers of at most so many numbers are polished one number at a time where the loss has kinks.
MOST_POLISHED = 16
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class BestConstant:
    """`value`: the loss. `answer`: the prediction, as the loss takes it (float64; axes that examples share have length 1).
    `how`: "fitted", or what the answer is in closed form ("class frequencies", "mean", "median", ...)."""

    value: float
    answer: Tensor
    how: str


def best_constant(
    loss: Callable[[Tensor], Tensor],
    outputs: Tensor,
    targets: Tensor | None = None,
    op: str = "",
    settings: Mapping[str, Any] | None = None,
    axes: Sequence[int] | None = None,
    form: Callable[[Tensor], Tensor] | None = None,
) -> BestConstant | None:
    """The least loss that one and the same answer for all examples reaches; None where it falls without bound.

    `loss`      a differentiable function of outputs alone, such as the tail of a recorded step: a scalar.
    `outputs`   an example of what it takes; only shape and dtype count.
    `targets`   what they are compared with. With `op`, the canonical name of torch's loss ("cross_entropy"), and its
                `settings` (keyword arguments as torch names them) the answer is known in closed form; it is
                checked against the loss itself, and fitted from there if the loss is not quite that one.
    `axes`      of outputs, along which the answer may vary. By default those of the closed form; else all but axis 0.
    `form`      makes outputs of free numbers where outputs are restricted (softmax, log_softmax, sigmoid).

    Convex losses (all that torch has) are minimised to about 1e-9 of their value by L-BFGS from several starts.
    """
    known = prior(op, tuple(outputs.shape), targets, settings or {}) if targets is not None and axes is None else None
    known = known if known is not None else _unknown(outputs, axes, form)
    dtype = torch.float64 if outputs.numel() <= MOST_DOUBLE else torch.float32
    for working in dict.fromkeys((dtype, outputs.dtype)):
        problem = _Problem(loss, outputs, known, working)
        try:
            return problem.solve(_starts(known, targets))
        except RuntimeError:  # the loss wants the dtype of its targets
            if working == outputs.dtype:
                raise
    return None


def _unknown(outputs: Tensor, axes: Sequence[int] | None, form: Callable[[Tensor], Tensor] | None) -> Prior:
    kept = {axis % outputs.ndim for axis in (range(1, outputs.ndim) if axes is None else axes)} if outputs.ndim else ()
    shape = tuple(length if axis in kept else 1 for axis, length in enumerate(outputs.shape))
    return Prior("", torch.zeros(shape, dtype=torch.float64, device=outputs.device), form or torch.clone)


def _starts(known: Prior, targets: Tensor | None) -> list[Tensor]:
    """Free numbers to begin with: the closed form, and what suits most losses."""
    starts = [known.free, torch.zeros_like(known.free)]
    if targets is not None and targets.numel() and not targets.is_complex():
        values = targets.detach().double()
        values = values[torch.isfinite(values)]
        middle, spread = values.mean(), values.std(correction=0)
        starts += [torch.full_like(known.free, float(at)) for at in (middle, middle + spread, middle - spread)]
    return starts


class _Problem:
    """The loss as a function of free numbers that all examples share."""

    def __init__(self, loss: Callable[[Tensor], Tensor], outputs: Tensor, known: Prior, dtype: torch.dtype) -> None:
        self.loss = loss
        self.shape = outputs.shape
        self.known = known
        self.dtype = dtype

    def answer(self, free: Tensor) -> Tensor:
        return self.known.form(free)

    def at(self, free: Tensor) -> Tensor:
        # A copy, so that a loss that works on its outputs in place may do so.
        return self.loss(self.answer(free).expand(self.shape).clone()).sum()

    def value(self, free: Tensor) -> float:
        with torch.no_grad():
            found = float(self.at(free))
        return found if not math.isnan(found) else math.inf

    def gradient(self, free: Tensor) -> Tensor:
        with torch.enable_grad():
            source = free.detach().clone().requires_grad_(True)
            (found,) = torch.autograd.grad(self.at(source), [source], allow_unused=True)
        return torch.zeros_like(free) if found is None else found  # pyright: ignore[reportUnnecessaryComparison]

    def solve(self, starts: list[Tensor]) -> BestConstant | None:
        starts = [start.to(self.dtype) for start in starts]
        closed = self.value(starts[0])
        if self.known.what and math.isfinite(closed) and self._stationary(starts[0], closed):
            return BestConstant(closed, self.answer(starts[0]).double(), self.known.what)
        fitted = [self._descend(start) for start in starts]
        value, best = min(((self.value(free), free) for free in fitted), key=lambda found: found[0])
        if best.numel() <= MOST_POLISHED and not self._stationary(best, value):
            best = self._polish(best)
            value = self.value(best)
        if not math.isfinite(value) or not torch.isfinite(best).all() or self._falls_on(best, value):
            return None
        if self.known.what and closed <= value + 1e-9 * max(1.0, abs(value)):
            return BestConstant(closed, self.answer(starts[0]).double(), self.known.what)
        return BestConstant(value, self.answer(best).double(), "fitted")

    def _stationary(self, free: Tensor, value: float) -> bool:
        slope = float(self.gradient(free).abs().max()) * max(1.0, float(free.abs().max()))
        return slope <= STATIONARY * max(abs(value), 1e-12)

    def _descend(self, start: Tensor) -> Tensor:
        """L-BFGS with a strong Wolfe line search (Nocedal & Wright 2006, algorithms 7.5 and 3.5)."""
        free = start.detach().clone().requires_grad_(True)
        optimizer = torch.optim.LBFGS(
            [free],
            max_iter=300,
            tolerance_grad=1e-12,
            tolerance_change=1e-14,
            history_size=20,
            line_search_fn="strong_wolfe",
        )

        def closure() -> float:
            free.grad = self.gradient(free)
            return self.value(free)

        with torch.no_grad():
            optimizer.step(closure)  # pyright: ignore[reportUnknownMemberType]
        return free.detach() if self.value(free.detach()) <= self.value(start) else start

    def _falls_on(self, free: Tensor, value: float) -> bool:
        """Whether the loss keeps falling, as fast as before, far out along its gradient: it has no least value."""
        gradient = self.gradient(free)
        slope = float(gradient.norm())
        if slope <= 1e-6 * max(abs(value), 1e-6):
            return False
        far = 1e6 * max(1.0, float(free.abs().max()))
        return self.value(free - far * gradient / slope) < value - 0.01 * slope * far

    def _polish(self, free: Tensor) -> Tensor:
        """Golden-section search along each number in turn (Kiefer 1953), for losses with kinks."""
        best = free.clone()
        for place in range(2 * best.numel()):
            at = place % best.numel()
            width = 1.0 + float(best.abs().max())
            low, high = float(best.view(-1)[at]) - width, float(best.view(-1)[at]) + width
            found = _with(best, at, _least(self._along(best, at), low, high))
            best = found if self.value(found) < self.value(best) else best
        return best

    def _along(self, free: Tensor, at: int) -> Callable[[float], float]:
        return lambda number: self.value(_with(free, at, number))


def _with(free: Tensor, at: int, number: float) -> Tensor:
    changed = free.clone()
    changed.view(-1)[at] = number
    return changed


def _least(function: Callable[[float], float], low: float, high: float, steps: int = 60) -> float:
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    values = [function(at) for at in inner]
    for _ in range(steps):
        if values[0] <= values[1]:
            high, inner, values = inner[1], [0.0, inner[0]], [0.0, values[0]]
            inner[0] = high - _GOLDEN * (high - low)
            values[0] = function(inner[0])
        else:
            low, inner, values = inner[0], [inner[1], 0.0], [values[1], 0.0]
            inner[1] = low + _GOLDEN * (high - low)
            values[1] = function(inner[1])
    return inner[0] if values[0] <= values[1] else inner[1]
