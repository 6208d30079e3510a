"""One entry of a weight matrix moved, without a copy of the matrix for each: what `linear` then gives differs by one column of its
input in one unit."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_LINEAR = torch.nn.functional.linear


class Uses(TorchFunctionMode):
    """Notes which of some tensors are used as weights of `linear`, and as nothing else."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        super().__init__()
        self._number = {id(tensor): number for number, tensor in enumerate(tensors)}
        self._weights: set[int] = set()
        self._others: set[int] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for position, value in enumerate((*args, *(kwargs or {}).values())):
            self._note(value, self._weights if func is _LINEAR and position == 1 and not kwargs else self._others)
        return func(*args, **(kwargs or {}))

    def _note(self, value: Any, into: set[int]) -> None:
        if isinstance(value, (list, tuple)):
            for part in value:
                self._note(part, self._others)
        elif id(value) in self._number:
            into.add(self._number[id(value)])

    @property
    def weights(self) -> set[int]:
        """Numbers of the tensors that are weights only."""
        return self._weights - self._others


class Moved(TorchFunctionMode):
    """`linear` with one tensor as its weight computes as if entry (unit, column) of it were larger by an offset.

    `unit` is one-hot with the offset as its entry, shape (units,); `column` a number, shape (1,)."""

    def __init__(self, weight: torch.Tensor, unit: torch.Tensor, column: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.unit, self.column = weight, unit, column

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is _LINEAR and args[1] is self.weight:
            return result + args[0].index_select(-1, self.column) * self.unit
        return result
