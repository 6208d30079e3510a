"""Activations that are computed again in the backward pass: both ways, and a sequence; with dropout, so that the random
numbers must come back."""

import torch
from ending import ending
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()
calls = 0


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.1))

    def forward(self, x):
        global calls
        calls += 1
        return x + self.body(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.blocks, self.out = (
            nn.Linear(16, 32),
            nn.ModuleList(Block() for _ in range(2)),
            nn.Linear(32, 2),
        )
        self.tail = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())

    def forward(self, x):
        x = self.first(x)
        x = checkpoint(self.blocks[0], x, use_reentrant=False)
        x = checkpoint(self.blocks[1], x, use_reentrant=True)
        x = checkpoint_sequential(self.tail, 2, x, use_reentrant=False)
        return self.out(x)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
ending(model, loss, calls)
