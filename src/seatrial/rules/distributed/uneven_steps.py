"""One process ended its training earlier than others, which then waited for it in vain.

## What it finds
A run that fails because processes that step together make different numbers of steps: shards of different length, an early stopping that each
decides for itself.

## Why it harms
Each step waits for all processes. The first step that one of them does not make hangs until a timeout or a lost connection ends the run, and
with it the work since the last checkpoint.

## How it is recognised
A process came to its end without an error, after fewer backward passes than another one, which failed afterwards with an error of its
connection to the others.

## What it cannot see
Processes that a launcher killed while they waited, or that still wait: they leave no error.

## Faulty
```python
import tempfile
import time

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
    size = 128 - 64 * rank
    loader = DataLoader(TensorDataset(x[:size] + rank, y[:size]), batch_size=16, shuffle=True)
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
    time.sleep(0.5)  # gloo may wait for itself where a group ends right behind a step
    dist.destroy_process_group()


if __name__ == "__main__":
    try:
        mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
    except mp.ProcessRaisedException as error:
        print(error)
```

## Fixed
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
    size = 128 - 64 * rank
    loader = DataLoader(TensorDataset(x[:size] + rank, y[:size]), batch_size=16, shuffle=True)
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    model = DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(4):
        with model.join():
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
None.

## References
PyTorch documentation, *Distributed Training with Uneven Inputs Using the Join Context Manager*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.events import LoaderIterated
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.ranks import Ranks
from seatrial.rules.where import distinct

NAME = "distributed.uneven-steps"
_CONNECTION = re.compile(r"connection|timed? ?out|socket|\bpeer\b|nccl|gloo", re.IGNORECASE)


def check(run: Run, limits: None) -> Iterator[Finding]:
    """A process that completed with fewer backward passes than one whose connection then failed."""
    del limits
    ranks = Ranks(run)
    ended = [(each, each.ended) for each in ranks.runs]
    done = [(each, end) for each, end in ended if end is not None and end.exit_code == 0]
    lost = [(each, end) for each, end in ended if end is not None and _CONNECTION.search(end.exception)]
    if not done or not lost:
        return
    short, first = min(done, key=lambda pair: pair[1].ticks)
    long, last = max(lost, key=lambda pair: pair[1].ticks)
    if last.ticks <= first.ticks or not first.ticks:
        return
    loaders = [used.where for used in long.every(LoaderIterated) if used.training_ticks]
    yield Finding(
        NAME,
        "error",
        f"Rank {short.rank} ended after {first.ticks} backward passes; rank {long.rank} went on to the next one and waited for it "
        "in vain.",
        distinct([*loaders, last.where]),
        {"ranks": f"{short.rank}, {long.rank}", "passes_of_one": first.ticks, "passes_of_the_other": last.ticks},
        "Give all processes equally many batches (DistributedSampler, drop_last=True), decide to stop together, or train within "
        "`with model.join():`.",
        (),
        0.9,
    )
