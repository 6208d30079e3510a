"""A loop written by hand in two processes, each with a Monitor: python two_monitored.py OUT [plain]. Each leaves its weights, its losses
and the squared norm of the gradient at each step; "plain": without a Monitor."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import torch
from tasks import clusters
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

import seatrial

PROCESSES, EPOCHS, BATCH = 2, 3, 16


def train(rank: int, out: str, watched: bool) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=PROCESSES)
    os.environ["RANK"] = str(rank)  # as torchrun sets it
    torch.manual_seed(0)
    torch.set_num_threads(1)
    monitor = seatrial.Monitor(Path(out) / f"run-{rank}", quiet=True) if watched else contextlib.nullcontext()
    with monitor:
        data = clusters(192)
        sampler = DistributedSampler(data, seed=0)
        loader = DataLoader(data, batch_size=BATCH, sampler=sampler)
        model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        criterion = nn.CrossEntropyLoss()
        losses, norms = [], []
        for epoch in range(EPOCHS):
            sampler.set_epoch(epoch)
            for x, y in loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                norms.append(sum(p.grad.double().square().sum().item() for p in model.parameters()))
    torch.save(model.module.state_dict(), f"{out}/weights-{rank}.pt")
    Path(out, f"told-{rank}.json").write_text(json.dumps({"losses": losses, "norms": norms}))
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    multiprocessing.spawn(train, (sys.argv[1], "plain" not in sys.argv), PROCESSES)
