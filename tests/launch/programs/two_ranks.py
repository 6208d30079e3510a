"""Trains in two processes that a launcher started; ends with the weights of rank 0 on stdout. `fails`: rank 1 does, half-way."""

import os
import sys

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

rank = int(os.environ["RANK"])
dist.init_process_group("gloo", init_method=sys.argv[1], rank=rank, world_size=2)
torch.manual_seed(rank)
x = torch.randn(128, 10)
data = TensorDataset(x, (x.sum(1) > 0).long())
sampler = DistributedSampler(data)
loader = DataLoader(data, batch_size=16, sampler=sampler)
model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    sampler.set_epoch(epoch)
    if epoch == 2 and rank == 1 and "fails" in sys.argv:
        raise ValueError("bad luck")
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(xb), yb).backward()
        optimizer.step()
if rank == 0:
    print([p.view(torch.int32).sum().item() for p in model.parameters()], torch.rand(1).item())
dist.barrier()
dist.destroy_process_group()
