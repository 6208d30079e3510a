"""Evaluates a function at many points that differ from a base point in one element: batched by `vmap` where that gives the
same values as calling it one by one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.func import vmap
from torch.utils._python_dispatch import TorchDispatchMode

from seatrial.trials.gradients.conditions import RandomState, by_forward
from seatrial.trials.gradients.single import Moved, Uses

Values = list[torch.Tensor]
Function = Callable[[Values], tuple[torch.Tensor, ...]]

# Memory for all results of one batch of evaluations added up. Not more than a part of it is held at a time.
BATCH_BYTES = 128 * 2**20
MOST_ROWS = 2048
# Batched kernels add up in another order than single ones do.
ROUNDING = 1e-9


class NotCheckable(Exception):
    """The gradients of this function cannot be checked; the message says why."""


class OutOfTime(NotCheckable):
    """More evaluations were needed than time allowed."""


class Evaluator:
    """A scalar function of float64 tensors near one point, `sum(weight * output)` over all outputs.

    Args:
        function: gives its floating outputs. It may draw random numbers (the same ones each time).
        values: the base point.
        weights: of the outputs; by default 1 for a scalar, else fixed random numbers of either sign.
        end: the moment (of time.thread_time) after which `near` evaluates no more.
    Raises:
        OutOfTime: by `near`.
        NotCheckable: where two evaluations at the base point differ, or it is not finite.
    """

    def __init__(
        self,
        function: Function,
        values: Values,
        state: RandomState,
        weights: list[torch.Tensor] | None = None,
        end: float = math.inf,
    ) -> None:
        self.function = function
        self.end = end
        self.values = [value.detach() for value in values]
        self.state = state
        copies = [value.clone() for value in self.values]
        with _Counting() as counting, Uses(copies) as uses, torch.no_grad(), by_forward():
            self.state.restore()
            outputs = function(copies)
        self._matrices = uses.weights
        self.bytes = counting.bytes
        self.weights = weights if weights is not None else projection(outputs)
        self.outputs = [output.detach() for output in outputs]
        self.base = float(weighted(self.weights, outputs))
        self.magnitude = sum(float((w * o.detach()).abs().sum()) for w, o in zip(self.weights, outputs, strict=True))
        if not torch.isfinite(torch.tensor(self.base)):
            raise NotCheckable("its value is not finite")
        if self.at(self.values) != self.base:
            raise NotCheckable("two evaluations at the same point differ, and not by torch's random numbers")
        self._batched: dict[int, bool] = {}

    def _outputs(self, values: Values) -> tuple[torch.Tensor, ...]:
        self.state.restore()
        return self.function([value.clone() for value in values])

    def at(self, values: Values) -> float:
        """The value at one point."""
        with torch.no_grad(), by_forward():
            return float(weighted(self.weights, self._outputs(values)))

    def gradients(self, wanted: list[int], weights: list[torch.Tensor] | None = None) -> list[torch.Tensor | None]:
        """The analytic gradients with respect to some of the values (None: no path leads there)."""
        leaves = [value.clone() for value in self.values]
        for number in wanted:
            leaves[number].requires_grad_(True)
        with torch.enable_grad():
            outputs = self._outputs(leaves)
            total = weighted(weights or self.weights, outputs)
        if not total.requires_grad:
            return [None for _ in wanted]
        found: Any = torch.autograd.grad(total, [leaves[number] for number in wanted], allow_unused=True)
        return [None if each is None else each.detach() for each in found]

    def near(self, leaf: int, elements: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """The values at points whose element `elements[k]` (flat) of one leaf is moved by `offsets[k]`; shape (K,)."""
        if not self._batched.get(leaf, True):
            return self._one_by_one(leaf, elements, offsets)
        own = 0 if leaf in self._matrices else self.values[leaf].nbytes
        rows = max(8, min(MOST_ROWS, BATCH_BYTES // max(1, self.bytes + own)))
        found: list[torch.Tensor] = []
        for element, offset in zip(elements.split(rows), offsets.split(rows), strict=True):
            self._hurry()
            if leaf not in self._batched:
                found += [self._tried(leaf, element, offset)]
            elif self._batched[leaf]:
                found += [self._batch(leaf, element, offset)]
            else:
                found += [self._one_by_one(leaf, element, offset)]
        return torch.cat(found)

    def moved(self, leaf: int, element: int, offset: float) -> Values:
        """The base point with one element moved."""
        values = list(self.values)
        flat = values[leaf].reshape(-1).clone()
        flat[element] += offset
        values[leaf] = flat.reshape(values[leaf].shape)
        return values

    def _one_by_one(self, leaf: int, elements: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        found = torch.empty(len(elements), dtype=torch.float64)
        pairs = zip(elements.tolist(), offsets.tolist(), strict=True)
        for row, (element, offset) in enumerate(pairs):
            self._hurry()
            try:
                found[row] = self.at(self.moved(leaf, element, offset))
            except (RuntimeError, ValueError):  # outside of the domain
                found[row] = torch.nan
        return found

    def _hurry(self) -> None:
        if time.thread_time() > self.end:
            raise OutOfTime("its evaluations take too long")

    def _batch(self, leaf: int, elements: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        self.state.restore()
        with torch.no_grad(), by_forward():
            if leaf in self._matrices:
                return self._batch_of_matrices(leaf, elements, offsets)
            count = len(elements)
            batch = self.values[leaf].reshape(-1).repeat(count, 1)
            batch[torch.arange(count), elements] += offsets
            return vmap(partial(self._with, leaf), randomness="same")(batch.reshape(count, *self.values[leaf].shape))

    def _with(self, leaf: int, value: torch.Tensor) -> torch.Tensor:
        values = [each.clone() for each in self.values]
        values[leaf] = value
        return weighted(self.weights, self.function(values)).to(torch.float64)

    def _batch_of_matrices(self, leaf: int, elements: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        matrix = self.values[leaf].clone()
        units, columns = torch.unravel_index(elements, matrix.shape)
        unit = torch.zeros(len(elements), len(matrix), dtype=torch.float64)
        unit[torch.arange(len(elements)), units] = offsets

        def row(unit: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
            with Moved(matrix, unit, column):
                return self._with(leaf, matrix)

        return vmap(row, randomness="same")(unit, columns.unsqueeze(1))

    def _tried(self, leaf: int, elements: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """A first batch, of which one value has to be that of a single call, with the same random numbers."""
        some = slice(len(elements) // 2, len(elements) // 2 + 1)
        single = self._one_by_one(leaf, elements[some], offsets[some])
        try:
            found = self._batch(leaf, elements, offsets)
        except Exception:
            found = torch.full_like(offsets, torch.nan)
        self._batched[leaf] = bool((found[some] - single).abs() <= ROUNDING * max(self.magnitude, 1e-300))
        return found if self._batched[leaf] else self._one_by_one(leaf, elements, offsets)


def on_cpu(function: Function, values: Values) -> tuple[Function, Values]:
    """A function of tensors on other devices, and its values, as one of tensors on the CPU: all that is reckoned about its
    values is reckoned there."""
    devices = [value.device for value in values]
    if all(device.type == "cpu" for device in devices):
        return function, values

    def moved(values: Values) -> tuple[torch.Tensor, ...]:
        there = [value.to(device) for value, device in zip(values, devices, strict=True)]
        return tuple(output.cpu() for output in function(there))

    return moved, [value.cpu() for value in values]


def weighted(weights: list[torch.Tensor], outputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The outputs' weighted sum."""
    parts = [(weight * output).sum() for weight, output in zip(weights, outputs, strict=True)]
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum()


def projection(outputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """Weights of outputs that make one number of them: none of them small, none equal, of either sign; 1 for a scalar."""
    generator = torch.Generator().manual_seed(20)
    if len(outputs) == 1 and outputs[0].numel() == 1:
        return [torch.ones_like(outputs[0].detach(), dtype=torch.float64)]
    weights: list[torch.Tensor] = []
    for output in outputs:
        size = 0.5 + torch.rand(output.shape, generator=generator, dtype=torch.float64)
        sign = torch.randint(2, output.shape, generator=generator, dtype=torch.float64) * 2 - 1
        weights.append(size * sign)
    return weights


class _Counting(TorchDispatchMode):
    """Adds up the memory of what is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(part, torch.Tensor):
                self.bytes += part.numel() * part.element_size()
        return result
