"""Processes that train together read the same examples.

## What it finds
Processes whose gradients are averaged and whose batches hold the same examples: the same batch in all of them at each step (equal
seeds and no `DistributedSampler`; a sampler with the wrong rank or number of replicas; a stream that is not split by rank), or each
process reads all of the data in an order of its own.

## Why it harms
With the same batches all processes compute the same thing: the time of all but one is wasted. With all of the data in each, an epoch passes over
the data once for each process, so that schedules and numbers of epochs no longer mean what they say.

## How it is recognised
Examples are told apart by a hash, in the batches of the first steps. The batches are the same at nearly every step, whatever way data take
into the network and the loss; or each process's loader is not sharded and gave nearly every example of its data set once
before any came again.

## What it cannot see
Shards that overlap in part; examples that are augmented at random; draws with replacement. Tensor and pipeline parallelism,
where several processes get the same batch on purpose, and evaluation of all data in every process are not meant.

## Faulty
```python
import tempfile

import torch
import torch.multiprocessing as mp
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset


def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(256, 10)
    y = (x.sum(1) > 0).long()
    data = TensorDataset(x, y)
    loader = DataLoader(data, batch_size=16, shuffle=True)
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    model = DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(rank, loss.item())
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
```

## Fixed
```python
import tempfile

import torch
import torch.multiprocessing as mp
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(256, 10)
    y = (x.sum(1) > 0).long()
    data = TensorDataset(x, y)
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=16, sampler=sampler)
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    model = DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(rank, loss.item())
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
```

## Thresholds
`same`: share of examples that batches of the same step have in common. `least_steps`: steps that must have been compared. `covered`: share of
the data set that each process read.

## References
PyTorch documentation, *torch.utils.data.distributed.DistributedSampler*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, LoaderBuilt, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches
from seatrial.rules.ranks import Ranks
from seatrial.rules.where import distinct

NAME = "distributed.overlapping-shards"
REMEDY = "Give the loader sampler=DistributedSampler(data) and call its set_epoch(epoch) at each epoch; split a stream by rank."


@dataclass(frozen=True)
class Thresholds:
    """same: share (0..1) of the examples of a batch. least_steps: steps at which batches were compared. covered: share of the
    examples of a data set."""

    same: float = 0.9
    least_steps: int = 6
    covered: float = 0.95


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """The same batches at the same steps, or all of the data in each process."""
    ranks = Ranks(run)
    if not ranks.alike or not (ranks.through_wrappers or _averaged(ranks)):
        return
    if steps := _same_at_each_step(ranks, limits):
        message = (
            f"All {len(ranks.runs)} processes train on the same examples at each of {steps} steps that were compared."
        )
        yield _finding(ranks, message, {"steps_compared": steps}, 0.95)
    elif (built := _all_in_each(ranks, limits)) is not None:
        message = f"Each of the {len(ranks.runs)} processes trains on all {built.examples} examples in each epoch."
        yield _finding(ranks, message, {"examples": built.examples, "batches_an_epoch": built.batches}, 0.9)


def _averaged(ranks: Ranks) -> bool:
    """Whether gradients agree at each step without a wrapper's doing."""
    return len(ranks.gradients_apart) > 1 and max(ranks.gradients_apart) == 0


def _same_at_each_step(ranks: Ranks, limits: Thresholds) -> int:
    """At how many steps all processes have the same batches, whatever way data take; 0 where they have not."""
    compared: set[int] = set()
    for (role, _, _), way in ranks.streams().items():
        ticks = set(way[0]).intersection(*way[1:])
        if not ticks:
            return 0
        telling = [tick for tick in ticks if all(_tells(of[tick]) for of in way)]
        same = [tick for tick in ticks if _alike([of[tick] for of in way]) >= limits.same]
        if len(same) < limits.same * len(ticks):
            return 0
        if role == "input" and len(telling) >= limits.same * len(ticks):
            compared |= set(telling)
    return len(compared) if len(compared) >= limits.least_steps else 0


def _tells(batch: BatchSeen) -> bool:
    """Whether the examples of a batch can be told apart."""
    return len(set(batch.rows)) >= max(2, 0.95 * len(batch.rows))


def _alike(batches: list[BatchSeen]) -> float:
    """Share of examples that all batches have, of those that any has."""
    rows = [set(batch.rows) for batch in batches]
    return len(rows[0].intersection(*rows[1:])) / len(rows[0].union(*rows[1:]))


def _all_in_each(ranks: Ranks, limits: Thresholds) -> LoaderBuilt | None:
    """The first process's loader, where the loaders of all give all of their data set once before any example comes again."""
    read: list[set[int]] = []
    first: LoaderBuilt | None = None
    for run in ranks.runs:
        batches = Batches(run)
        if batches.loader is None or "Distributed" in batches.loader[0].sampler:
            return None
        built = batches.loader[0]
        first = first or built
        epoch = batches.inputs[: batches.epoch]
        rows = {row for batch in epoch for row in batch.rows}
        once = sum(len(batch.rows) for batch in epoch) <= 1.05 * len(rows)
        if not once or built.batches <= 1 or not limits.covered * built.examples <= len(rows) <= built.examples:
            return None
        read.append(rows)
    common = set.intersection(*read)
    return first if len(common) >= limits.covered * max(map(len, read)) else None


def _finding(ranks: Ranks, message: str, figures: dict[str, int], confidence: float) -> Finding:
    batches = Batches(ranks.runs[0])
    loader: list[Place | None] = []
    if batches.loader is not None:
        loader = [batches.loader[0].where, batches.loader[1].where]
    elif batches.inputs:
        loader = [*batches.made(batches.inputs[0])[:2], *ranks.forwards]
    evidence = {"ranks": f"all {len(ranks.runs)}", **figures}
    return Finding(NAME, "warning", message, distinct(loader), evidence, REMEDY, (), confidence)
