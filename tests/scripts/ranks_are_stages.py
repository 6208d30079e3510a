# says nothing: each process holds another stage of one network.
import tempfile

import torch
import torch.multiprocessing as mp
from torch import distributed as dist
from torch import nn


def train(rank, store):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    torch.manual_seed(rank)
    stage = nn.Linear(16, 16)
    optimizer = torch.optim.SGD(stage.parameters(), lr=0.01)
    data = torch.Generator().manual_seed(0)
    for step in range(40):
        x = torch.randn(32, 16, generator=data)
        optimizer.zero_grad()
        if rank == 0:
            out = torch.relu(stage(x))
            dist.send(out.detach(), 1)
            grad = torch.empty_like(out)
            dist.recv(grad, 1)
            out.backward(grad)
        else:
            inner = torch.empty(32, 16)
            dist.recv(inner, 0)
            inner.requires_grad_()
            loss = nn.functional.mse_loss(stage(inner), x.flip(1))
            loss.backward()
            dist.send(inner.grad, 0)
        optimizer.step()
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
