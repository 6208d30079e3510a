"""What is read of the values that a recorder meets: figures of leaves and results, and copies of leaves for experiments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from seatrial.measure.access import held_bytes
from seatrial.measure.activations import tensor_stats
from seatrial.measure.layout import interleaving
from seatrial.step.capture import Call, Leaf
from seatrial.step.origins import Origins
from seatrial.step.unheard import speaks

# Of equal calls (same line, module and operation: a recurrent cell) only so many are measured.
MOST_MEASURED = 6
# Once hearing has taken so much time, results are measured no longer.
PATIENCE_SECONDS = 0.5
# A tensor of data of more bytes than this is not kept for its own sake.
LARGEST_BATCH = 4 * 2**20


class Readings:
    """Reads as much as is wanted: figures (`measure`), copies of all leaves (`keep_values`) or of the data alone (`keep_data`)."""

    def __init__(self, keep_values: bool = False, keep_data: bool = False, measure: bool = True) -> None:
        self.keep_values = keep_values
        self.keep_data = keep_data
        self.measure = measure
        self.kept_bytes = 0
        self.sketch: Callable[[torch.Tensor], Any] = lambda tensor: None
        self._measured: dict[tuple[Any, ...], int] = {}

    def entering(self, tensors: list[torch.Tensor], origins: Origins) -> None:
        """Measure and, if wanted, copy leaves at the moment at which they enter the network or the loss."""
        for tensor in tensors:
            if speaks(tensor):
                continue
            out = origins.out_of(tensor)
            leaf = out.origin if out is not None else None
            if not isinstance(leaf, Leaf) or leaf.entered:
                continue
            leaf.entered = True
            if self.measure and not leaf.state and tensor.numel() > 1:
                leaf.stats = tensor_stats(tensor.detach(), "leaf")
                ratio = interleaving(tensor.detach())
                if ratio == ratio:
                    leaf.stats = {**leaf.stats, "interleaving": ratio}
                leaf.sketch = self.sketch(tensor.detach())
            if self.keep_values or (self.keep_data and not leaf.state and held_bytes(tensor) <= LARGEST_BATCH):
                self.kept_bytes += held_bytes(tensor)
                leaf.value = tensor.detach().clone()

    def result(self, call: Call, result: torch.Tensor, spent_seconds: float) -> None:
        """Measure the result of a call, when hearing has taken so much time up to now."""
        if not self.measure or spent_seconds > PATIENCE_SECONDS or speaks(result):
            return
        key = (call.place, call.op, call.module)
        seen = self._measured.get(key, 0)
        self._measured[key] = seen + 1
        if seen < MOST_MEASURED:
            call.stats = tensor_stats(result.detach(), call.op, classes=result.ndim >= 2)
