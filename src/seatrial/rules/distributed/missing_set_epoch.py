"""A DistributedSampler shuffles, but is never told which epoch it is.

## What it finds
A training loader whose `DistributedSampler` has shuffle=True and gives the same order in every epoch, because its `set_epoch` is never
called.

## Why it harms
The order follows from seed and epoch alone. Without a new epoch number each process sees the same shard in the same order for ever: never another
example, never other neighbours in a batch.

## How it is recognised
The epoch that the sampler holds is read each time its loader is iterated. It is one and the same over all passes through the data,
and there was more than one.

## What it cannot see
Samplers of one's own, and those of libraries that renew the order by themselves. A loader that is iterated once is not judged.

## Faulty
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
`passes`: how often the data must have been trained on.

## References
PyTorch documentation, *torch.utils.data.distributed.DistributedSampler*, the warning on `set_epoch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import LoaderIterated, SamplerUsed
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.where import distinct

NAME = "distributed.missing-set-epoch"


@dataclass(frozen=True)
class Thresholds:
    """passes: how often the data were trained on, in batches over batches of one pass."""

    passes: float = 1.5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """A sampler that shuffles, iterated anew with an old epoch."""
    trained = {used.loader: used for used in run.every(LoaderIterated)}
    for sampler in run.every(SamplerUsed):
        used, built = trained.get(sampler.loader), run.loaders.get(sampler.loader)
        if used is None or built is None or built.batches <= 0 or not sampler.shuffle:
            continue
        if sampler.epochs != 1 or sampler.iterations < 2 or used.training_ticks < limits.passes * built.batches:
            continue
        yield Finding(
            NAME,
            "warning",
            f"The sampler was iterated {sampler.iterations} times with the same epoch, so that each time the same "
            f"{sampler.examples} examples came in the same order.",
            distinct([used.where, built.where]),
            {"iterations": sampler.iterations, "examples": sampler.examples, "replicas": sampler.replicas},
            "Call sampler.set_epoch(epoch) at the beginning of each epoch, before the loader is iterated.",
            (),
            0.97,
        )
