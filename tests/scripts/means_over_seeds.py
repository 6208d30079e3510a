# says data.test-set-reuse: test errors are averaged over seeds for each setting, and the setting with the least mean is taken
import itertools

import numpy as np
import torch
from torch import nn

points = torch.rand(300, 2, generator=torch.Generator().manual_seed(3)) * 4 - 2
values = torch.sin(points[:, :1] * 2) * points[:, 1:]
test_points, test_values = points[200:], values[200:]


def experiment(width, lr, seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(10):
        for rows in torch.randperm(200).split(20):
            loss = nn.functional.mse_loss(net(points[rows]), values[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return nn.functional.mse_loss(net(test_points), test_values).item()


means = {}
for width, lr in itertools.product([8, 32], [3e-3, 1e-2]):
    errors = [experiment(width, lr, seed) for seed in range(2)]
    means[width, lr] = np.mean(errors)
best = min(means, key=lambda setting: means[setting])
print(best, means[best])
