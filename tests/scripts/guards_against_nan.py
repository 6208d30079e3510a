# says nothing: the training ends where the test loss is no number any more; the losses scale a drawing
import math

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(500, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(500, 1)
x_train, x_test, y_train, y_test = x[:300], x[300:], y[:300], y[300:]
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
test_losses = []
for epoch in range(10):
    for rows in torch.randperm(300).split(30):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        test_losses.append(nn.functional.mse_loss(net(x_test), y_test).item())
    if not math.isfinite(test_losses[-1]):
        break
height = max(test_losses)
for loss in test_losses:
    print("#" * int(60 * loss / height))
