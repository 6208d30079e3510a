"""Keeps some examples as the script trained on them and evaluated them: inputs with their targets, thinned and bounded.

Batches are kept where they are sketched anyway, in the first turns of a run; ordinary steps cost nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seatrial.measure.access import readable, stride_over

MEGABYTES = 8  # of the training, and as much of the evaluation
MOST_EXAMPLES = 4096
MOST_OF_A_BATCH = 512
# Of an example so many evenly spread features are kept.
MOST_FEATURES = 1024


class Examples:
    """Pairs of (inputs [N, D], targets [N]) by phase and model, in the order in which they came.

    An input waits for the target that is compared with next. Kept is a pair only if the network took one input alone:
    what several inputs have to do with each other is not to be seen in one of them.
    """

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, int], list[tuple[Tensor, Tensor]]] = {}
        self._bytes: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._waiting: tuple[str, int, int] | None = None  # phase, model and tick of an input
        self._inputs = (torch.empty(0), 0)  # what is kept of it, and how many examples it had
        self._entered = 0

    def input(self, phase: str, model: int, tick: int, tensor: Tensor) -> None:
        """A tensor of data enters a model. Costs a copy of a part of it."""
        entering = (phase, model, tick)
        self._entered = self._entered + 1 if self._waiting == entering else 1
        self._waiting = entering
        wanted = self._entered == 1 and self._counts.get(phase, 0) < MOST_EXAMPLES
        fits = wanted and tensor.ndim >= 2 and len(tensor) > 0 and readable(tensor)
        self._inputs = (_thinned(tensor), len(tensor)) if fits else (torch.empty(0), 0)

    def target(self, phase: str, tick: int, target: Tensor) -> None:
        """A loss compares with a target."""
        waiting, (inputs, size) = self._waiting, self._inputs
        self._waiting = None
        if waiting is None or (waiting[0], waiting[2]) != (phase, tick) or not size or not readable(target):
            return
        if target.ndim and len(target) == target.numel() == size:
            values = target.detach().reshape(-1)[: len(inputs)].to("cpu", copy=True)
            self._keep(phase, waiting[1], inputs, values)

    def _keep(self, phase: str, model: int, inputs: Tensor, targets: Tensor) -> None:
        size = self._bytes.get(phase, 0) + inputs.nbytes
        if size > MEGABYTES * 2**20:
            self._counts[phase] = MOST_EXAMPLES
            return
        self._bytes[phase] = size
        self._counts[phase] = self._counts.get(phase, 0) + len(inputs)
        self.pairs.setdefault((phase, model), []).append((inputs, targets))


def _thinned(tensor: Tensor) -> Tensor:
    """A copy of a part of a batch: [N, D]."""
    flat = tensor.detach()[:MOST_OF_A_BATCH].flatten(1)
    thinned = flat[:, :: stride_over(flat.shape[1], MOST_FEATURES, tensor.shape[-1])]
    return thinned.to("cpu", copy=True).contiguous()
