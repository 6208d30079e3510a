"""Processes average their gradients, but each applies them to parameters of its own.

## What it finds
Processes that step with the same, averaged gradients and yet hold different parameters: they were initialised with different
seeds and never made equal, or their optimizers step at different rates, as when each process's scheduler follows the
validation loss of its own shard.

## Why it harms
The average of gradients that were taken at different points is no gradient of any of the networks. Training crawls or drifts, and what is
saved is but one of the networks.

## How it is recognised
Each process writes down projections of parameters and gradients before the same steps, and before those that follow a large
exchange. The gradients agree before every step; the parameters differ at every one of them (or, where they began equal, at the
last ones, while the learning rates differ, too).

## What it cannot see
Sharded parameters (FSDP, tensor parallelism). Local steps between averages of the parameters (federated averaging, local SGD) are not meant:
there the parameters agree after each average. Noise that each process adds to its own parameters is taken for wanted.

## Faulty
```python
import tempfile

import torch
import torch.multiprocessing as mp
from torch import distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(256, 10)
    y = (x.sum(1) > 0).long()
    data = TensorDataset(x, y)
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=16, sampler=sampler)
    torch.manual_seed(rank)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= 2
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
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x = torch.randn(256, 10)
    y = (x.sum(1) > 0).long()
    data = TensorDataset(x, y)
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=16, sampler=sampler)
    torch.manual_seed(rank)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    for parameter in model.parameters():
        dist.broadcast(parameter.data, src=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= 2
            optimizer.step()
        print(rank, loss.item())
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
```

## Thresholds
`differing`: share of parameters that differ. `agreeing`: share of gradients that may differ. `least_steps`: steps that must have been
compared.

## References
PyTorch documentation, *DistributedDataParallel*, "Internal Design": the state of rank 0 is broadcast to all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.ranks import Ranks
from seatrial.rules.where import distinct

NAME = "distributed.parameters-differ"


@dataclass(frozen=True)
class Thresholds:
    """differing: share (0..1) of parameters that differ between processes. agreeing: share of gradients that may differ all the
    same. least_steps: steps at which they were compared."""

    differing: float = 0.5
    agreeing: float = 0.05
    least_steps: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Gradients that agree and parameters that do not."""
    ranks = Ranks(run)
    if not ranks.alike or len(ranks.gradients_apart) < limits.least_steps:
        return
    if max(ranks.gradients_apart) > limits.agreeing or not _has_gradients(ranks):
        return
    if min(ranks.apart) >= limits.differing:
        remedy = "Broadcast them once before training (torch.distributed.broadcast(p.data, src=0)), or let DistributedDataParallel do it."
        yield _finding(ranks, "they never were equal", ranks.models, remedy)
    elif min(ranks.apart[-2:]) >= limits.differing and (places := _rates(ranks)) is not None:
        remedy = "Give each scheduler the same figure: average the validation loss over all processes first."
        yield _finding(ranks, "their learning rates differ", places, remedy)


def _has_gradients(ranks: Ranks) -> bool:
    return any(norm > 0 for row in ranks.standings for each in row for norm in each.gradient_norms)


def _rates(ranks: Ranks) -> tuple[Place, ...] | None:
    """Lines that set the learning rates, where these differ between processes; None where they do not."""
    series = [
        {key: tuple(zip(each.ticks, each.values, strict=True)) for key, each in run.settings.items() if key[2] == "lr"}
        for run in ranks.runs
    ]
    if all(each == series[0] for each in series):
        return None
    run = ranks.runs[0]
    schedules = [call.where for call in run.calls_of("schedule")]
    return distinct([*schedules, *(each.where for each in run.optimizers.values())])


def _finding(ranks: Ranks, why: str, where: tuple[Place, ...], remedy: str) -> Finding:
    return Finding(
        NAME,
        "error",
        f"The {len(ranks.runs)} processes step with the same gradients but hold different parameters: {why}.",
        where,
        {
            "ranks": f"all {len(ranks.runs)}",
            "steps_compared": len(ranks.gradients_apart),
            "parameters_that_differ": ranks.apart[-1],
            "at_first": ranks.apart[0],
        },
        remedy,
        (),
        0.93,
    )
