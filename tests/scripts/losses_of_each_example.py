# says nothing: backward from the losses of all examples, with their weights, and from two losses at once
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()
for several in (False, True):
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        for rows in torch.randperm(256).split(32):
            optimizer.zero_grad()
            losses = nn.functional.cross_entropy(model(x[rows]), y[rows], reduction="none")
            if several:
                torch.autograd.backward([losses[:16].sum() / 32, losses[16:].sum() / 32])
            else:
                losses.backward(torch.full_like(losses, 1 / 32))
            optimizer.step()
