"""Made examples of rare classes for tables of numbers, by imbalanced-learn: in the training data alone, never in those that judge."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset

from seatrial.errors import UsageProblem
from seatrial.practice.imbalance.rarity import Rarity
from seatrial.practice.task import Task

NEIGHBOURS = 5  # that SMOTE's paper uses
_WIDEST, _LONGEST = 2000, 50_000  # columns and rows of a small table
KINDS = {"smote": "SMOTE", "borderline-smote": "BorderlineSMOTE", "adasyn": "ADASYN", "smote-enn": "SMOTEENN"}


def why_not(task: Task, rarity: Rarity) -> str:
    """Why a task's training data are no table to be resampled; "" where they are one."""
    if importlib.util.find_spec("imblearn") is None:
        return "imbalanced-learn is not installed (pip install 'seatrial[imbalance]')"
    data: Any = task.train
    example = task.split(data[0])
    if rarity.classes is None or len(example[0]) != 1 or len(example[1]) != 1:
        return "examples are not an input and a class each"
    first = example[0][0]
    if not isinstance(first, torch.Tensor) or not first.is_floating_point():
        return "inputs are no tensors of numbers"
    if first.numel() > _WIDEST or len(data) > _LONGEST:
        return f"more than {_WIDEST} columns or {_LONGEST:,} examples: neighbours mean little there, or take too long"
    if any(not torch.equal(first, task.split(data[0])[0][0]) for _ in range(2)):
        return "the training data are augmented as they are read: a table of them would stand still"
    least = int(rarity.counts[rarity.counts > 0].min())
    return "" if least >= 2 else "the smallest class has one example, and new ones are made between two"


def resampled(task: Task, rarity: Rarity, kind: str, seed: int) -> TensorDataset:
    """The training data with made examples of the rarer classes, until all have as many.

    Raises:
        UsageProblem: the method cannot do it with these data.
    """
    data: Any = task.train
    parts = [task.split(data[at]) for at in range(len(data))]
    inputs = torch.stack([each[0][0] for each in parts])
    targets = [each[1][0] for each in parts]
    assert rarity.classes is not None
    neighbours = min(NEIGHBOURS, int(rarity.counts[rarity.counts > 0].min()) - 1)
    sampler = _sampler(kind, neighbours, seed)
    try:
        x, y = sampler.fit_resample(inputs.flatten(1).double().numpy(), rarity.classes)
    except ValueError as error:
        raise UsageProblem(
            f"Expected a table that {kind} can resample, found: {error}", "imbalance-resample", "Choose another remedy."
        ) from error
    kinds = {int(at): targets[int(np.flatnonzero(rarity.classes == at)[0])] for at in np.unique(rarity.classes)}
    made = torch.stack([torch.as_tensor(kinds[int(at)]) for at in y])  # as the task's own targets are formed
    return TensorDataset(torch.from_numpy(x).to(inputs.dtype).reshape(-1, *inputs.shape[1:]), made)


def _sampler(kind: str, neighbours: int, seed: int) -> Any:
    from imblearn import combine, over_sampling

    if kind == "smote-enn":
        return combine.SMOTEENN(smote=over_sampling.SMOTE(k_neighbors=neighbours, random_state=seed), random_state=seed)
    named = {"n_neighbors" if kind == "adasyn" else "k_neighbors": neighbours}
    return getattr(over_sampling, KINDS[kind])(**named, random_state=seed)
