"""First experiments on a subset: a share of the training data, each class with its share where classes can be told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task
from seatrial.splitting import one_hot_classes

# Examples are read in order to tell their classes, unless there are more.
_MOST_READ = 200_000
# Targets with more values than this share of the examples are no classes.
_CLASSES = 0.2


def subset(task: Task, share: float, seed: int) -> Data:
    """A share of a task's training data, the same one for the same seed.

    Raises:
        UsageProblem: nothing is left of them.
    """
    if share >= 1:
        return task.train
    count = len(task.train)  # pyright: ignore[reportArgumentType]
    wanted = max(1, round(share * count))
    if wanted < task.batch_size:
        raise refused(
            f"a subset of at least one batch ({task.batch_size} examples)",
            f"{wanted} of {count}",
            "fit-subset",
            "Give a larger share or a smaller batch_size.",
        )
    chosen = _chosen(classes_of(task), count, wanted, np.random.default_rng(seed))
    return Subset(task.train, chosen.tolist())  # pyright: ignore[reportArgumentType]


def classes_of(task: Task) -> NDArray[Any] | None:
    """The class of each training example; None where its target is none, or there are too many examples to read them all."""
    data: Any = task.train
    if len(data) > _MOST_READ:
        return None
    try:
        found = [_number(task.split(data[at])[1][0]) for at in range(len(data))]
    except (IndexError, TypeError, KeyError, ValueError):
        return None
    values = np.array([math.nan if value is None else value for value in found])
    if np.isnan(values).any() or len(np.unique(values)) > max(2, _CLASSES * len(values)):
        return None
    return values


def _number(target: Any) -> float | None:
    """The class that a target is: a whole number; 0.0 or 1.0, as binary cross-entropy takes them; or the place of the 1 in a one-hot one."""
    if isinstance(target, torch.Tensor):
        if target.numel() != 1:
            found = one_hot_classes(target.detach().cpu().reshape(1, -1).numpy()) if target.ndim == 1 else None
            return None if found is None else float(found[0])
        target = target.item()
    if isinstance(target, (float, np.floating)):
        return float(target) if target in (0, 1) else None
    return float(target) if isinstance(target, (int, np.integer, np.bool_)) else None


def _chosen(classes: NDArray[Any] | None, count: int, wanted: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of examples in order. Of each class its share, rounded so that the sum is right (largest remainders)."""
    if classes is None:
        return np.sort(generator.permutation(count)[:wanted])
    names, members = np.unique(classes, return_inverse=True)
    exact = np.bincount(members) * wanted / count
    sizes = np.floor(exact).astype(int)
    for at in np.argsort(sizes - exact)[: wanted - int(sizes.sum())]:
        sizes[at] += 1
    parts = [generator.permutation(np.flatnonzero(members == at))[: sizes[at]] for at in range(len(names))]
    return np.sort(np.concatenate(parts))
