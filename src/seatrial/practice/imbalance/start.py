"""What the plain loss does to each class at the start of a training: its share of the loss, and of the first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from seatrial.practice.fitting.order import Share, evaluation_loader
from seatrial.practice.imbalance.losses import ClassLoss
from seatrial.practice.imbalance.rarity import Rarity
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged

_MOST = 128  # examples of a class that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Of a new model, by class; each adds up to 1.

    loss      its share of the mean loss of all examples.
    gradient  its share of the first step: the part of the mean gradient that comes from it, along the mean gradient. Below 0, the step
              makes it worse.
    """

    loss: NDArray[np.float64]
    gradient: NDArray[np.float64]


def start(task: Task, rarity: Rarity) -> Start | None:
    """By the gradient of the mean loss of each class, in evaluation mode; None for a segmentation."""
    if rarity.classes is None:
        return None
    with unchanged():
        seed(0)
        model = task.make().model.eval()
        loss = ClassLoss(rarity.answers)
        weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
        losses, gradients = np.zeros(len(rarity.counts)), []
        for each, count in enumerate(rarity.counts):
            chosen = np.flatnonzero(rarity.classes == each)[:_MOST]
            mean, gradient = _of_class(task, model, loss, weights, chosen)
            part = count / rarity.counts.sum()
            losses[each] = part * mean
            gradients.append(part * gradient)
    all_of_them = torch.stack(gradients)
    whole = all_of_them.sum(dim=0)
    along = (all_of_them @ whole / (whole @ whole).clamp_min(1e-30)).numpy()
    return Start(losses / losses.sum(), along)


def _of_class(task: Task, model: Any, loss: ClassLoss, weights: list[Any], chosen: Any) -> tuple[float, torch.Tensor]:
    """Mean loss and its gradient, flat and in double precision."""
    flat = torch.zeros(sum(each.numel() for each in weights), dtype=torch.float64)
    total = 0.0
    if not len(chosen):
        return 0.0, flat
    for batch in evaluation_loader(task, Subset(task.train, chosen.tolist()), Share()):  # pyright: ignore[reportArgumentType]
        inputs, targets = task.split(batch)
        mean = loss(model(*inputs), targets[0])
        found = torch.autograd.grad(mean, weights, allow_unused=True, materialize_grads=True)
        part = len(targets[0]) / len(chosen)
        total += part * float(mean.detach())
        flat += part * torch.cat([each.double().reshape(-1) for each in found])
    return total, flat
