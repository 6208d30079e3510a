"""The losses that tell how to read the curves: training and validation data in evaluation mode, with the weights of the best
epoch, with augmentation and without it, and what one answer for all examples would give."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch.utils.data import Subset

from seatrial.measure.constants import best_constant
from seatrial.practice.fitting.devices import Machine
from seatrial.practice.fitting.history import History
from seatrial.practice.fitting.order import Share, evaluation_loader
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.made import Made
from seatrial.practice.metrics import examples_in
from seatrial.practice.reading import Curves, Level
from seatrial.practice.task import Data, Task

_MOST_BATCHES = 32


def look(task: Task, made: Made, data: Data, history: History, settings: Settings, machine: Machine) -> Curves:
    """What can be read of a training; `made` has the weights of its best epoch."""
    epochs = history.epochs
    held_out = None if task.validation is None else level(task, made, task.validation, machine)
    return Curves(
        [each.training for each in epochs],
        [each.validation for each in epochs],
        history.best,
        level(task, made, data, machine),
        held_out,
        _without_augmentation(task, made, data, machine),
        _is_augmented(data),
        _constant(task, made, data, machine),
        len(epochs) < settings.last,
    )


def level(task: Task, made: Made, data: Data, machine: Machine) -> Level | None:
    """Mean loss in evaluation mode, over all of the data or a sample of them; None where the task gives no loss."""
    total, squares, examples, batches = 0.0, 0.0, 0, 0
    made.model.eval()
    with torch.no_grad():
        for number, batch in enumerate(evaluation_loader(task, _sample(task, data), Share())):
            count = examples_in(batch)
            with machine.autocast():
                loss = task.evaluate(made, machine.on_device(batch), number).loss
            if loss is None:
                return None
            value = float(loss)
            total, squares, examples = total + value * count, squares + value * value * count, examples + count
            batches += 1
    mean = total / examples
    spread = math.sqrt(max(0.0, squares / examples - mean * mean))  # of the means of batches
    return Level(mean, spread / math.sqrt(batches - 1), examples) if batches > 1 else None


def _sample(task: Task, data: Data) -> Data:
    count, most = len(data), _MOST_BATCHES * task.batch_size  # pyright: ignore[reportArgumentType]
    # Drawn, and in no order: batches of neighbours would tell little of how the loss varies.
    chosen = np.random.default_rng(0).permutation(count)[:most]
    return Subset(data, chosen.tolist())  # pyright: ignore[reportArgumentType]


def _is_augmented(data: Data) -> bool:
    """Whether examples differ each time they are read."""
    return any(not _same(data[at], data[at]) for at in range(min(8, len(data))))  # pyright: ignore[reportArgumentType]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return all(_same(one[key], other.get(key)) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) if isinstance(one, (int, float, str)) else True


def _without_augmentation(task: Task, made: Made, data: Data, machine: Machine) -> Level | None:
    """The level of the training data read as the validation data are, where both are of one class with a `transform`."""
    if not _is_augmented(data):
        return None
    numbers = None
    if isinstance(data, Subset):
        numbers, data = data.indices, data.dataset
    held_out: Any = task.validation
    if type(data) is not type(held_out) or not hasattr(data, "transform") or not hasattr(held_out, "transform"):
        return None
    plain: Any = copy.copy(data)
    plain.transform = held_out.transform
    if _is_augmented(plain):
        return None
    return level(task, made, plain if numbers is None else Subset(plain, numbers), machine)


def _constant(task: Task, made: Made, data: Data, machine: Machine) -> float:
    """The loss of the best constant answer; nan for tasks whose loss is not told apart from their model."""
    if type(task).evaluate is not Task.evaluate:
        return math.nan
    outputs: list[torch.Tensor] = []
    targets: list[tuple[Any, ...]] = []
    with torch.no_grad():
        for batch in evaluation_loader(task, _sample(task, data), Share()):
            given, wanted = task.split(machine.on_device(batch))
            output = made.model(*given)
            if not isinstance(output, torch.Tensor) or not all(isinstance(each, torch.Tensor) for each in wanted):
                return math.nan
            outputs.append(output)
            targets.append(wanted)
    try:
        stacked = torch.cat(outputs).float()
        parts = [torch.cat(each) for each in zip(*targets, strict=True)]
        found = best_constant(lambda answer: made.loss(answer, *parts), stacked, parts[0] if parts else None)
        return math.nan if found is None else found.value
    except (RuntimeError, ValueError, TypeError, IndexError):
        return math.nan  # batches of several shapes, or a loss of another kind
