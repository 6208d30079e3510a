"""Which examples make up which batch: decided by the seed and the epoch alone, so that it need not be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task


@dataclass(frozen=True, slots=True)
class Share:
    """The part of one process among several: each takes its part of every batch."""

    rank: int = 0
    of: int = 1


def training_loader(task: Task, data: Data, epoch: int, seed: int, share: Share) -> DataLoader[Any]:
    """The batches of an epoch, in an order of its own, or that of the task's sampler. A last batch that is not full is left out: it
    would break what normalises over batches."""
    generator = torch.Generator().manual_seed(_mixed(seed, epoch))
    data, order = _order(task, data, generator)
    size = min(task.batch_size, len(order))
    batches = [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
    return _loader(task, data, [batch[share.rank :: share.of] for batch in batches], generator)


def steps_each(task: Task, data: Data) -> int:
    """The steps of an epoch."""
    sampled = task.sampler is not None
    count = len(_order(task, data, torch.Generator().manual_seed(0))[1]) if sampled else len(data)  # pyright: ignore[reportArgumentType]
    return count // min(task.batch_size, count)


def evaluation_loader(task: Task, data: Data, share: Share) -> DataLoader[Any]:
    """All examples in their own order."""
    mine = list(range(share.rank, len(data), share.of))  # pyright: ignore[reportArgumentType]
    batches = [mine[at : at + task.batch_size] for at in range(0, len(mine), task.batch_size)]
    return _loader(task, data, batches, torch.Generator().manual_seed(0))


def _order(task: Task, data: Data, generator: torch.Generator) -> tuple[Data, list[int]]:
    """Numbers of the examples of an epoch, and of which data."""
    sampler = task.sampler
    if sampler is None:
        return data, torch.randperm(len(data), generator=generator).tolist()  # pyright: ignore[reportArgumentType]
    used = data.indices if isinstance(data, Subset) and data.dataset is task.train else range(len(task.train))  # pyright: ignore[reportArgumentType]
    numbers = np.asarray(used, dtype=np.int64)
    order = [int(each) for each in task.at("sampler", lambda: sampler(numbers, generator))]
    strangers = set(order) - set(numbers.tolist())
    if strangers or len(order) < min(task.batch_size, len(numbers)):
        found = f"others ({min(strangers)})" if strangers else f"{len(order)}, less than a batch"
        hint = "It is called sampler(numbers, generator) and returns some of the numbers, in order."
        raise refused("numbers of training examples from the sampler", found, "task-sampler", hint)
    return task.train, order


def _loader(task: Task, data: Data, batches: Sequence[list[int]], generator: torch.Generator) -> DataLoader[Any]:
    return DataLoader(
        data,  # pyright: ignore[reportArgumentType]  # a list of examples is a data set too
        batch_sampler=batches,
        collate_fn=task.collate,
        generator=generator,  # or else making an iterator draws from the global one
    )


def _mixed(seed: int, epoch: int) -> int:
    """Another number for each pair (Knuth's multiplicative hash)."""
    return (seed * 2654435761 + epoch) % (1 << 63)
