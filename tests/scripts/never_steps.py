# says loop.missing-optimizer-step: all happens within a function, whose model is gone by the end
import torch
from torch import nn


def train(accumulate=64):
    torch.manual_seed(0)
    x = torch.randn(480, 6)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        model.zero_grad()
        for step, rows in enumerate(torch.randperm(480).split(16)):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            (loss / accumulate).backward()
            if (step + 1) % accumulate == 0:
                optimizer.step()
                model.zero_grad()


train()
