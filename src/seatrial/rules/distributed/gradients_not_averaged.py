"""Processes train one network on shards of the data, and none hears of what the others learn.

## What it finds
A program whose processes are in a process group and share the data out among them, but neither average their gradients nor their
parameters: the network was never wrapped in `DistributedDataParallel`, or it was and the forward pass goes past the
wrapper (`model.module(x)`), or all passes are made within `no_sync()`.

## Why it harms
Each process trains a network of its own on its part of the data, and only one of them is kept: the others' work, and the
examples that they saw, are lost. The loss looks fine everywhere.

## How it is recognised
Each process writes down projections of the parameters and the gradients of its largest optimizer before the same steps (1, 2, 3, 4, 8,
16, ...) and at the end. The gradients differ before every one, the parameters after the first at every one and at the end, though the data are sharded by a
`DistributedSampler` or a wrapper was made; and all that the program exchanged through its process groups are fewer numbers than the
parameters, so these cannot have been among it.

## What it cannot see
Libraries that communicate by other ways than torch.distributed, groups of some processes only, messages from one process to
another, sharded parameters (FSDP, tensor parallelism): there nothing is said. Networks that are trained apart on purpose, on all of the
data and without a wrapper, are not meant.

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
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
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
`differing`: share of parameters, and of gradients, that differ. `least_steps`: steps that must have been compared.

## References
S. Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.ranks import Ranks
from seatrial.rules.where import distinct

NAME = "distributed.gradients-not-averaged"


@dataclass(frozen=True)
class Thresholds:
    """differing: share (0..1) of parameters, and of gradients, that differ between processes at a step. least_steps: steps at
    which they were compared."""

    differing: float = 0.7
    least_steps: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Gradients and parameters that differ throughout, where too little was exchanged to bring them together."""
    ranks = Ranks(run)
    if not ranks.alike or not (ranks.sharded_data or ranks.wrapped) or len(ranks.gradients_apart) < limits.least_steps:
        return
    elements = sum(ranks.standings[0][0].elements)
    if ranks.exchanged >= elements or min(ranks.gradients_apart) < limits.differing:
        return
    if min(ranks.apart[1:]) < limits.differing:
        return
    why, where, remedy = _reason(ranks)
    yield Finding(
        NAME,
        "error",
        f"The {len(ranks.runs)} processes hold different parameters after {_last(ranks)} steps, and their gradients differ at each "
        f"step that was compared: {why}.",
        where,
        {
            "ranks": f"all {len(ranks.runs)}",
            "steps_compared": len(ranks.gradients_apart),
            "parameters": elements,
            "exchanged": ranks.exchanged,
        },
        remedy,
        (),
        0.95,
    )


def _last(ranks: Ranks) -> int:
    return max(row[0].step for row in ranks.standings) - 1


def _reason(ranks: Ranks) -> tuple[str, tuple[Place, ...], str]:
    made = distinct(wrapper.where for wrapper in ranks.wrapped)
    if not made:
        remedy = "Wrap the model: model = DistributedDataParallel(model), and train with what it gives."
        return "nothing averages them", distinct([*ranks.models, *ranks.forwards]), remedy
    if ranks.through_wrappers:
        remedy = "Leave no_sync() for the last pass before each optimizer step."
        return "all passes are kept from averaging (no_sync)", distinct([*ranks.forwards, *made]), remedy
    remedy = "Call the wrapper itself, `model(x)`; `model.module` is for saving."
    return (
        "the forward pass goes past the wrapper, which then averages nothing",
        distinct([*ranks.forwards, *made]),
        remedy,
    )
