# says data.test-set-reuse: a function that fits takes data to choose the best weights by, and is given the test data
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def loss_on(network, loader):
    network.eval()
    with torch.no_grad():
        total = sum(nn.functional.mse_loss(network(a), b, reduction="sum").item() for a, b in loader)
    return total / len(loader.dataset)


def fit(network, loader, eval_loader, epochs):
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    lowest, kept = float("inf"), None
    for epoch in range(epochs):
        network.train()
        for a, b in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(network(a), b).backward()
            optimizer.step()
        now = loss_on(network, eval_loader)
        if now < lowest:
            lowest, kept = now, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return lowest


torch.manual_seed(0)
x = torch.randn(480, 5)
y = x[:, :1] * x[:, 1:2] + 0.2 * torch.randn(480, 1)
training = DataLoader(TensorDataset(x[:320], y[:320]), 20, shuffle=True)
testing = DataLoader(TensorDataset(x[320:], y[320:]), 80)
print(fit(nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1)), training, testing, 8))
