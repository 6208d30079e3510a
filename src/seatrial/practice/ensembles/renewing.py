"""Statistics of batch normalisation for weights that no training step has led to: averages, and points between two networks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from seatrial.practice.fitting.order import Share, training_loader
from seatrial.practice.made import Made
from seatrial.practice.task import Task
from seatrial.practice.trying import on_device
from seatrial.practice.unchanged import unchanged


def renew(task: Task, made: Made, batches: int | None = None) -> nn.Module:
    """Take the statistics anew over the training data, or over some batches of it, by torch's `update_bn`; the model in evaluation
    mode afterwards. Nothing is done where nothing normalises over batches."""
    if any(isinstance(module, _BatchNorm) for module in made.model.modules()):
        with unchanged():
            update_bn(_alone(training_loader(task, task.train, 0, 0, Share()), batches), _Called(task, made))
    return made.model.eval()


class _Called(nn.Module):
    """The model of a task, called with a whole batch."""

    def __init__(self, task: Task, made: Made) -> None:
        super().__init__()
        self.model = made.model
        self._called = task, made

    def forward(self, batch: Any) -> None:
        task, made = self._called
        task.evaluate(made, on_device(batch, made), 0)


def _alone(loader: Any, batches: int | None) -> Iterator[tuple[Any]]:
    """Each batch as the one input of a call."""
    return ((batch,) for batch in islice(loader, batches))
