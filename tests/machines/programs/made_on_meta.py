"""A model that is made without memory, given some, and filled; a lazy one; evaluation in inference mode."""

import torch
from ending import ending
from torch import nn

torch.manual_seed(0)
x = torch.randn(320, 16)
y = (x[:, :4].sum(1) > 0).long()
torch.set_default_device("meta")
model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
model(torch.randn(4, 16))  # the shapes fit
torch.set_default_device("cpu")
model.to_empty(device="cpu")
for module in model.modules():
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
lazy = nn.Sequential(nn.LazyLinear(32), nn.ReLU(), nn.LazyLinear(2))
lazy(x[:4])
for net in (model, lazy):
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(4):
        net.train()
        for rows in torch.randperm(256).split(32):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.inference_mode():
            scores = net(x[256:])
            right = (scores.argmax(1) == y[256:]).float().mean().item()
            held_out = nn.functional.cross_entropy(scores, y[256:]).item()
    ending(net, loss, right, held_out)
