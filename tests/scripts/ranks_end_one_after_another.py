# says distributed.uneven-steps: the rank that ended early is not gone yet when the other one fails
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
    del model, loss
    dist.destroy_process_group()
    time.sleep(0.5)  # as one that writes its results


if __name__ == "__main__":
    try:
        mp.start_processes(train, (tempfile.mktemp(),), nprocs=2, start_method="fork")
    except mp.ProcessRaisedException as error:
        print(error)
