"""Which examples make up which batch: decided by the seed and the epoch alone, so that it need not be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from seatrial.practice.task import Data, Task


@dataclass(frozen=True, slots=True)
class Share:
    """The part of one process among several: each takes its part of every batch."""

    rank: int = 0
    of: int = 1


def training_loader(task: Task, data: Data, epoch: int, seed: int, share: Share) -> DataLoader[Any]:
    """The batches of an epoch, in an order of its own. A last batch that is not full is left out: it would break what normalises
    over batches."""
    count = len(data)  # pyright: ignore[reportArgumentType]
    generator = torch.Generator().manual_seed(_mixed(seed, epoch))
    order = torch.randperm(count, generator=generator).tolist()
    size = min(task.batch_size, count)
    batches = [order[at : at + size] for at in range(0, count - size + 1, size)]
    return _loader(task, data, [batch[share.rank :: share.of] for batch in batches], generator)


def steps_each(task: Task, data: Data) -> int:
    """The steps of an epoch."""
    count = len(data)  # pyright: ignore[reportArgumentType]
    return count // min(task.batch_size, count)


def evaluation_loader(task: Task, data: Data, share: Share) -> DataLoader[Any]:
    """All examples in their own order."""
    mine = list(range(share.rank, len(data), share.of))  # pyright: ignore[reportArgumentType]
    batches = [mine[at : at + task.batch_size] for at in range(0, len(mine), task.batch_size)]
    return _loader(task, data, batches, torch.Generator().manual_seed(0))


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
