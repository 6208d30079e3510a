"""Metrics over a whole data set: functions of a batch, averaged, or torchmetrics, which gather it themselves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch


class Gathered:
    """One metric over batch after batch. A function's values are averaged, weighted by the examples of their batches; a
    torchmetrics object is copied, so that the user's own stays as it was."""

    def __init__(self, metric: Callable[..., Any]) -> None:
        self._whole = copy.deepcopy(metric) if is_gathering(metric) else None
        self._metric = metric
        self._sum = 0.0
        self._examples = 0

    def add(self, output: Any, targets: tuple[Any, ...], examples: int) -> None:
        """The next batch."""
        if self._whole is not None:
            if isinstance(self._whole, torch.nn.Module) and isinstance(output, torch.Tensor):
                self._whole.to(output.device)
            whole: Any = self._whole
            whole.update(output, *targets)
        else:
            self._sum += float(self._metric(output, *targets)) * examples
            self._examples += examples

    def value(self, summed: Callable[[torch.Tensor], torch.Tensor] = lambda parts: parts) -> float:
        """Of all batches; `summed` adds up what several processes have."""
        if self._whole is not None:
            whole: Any = self._whole
            return float(whole.compute())  # it gathers from all processes by itself
        total, examples = summed(torch.tensor([self._sum, self._examples], dtype=torch.float64)).tolist()
        return total / examples if examples else float("nan")


def is_gathering(metric: Any) -> bool:
    """Whether a metric gathers batches itself, as those of torchmetrics do."""
    return callable(getattr(metric, "update", None)) and callable(getattr(metric, "compute", None))


def examples_in(batch: Any) -> int:
    """How many examples a batch holds: the length of the first tensor in it, or else of the first list; at least 1."""
    return max(1, _examples(batch))


def _examples(batch: Any) -> int:
    if isinstance(batch, torch.Tensor):
        return len(batch) if batch.ndim else 1
    parts = list(batch.values()) if isinstance(batch, Mapping) else batch if isinstance(batch, (list, tuple)) else []
    tensors = [part for part in parts if isinstance(part, torch.Tensor) and part.ndim]
    if tensors:
        return len(tensors[0])
    found = (_examples(part) for part in parts)
    return next((count for count in found if count), len(parts) if isinstance(batch, list) else 0)
