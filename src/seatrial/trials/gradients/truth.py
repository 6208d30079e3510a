"""The true gradient of a function whose backward pass is doubted: autograd through its forward pass, with nothing cut off, and
with single paths cut off on purpose."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from seatrial.trials.gradients.conditions import Reattached, Unpadded, by_forward
from seatrial.trials.gradients.evaluation import Evaluator

_MOST_PATHS = 200


class Truth:
    """Gradients by autograd through the forward passes of custom functions. Each is None where that cannot be done."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.outputs = evaluator.outputs

    def scaled(self, leaf: int, factor: float) -> torch.Tensor | None:
        """The gradient as it is, for an incoming gradient that is so many times as large."""
        return self._gradient(leaf, [weight * factor for weight in self.evaluator.weights])

    def reattached(self, leaf: int) -> torch.Tensor | None:
        """With `detach`, `.data` and `no_grad` without effect, and custom functions as they are."""
        with Reattached():
            return self._gradient(leaf)

    def by_forward(self, leaf: int) -> torch.Tensor | None:
        """With custom functions by their forward pass."""
        with by_forward():
            return self._gradient(leaf)

    def unpadded(self, leaf: int) -> torch.Tensor | None:
        """With a gradient for the padding rows of embeddings."""
        with Unpadded():
            return self._gradient(leaf)

    def gradient(self, leaf: int, output: int, mask: torch.Tensor) -> torch.Tensor | None:
        """Of a part of one output alone (where `mask` is 1)."""
        weights = [weight * (mask if i == output else 0.0) for i, weight in enumerate(self.evaluator.weights)]
        with by_forward():
            return self._gradient(leaf, weights)

    def without_paths(self, leaf: int) -> Iterator[tuple[str, torch.Tensor]]:
        """The gradient without that of one argument of one call in the forward passes, for each such argument, then without
        that of two; with the names of the calls."""
        first = Cut()
        with by_forward(), first:
            self._gradient(leaf)
        numbers = range(len(first.names))
        pairs = itertools.chain(itertools.combinations(numbers, 1), itertools.combinations(numbers, 2))
        for cut_off in itertools.islice(pairs, _MOST_PATHS):
            if time.thread_time() > self.evaluator.end:
                return
            with by_forward(), Cut(*cut_off):
                whole = self._gradient(leaf)
            if whole is not None:
                yield " and ".join(dict.fromkeys(f"'{first.names[number]}'" for number in cut_off)), whole

    def _gradient(self, leaf: int, weights: list[torch.Tensor] | None = None) -> torch.Tensor | None:
        try:
            found = self.evaluator.gradients([leaf], weights=weights)[0]
        except Exception:
            return None
        return torch.zeros_like(self.evaluator.values[leaf]) if found is None else found


class Cut(TorchFunctionMode):
    """Detaches some of the differentiable arguments of all calls, counted in order; `names` are those of the calls."""

    def __init__(self, *cut_off: int) -> None:
        super().__init__()
        self.cut_off = cut_off
        self.names: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name != "__get__" and torch.is_grad_enabled():
            args = tuple(self._cut(value, name) for value in args)
        return func(*args, **(kwargs or {}))

    def _cut(self, value: Any, name: str) -> Any:
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            return value
        self.names.append(name.strip("_"))
        return value.detach() if len(self.names) - 1 in self.cut_off else value
