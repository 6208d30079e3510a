# says nothing: histories of both parts; the epoch is chosen by the one on validation data and read from the other
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(600, 4) * 4 - 2
y = torch.sin(x.sum(1, keepdim=True)) + 0.1 * torch.randn(600, 1)
parts = {"train": (x[:350], y[:350]), "valid": (x[350:475], y[350:475]), "test": (x[475:], y[475:])}
net = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
history = {name: [] for name in parts}
for epoch in range(12):
    inputs, targets = parts["train"]
    for rows in torch.randperm(350).split(25):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(inputs[rows]), targets[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        for name, (inputs, targets) in parts.items():
            history[name].append(nn.functional.mse_loss(net(inputs), targets).item())
best_epoch = int(np.argmin(history["valid"]))
print(best_epoch, history["test"][best_epoch])
