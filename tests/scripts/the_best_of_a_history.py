# says data.test-set-reuse: after the training the epoch with the lowest test error is looked up in the history
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(500, 4) * 4 - 2
y = torch.sin(x.sum(1, keepdim=True)) + 0.1 * torch.randn(500, 1)
held = {"train": (x[:350], y[:350]), "test": (x[350:], y[350:])}
net = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
history = {"train": [], "test": []}
for epoch in range(15):
    inputs, targets = held["train"]
    for rows in torch.randperm(350).split(25):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(inputs[rows]), targets[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        history["train"].append(nn.functional.mse_loss(net(inputs), targets).item())
        history["test"].append(nn.functional.mse_loss(net(held["test"][0]), held["test"][1]).item())
best_epoch = int(np.argmin(history["test"]))
print(f"best epoch {best_epoch}: test error {history['test'][best_epoch]:.3f}")
